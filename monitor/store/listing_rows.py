"""Pages of events and deliveries, the newest first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec

from monitor.model import Delivery, DeliveryState
from monitor.store.base import StoredEvent
from monitor.store.counting_rows import CountingRows
from monitor.store.listings import DeliveriesWanted, DeliveryPage, EventPage, EventsWanted
from monitor.store.order_pages import OrderPages
from monitor.store.order_rows import EVENT
from monitor.store.orphan_rows import json_of
from monitor.store.outbox_row import COLUMNS, delivery_of, of_state
from monitor.store.paging import WHOLE, Piece, Stream, Streams, escaped

_KINDS = Streams("events", "kind")


class ListingRows(OrderPages, CountingRows):
    """The part of a transaction that shows pages."""

    def event_page(self, wanted: EventsWanted, before: int | None, limit: int) -> EventPage:
        piece = Piece("events", self.begin("events", before))
        fits, values = self._events_fit(wanted)
        if wanted.source is not None and wanted.order_id is not None:
            # An order's events are few, and have an index of their own.
            streams = [Stream("source = :source AND order_id = :order_id", id="+id")]
        elif wanted.order_id is None and not wanted.text:
            streams, fits, values = self._streams_of(wanted), "", {}
        else:
            streams = [WHOLE]
            piece = piece._replace(floor=self.floor("events", streams, piece.start))
        found = self.newest(piece, streams, limit + 1, fits, **values)
        ids, further = self.cut(piece, found, limit)
        return EventPage(self._events(ids), further)

    def events_after(self, event_id: int, limit: int) -> list[StoredEvent]:
        rows = self._db.rows(
            "SELECT id, doc, routing FROM events WHERE id > :after ORDER BY id LIMIT :limit",
            after=event_id,
            limit=limit,
        )
        return [StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in rows]

    def delivery_page(self, wanted: DeliveriesWanted, before: int | None, limit: int) -> DeliveryPage:
        piece = Piece("deliveries", self.begin("deliveries", before))
        streams = [_of(state) for state in wanted.states] or [WHOLE]
        named = {"route": wanted.route, "channel": wanted.channel, "source": wanted.source}
        values = {column: value for column, value in named.items() if value}
        if values:
            piece = piece._replace(floor=self.floor("deliveries", streams, piece.start))
        fits = "".join(f" AND {column} = :{column}" for column in values)
        ids, further = self.cut(piece, self.newest(piece, streams, limit + 1, fits, **values), limit)
        return DeliveryPage(self._deliveries(ids), further)

    def delivery(self, delivery_id: int) -> Delivery | None:
        return next(iter(self._deliveries([delivery_id])), None)

    def delivery_text(self, delivery_id: int) -> tuple[str, str] | None:
        rows = self._db.rows(
            "SELECT COALESCE(title, ''), body FROM deliveries WHERE id = :id AND body IS NOT NULL", id=delivery_id
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def _streams_of(self, wanted: EventsWanted) -> list[Stream]:
        if wanted.source is None and not wanted.kinds:
            return [WHOLE]
        return [
            Stream("source = :source AND kind = :kind", {"source": source, "kind": kind})
            for source, kind, _ in self.streams(_KINDS, wanted.source)
            if not wanted.kinds or kind in wanted.kinds
        ]

    def _events_fit(self, wanted: EventsWanted) -> tuple[str, dict[str, Any]]:
        """The conditions on a row, and what they name."""
        among = f"kind IN (SELECT value FROM {self._db.texts}(:kinds))"  # noqa: S608  # the driver's own constant
        asked = [
            # Not the bare column: an index by source has all that it ever had, and in another order.
            ("source", "source || '' = :source", wanted.source),
            ("order_id", "order_id = :order_id", wanted.order_id),
            ("kinds", among, json_of(wanted.kinds) if wanted.kinds else None),
            ("text", "LOWER(doc) LIKE LOWER(:text) ESCAPE '!'", _anywhere(wanted.text) if wanted.text else None),
        ]
        given = [one for one in asked if one[2] is not None]
        return "".join(f" AND {condition}" for _, condition, _ in given), {name: value for name, _, value in given}

    def _events(self, ids: Collection[int]) -> list[StoredEvent]:
        rows = self._db.rows(
            f"SELECT id, doc, routing FROM events"  # noqa: S608  # the driver's own constant
            f" WHERE id IN (SELECT value FROM {self._db.numbers}(:ids)) ORDER BY id DESC",
            ids=json_of(ids),
        )
        return [StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in rows]

    def _deliveries(self, ids: Collection[int]) -> list[Delivery]:
        rows = self._db.rows(
            f"SELECT {COLUMNS} FROM deliveries d"  # noqa: S608  # constants
            f" WHERE d.id IN (SELECT value FROM {self._db.numbers}(:ids)) ORDER BY d.id DESC",
            ids=json_of(ids),
        )
        return [delivery_of(row) for row in rows]


def _of(state: DeliveryState) -> Stream:
    waits = state in (DeliveryState.WAITING, DeliveryState.SENDING)
    return Stream(of_state(state), id="+id" if waits else "id")


def _anywhere(text: str) -> str:
    """The pattern of what has this text in it, as JSON spells it."""
    return f"%{escaped(msgspec.json.encode(text).decode()[1:-1])}%"
