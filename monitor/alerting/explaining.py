"""Why an order's events went where they went, and why not elsewhere, in words. Pure.

What was decided when an event was found is stored with it. Why a route did not want it is not: that is what the routes
of today's configuration say, which may be others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from monitor.alerting.routes import Opinion, Planned, Router, Routing, Silenced, Superseded
from monitor.alerting.timing import Why
from monitor.model import (
    Delivery,
    DeliveryState,
    Destination,
    EventKind,
    Known,
    OrderEvent,
    SourceState,
    normalise_status,
)

Time = Callable[[datetime | None], str]
"""A time as the reader writes it."""


class Part(StrEnum):
    """What a route does with an event."""

    TELLS = "tells"
    SUPERSEDED = "superseded"
    SILENCED = "silenced"
    REFUSES = "refuses"
    NOT_ASKED = "not_asked"


class RouteSaid(msgspec.Struct, frozen=True, omit_defaults=True):
    """A route's part: where it leads the event (``to``), what stands before that (``by``), or what refuses it."""

    route: str
    part: Part
    to: tuple[str, ...] = ()
    by: str | None = None
    why: tuple[str, ...] = ()

    def __str__(self) -> str:
        match self.part:
            case Part.TELLS:
                return f"{self.route}: to {', '.join(self.to)}"
            case Part.SUPERSEDED:
                return f"{self.route}: not to {', '.join(self.to)}: {self.by} leads there already"
            case Part.SILENCED:
                return f"{self.route}: not to {', '.join(self.to)}: muted by {self.by} ({'; '.join(self.why)})"
            case Part.NOT_ASKED:
                return f"{self.route}: was not asked: {self.by} stops the search"
        return f"{self.route}: not wanted: {'; '.join(self.why)}"


def decided(routing: Routing) -> tuple[RouteSaid, ...]:
    """What the routes said of an event when it was found, as far as it is stored."""
    return (
        *_led(Part.TELLS, ((one.route, None, "", one.destination) for one in routing.planned)),
        *_led(Part.SUPERSEDED, ((one.route, one.by, "", one.destination) for one in routing.superseded)),
        *_led(
            Part.SILENCED,
            ((one.route, f"silence {one.silence}", one.reason, one.destination) for one in routing.silenced),
        ),
    )


def opinions(router: Router, event: OrderEvent, then: Routing) -> tuple[RouteSaid, ...]:
    """What today's routes say of the event, all of them, in their order; ``then`` is what was decided.

    Whom it ends a stuck order's story for is as it was then: who had been told of it is not asked again.
    """
    led = list(decided(router.route(event, event.at, (), closings(router, event, then))))
    said: list[RouteSaid] = []
    for opinion in router.opinions(event):
        own = [one for one in led if one.route == opinion.route]
        led = [one for one in led if one.route != opinion.route]
        said += own or [_against(opinion)]
    return (*said, *led)


def _against(opinion: Opinion) -> RouteSaid:
    if opinion.after:
        return RouteSaid(opinion.route, Part.NOT_ASKED, by=opinion.after)
    why = tuple(map(str, opinion.refusals)) or ("it leads this to no channel",)
    return RouteSaid(opinion.route, Part.REFUSES, why=why)


def closings(router: Router, event: OrderEvent, then: Routing) -> dict[str, list[str]]:
    """By rule about stuck orders, the URLs (digests) that were told with this event that an order no longer is."""
    if event.kind is EventKind.STUCK:
        return {}
    rules = {rule.name for rule in router.stuck_rules(event.source)}
    ended: dict[str, list[str]] = {}
    ways: Sequence[Planned | Superseded | Silenced] = (*then.planned, *then.superseded, *then.silenced)
    for one in ways:
        if one.route in rules:
            ended.setdefault(one.route, []).append(one.destination.url)
    return ended


def agree(then: Sequence[RouteSaid], now: Sequence[RouteSaid]) -> bool:
    """Whether the same routes lead an event to the same places, or stand behind the same others.

    Where a silence muted some of it then, whether they would have: of today's routes none is asked.
    """
    if any(said.part is Part.SILENCED for said in then):
        return _ways(then) == _ways(now)
    return set(then) == {said for said in now if said.part in (Part.TELLS, Part.SUPERSEDED)}


def _ways(said: Iterable[RouteSaid]) -> set[tuple[str, str]]:
    return {(one.route, to) for one in said for to in one.to}


def first_sight(known: Known, events: Sequence[OrderEvent]) -> str:
    """How an order came to be known: as a new one, or as one that had been there."""
    appeared = any(event.kind is EventKind.APPEARED and event.at == known.first_seen for event in events)
    return "as a new order" if appeared else "as it was then: its baseline, of which nothing is announced"


def last_shown(known: Known, state: SourceState | None) -> datetime:
    """When the order was last seen as it is known, or proven to be so."""
    if known.missing or known.vanished_at or state is None:
        return known.seen_at
    proven = state.proven_at.get(normalise_status(known.order.status))
    return max(filter(None, (known.seen_at, state.complete_at, proven)))


def fate(delivery: Delivery, others: int, time: Time) -> str:
    """What has become of a message that tells of an event, and of so many others besides."""
    parts = [_state(delivery, time), _company(delivery, others), f"ref {delivery.ref}"]
    return ", ".join(filter(None, parts))


def _state(delivery: Delivery, time: Time) -> str:
    match delivery.state:
        case DeliveryState.SENT:
            said = f"sent {time(delivery.settled_at)}"
        case DeliveryState.DEAD:
            said = f"dead letter since {time(delivery.settled_at)}: {delivery.last_error}"
        case DeliveryState.DROPPED:
            said = f"dropped {time(delivery.settled_at)}: {delivery.last_error}"
        case DeliveryState.SENDING:
            said = "is being sent"
        case _:
            said = waiting(delivery, time)
    return said


def waiting(delivery: Delivery, time: Time) -> str:
    """What a delivery waits for, and until when."""
    if delivery.attempts:
        return f"will be tried again at {time(delivery.due_at)}: {delivery.last_error}"
    if delivery.last_error:
        return delivery.last_error
    held = _HELD.get(delivery.gathers, "waits until {}")
    return held.format(time(delivery.due_at))


_HELD: Mapping[str, str] = {
    Why.GROUP: "waits for others to join it until {}",
    Why.QUIET: "held by quiet hours until {}",
    Why.DIGEST: "gathered for the digest of {}",
    Why.FOR: "waits until {} to see whether the order stays as it is",
    Why.STORM: "waits in a storm's summary until {}",
}
_IN: Mapping[str, str] = {
    Why.GROUP: "in a group",
    Why.QUIET: "at the end of quiet hours",
    Why.DIGEST: "in a digest",
    Why.STORM: "in a storm's summary",
    Why.OVERDUE: "in one message about those stuck before",
    Why.REMINDER: "in one reminder",
    Why.CLOSED: "in one message that they are no longer stuck",
}


def _company(delivery: Delivery, others: int) -> str:
    if not delivery.gathers or delivery.gathers == Why.FOR:
        return ""
    with_ = f"with {others:,} other event{'' if others == 1 else 's'}" if others else "with no other event"
    return f"{_IN.get(delivery.gathers, 'together')} {with_}"


def _led(part: Part, found: Iterable[tuple[str, str | None, str, Destination]]) -> list[RouteSaid]:
    """By route, and what stands before it and why, all of the places."""
    places: dict[tuple[str, str | None, str], list[str]] = {}
    for route, by, why, to in found:
        places.setdefault((route, by, why), []).append(str(to))
    return [RouteSaid(route, part, tuple(to), by, (why,) if why else ()) for (route, by, why), to in places.items()]
