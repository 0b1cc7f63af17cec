"""Which events go where. Pure: an event in, the deliveries to make and the reasons for the others out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from monitor.alerting.conditions import Subject, subjects_of
from monitor.alerting.refusals import Refusal
from monitor.alerting.rules import Rule, Rulebook
from monitor.alerting.settings import RouteSettings, StormSettings
from monitor.alerting.silences import Mute
from monitor.alerting.stuck import StuckRule, stuck_rule
from monitor.alerting.timing import (
    Hold,
    closing_hold,
    host_hold,
    host_wait,
    is_late,
    rule_hold,
    storm_hold,
    stuck_hold,
)
from monitor.alerting.ways import Way, default_way, targets_of, way_of
from monitor.model import Destination, Event, EventKind, Life, Meanings, OrderEvent, SourceEvent

DEFAULT_ROUTE = "default"
"""The route in force where none is configured: every status_changed to every channel."""
HEALTH_ROUTE = "health"
"""The route of the monitor's own news."""
DRILL_ROUTE = "drill"
"""The route of fire drills."""
_NOTHING: Mapping[str, Collection[str]] = {}


class Planned(msgspec.Struct, frozen=True, omit_defaults=True):
    """A delivery to make, or to join: see ``hold``. None: it goes at once."""

    route: str
    destination: Destination
    hold: Hold | None = None


class Superseded(msgspec.Struct, frozen=True):
    """A delivery that ``route`` does not make, because ``by`` already leads this event to the same URL."""

    route: str
    destination: Destination
    by: str


class Silenced(msgspec.Struct, frozen=True):
    """A delivery that ``route`` does not make, because the silence with this number mutes it, for this reason."""

    route: str
    destination: Destination
    silence: int
    reason: str


class Routing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of an event: the deliveries to make, those that are not, and the route that ended the search.

    ``unfit`` are the routes that match because their ``where`` does not fit the event.
    """

    planned: tuple[Planned, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    stopped_by: str | None = None
    silenced: tuple[Silenced, ...] = ()
    unfit: tuple[str, ...] = ()

    @property
    def muted(self) -> frozenset[str]:
        """The URLs (digests) that would have been told of it, were there no silences."""
        told = {planned.destination.url for planned in self.planned}
        return frozenset(one.destination.url for one in self.silenced) - told


class Opinion(NamedTuple):
    """What a route says of an event: nothing against it, or what. ``after``: it was not asked, as that route stops."""

    route: str
    refusals: tuple[Refusal, ...] = ()
    after: str | None = None


class Router:
    """The routes in force.

    ``channels`` holds the digests of each channel's URLs: equal ones are the same URL, whichever channels they are of.
    ``labels`` are the sources'; ``health`` the channels for the monitor's own news, None: every one. ``meanings`` of
    the sources' statuses are what conditions know these by, too. Quiet hours and digests go by ``time_zone``.
    ``origins``: by source, the server it is on; what several there say at once is told together. ``drill`` are the
    channels of fire drills. ``lives`` are the usual lives of orders, by source. ``waits_for_orders``: whether a message
    may wait to see if its order moves on.
    KeyError if a channel is named that is not in ``channels``: the configuration has been checked before.
    """

    def __init__(  # noqa: PLR0913  # all that the configuration says about routing
        self,
        routes: Sequence[RouteSettings],
        channels: Mapping[str, Sequence[str]],
        labels: Mapping[str, Mapping[str, str]] | None = None,
        health: Sequence[str] | None = None,
        meanings: Mapping[str, Meanings] | None = None,
        *,
        time_zone: str = "UTC",
        origins: Mapping[str, str] | None = None,
        drill: Sequence[str] = (),
        lives: Mapping[str, Life] | None = None,
    ) -> None:
        self._zone = ZoneInfo(time_zone)
        self._settings = {route.name: route for route in routes}
        self._labels = labels or {}
        self._meanings = meanings or {}
        self._lives = lives or {}
        self._rulebook = Rulebook(routes, self._zone)
        self._routes = [way_of(route, channels) for route in routes] or [default_way(DEFAULT_ROUTE, channels)]
        self.waits_for_orders = any(route.for_ is not None for route in routes)
        targets = targets_of(channels if health is None else health, channels)
        self._health = Way(HEALTH_ROUTE, lambda _: True, targets)
        self._everywhere = targets_of(channels, channels)
        self._stuck: dict[str, tuple[StuckRule, ...]] = {}
        self._drill = Way(DRILL_ROUTE, lambda _: True, targets_of(drill, channels))
        together = Counter((origins or {}).values())
        self._shared = {source: origin for source, origin in (origins or {}).items() if together[origin] > 1}
        self._host_wait = host_wait(len(origins or {}))

    def route(
        self,
        event: Event,
        now: datetime,
        silences: Sequence[Mute] = (),
        closes: Mapping[str, Collection[str]] = _NOTHING,
    ) -> Routing:
        """What becomes of the event while these silences are active.

        ``closes``: its order was stuck, and is no longer: by which rules that was told, and to which URLs (digests).
        """
        labels = self._labels.get(event.source, {})
        if isinstance(event, SourceEvent):
            silences = [silence for silence in silences if silence.is_about(event, labels, ())]
            if event.rule:
                return self._route_rule(event, now, silences)
            return _plan([self._health], None, lambda _: self._host_hold(event, now), silences)
        if event.kind is EventKind.DRILL:
            return _plan([self._drill], None, lambda _: None, ())
        subjects = self._subjects(event)
        silences = [silence for silence in silences if silence.is_about(event, labels, subjects)]
        matching, stopped_by = self._matching(event, subjects)
        matching += [
            route.closing(closes[route.name], self._everywhere) for route in self._routes if route.name in closes
        ]

        def hold(route: Way) -> Hold | None:
            holds = closing_hold if route.closes else stuck_hold
            return holds(route.settings, event, labels, now, self._zone) if route.settings else None

        routing = _plan(matching, stopped_by, hold, silences)
        unfit = tuple(route.name for route in matching if route.when and not route.when.fits(event))
        return msgspec.structs.replace(routing, unfit=unfit) if unfit else routing

    def rules(self, source: str) -> list[Rule]:
        """The rules about this source as a whole."""
        return self._rulebook.of(source, self._labels.get(source, {}))

    def meanings(self, source: str) -> Meanings:
        """What this source's statuses mean."""
        return self._meanings.get(source, {})

    def stuck_rules(self, source: str) -> Sequence[StuckRule]:
        """The routes that ask for stuck orders of this source."""
        if source not in self._stuck:
            labels, meanings = self._labels.get(source, {}), self._meanings.get(source, {})
            routes = enumerate(self._settings.values())
            rules = (stuck_rule(route, place, source, labels, meanings) for place, route in routes)
            self._stuck[source] = tuple(filter(None, rules))
        return self._stuck[source]

    def opinions(self, event: OrderEvent) -> list[Opinion]:
        """What each route says of the event, in their order; slower than ``route``."""
        subjects = self._subjects(event)
        opinions: list[Opinion] = []
        stopped_by = None
        for route in self._routes:
            opinion = Opinion(route.name, () if stopped_by else route.refusals(event, subjects), stopped_by)
            opinions.append(opinion)
            if route.stop and not opinion.refusals:
                stopped_by = stopped_by or route.name
        return opinions

    def storm_of(self, route: str) -> StormSettings:
        """When this route's messages become a summary."""
        settings = self._settings.get(route)
        return settings.storm if settings else StormSettings()

    def storm_hold(self, route: str, now: datetime) -> Hold:
        """What this route's summary waits for."""
        settings = self._settings.get(route)
        return storm_hold(self.storm_of(route), settings.quiet if settings else None, now, self._zone)

    def _host_hold(self, event: SourceEvent, now: datetime) -> Hold | None:
        origin = self._shared.get(event.source)
        return host_hold(event, origin, now, self._host_wait) if origin else None

    def _subjects(self, event: OrderEvent) -> list[Subject]:
        labels, life = self._labels.get(event.source, {}), self._lives.get(event.source)
        return subjects_of(event, labels, self.meanings(event.source), life)

    def _route_rule(self, event: SourceEvent, now: datetime, silences: Sequence[Mute]) -> Routing:
        """What a rule found out goes where its own route leads, and nowhere else."""
        own = [route for route in self._routes if route.name == event.rule]

        def hold(route: Way) -> Hold | None:
            return rule_hold(route.settings, event, now, self._zone) if route.settings else None

        return _plan(own, None, hold, silences)

    def _matching(self, event: OrderEvent, subjects: Sequence[Subject]) -> tuple[list[Way], str | None]:
        matching: list[Way] = []
        for route in self._routes:
            if not route.is_asked(event) or not any(map(route.applies, subjects)):
                continue
            matching.append(route.told(event))
            if route.stop:
                return matching, route.name
        return matching, None


def _plan(
    matching: Iterable[Way],
    stopped_by: str | None,
    hold: Callable[[Way], Hold | None],
    silences: Sequence[Mute],
) -> Routing:
    """Of several ways to one URL an urgent one is taken, else the first: no fraud must drown in a digest.

    What is silenced takes no way from another route, nor does it to say that an order is no longer stuck, which yields
    to nothing that comes too late.
    """
    planned: list[Planned] = []
    superseded: list[Superseded] = []
    silenced: list[Silenced] = []
    taken: dict[str, Planned] = {}
    for route in sorted(matching, key=lambda route: (route.closes, not route.urgent)):
        for to in route.targets:
            if mute := next((one for one in silences if one.holds_back(route.name, to.channel)), None):
                silenced.append(Silenced(route.name, to, mute.id, mute.reason))
                continue
            own, other = Planned(route.name, to, hold(route)), taken.get(to.url)
            if other and not (route.closes and is_late(other.hold, own.hold)):
                superseded.append(Superseded(route.name, to, other.route))
            else:
                planned.append(own)
                taken[to.url] = own
    return Routing(tuple(planned), tuple(superseded), stopped_by, tuple(silenced))
