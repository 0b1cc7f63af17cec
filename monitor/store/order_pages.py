"""Pages of orders: by when they entered their status, and by what somebody typed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from monitor.model import Known
from monitor.store.listings import OrderKey, OrderPage, OrdersWanted
from monitor.store.orphan_rows import json_of
from monitor.store.paging import Paging, Streams, escaped

_KNOWN = msgspec.json.Decoder(Known)
_FIRST = OrderKey(2**62, "", "")
_LAST = OrderKey(-(2**62), "", "")
_MOST = 1000
"""How many orders a search finds at most, of all sources together."""
_LOOKED_AT = 100_000
"""How many numbers are looked at for those that end in a text, which no index finds."""
_BEYOND = "\U0010ffff"


class _Head(NamedTuple):
    """The next order of a stream: when it entered its status."""

    at: int
    source: str
    status: str


class OrderPages(Paging):
    """The part of a transaction that shows pages of orders."""

    def order_page(self, wanted: OrdersWanted, after: OrderKey | None, limit: int) -> OrderPage:
        text = wanted.text.strip()
        find = self._found if text else self._newest
        keys = find(msgspec.structs.replace(wanted, text=text), after or _FIRST, limit + 1)
        return OrderPage(self._orders(keys[:limit]), keys[limit - 1] if len(keys) > limit else None)

    def _newest(self, wanted: OrdersWanted, after: OrderKey, limit: int) -> list[OrderKey]:
        """Merged from streams, as few as can be: each further one only where it may be newer than what is found."""
        found: list[OrderKey] = []
        for head in sorted(self._heads(wanted, after), reverse=True):
            worst = found[-1] if len(found) == limit else _LAST
            if (head.at, head.source) < (worst.status_at, worst.source):
                break
            found = sorted([*found, *self._stream(head, wanted, after, worst, limit)], reverse=True)[:limit]
        return found

    def _heads(self, wanted: OrdersWanted, after: OrderKey) -> list[_Head]:
        head = """
        (SELECT status_at FROM orders WHERE vanished = :vanished AND source = found.source AND status = found.value
         AND (status_at, id) < (CASE WHEN found.source < :source_after THEN :at + 1 ELSE :at END,
                                CASE WHEN found.source = :source_after THEN :id ELSE '' END)
         ORDER BY status_at DESC, id DESC LIMIT 1)
        """
        rows = self.streams(
            _streams(wanted),
            wanted.source,
            head,
            vanished=int(wanted.vanished),
            source_after=after.source,
            at=after.status_at,
            id=after.id,
        )
        heads = [_Head(at, source, status) for source, status, at in rows if at is not None]
        return [head for head in heads if wanted.status in (None, head.status)]

    def _stream(
        self, head: _Head, wanted: OrdersWanted, after: OrderKey, worst: OrderKey, limit: int
    ) -> Iterator[OrderKey]:
        """The next orders of one source and status that may be on the page."""
        at, order_id = _bound(head.source, after)
        rows = self._db.rows(
            """
            SELECT status_at, id FROM orders
            WHERE vanished = :vanished AND source = :source AND status = :status
              AND (status_at, id) < (:at, :id) AND status_at >= :worst
            ORDER BY status_at DESC, id DESC LIMIT :limit
            """,
            vanished=int(wanted.vanished),
            source=head.source,
            status=head.status,
            at=at,
            id=order_id,
            worst=worst.status_at,
            limit=limit,
        )
        return (OrderKey(status_at, head.source, found) for status_at, found in rows)

    def _found(self, wanted: OrdersWanted, after: OrderKey, limit: int) -> list[OrderKey]:
        """What the text begins, else what it ends."""
        sources = sorted({row[0] for row in self.streams(_streams(wanted), wanted.source)})
        spellings = list(dict.fromkeys((wanted.text, wanted.text.upper(), wanted.text.lower())))
        most = max(20, _MOST // max(1, len(sources)))
        ids = {source: {i for text in spellings for i in self._begun_by(source, text, most)} for source in sources}
        if not any(ids.values()):
            ids = {source: set(self._ended_by(source, wanted.text, most, len(sources))) for source in sources}
        keys = [key for source, found in ids.items() if found for key in self._keys(source, found, wanted)]
        return sorted((key for key in keys if key < after), reverse=True)[:limit]

    def _begun_by(self, source: str, text: str, most: int) -> list[str]:
        """Whose id or number this is, and the highest that it begins."""
        rows = self._db.rows(
            """
            SELECT id FROM orders WHERE source = :source AND id = :text
            UNION SELECT id FROM orders WHERE source = :source AND number = :text
            UNION SELECT id FROM (SELECT id FROM orders WHERE source = :source AND id > :text AND id < :beyond
                                  ORDER BY id DESC LIMIT :most) i
            UNION SELECT id FROM (SELECT id FROM orders WHERE source = :source AND number > :text AND number < :beyond
                                  ORDER BY number DESC LIMIT :most) n
            """,
            source=source,
            text=text,
            beyond=text + _BEYOND,
            most=most,
        )
        return [row[0] for row in rows]

    def _ended_by(self, source: str, text: str, most: int, sources: int) -> list[str]:
        rows = self._db.rows(
            """
            SELECT id FROM (SELECT id, COALESCE(number, id) AS label FROM orders WHERE source = :source
                            ORDER BY number DESC LIMIT :looked_at) o
            WHERE LOWER(label) LIKE LOWER(:ending) ESCAPE '!' LIMIT :most
            """,
            source=source,
            ending=f"%{escaped(text)}",
            looked_at=_LOOKED_AT // sources,
            most=most,
        )
        return [row[0] for row in rows]

    def _keys(self, source: str, ids: set[str], wanted: OrdersWanted) -> list[OrderKey]:
        """Of these orders those that are wanted."""
        # Looked at here: with more conditions, the index by age would seem to serve.
        rows = self._db.rows(
            f"SELECT status_at, id, status, vanished FROM orders WHERE source = :source"  # noqa: S608  # constants
            f" AND id IN (SELECT value FROM {self._db.texts}(:ids))",
            source=source,
            ids=json_of(ids),
        )
        return [
            OrderKey(status_at, source, order_id)
            for status_at, order_id, status, vanished in rows
            if vanished == wanted.vanished and wanted.status in (None, status)
        ]

    def _orders(self, keys: Sequence[OrderKey]) -> list[tuple[str, Known]]:
        ids = defaultdict(list)
        for key in keys:
            ids[key.source].append(key.id)
        docs = {
            (source, order_id): doc
            for source, wanted in ids.items()
            for order_id, doc in self._db.rows(
                f"SELECT id, doc FROM orders WHERE source = :source"  # noqa: S608  # the driver's own constant
                f" AND id IN (SELECT value FROM {self._db.texts}(:ids))",
                source=source,
                ids=json_of(wanted),
            )
        }
        return [(key.source, _KNOWN.decode(docs[key.source, key.id])) for key in keys]


def _streams(wanted: OrdersWanted) -> Streams:
    return Streams("orders", "status", f"vanished = {int(wanted.vanished)}")


def _bound(source: str, after: OrderKey) -> tuple[int, str]:
    """Below which (time, id) a source's orders come after this key, which is of any source."""
    if source == after.source:
        return after.status_at, after.id
    return (after.status_at + 1, "") if source < after.source else (after.status_at, "")
