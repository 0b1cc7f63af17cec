"""The outbox: deliveries, what they tell of, and what each attempt said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor.model import Delivery, DeliveryState, Destination, Event, OrderEvent, Outcome
from monitor.store.base import Attempt, StoredEvent
from monitor.store.order_rows import EVENT
from monitor.store.sql import Rows, from_us, from_us_or_none, to_us, to_us_interval

DAY = timedelta(days=1)
"""How long a delivery is tried before it is a dead letter (promise 4)."""

_OUTCOME = msgspec.json.Decoder(Outcome)
_COLUMNS = """d.id, d.route, d.channel, d.url_number, d.source, d.order_id, d.state, d.created_at, d.due_at,
    d.expires_at, d.attempts, d.last_error, d.settled_at, d.title, d.fence"""
# A due time further ahead than its own interval was written by a clock that has been set back since: it is due.
_DUE = "CASE WHEN d.due_at > :now + d.retry_in THEN :now ELSE d.due_at END"
# Deliveries about one order to one URL never overtake each other.
_FIRST_OF_ITS_ORDER = """
NOT EXISTS (SELECT 1 FROM deliveries e
            WHERE e.channel = d.channel AND e.url_number = d.url_number AND e.source = d.source
              AND e.order_id = d.order_id AND e.id < d.id AND e.state IN ('waiting', 'sending'))
"""


class DeliveryRows(Rows):
    """The part of a transaction that is about deliveries."""

    def add_delivery(self, route: str, to: Destination, event: Event, event_id: int, now: datetime) -> int:
        rows = self._db.rows(
            """
            INSERT INTO deliveries (route, channel, url_number, source, order_id, state, created_at, due_at, retry_in,
                                    expires_at, attempts, fence)
            VALUES (:route, :channel, :number, :source, :order_id, 'waiting', :now, :now, 0, :expires, 0, 0)
            RETURNING id
            """,
            route=route,
            channel=to.channel,
            number=to.number,
            source=event.source,
            order_id=event.order.id if isinstance(event, OrderEvent) else "",
            now=to_us(now),
            expires=to_us(now + DAY),
        )
        delivery_id = int(rows[0][0])
        self._db.run(
            "INSERT INTO delivery_events (delivery_id, event_id) VALUES (:delivery, :event)",
            delivery=delivery_id,
            event=event_id,
        )
        return delivery_id

    def lanes(self, now: datetime) -> dict[Destination, datetime]:
        rows = self._db.rows(
            f"""
            SELECT d.channel, d.url_number, MIN({_DUE}) FROM deliveries d
            WHERE d.state = 'waiting' AND {_FIRST_OF_ITS_ORDER} GROUP BY d.channel, d.url_number
            """,  # noqa: S608  # built of this file's constants
            now=to_us(now),
        )
        return {Destination(channel, number): from_us(due) for channel, number, due in rows}

    def claim_delivery(self, to: Destination, owner: str, now: datetime, after: int | None = None) -> Delivery | None:
        # By attempts: what fails again and again must not come before what has not been tried.
        rows = self._db.rows(
            f"""
            SELECT {_COLUMNS} FROM deliveries d
            WHERE d.state = 'waiting' AND d.channel = :channel AND d.url_number = :number
              AND {_DUE} <= :now AND {_FIRST_OF_ITS_ORDER} AND d.id > :after
            ORDER BY {"d.attempts, d.id" if after is None else "d.id"} LIMIT 1
            """,  # noqa: S608  # built of this file's constants
            channel=to.channel,
            number=to.number,
            now=to_us(now),
            after=after or 0,
        )
        if not rows:
            return None
        delivery = _delivery(rows[0])
        claimed = self._db.run(
            "UPDATE deliveries SET state = 'sending', owner = :owner, fence = fence + 1"
            " WHERE id = :id AND state = 'waiting' AND fence = :fence",
            id=delivery.id,
            owner=owner,
            fence=delivery.fence,
        )
        if not claimed:
            return None
        return msgspec.structs.replace(delivery, state=DeliveryState.SENDING, fence=delivery.fence + 1)

    def events_of(self, delivery_id: int) -> list[StoredEvent]:
        rows = self._db.rows(
            """
            SELECT e.id, e.doc, e.routing FROM delivery_events x JOIN events e ON e.id = x.event_id
            WHERE x.delivery_id = :id ORDER BY e.id
            """,
            id=delivery_id,
        )
        return [StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in rows]

    def settle(self, delivery: Delivery, at: datetime, outcome: Outcome, title: str, body: str) -> bool:
        settled = self._db.run(
            """
            UPDATE deliveries SET state = :state, settled_at = :at, attempts = attempts + 1, last_error = :error,
                                  title = :title, body = :body, owner = NULL
            WHERE id = :id AND state = 'sending' AND fence = :fence
            """,
            id=delivery.id,
            fence=delivery.fence,
            state=DeliveryState.SENT if outcome.delivered else DeliveryState.DEAD,
            at=to_us(at),
            error=None if outcome.delivered else outcome.reason,
            title=title,
            body=body,
        )
        return self._record(delivery, at, outcome, settled)

    def retry_at(self, delivery: Delivery, at: datetime, due_in_s: float, outcome: Outcome) -> bool:
        # Rounded once: a due time one microsecond further ahead than its interval would be due at once.
        wait = to_us_interval(due_in_s)
        retried = self._db.run(
            """
            UPDATE deliveries SET state = 'waiting', due_at = :due, retry_in = :retry_in, attempts = attempts + 1,
                                  last_error = :error, owner = NULL
            WHERE id = :id AND state = 'sending' AND fence = :fence
            """,
            id=delivery.id,
            fence=delivery.fence,
            due=to_us(at) + wait,
            retry_in=wait,
            error=outcome.reason,
        )
        return self._record(delivery, at, outcome, retried)

    def unclaim(self, delivery: Delivery) -> None:
        self._db.run(
            "UPDATE deliveries SET state = 'waiting', owner = NULL"
            " WHERE id = :id AND state = 'sending' AND fence = :fence",
            id=delivery.id,
            fence=delivery.fence,
        )

    def hasten(self, to: Destination, now: datetime, most_attempts: int | None = None) -> None:
        self._db.run(
            """
            UPDATE deliveries SET due_at = :now, retry_in = 0
            WHERE state = 'waiting' AND channel = :channel AND url_number = :number AND attempts > 0 AND due_at > :now
              AND (:most IS NULL OR attempts <= :most)
            """,
            channel=to.channel,
            number=to.number,
            now=to_us(now),
            most=most_attempts,
        )

    def bury_orphans(self, to: Destination, now: datetime, reason: str) -> int:
        lane = {"channel": to.channel, "number": to.number, "reason": reason}
        waiting = "state = 'waiting' AND channel = :channel AND url_number = :number"
        self._db.run(
            f"UPDATE deliveries SET last_error = :reason WHERE {waiting} AND last_error IS NOT :reason",  # noqa: S608  # constant
            **lane,
        )
        return self._db.run(
            f"UPDATE deliveries SET state = 'dead', settled_at = :now WHERE {waiting} AND expires_at <= :now",  # noqa: S608
            now=to_us(now),
            **lane,
        )

    def resurrect(self, ids: Sequence[int] | None, now: datetime) -> int:
        return self._db.run(
            f"""
            UPDATE deliveries SET state = 'waiting', due_at = :now, retry_in = 0, expires_at = :expires,
                                  settled_at = NULL
            WHERE state = 'dead' AND (:all OR id IN (SELECT value FROM {self._db.json_list}(:ids)))
            """,  # noqa: S608  # the driver's own constant
            now=to_us(now),
            expires=to_us(now + DAY),
            all=ids is None,
            ids=msgspec.json.encode(list(ids or ())).decode(),
        )

    def deliveries(self, states: Sequence[DeliveryState] | None = None, limit: int | None = None) -> list[Delivery]:
        rows = self._db.rows(
            f"""
            SELECT {_COLUMNS} FROM deliveries d
            WHERE :all OR d.state IN (SELECT value FROM {self._db.json_list}(:states))
            ORDER BY d.id DESC LIMIT :most
            """,  # noqa: S608  # built of this file's constants
            all=states is None,
            states=msgspec.json.encode(list(states or ())).decode(),
            most=2**62 if limit is None else limit,
        )
        return [_delivery(row) for row in reversed(rows)]

    def attempts(self, delivery_id: int) -> list[Attempt]:
        rows = self._db.rows("SELECT at, doc FROM attempts WHERE delivery_id = :id ORDER BY id", id=delivery_id)
        return [Attempt(from_us(at), _OUTCOME.decode(doc)) for at, doc in rows]

    def drop_bodies(self, settled_before: datetime) -> int:
        return self._db.run(
            "UPDATE deliveries SET title = NULL, body = NULL WHERE settled_at < :before AND body IS NOT NULL",
            before=to_us(settled_before),
        )

    def _record(self, delivery: Delivery, at: datetime, outcome: Outcome, settled: int) -> bool:
        """What was tried is recorded in any case: a superseded claim may have sent a copy."""
        self._db.run(
            "INSERT INTO attempts (delivery_id, at, doc) VALUES (:id, :at, :doc)",
            id=delivery.id,
            at=to_us(at),
            doc=msgspec.json.encode(outcome).decode(),
        )
        return settled > 0


def _delivery(row: tuple[Any, ...]) -> Delivery:
    return Delivery(
        id=row[0],
        ref=reference(row[0]),
        route=row[1],
        channel=row[2],
        url_number=row[3],
        source=row[4],
        order_id=row[5] or None,
        state=DeliveryState(row[6]),
        created_at=from_us(row[7]),
        due_at=from_us(row[8]),
        expires_at=from_us(row[9]),
        attempts=row[10],
        last_error=row[11],
        settled_at=from_us_or_none(row[12]),
        title=row[13],
        fence=row[14],
    )


_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_FACTOR = 0x9E3779B1


def reference(delivery_id: int) -> str:
    """A delivery's short reference, such as ``7K3F``: its id, scrambled so that neighbours look different.

    Multiplying by an odd number permutes the numbers below a power of two, so no two ids share a reference.
    Crockford's base 32 has no letters that are easily misread.
    """
    length = 4
    while delivery_id >= 1 << (5 * length):
        length += 1
    scrambled = delivery_id * _FACTOR % (1 << (5 * length))
    return "".join(_DIGITS[scrambled >> (5 * place) & 31] for place in reversed(range(length)))
