"""A route, compiled: what it matches, and to which URLs it leads. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from monitor.alerting.conditions import Condition, Subject, When, compile_when
from monitor.alerting.refusals import Refusal
from monitor.alerting.settings import RouteSettings, WhenSettings
from monitor.model import Destination, OrderEvent


class Way(NamedTuple):
    """A route with the URLs to which it leads: of its channels, and of those to which it escalates.

    ``closes``: it tells them that an order is no longer stuck.
    """

    name: str
    applies: Condition
    targets: tuple[Destination, ...]
    settings: RouteSettings | None = None
    when: When | None = None
    escalation: tuple[Destination, ...] = ()
    closes: bool = False

    def refusals(self, event: OrderEvent, subjects: Sequence[Subject]) -> tuple[Refusal, ...]:
        """What stands against each of the subjects; nothing if the route is about one of them."""
        found = [self.when and self.when.refusal(subject) for subject in subjects]
        if all(found):
            return tuple(dict.fromkeys(refusal for refusal in found if refusal))
        rule = event.stuck.rule if event.stuck else self.name
        return () if rule == self.name else (Refusal("stuck", self.name, f"it was found by {rule}"),)

    def is_asked(self, event: OrderEvent) -> bool:
        """Whether the event may be its own: a stuck order is told of by the rule that found it."""
        return event.stuck is None or event.stuck.rule == self.name

    def told(self, event: OrderEvent) -> Way:
        """The same, to whom it leads this event."""
        if event.stuck is None:
            return self
        targets = self.targets if event.stuck.channels else ()
        return self._replace(targets=targets + (self.escalation if event.stuck.escalated else ()))

    def closing(self, urls: Collection[str], everywhere: Iterable[Destination]) -> Way:
        """The same, to those of these URLs that there are still: to say that what they were told of is over."""
        own = {to.url: to for to in (*everywhere, *self.escalation, *self.targets)}
        return self._replace(targets=tuple(own[url] for url in urls if url in own), closes=True)

    @property
    def stop(self) -> bool:
        """Whether no later route is asked of what this one matches."""
        return self.settings is not None and self.settings.stop

    @property
    def urgent(self) -> bool:
        """Whether nothing may hold its messages up."""
        return self.settings is not None and self.settings.urgent


def way_of(route: RouteSettings, channels: Mapping[str, Sequence[str]]) -> Way:
    """The way of a route; KeyError if it names a channel that is none of these."""
    when = compile_when(route.when)
    escalation = targets_of(route.escalate.channels, channels) if route.escalate else ()
    return Way(route.name, when.applies, targets_of(route.channels, channels), route, when, escalation)


def default_way(name: str, channels: Mapping[str, Sequence[str]]) -> Way:
    """The way that is in force where no route is configured."""
    when = compile_when(WhenSettings())
    return Way(name, when.applies, targets_of(channels, channels), when=when)


def targets_of(names: Iterable[str], channels: Mapping[str, Sequence[str]]) -> tuple[Destination, ...]:
    """The URLs of these channels, in their order; KeyError if one is none."""
    return tuple(Destination(name, number, url) for name in names for number, url in enumerate(channels[name], 1))
