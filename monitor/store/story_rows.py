"""What was told of what, for those who ask afterwards: `explain` and `backtest`. Nothing here writes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from monitor.model import Delivery
from monitor.store.base import StoredEvent
from monitor.store.order_rows import EVENT
from monitor.store.orphan_rows import json_of
from monitor.store.outbox_row import COLUMNS, delivery_of
from monitor.store.sql import Rows, to_us

_NEIGHBOURS = 20
_ALWAYS = 2**62


class StoryRows(Rows):
    """The part of a transaction that is about the past."""

    def told(self, event_ids: Collection[int]) -> Mapping[int, list[Delivery]]:
        rows = self._db.rows(
            f"""
            SELECT {COLUMNS}, x.event_id FROM delivery_events x JOIN deliveries d ON d.id = x.delivery_id
            WHERE x.event_id IN (SELECT value FROM {self._db.numbers}(:ids)) ORDER BY d.id
            """,  # noqa: S608  # built of this file's constants
            ids=json_of(event_ids),
        )
        told = defaultdict(list)
        for row in rows:
            told[row[-1]].append(delivery_of(row))
        return told

    def told_of(self, delivery_ids: Collection[int]) -> Mapping[int, int]:
        rows = self._db.rows(
            f"""
            SELECT delivery_id, COUNT(*) FROM delivery_events
            WHERE delivery_id IN (SELECT value FROM {self._db.numbers}(:ids)) GROUP BY delivery_id
            """,  # noqa: S608  # the driver's own constant
            ids=json_of(delivery_ids),
        )
        return dict(rows)

    def events_between(self, since: datetime, until: datetime | None = None) -> Iterator[StoredEvent]:
        rows = self._db.stream(
            "SELECT id, doc, routing FROM events WHERE at >= :since AND at < :until ORDER BY id",
            since=to_us(since),
            until=_ALWAYS if until is None else to_us(until),
        )
        return (StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in rows)

    def told_between(self, since: datetime, until: datetime | None = None) -> Iterator[tuple[int, Delivery]]:
        rows = self._db.stream(
            f"""
            SELECT {COLUMNS}, e.id FROM events e JOIN delivery_events x ON x.event_id = e.id
            JOIN deliveries d ON d.id = x.delivery_id
            WHERE e.at >= :since AND e.at < :until ORDER BY d.id, e.id
            """,  # noqa: S608  # built of this file's constants
            since=to_us(since),
            until=_ALWAYS if until is None else to_us(until),
        )
        return ((row[-1], delivery_of(row)) for row in rows)

    def events_with(self, ids: Collection[int]) -> Mapping[int, StoredEvent]:
        rows = self._db.rows(
            f"SELECT id, doc, routing FROM events WHERE id IN (SELECT value FROM {self._db.numbers}(:ids))",  # noqa: S608  # the driver's own constant
            ids=json_of(ids),
        )
        return {row[0]: StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in rows}

    def labels_near(self, source: str, text: str) -> list[str]:
        wanted = {"source": source, "text": text, "most": _NEIGHBOURS}
        found = [
            *self._db.rows(
                "SELECT number FROM orders WHERE source = :source AND number >= :text ORDER BY number LIMIT :most",
                **wanted,
            ),
            *self._db.rows(
                "SELECT number FROM orders WHERE source = :source AND number < :text ORDER BY number DESC LIMIT :most",
                **wanted,
            ),
        ]
        if digits := re.search(r"0*(\d+)$", text):
            found += self._db.rows(
                "SELECT COALESCE(number, id) FROM orders WHERE source = :source AND COALESCE(number, id) LIKE :ending"
                " ORDER BY LENGTH(id), id LIMIT :most",
                source=source,
                ending=f"%{digits[1]}",
                most=_NEIGHBOURS,
            )
        return list(dict.fromkeys(row[0] for row in found))
