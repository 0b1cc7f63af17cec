"""Deliveries that wait: for others to join them, for an hour of the day, or for an order to stay as it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from monitor.alerting.routes import Planned
from monitor.alerting.timing import ABOUT_STUCK, Hold, Why
from monitor.model import Destination, Event, EventKind, OrderEvent
from monitor.store.orphan_rows import json_of
from monitor.store.sql import Rows, from_us, to_us

DAY = timedelta(days=1)
"""How long a delivery is tried before it is a dead letter (promise 4)."""
_UNTOUCHED = "d.state = 'waiting' AND d.attempts + d.fence = 0"
"""That nobody has ever claimed it: what was claimed may have been sent, and must say the same each time."""


class GroupRows(Rows):
    """The part of a transaction that writes deliveries: alone, or into one that waits."""

    def add_delivery(
        self, route: str, to: Destination, event: Event, event_id: int, now: datetime, hold_s: float = 0.0
    ) -> int:
        due = now + timedelta(seconds=hold_s)
        return self._add(route, to, event, event_id, now=now, due=due, queue=_order_of(event))

    def join(self, planned: Planned, hold: Hold, event: Event, event_id: int, now: datetime) -> int:
        to, queue = planned.destination, _queue_of(planned, hold, event_id)
        if hold.why is Why.CLOSED:
            queue = self._beginning(planned, event) or queue  # nobody is told of an end before the beginning
        open_ = self._open(queue, to, hold.why)
        if open_ is not None:
            self._put_in(open_, event, event_id)
            return open_
        due = self._not_before(queue, to, hold)
        return self._add(planned.route, to, event, event_id, now=now, due=due, queue=queue, gathers=hold.why)

    def alone(self, planned: Planned, hold: Hold, since: datetime) -> set[int]:
        waits = "d.gathers = 'for' AND d.due_at = :until" if hold.why is Why.FOR else "d.gathers IN ('', 'group')"
        rows = self._db.rows(
            f"""
            SELECT d.id FROM deliveries d
            WHERE d.url = :url AND d.state IN ('waiting', 'sending') AND {_UNTOUCHED}
              AND d.route = :route AND d.channel = :channel AND d.stands_for IS NULL AND d.created_at > :since
              AND {waits} {self._db.lock_d}
            """,  # noqa: S608  # constants
            url=planned.destination.url,
            route=planned.route,
            channel=planned.destination.channel,
            since=to_us(since),
            **({"until": to_us(hold.until)} if hold.why is Why.FOR else {}),
        )
        return {int(row[0]) for row in rows}

    def merge(self, ids: Collection[int], into: int) -> None:
        merged = f"(SELECT value FROM {self._db.numbers}(:ids))"  # noqa: S608  # the driver's own constant
        for sql in (
            f"INSERT INTO delivery_events (delivery_id, event_id)"  # noqa: S608  # as above
            f" SELECT DISTINCT :into, event_id FROM delivery_events WHERE delivery_id IN {merged}"
            f" ON CONFLICT DO NOTHING",
            f"DELETE FROM delivery_events WHERE delivery_id IN {merged} AND delivery_id <> :into",  # noqa: S608  # as above
            f"UPDATE deliveries SET order_id = '', source = CASE WHEN EXISTS (SELECT 1 FROM deliveries m"  # noqa: S608  # as above
            f" WHERE m.id IN {merged} AND m.source <> deliveries.source) THEN '' ELSE source END WHERE id = :into",
            f"DELETE FROM deliveries WHERE id IN {merged} AND id <> :into",  # noqa: S608  # as above
        ):
            self._db.run(sql, into=into, ids=json_of(ids))

    def drop_held(self, event: OrderEvent, kinds: Collection[EventKind], now: datetime, reason: str) -> int:
        # Not what was found by the same look: that is how the order is now.
        held = self._db.rows(
            f"""
            SELECT d.id, e.id FROM events e
            JOIN delivery_events x ON x.event_id = e.id JOIN deliveries d ON d.id = x.delivery_id
            WHERE e.source = :source AND e.order_id = :order_id AND e.revision < :revision
              AND e.kind IN (SELECT value FROM {self._db.texts}(:kinds))
              AND d.gathers = 'for' AND {_UNTOUCHED} ORDER BY e.id {self._db.lock_d}
            """,  # noqa: S608  # constants
            source=event.source,
            order_id=event.order.id,
            revision=event.revision,
            kinds=json_of(kinds),
        )
        for delivery_id, event_id in held:
            alone = self._part(delivery_id, event_id, event)
            self._db.run(
                "UPDATE deliveries SET state = 'dropped', settled_at = :now, last_error = :reason,"
                " source = :source, order_id = :order_id WHERE id = :id",
                id=alone,
                source=event.source,
                order_id=event.order.id,
                now=to_us(now),
                reason=reason,
            )
        return len(held)

    def orders_told(self, ids: Collection[int]) -> Mapping[int, int]:
        rows = self._db.rows(
            f"""
            SELECT t.delivery_id, COUNT(*) FROM (
                SELECT DISTINCT x.delivery_id, e.source, e.order_id FROM delivery_events x
                JOIN events e ON e.id = x.event_id
                WHERE x.delivery_id IN (SELECT value FROM {self._db.numbers}(:ids)) AND e.order_id <> '') t
            GROUP BY t.delivery_id
            """,  # noqa: S608  # the driver's own constant
            ids=json_of(ids),
        )
        return {int(delivery): int(orders) for delivery, orders in rows}

    def count_events(self, route: str, at: datetime, events: int) -> None:
        self._db.run(
            """
            INSERT INTO route_events (route, at, events) VALUES (:route, :at, :events)
            ON CONFLICT (route, at) DO UPDATE SET events = route_events.events + excluded.events
            """,
            route=route,
            at=to_us(at),
            events=events,
        )

    def events_counted(self, route: str, since: datetime, now: datetime) -> int:
        # Not what a clock that has been set back since has written ahead of now: no storm lasts for hours.
        rows = self._db.rows(
            "SELECT COALESCE(SUM(events), 0) FROM route_events WHERE route = :route AND at > :since AND at <= :now",
            route=route,
            since=to_us(since),
            now=to_us(now),
        )
        return int(rows[0][0])

    def forget_counts(self, route: str, before: datetime) -> None:
        self._db.run(
            "DELETE FROM route_events WHERE route = :route AND at <= :before", route=route, before=to_us(before)
        )

    def _part(self, delivery_id: int, event_id: int, event: OrderEvent) -> int:
        """A delivery that tells of this event alone: this one, or else one made of it; its id."""
        which = {"delivery": delivery_id, "event": event_id}
        if not self._db.rows(
            "SELECT 1 FROM delivery_events WHERE delivery_id = :delivery AND event_id <> :event LIMIT 1", **which
        ):
            return delivery_id
        rows = self._db.rows(
            """
            INSERT INTO deliveries (route, channel, url_number, url, source, order_id, gathers, queue, state,
                                    created_at, due_at, retry_in, wish, expires_at, attempts, fence)
            SELECT route, channel, url_number, url, :source, :order_id, gathers, queue, state,
                   (SELECT at FROM events WHERE id = :event), due_at, retry_in, wish, expires_at, attempts, fence
            FROM deliveries WHERE id = :delivery
            RETURNING id
            """,
            source=event.source,
            order_id=event.order.id,
            **which,
        )
        self._db.run(
            "UPDATE delivery_events SET delivery_id = :part WHERE delivery_id = :delivery AND event_id = :event",
            part=rows[0][0],
            **which,
        )
        return int(rows[0][0])

    def _beginning(self, planned: Planned, event: Event) -> str | None:
        """The queue of the last message that is still to tell this route's URL that the order is stuck."""
        rows = self._db.rows(
            """
            SELECT d.queue FROM events e
            JOIN delivery_events x ON x.event_id = e.id JOIN deliveries d ON d.id = x.delivery_id
            WHERE e.source = :source AND e.order_id = :order_id AND e.kind = 'stuck'
              AND d.route = :route AND d.url = :url AND d.state IN ('waiting', 'sending') ORDER BY d.id DESC LIMIT 1
            """,
            source=event.source,
            order_id=_order_id(event),
            route=planned.route,
            url=planned.destination.url,
        )
        return str(rows[0][0]) if rows else None

    def _open(self, queue: str, to: Destination, why: Why) -> int | None:
        """The last message of this queue, if others may still join it: nobody has ever claimed it."""
        # The two conditions on the state: what the index has, and what is wanted.
        rows = self._db.rows(
            f"""
            SELECT d.id, d.gathers FROM deliveries d
            WHERE d.url = :url AND d.queue = :queue AND d.channel = :channel
              AND d.state IN ('waiting', 'sending') AND {_UNTOUCHED} ORDER BY d.id DESC LIMIT 1 {self._db.lock_d}
            """,  # noqa: S608  # constant
            url=to.url,
            queue=queue,
            channel=to.channel,
        )
        return int(rows[0][0]) if rows and rows[0][1] == why else None

    def _not_before(self, queue: str, to: Destination, hold: Hold) -> datetime:
        """When a new message of this queue may go."""
        if not hold.every_s:
            return hold.until
        due = max(hold.until, self._next(queue, to, hold))
        start, end = hold.not_between or (due, due)
        return end if start <= due < end else due

    def _next(self, queue: str, to: Destination, hold: Hold) -> datetime:
        """``every_s`` after the message of this queue before."""
        rows = self._db.rows(
            """
            SELECT COALESCE(settled_at, due_at) FROM deliveries WHERE gathers <> '' AND queue = :queue AND url = :url
            ORDER BY id DESC LIMIT 1
            """,
            queue=queue,
            url=to.url,
        )
        last = from_us(rows[0][0]) if rows else None
        # A time that cannot be, as the clock has been set back since, holds nothing up.
        return last + timedelta(seconds=hold.every_s) if last and last <= hold.until else hold.until

    def _put_in(self, delivery_id: int, event: Event, event_id: int) -> None:
        self._link(delivery_id, event_id)
        # What is about several sources or orders names none.
        self._db.run(
            """
            UPDATE deliveries
            SET order_id = CASE WHEN source = :source AND order_id = :order_id THEN order_id ELSE '' END,
                source = CASE WHEN source = :source THEN source ELSE '' END
            WHERE id = :id AND (source <> '' AND source <> :source OR order_id <> '' AND order_id <> :order_id)
            """,
            id=delivery_id,
            source=event.source,
            order_id=_order_id(event),
        )

    def _add(  # noqa: PLR0913  # the columns of a row
        self,
        route: str,
        to: Destination,
        event: Event,
        event_id: int,
        *,
        now: datetime,
        due: datetime,
        queue: str,
        gathers: str = "",
    ) -> int:
        wait = max(0, to_us(due) - to_us(now))
        rows = self._db.rows(
            """
            INSERT INTO deliveries (route, channel, url_number, url, source, order_id, gathers, queue, state,
                                    created_at, due_at, retry_in, wish, expires_at, attempts, fence)
            VALUES (:route, :channel, :number, :url, :source, :order_id, :gathers, :queue, 'waiting',
                    :now, :due, :wait, 0, :expires, 0, 0)
            RETURNING id
            """,
            route=route,
            channel=to.channel,
            number=to.number,
            url=to.url,
            source=event.source,
            order_id=_order_id(event),
            gathers=gathers,
            queue=queue,
            now=to_us(now),
            due=to_us(now) + wait,
            wait=wait,
            expires=to_us(due + DAY),
        )
        self._link(int(rows[0][0]), event_id)
        return int(rows[0][0])

    def _link(self, delivery_id: int, event_id: int) -> None:
        self._db.run(
            "INSERT INTO delivery_events (delivery_id, event_id) VALUES (:delivery, :event) ON CONFLICT DO NOTHING",
            delivery=delivery_id,
            event=event_id,
        )


def _order_id(event: Event) -> str:
    return event.order.id if isinstance(event, OrderEvent) else ""


def _queue_of(planned: Planned, hold: Hold, event_id: int) -> str:
    """Those of one queue share their message, and go one after the other."""
    key = f"event {event_id}" if hold.why is Why.FOR and not hold.key else hold.key
    # What is told of stuck orders goes one after the other, but no message holds both beginnings and ends.
    about = EventKind.STUCK if hold.why in ABOUT_STUCK else hold.why
    return f"route\n{planned.route}\n{about}\n{key}"


def _order_of(event: Event) -> str:
    """Deliveries about one order to one URL never overtake each other."""
    return f"order\n{event.source}\n{_order_id(event)}"
