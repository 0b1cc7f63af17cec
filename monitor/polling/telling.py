"""From an event to its rows in the outbox, in the transaction in which it is found: promise 3."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from monitor.alerting.routes import Planned, Router, Routing
from monitor.alerting.silences import Mute
from monitor.alerting.timing import ABOUT_STUCK, Hold, Why, together
from monitor.model import Event, EventKind, OrderEvent, SourceEvent, Untold
from monitor.store.base import Held, Transaction

MOST_HELD = 100
"""So many events of a look wait for their orders' details: a storm is told at once, and its source asked no more."""
_BESIDES = {EventKind.CHANGED, EventKind.INVOICE_CHANGED, EventKind.SERVICE_CHANGED}
_MOVES_ON = {
    EventKind.STATUS_CHANGED: set(EventKind) - _BESIDES,
    EventKind.VANISHED: set(EventKind),
    EventKind.REAPPEARED: {EventKind.VANISHED},
    EventKind.INVOICE_CHANGED: {EventKind.INVOICE_CHANGED},
}
"""After such an event an order is not as it was after these."""
_NOTHING: Mapping[str, Collection[str]] = {}
_GOES_TOGETHER = (Why.QUIET, Why.DIGEST, *ABOUT_STUCK)
"""What comes as one message anyway, at its own time."""


class Told(msgspec.Struct):
    """What telling came to. ``held`` are the events whose messages wait for details, ``unheld`` the deliveries that
    would have, were there not too many. ``silenced`` counts the messages that silences kept back, ``dropped`` those
    that waited to see whether an order stays as it is. ``unfit`` are routes whose ``where`` did not fit an event.
    """

    events: Counter[EventKind]
    deliveries: set[int]
    held: list[Held] = []
    unheld: list[int] = []
    silenced: int = 0
    dropped: int = 0
    unfit: set[str] = set()


class Written(NamedTuple):
    """An event's number, and what the routes made of it."""

    number: int
    routing: Routing


class Teller:
    """Writes events and their deliveries. ``hold_s``: so long the message about an order waits for its details.

    ``close`` is called once, after the last event of the transaction.
    """

    def __init__(self, tx: Transaction, router: Router, now: datetime, hold_s: float = 0.0) -> None:
        self.told = Told(Counter(), set())
        self._tx = tx
        self._router = router
        self._now = now
        self._hold_s = hold_s
        self._counts: Counter[str] = Counter()
        self._before: dict[str, int] = {}
        self._stormy: set[tuple[str, str]] = set()
        self._silences: list[Mute] | None = None
        self._locked = False

    def tell(self, event: Event, closes: Mapping[str, Collection[str]] = _NOTHING) -> Written:
        """Write the event, and what the routes make of it.

        ``closes``: its order was stuck, and is no longer: by which rules that was told, and to which URLs (digests).
        """
        self._lock()
        self._let_move_on(event)
        routing = self._route(event, closes)
        event_id = self._tx.add_event(event, msgspec.json.encode(routing).decode())
        self.told.events[event.kind] += 1
        self.told.silenced += len(routing.muted)
        self.told.unfit.update(routing.unfit)
        if isinstance(event, OrderEvent):
            self._counts.update({planned.route for planned in routing.planned if not _is_bounded(planned)})
        alone = [made for planned in routing.planned if (made := self._plan(planned, event, event_id))]
        if self._hold_s and alone and isinstance(event, OrderEvent):
            self._note_held(event, alone)
        return Written(event_id, routing)

    def tell_late(self, source: str, untold: Untold) -> Untold | None:
        """Tell news of a source's health where it is silenced no more; what is left to be told."""
        self._lock()
        news = SourceEvent(source, untold.kind, self._now)
        routing = self._route(news)
        for planned in routing.planned:
            if planned.destination.url in untold.urls:
                self._plan(planned, news, untold.event)
        left = tuple(url for url in untold.urls if url in routing.muted)
        return msgspec.structs.replace(untold, urls=left) if left else None

    def close(self) -> None:
        """Remember how much each route has had, for storms."""
        for route, count in self._counts.items():
            self._tx.count_events(route, self._now, count)
            self._tx.forget_counts(route, self._now - self._router.storm_of(route).within)

    def _lock(self) -> None:
        """From its first event on, one transaction tells at a time: groups and storms are of all daemons together."""
        if not self._locked:
            self._tx.lock_telling()
            self._locked = True

    def _route(self, event: Event, closes: Mapping[str, Collection[str]] = _NOTHING) -> Routing:
        if self._silences is None:
            self._silences = [Mute(silence) for silence in self._tx.active_silences(self._now)]
        return self._router.route(event, self._now, self._silences, closes)

    def _plan(self, planned: Planned, event: Event, event_id: int) -> int | None:
        """Write or join one delivery; its id, if it tells of this event alone and goes as soon as it can."""
        if isinstance(event, OrderEvent) and (storm := self._storm(planned)):
            self._join_storm(planned, storm, event, event_id)
            return None
        made = (
            self._join(planned, planned.hold, event, event_id) if planned.hold else self._add(planned, event, event_id)
        )
        return None if planned.hold else made

    def _join(self, planned: Planned, hold: Hold, event: Event, event_id: int) -> int:
        made = self._tx.join(planned, hold, event, event_id, self._now)
        self.told.deliveries.add(made)
        return made

    def _add(self, planned: Planned, event: Event, event_id: int) -> int:
        hold_s = self._hold_s if self._may_be_held(event) and len(self.told.held) < MOST_HELD else 0.0
        made = self._tx.add_delivery(planned.route, planned.destination, event, event_id, self._now, hold_s)
        self.told.deliveries.add(made)
        return made

    def _may_be_held(self, event: Event) -> bool:
        return isinstance(event, OrderEvent) and event.kind is not EventKind.VANISHED

    def _note_held(self, event: OrderEvent, deliveries: list[int]) -> None:
        if not self._may_be_held(event):
            return
        if len(self.told.held) < MOST_HELD:
            self.told.held.append(Held(event, tuple(deliveries)))
        else:
            self.told.unheld += deliveries

    # Storms

    def _storm(self, planned: Planned) -> Hold | None:
        """What the summary waits for, if there is more of this route than is told one by one."""
        hold = planned.hold
        if (hold and hold.why in _GOES_TOGETHER) or not self._storms(planned.route):
            return None
        return together(hold) if hold and hold.why is Why.FOR else self._router.storm_hold(planned.route, self._now)

    def _storms(self, route: str) -> bool:
        storm = self._router.storm_of(route)
        if route not in self._before:
            self._before[route] = self._tx.events_counted(route, self._now - storm.within, self._now)
        return self._before[route] + self._counts[route] > storm.over

    def _join_storm(self, planned: Planned, hold: Hold, event: Event, event_id: int) -> None:
        """Into the summary with it, and with all that waits for the same place and nobody has begun to send."""
        summary = self._join(planned, hold, event, event_id)
        place = (planned.route, planned.destination.url)
        if place in self._stormy:
            return
        self._stormy.add(place)
        since = self._now - self._router.storm_of(planned.route).within
        if alone := self._tx.alone(planned, hold, since) - {summary}:
            self._tx.merge(alone, summary)
            self._forget(alone)

    def _forget(self, merged: set[int]) -> None:
        told = self.told
        told.deliveries -= merged
        told.unheld = [made for made in told.unheld if made not in merged]
        kept = (Held(one.event, tuple(d for d in one.deliveries if d not in merged)) for one in told.held)
        told.held = [one for one in kept if one.deliveries]

    # Messages that wait to see whether an order stays as it is

    def _let_move_on(self, event: Event) -> None:
        kinds = _MOVES_ON.get(event.kind)
        if not isinstance(event, OrderEvent) or not kinds or not self._router.waits_for_orders:
            return
        reason = f"the order {_became(event)} before this was to be told"
        self.told.dropped += self._tx.drop_held(event, kinds, self._now, reason)


def _is_bounded(planned: Planned) -> bool:
    """Whether it is one message however many there are: that makes no storm."""
    return planned.hold is not None and planned.hold.why in ABOUT_STUCK


def _became(event: OrderEvent) -> str:
    """How the order has moved on."""
    if event.kind is EventKind.VANISHED:
        return "was gone"
    if event.kind is EventKind.REAPPEARED:
        return "was back"
    if event.kind is EventKind.INVOICE_CHANGED:
        return f"had its invoice {event.order.invoice_status}"
    return f"became {event.order.status}"
