"""Stuck orders: how far the rules have looked, what they found, and who was told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from monitor.store.orphan_rows import json_of
from monitor.store.overdue import Aged, Looked, StuckOrder
from monitor.store.sql import Rows, from_us, from_us_or_none, to_us

_COLUMNS = "order_id, route, status_at, told_at, told, escalated, urls, next_at"


class StuckRows(Rows):
    """The part of a transaction that is about stuck orders."""

    def looked(self, source: str) -> list[Looked]:
        rows = self._db.rows(
            "SELECT route, status, fingerprint, since, up_to, up_to_id FROM stuck_rules WHERE source = :source",
            source=source,
        )
        return [Looked(row[0], row[1], row[2], from_us(row[3]), Aged(from_us(row[4]), row[5])) for row in rows]

    def save_looked(self, source: str, looked: Looked) -> None:
        self._db.run(
            """
            INSERT INTO stuck_rules (source, route, status, fingerprint, since, up_to, up_to_id)
            VALUES (:source, :route, :status, :fingerprint, :since, :up_to, :up_to_id)
            ON CONFLICT (source, route, status) DO UPDATE
            SET fingerprint = :fingerprint, since = :since, up_to = :up_to, up_to_id = :up_to_id
            """,
            source=source,
            route=looked.route,
            status=looked.status,
            fingerprint=looked.fingerprint,
            since=to_us(looked.since),
            up_to=to_us(looked.up_to.status_at),
            up_to_id=looked.up_to.order_id,
        )

    def drop_rule(self, source: str, route: str) -> None:
        for table in ("stuck", "stuck_rules"):
            self._db.run(f"DELETE FROM {table} WHERE source = :source AND route = :route", source=source, route=route)  # noqa: S608  # constants

    def statuses(self, source: str) -> list[str]:
        # From one to the next by the index: a few look-ups, however many orders there are.
        rows = self._db.rows(
            """
            WITH RECURSIVE found (status) AS (
              SELECT MIN(status) FROM orders WHERE source = :source AND vanished = 0
              UNION ALL
              SELECT (SELECT MIN(status) FROM orders WHERE source = :source AND vanished = 0 AND status > found.status)
              FROM found WHERE found.status IS NOT NULL
            )
            SELECT status FROM found WHERE status IS NOT NULL
            """,
            source=source,
        )
        return [status for (status,) in rows]

    def mend_ages(self, source: str, status: str, now: datetime) -> None:
        self._db.run(
            "UPDATE orders SET status_at = :now"
            " WHERE source = :source AND status = :status AND vanished = 0 AND status_at > :now",
            source=source,
            status=status,
            now=to_us(now),
        )

    def overdue(self, source: str, route: str, status: str, after: Aged, until: datetime, limit: int) -> list[Aged]:
        rows = self._db.rows(
            """
            SELECT status_at, id FROM orders o
            WHERE source = :source AND status = :status AND vanished = 0
              AND (status_at, id) > (:after, :after_id) AND status_at <= :until
              AND NOT EXISTS (SELECT 1 FROM stuck s
                              WHERE s.source = o.source AND s.order_id = o.id AND s.route = :route)
            ORDER BY status_at, id LIMIT :limit
            """,
            source=source,
            route=route,
            status=status,
            after=to_us(after.status_at),
            after_id=after.order_id,
            until=to_us(until),
            limit=limit,
        )
        return [Aged(from_us(status_at), order_id) for status_at, order_id in rows]

    def stuck(self, source: str, route: str) -> list[StuckOrder]:
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM stuck WHERE source = :source AND route = :route ORDER BY order_id",  # noqa: S608  # constant
            source=source,
            route=route,
        )
        return [_stuck(row) for row in rows]

    def stuck_order(self, source: str, order_id: str) -> list[StuckOrder]:
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM stuck WHERE source = :source AND order_id = :order_id ORDER BY route",  # noqa: S608  # constant
            source=source,
            order_id=order_id,
        )
        return [_stuck(row) for row in rows]

    def stuck_due(self, source: str, route: str, now: datetime, furthest: datetime, limit: int) -> list[StuckOrder]:
        # Two statements: with OR the index would serve neither.
        due = self._beyond("next_at <= :at", source, route, now, limit)
        return due + self._beyond("next_at > :at", source, route, furthest, limit - len(due))

    def _beyond(self, condition: str, source: str, route: str, at: datetime, limit: int) -> list[StuckOrder]:
        rows = self._db.rows(
            f"""
            SELECT {_COLUMNS} FROM stuck WHERE source = :source AND route = :route AND {condition}
            ORDER BY next_at, LENGTH(order_id), order_id LIMIT :limit
            """,  # noqa: S608  # constants
            source=source,
            route=route,
            at=to_us(at),
            limit=limit,
        )
        return [_stuck(row) for row in rows]

    def end_stuck(self, source: str, ids: Collection[str]) -> Iterator[StuckOrder]:
        rows = self._db.rows(
            f"""
            DELETE FROM stuck WHERE source = :source AND order_id IN (SELECT value FROM {self._db.texts}(:ids))
            RETURNING {_COLUMNS}
            """,  # noqa: S608  # constants
            source=source,
            ids=json_of(ids),
        )
        return map(_stuck, rows)

    def look_again(self, source: str, route: str, orders: Mapping[str, datetime], now: datetime) -> None:
        self._db.run_many(
            """
            INSERT INTO stuck (source, order_id, route, status_at, told_at, told, escalated, urls, next_at)
            VALUES (:source, :order_id, :route, :status_at, NULL, 0, 0, '[]', :now) ON CONFLICT DO NOTHING
            """,
            [
                {"source": source, "route": route, "order_id": order_id, "status_at": to_us(at), "now": to_us(now)}
                for order_id, at in orders.items()
            ],
        )

    def save_stuck(self, source: str, stuck: Iterable[StuckOrder]) -> None:
        self._db.run_many(
            """
            INSERT INTO stuck (source, order_id, route, status_at, told_at, told, escalated, urls, next_at)
            VALUES (:source, :order_id, :route, :status_at, :told_at, :told, :escalated, :urls, :next_at)
            ON CONFLICT (source, order_id, route) DO UPDATE
            SET status_at = excluded.status_at, told_at = excluded.told_at, told = excluded.told,
                escalated = excluded.escalated, urls = excluded.urls, next_at = excluded.next_at
            """,
            list({(one.order_id, one.route): _row(source, one) for one in stuck}.values()),
        )

    def drop_stuck(self, source: str, route: str, ids: Collection[str]) -> None:
        self._db.run(
            f"""
            DELETE FROM stuck WHERE source = :source AND route = :route
              AND order_id IN (SELECT value FROM {self._db.texts}(:ids))
            """,  # noqa: S608  # the driver's own constant
            source=source,
            route=route,
            ids=json_of(ids),
        )


def _stuck(row: tuple[Any, ...]) -> StuckOrder:
    return StuckOrder(
        order_id=row[0],
        route=row[1],
        status_at=from_us(row[2]),
        told_at=from_us_or_none(row[3]),
        told=row[4],
        escalated=bool(row[5]),
        urls=tuple(msgspec.json.decode(row[6])),
        next_at=from_us_or_none(row[7]),
    )


def _row(source: str, stuck: StuckOrder) -> dict[str, Any]:
    return {
        "source": source,
        "order_id": stuck.order_id,
        "route": stuck.route,
        "status_at": to_us(stuck.status_at),
        "told_at": None if stuck.told_at is None else to_us(stuck.told_at),
        "told": stuck.told,
        "escalated": int(stuck.escalated),
        "urls": msgspec.json.encode(stuck.urls).decode(),
        "next_at": None if stuck.next_at is None else to_us(stuck.next_at),
    }
