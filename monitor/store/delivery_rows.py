"""The outbox: deliveries, what they tell of, and what each attempt said."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import msgspec

from monitor.model import Delivery, DeliveryState, Destination, Outcome
from monitor.store.base import Attempt, StoredEvent
from monitor.store.group_rows import DAY, GroupRows
from monitor.store.order_rows import EVENT
from monitor.store.orphan_rows import OrphanRows, json_of
from monitor.store.outbox_row import COLUMNS, delivery_of
from monitor.store.sql import NEWS, from_us, to_us, to_us_interval

_OUTCOME = msgspec.json.Decoder(Outcome)
# A due time further ahead than its own interval was written by a clock that has been set back since: it is due.
DUE = "CASE WHEN d.due_at > :now + d.retry_in THEN :now ELSE d.due_at END"


class DeliveryRows(GroupRows, OrphanRows):
    """The part of a transaction that is about deliveries."""

    def let_go(self, ids: Collection[int], now: datetime) -> int:
        return self._db.run(
            f"""
            UPDATE deliveries SET due_at = :now, retry_in = 0
            WHERE id IN (SELECT value FROM {self._db.numbers}(:ids))
              AND state = 'waiting' AND attempts = 0 AND due_at > :now
            """,  # noqa: S608  # the driver's own constant
            ids=json_of(ids),
            now=to_us(now),
        )

    def lanes(self, now: datetime, homes: Collection[Destination]) -> dict[str, datetime]:
        rows = self._db.rows(
            f"""
            SELECT d.url, MIN({DUE}) FROM deliveries d
            WHERE d.state = 'waiting' AND {self.at_home("d")} AND {self._first_of_its_queue} GROUP BY d.url
            """,  # noqa: S608  # built of this file's constants
            now=to_us(now),
            homes=json_of(homes),
        )
        return {url: from_us(due) for url, due in rows}

    def claim_delivery(
        self, homes: Sequence[Destination], owner: str, now: datetime, after: int | None = None
    ) -> Delivery | None:
        # By attempts: what fails again and again must not come before what has not been tried.
        rows = self._db.rows(
            f"""
            SELECT {COLUMNS} FROM deliveries d
            WHERE d.state = 'waiting' AND d.url = :url AND {self.at_home("d")}
              AND {DUE} <= :now AND {self._first_of_its_queue} AND d.id > :after
            ORDER BY {"d.attempts, d.id" if after is None else "d.id"} LIMIT 1 {self._db.skip_locked_d}
            """,  # noqa: S608  # built of this file's constants
            url=homes[0].url,
            homes=json_of(homes),
            now=to_us(now),
            after=after or 0,
        )
        if not rows:
            return None
        delivery = delivery_of(rows[0])
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

    def events_of(self, delivery_id: int) -> Iterator[StoredEvent]:
        rows = self._db.stream(
            """
            SELECT e.id, e.doc, e.routing FROM delivery_events x JOIN events e ON e.id = x.event_id
            WHERE x.delivery_id = :id ORDER BY x.event_id
            """,
            id=delivery_id,
        )
        return (StoredEvent(row[0], EVENT.decode(row[1]), row[2]) for row in rows)

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
                                  wish = :wish, last_error = :error, owner = NULL
            WHERE id = :id AND state = 'sending' AND fence = :fence
            """,
            id=delivery.id,
            fence=delivery.fence,
            due=to_us(at) + wait,
            retry_in=wait,
            wish=to_us_interval(min(due_in_s, outcome.retry_after or 0.0)),
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

    def give_back(self, owner: str, busy: Collection[str]) -> int:
        return self._db.run(
            f"""
            UPDATE deliveries SET state = 'waiting', owner = NULL
            WHERE state = 'sending' AND owner = :owner AND url NOT IN (SELECT value FROM {self._db.texts}(:busy))
            """,  # noqa: S608  # the driver's own constant
            owner=owner,
            busy=json_of(busy),
        )

    def hasten(self, url: str, now: datetime, most_attempts: int | None = None) -> None:
        # due_at - retry_in is when it was tried, from which the endpoint's wish counts.
        self._db.run(
            """
            UPDATE deliveries SET due_at = :now, retry_in = 0
            WHERE state = 'waiting' AND url = :url AND attempts > 0 AND due_at > :now
              AND due_at - retry_in + wish <= :now AND (:most IS NULL OR attempts <= :most)
            """,
            url=url,
            now=to_us(now),
            most=most_attempts,
        )

    def resurrect(self, ids: Sequence[int] | None, now: datetime) -> int:
        self._db.notify(NEWS)  # another daemon may be the one that sends it
        return self._db.run(
            f"""
            UPDATE deliveries SET state = 'waiting', due_at = :now, retry_in = 0, wish = 0, expires_at = :expires,
                                  settled_at = NULL
            WHERE state = 'dead' AND settled_at IS NOT NULL
              AND (:all OR id IN (SELECT value FROM {self._db.numbers}(:ids)))
            """,  # noqa: S608  # the driver's own constant
            now=to_us(now),
            expires=to_us(now + DAY),
            all=ids is None,
            ids=json_of(ids or ()),
        )

    def deliveries(self, states: Sequence[DeliveryState] | None = None, limit: int | None = None) -> list[Delivery]:
        rows = self._db.rows(
            f"""
            SELECT {COLUMNS} FROM deliveries d
            WHERE :all OR d.state IN (SELECT value FROM {self._db.texts}(:states))
            ORDER BY d.id DESC LIMIT :most
            """,  # noqa: S608  # built of this file's constants
            all=states is None,
            states=json_of(states or ()),
            most=2**62 if limit is None else limit,
        )
        return [delivery_of(row) for row in reversed(rows)]

    def attempts(self, delivery_id: int) -> list[Attempt]:
        rows = self._db.rows("SELECT at, doc FROM attempts WHERE delivery_id = :id ORDER BY id", id=delivery_id)
        return [Attempt(from_us(at), _OUTCOME.decode(doc)) for at, doc in rows]

    def drop_bodies(self, settled_before: datetime) -> int:
        return self._db.run(
            "UPDATE deliveries SET title = NULL, body = NULL WHERE settled_at < :before AND body IS NOT NULL",
            before=to_us(settled_before),
        )

    @property
    def _first_of_its_queue(self) -> str:
        """Nothing overtakes what went into its queue before; but what cannot be sent blocks nothing."""
        return f"""
        NOT EXISTS (SELECT 1 FROM deliveries e
                    WHERE e.url = d.url AND e.queue = d.queue AND e.id < d.id
                      AND e.state IN ('waiting', 'sending') AND (e.state = 'sending' OR {self.at_home("e")}))
        """  # noqa: S608  # constants

    def _record(self, delivery: Delivery, at: datetime, outcome: Outcome, settled: int) -> bool:
        """What was tried is recorded in any case: a superseded claim may have sent a copy. Not of what was erased."""
        self._db.run(
            "INSERT INTO attempts (delivery_id, at, doc) SELECT id, :at, :doc FROM deliveries WHERE id = :id",
            id=delivery.id,
            at=to_us(at),
            doc=msgspec.json.encode(outcome).decode(),
        )
        return settled > 0
