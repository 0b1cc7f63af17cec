"""Forgetting: history that has been kept long enough, in small pieces; and all that there is of one order."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from monitor.alerting.conditions import globs
from monitor.alerting.silences import Silence
from monitor.model import OrderEvent, Outcome
from monitor.store.erasing import Dropped, Erased
from monitor.store.order_rows import EVENT
from monitor.store.orphan_rows import json_of
from monitor.store.silence_rows import Muting, SilenceRows
from monitor.store.source_rows import SourceRows
from monitor.store.sql import to_us

_OUTCOME = msgspec.json.Decoder(Outcome)
_GONE = "…"


class ErasingRows(SilenceRows, SourceRows):
    """The part of a transaction that forgets."""

    def drop_history(self, before: datetime, most: int, followed: Collection[str] = ()) -> Dropped:
        for source in self._with_events():
            rows = self._db.rows(
                f"""
                SELECT e.id, e.order_id, e.kind, e.revision FROM events e
                WHERE e.source = :source AND e.at < :before AND e.id NOT IN (SELECT value FROM {self._list(":spared")})
                  AND NOT EXISTS (SELECT 1 FROM delivery_events x JOIN deliveries d ON d.id = x.delivery_id
                                  WHERE x.event_id = e.id AND (d.settled_at IS NULL OR d.settled_at >= :before))
                ORDER BY e.at LIMIT :most
                """,  # noqa: S608  # the driver's own constant
                source=source,
                before=to_us(before),
                spared=json_of(self._untold()),
                most=most,
            )
            if rows:
                vanished = [] if source in followed else [row for row in rows if row[2] == "vanished"]
                deliveries, _ = self._drop_events([row[0] for row in rows])
                return Dropped(len(rows), deliveries, self._drop_vanished(source, vanished))
        return Dropped()

    def drop_silences(self, before: datetime) -> int:
        # What an event's routing says of a silence holds until the silence ended: an older one is named by none.
        firsts = [
            self._db.rows("SELECT MIN(at) FROM events WHERE source = :source", source=source)[0][0]
            for source in self._with_events()
        ]
        return self._db.run("DELETE FROM silences WHERE until < :before", before=min([to_us(before), *firsts]))

    def called(self, source: str, id_or_number: str) -> list[str]:
        known = self._db.rows(
            "SELECT id FROM orders WHERE source = :source AND (id = :sought OR number = :sought) ORDER BY id",
            source=source,
            sought=id_or_number,
        )
        found = [row[0] for row in known] or self._in_history(source, id_or_number)
        # An id is nobody else's: where one order's id is another's number, the id is meant.
        return [id_or_number] if id_or_number in found else found

    def sending_of(self, source: str, order_id: str) -> int:
        ids = self._telling_of(self._events_of(source, order_id))
        states = self._states(ids)
        return states.count("sending")

    def erase_order(self, source: str, order_id: str) -> Erased:
        names = self._names(source, order_id)
        events = self._events_of(source, order_id)
        telling = self._telling_of(events)
        which = {"source": source, "id": order_id}
        known = self._db.run("DELETE FROM orders WHERE source = :source AND id = :id", **which)
        for table in ("stuck", "followed"):
            known += self._db.run(f"DELETE FROM {table} WHERE source = :source AND order_id = :id", **which)  # noqa: S608  # constants
        states = dict(zip(telling, self._states(telling), strict=True))
        gone, attempts = self._drop_events(events)
        left = set(self._existing(telling))
        self._wipe_texts(left)
        dropped = [state for id_, state in states.items() if id_ not in left]
        self._unname_source(source, names)
        # Whoever is polling the source has read this order, or remembers it: that poll must not write it again.
        self._db.run("UPDATE sources SET fence = fence + 1 WHERE name = :source", source=source)
        return Erased(
            known=bool(known),
            events=len(events),
            deliveries=gone,
            unsent=dropped.count("waiting"),
            sending=dropped.count("sending"),
            attempts=attempts,
            shared=len(left),
            silences=self._unname_silences(source, names),
        )

    # Events, and the messages about them

    def _with_events(self) -> list[str]:
        # From one to the next by the index: a few look-ups, however many events there are.
        rows = self._db.rows(
            """
            WITH RECURSIVE found (source) AS (
              SELECT MIN(source) FROM events
              UNION ALL
              SELECT (SELECT MIN(source) FROM events WHERE source > found.source) FROM found
              WHERE found.source IS NOT NULL
            )
            SELECT source FROM found WHERE source IS NOT NULL
            """
        )
        return [source for (source,) in rows]

    def _untold(self) -> list[int]:
        """The events of which something is told once silences end."""
        return [state.untold.event for state in self.sources().values() if state.untold]

    def _events_of(self, source: str, order_id: str) -> list[int]:
        rows = self._db.rows(
            "SELECT id FROM events WHERE source = :source AND order_id = :order_id", source=source, order_id=order_id
        )
        return [row[0] for row in rows]

    def _telling_of(self, events: Collection[int]) -> list[int]:
        rows = self._db.rows(
            f"""
            SELECT DISTINCT delivery_id FROM delivery_events
            WHERE event_id IN (SELECT value FROM {self._list(":events")}) ORDER BY delivery_id
            """,  # noqa: S608  # the driver's own constant
            events=json_of(events),
        )
        return [row[0] for row in rows]

    def _states(self, ids: Collection[int]) -> list[str]:
        rows = self._db.rows(
            f"SELECT state FROM deliveries WHERE id IN (SELECT value FROM {self._list(':ids')}) ORDER BY id",  # noqa: S608  # the driver's own constant
            ids=json_of(ids),
        )
        return [row[0] for row in rows]

    def _existing(self, ids: Collection[int]) -> list[int]:
        rows = self._db.rows(
            f"SELECT id FROM deliveries WHERE id IN (SELECT value FROM {self._list(':ids')})",  # noqa: S608  # the driver's own constant
            ids=json_of(ids),
        )
        return [row[0] for row in rows]

    def _drop_events(self, events: Collection[int]) -> tuple[int, int]:
        """Delete these events, and each message that tells of no other; how many messages, and attempts at them."""
        telling, chosen = self._telling_of(events), json_of(events)
        for sql in (
            f"DELETE FROM delivery_events WHERE event_id IN (SELECT value FROM {self._list(':ids')})",  # noqa: S608  # the driver's own constant
            f"DELETE FROM events WHERE id IN (SELECT value FROM {self._list(':ids')})",  # noqa: S608  # as above
        ):
            self._db.run(sql, ids=chosen)
        rows = self._db.rows(
            f"""
            DELETE FROM deliveries WHERE id IN (SELECT value FROM {self._list(":ids")})
              AND NOT EXISTS (SELECT 1 FROM delivery_events x WHERE x.delivery_id = deliveries.id)
            RETURNING id
            """,  # noqa: S608  # as above
            ids=json_of(telling),
        )
        attempts = self._db.run(
            f"DELETE FROM attempts WHERE delivery_id IN (SELECT value FROM {self._list(':ids')})",  # noqa: S608  # as above
            ids=json_of([row[0] for row in rows]),
        )
        return len(rows), attempts

    def _drop_vanished(self, source: str, rows: Sequence[tuple[int, str, str, int]]) -> int:
        """Delete the orders that have not been seen since these events of their vanishing."""
        if not rows:
            return 0
        return self._db.run_many(
            "DELETE FROM orders WHERE source = :source AND id = :id AND vanished = 1 AND revision = :revision",
            [{"source": source, "id": order_id, "revision": revision} for _, order_id, _, revision in rows],
        )

    def _wipe_texts(self, ids: Collection[int]) -> None:
        """Of messages that stay: what was written, and what was said to it, which may quote it."""
        self._db.run(
            f"""
            UPDATE deliveries SET title = NULL, body = NULL,
                                  last_error = CASE WHEN last_error IS NULL THEN NULL ELSE :gone END
            WHERE id IN (SELECT value FROM {self._list(":ids")})
            """,  # noqa: S608  # the driver's own constant
            gone=_GONE,
            ids=json_of(ids),
        )
        rows = self._db.rows(
            f"SELECT id, doc FROM attempts WHERE delivery_id IN (SELECT value FROM {self._list(':ids')})",  # noqa: S608  # as above
            ids=json_of(ids),
        )
        said = [(id_, outcome) for id_, doc in rows if (outcome := _OUTCOME.decode(doc)).reason]
        if said:
            self._db.run_many(
                "UPDATE attempts SET doc = :doc WHERE id = :id",
                [{"id": id_, "doc": _json(msgspec.structs.replace(one, reason=_GONE))} for id_, one in said],
            )

    # Who it is

    def _in_history(self, source: str, sought: str) -> list[str]:
        if self._events_of(source, sought):
            return [sought]
        written = re.sub(r"([%_\\])", r"\\\1", _json(sought))
        rows = self._db.stream(
            "SELECT doc FROM events WHERE source = :source AND order_id <> '' AND doc LIKE :like ESCAPE '\\'",
            source=source,
            like=f'%"number":{written}%',
        )
        events = (EVENT.decode(doc) for (doc,) in rows)
        return sorted({e.order.id for e in events if isinstance(e, OrderEvent) and e.order.number == sought})

    def _names(self, source: str, order_id: str) -> list[str]:
        """All that the order is called."""
        numbers = self._db.rows(
            "SELECT number FROM orders WHERE source = :source AND id = :id AND number IS NOT NULL",
            source=source,
            id=order_id,
        )
        docs = self._db.rows(
            "SELECT doc FROM events WHERE source = :source AND order_id = :id", source=source, id=order_id
        )
        events = [EVENT.decode(doc) for (doc,) in docs]
        said = [event.order.label for event in events if isinstance(event, OrderEvent)]
        return list(dict.fromkeys([order_id, *(row[0] for row in numbers), *said]))

    def _unname_source(self, source: str, names: Collection[str]) -> None:
        """What went wrong at a source is said in words that may quote an order's id."""
        state = self.source(source)
        if state is None:
            return
        doubt = state.doubt
        self.save_source(
            source,
            msgspec.structs.replace(
                state,
                error=state.error and _without(state.error, names),
                doubt=doubt and msgspec.structs.replace(doubt, reason=_without(doubt.reason, names)),
            ),
        )

    def _unname_silences(self, source: str, names: Collection[str]) -> int:
        """Silences that were about this order alone go; others lose its name. How many."""
        folded = {name.casefold() for name in names}
        touched = [one for one in self.silences() if _is_about(one, source, folded)]
        for one in touched:
            left = tuple(name for name in one.matcher.order if name.casefold() not in folded)
            if left:
                self._rewrite(one, left, names)
            else:
                self._db.run("DELETE FROM silences WHERE id = :id", id=one.id)
        return len(touched)

    def _rewrite(self, silence: Silence, orders: tuple[str, ...], names: Collection[str]) -> None:
        matcher = msgspec.structs.replace(silence.matcher, order=orders)
        doc = _json(Muting(matcher, _without(silence.reason, names), silence.by))
        self._db.run("UPDATE silences SET doc = :doc WHERE id = :id", id=silence.id, doc=doc)

    def _list(self, parameter: str) -> str:
        return f"{self._db.numbers}({parameter})"


def _is_about(silence: Silence, source: str, names: Collection[str]) -> bool:
    wanted = silence.matcher.source
    named = any(order.casefold() in names for order in silence.matcher.order)
    return named and (not wanted or globs(wanted)(source))


def _without(text: str, names: Collection[str]) -> str:
    """The text with each of these words struck out."""
    found = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{found})(?!\w)", _GONE, text)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
