"""Which events go where. Pure: an event in, the deliveries to make and the reasons for the others out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from monitor.alerting.conditions import Condition, Subject, compile_when, subjects_of
from monitor.alerting.settings import RouteSettings, WhenSettings
from monitor.model import Destination, Event, Meanings, SourceEvent

DEFAULT_ROUTE = "default"
"""The route in force where none is configured: every status_changed to every channel."""
HEALTH_ROUTE = "health"
"""The route of the monitor's own news."""


class Planned(msgspec.Struct, frozen=True):
    """A delivery to make."""

    route: str
    destination: Destination


class Superseded(msgspec.Struct, frozen=True):
    """A delivery that ``route`` does not make, because ``by`` already leads this event to the same URL."""

    route: str
    destination: Destination
    by: str


class Routing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What becomes of an event: the deliveries to make, those that are not, and the route that ended the search."""

    planned: tuple[Planned, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    stopped_by: str | None = None


class _Route(NamedTuple):
    name: str
    applies: Condition
    targets: tuple[Destination, ...]
    stop: bool = False


class Router:
    """The routes in force.

    ``channels`` holds the digests of each channel's URLs: equal ones are the same URL, whichever channels they are of.
    ``labels`` are the sources'; ``health`` the channels for the monitor's own news, None: every one. ``meanings`` of
    the sources' statuses are what conditions know these by, too.
    KeyError if a channel is named that is not in ``channels``: the configuration has been checked before.
    """

    def __init__(
        self,
        routes: Sequence[RouteSettings],
        channels: Mapping[str, Sequence[str]],
        labels: Mapping[str, Mapping[str, str]] | None = None,
        health: Sequence[str] | None = None,
        meanings: Mapping[str, Meanings] | None = None,
    ) -> None:
        self._labels = labels or {}
        self._meanings = meanings or {}
        self._routes = [_compile(route, channels) for route in routes] or [_default(channels)]
        targets = _targets(channels if health is None else health, channels)
        self._health = _Route(HEALTH_ROUTE, lambda _: True, targets)

    def route(self, event: Event) -> Routing:
        """What becomes of the event."""
        if isinstance(event, SourceEvent):
            return _plan([self._health], None)
        source = event.source
        subjects = subjects_of(event, self._labels.get(source, {}), self._meanings.get(source, {}))
        matching, stopped_by = self._matching(subjects)
        return _plan(matching, stopped_by)

    def _matching(self, subjects: Sequence[Subject]) -> tuple[list[_Route], str | None]:
        matching: list[_Route] = []
        for route in self._routes:
            if not any(map(route.applies, subjects)):
                continue
            matching.append(route)
            if route.stop:
                return matching, route.name
        return matching, None


def _plan(matching: Iterable[_Route], stopped_by: str | None) -> Routing:
    planned: list[Planned] = []
    superseded: list[Superseded] = []
    taken: dict[str, str] = {}
    for route in matching:
        for to in route.targets:
            if to.url in taken:
                superseded.append(Superseded(route.name, to, taken[to.url]))
            else:
                planned.append(Planned(route.name, to))
                taken[to.url] = route.name
    return Routing(tuple(planned), tuple(superseded), stopped_by)


def _compile(route: RouteSettings, channels: Mapping[str, Sequence[str]]) -> _Route:
    return _Route(route.name, compile_when(route.when), _targets(route.channels, channels), route.stop)


def _default(channels: Mapping[str, Sequence[str]]) -> _Route:
    return _Route(DEFAULT_ROUTE, compile_when(WhenSettings()), _targets(channels, channels))


def _targets(names: Iterable[str], channels: Mapping[str, Sequence[str]]) -> tuple[Destination, ...]:
    return tuple(Destination(name, number, url) for name in names for number, url in enumerate(channels[name], 1))
