"""Orders and their events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec

from monitor.diff import Change
from monitor.errors import ClaimLost
from monitor.model import Event, EventKind, Known, OrderEvent, SourceEvent, normalise_status
from monitor.store.base import StoredEvent
from monitor.store.sql import NEWS, Rows, to_us

_KNOWN = msgspec.json.Decoder(Known)
EVENT = msgspec.json.Decoder(OrderEvent | SourceEvent)
_CHUNK = 1000

_INSERT = """
INSERT INTO orders (source, id, revision, number, status, status_at, vanished, mark, doc)
VALUES (:source, :id, :revision, :number, :status, :status_at, :vanished, :mark, :doc)
ON CONFLICT (source, id) DO NOTHING
"""
# Each write adds one to the revision: of two writers that read the same state, the second changes no row.
_UPDATE = """
UPDATE orders SET revision = :revision, number = :number, status = :status, status_at = :status_at,
  vanished = :vanished, mark = :mark, doc = :doc
WHERE source = :source AND id = :id AND revision = :revision - 1
"""


class OrderRows(Rows):
    """The part of a transaction that is about orders and events."""

    def known(self, source: str, ids: Iterable[str]) -> dict[str, Known]:
        rows = self._db.rows(
            f"SELECT id, doc FROM orders WHERE source = :source AND id IN"  # noqa: S608  # the driver's own constant
            f" (SELECT value FROM {self._db.texts}(:ids))",
            source=source,
            ids=msgspec.json.encode(list(ids)).decode(),
        )
        return {order_id: _KNOWN.decode(doc) for order_id, doc in rows}

    def marks(self, source: str) -> Iterator[tuple[str, int, str]]:
        # In the order of the index that holds all of it: nothing else is read, and nothing sorted.
        yield from self._db.stream(
            """
            SELECT id, mark, status FROM orders WHERE source = :source AND vanished = 0
            ORDER BY LENGTH(id), id
            """,
            source=source,
        )

    def find_orders(self, source: str | None, id_or_number: str) -> list[Known]:
        # The inner query needs the index of numbers alone; of a whole row, SQLite would rather look at all of a source.
        found = "(id = :sought OR number = :sought)"
        if source is not None:
            numbered = "SELECT id FROM orders WHERE source = :source AND number = :sought"
            found = f"source = :source AND id IN (SELECT :sought UNION {numbered})"
        rows = self._db.rows(
            f"SELECT doc FROM orders WHERE {found} ORDER BY source, id",  # noqa: S608  # constants
            source=source,
            sought=id_or_number,
        )
        return [_KNOWN.decode(row[0]) for row in rows]

    def orders(self, source: str | None = None, status: str | None = None) -> Iterator[tuple[str, Known]]:
        after = ("", "")
        while True:
            rows = self._db.rows(
                """
                SELECT source, id, doc FROM orders
                WHERE (source, LENGTH(id), id) > (:after_source, :after_length, :after_id)
                  AND (:source IS NULL OR source = :source) AND (:status IS NULL OR status = :status)
                ORDER BY source, LENGTH(id), id LIMIT :chunk
                """,
                after_source=after[0],
                after_length=len(after[1]),
                after_id=after[1],
                source=source,
                status=status,
                chunk=_CHUNK,
            )
            yield from ((name, _KNOWN.decode(doc)) for name, _, doc in rows)
            if len(rows) < _CHUNK:
                return
            after = rows[-1][0], rows[-1][1]

    def save_orders(self, source: str, changes: Iterable[Change], marks: Mapping[str, int]) -> None:
        changes = iter(changes)
        while chunk := list(islice(changes, _CHUNK)):
            for sql, rows in (
                (_INSERT, [_order_row(source, change.known, marks) for change in chunk if change.new]),
                (_UPDATE, [_order_row(source, change.known, marks) for change in chunk if not change.new]),
            ):
                if rows and self._db.run_many(sql, rows) != len(rows):
                    raise ClaimLost(f"{source}: its orders were changed by another daemon; this look is dropped")

    def save_marks(self, source: str, marks: Mapping[str, int]) -> None:
        self._db.run_many(
            "UPDATE orders SET mark = :mark WHERE source = :source AND id = :id AND mark <> :mark",
            [{"source": source, "id": order_id, "mark": mark} for order_id, mark in marks.items()],
        )

    def forget_orders(self, source: str) -> None:
        for table in ("orders", "stuck", "stuck_rules"):
            self._db.run(f"DELETE FROM {table} WHERE source = :source", source=source)  # noqa: S608  # constants

    def add_event(self, event: Event, routing: str) -> int:
        rows = self._db.rows(
            """
            INSERT INTO events (source, order_id, kind, entered, revision, at, doc, routing)
            VALUES (:source, :order_id, :kind, :entered, :revision, :at, :doc, :routing)
            ON CONFLICT (source, order_id, kind, revision) DO NOTHING RETURNING id
            """,
            source=event.source,
            order_id=event.order.id if isinstance(event, OrderEvent) else "",
            kind=event.kind.value,
            entered=_entered(event),
            revision=_number_of(event),
            at=to_us(event.at),
            doc=msgspec.json.encode(event).decode(),
            routing=routing,
        )
        self._db.notify(NEWS)
        if not rows:
            raise ClaimLost(f"{event.source}: this event was recorded by another daemon; this look is dropped")
        return int(rows[0][0])

    def events(
        self, source: str | None = None, order_id: str | None = None, limit: int | None = None
    ) -> list[StoredEvent]:
        rows = self._db.rows(
            """
            SELECT id, doc, routing FROM events
            WHERE (:source IS NULL OR source = :source) AND (:order_id IS NULL OR order_id = :order_id)
            ORDER BY id DESC LIMIT :most
            """,
            source=source,
            order_id=order_id,
            most=_limit(limit),
        )
        return [StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in reversed(rows)]

    def entered(self, source: str, after: datetime) -> Iterator[tuple[str, str]]:
        return self._db.stream(
            "SELECT DISTINCT order_id, entered FROM events WHERE source = :source AND at > :after AND entered <> ''",
            source=source,
            after=to_us(after),
        )

    def story(self, source: str, order_id: str, up_to: int, limit: int) -> list[StoredEvent]:
        # A query of its own: with conditions that may be off, as in ``events``, no index would serve.
        rows = self._db.rows(
            """
            SELECT id, doc, routing FROM events WHERE source = :source AND order_id = :order_id AND id <= :up_to
            ORDER BY id DESC LIMIT :most
            """,
            source=source,
            order_id=order_id,
            up_to=up_to,
            most=limit,
        )
        return [StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in reversed(rows)]


def _entered(event: Event) -> str:
    enters = event.kind in (EventKind.APPEARED, EventKind.STATUS_CHANGED)
    return normalise_status(event.order.status) if enters and isinstance(event, OrderEvent) else ""


def _number_of(event: Event) -> int:
    """What tells it from others of its kind: the order's state, or the time, where a state can have several."""
    if isinstance(event, OrderEvent) and event.kind is not EventKind.STUCK:
        return event.revision
    return to_us(event.at)


def _limit(limit: int | None) -> int:
    return 2**62 if limit is None else limit


def _order_row(source: str, known: Known, marks: Mapping[str, int]) -> dict[str, Any]:
    return {
        "source": source,
        "id": known.order.id,
        "revision": known.revision,
        "number": known.order.number,
        "status": normalise_status(known.order.status),
        "status_at": to_us(known.status_at),
        "vanished": int(known.vanished_at is not None),
        "mark": marks.get(known.order.id, 0),
        "doc": msgspec.json.encode(known).decode(),
    }
