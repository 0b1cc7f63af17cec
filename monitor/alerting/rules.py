"""Rules: what routes want to know of a source as a whole. No new order for long; too many of one status. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from monitor.alerting.conditions import compile_sources, globs
from monitor.alerting.hours import DAYS, Hours
from monitor.alerting.rule_settings import percent
from monitor.alerting.settings import RouteSettings
from monitor.fields import format_duration
from monitor.model import EventKind, RuleState, SourceEvent, normalise_status

_SO_MANY = 10
"""At least, for a spike, where the configuration does not say."""


class AbsentRule(NamedTuple):
    """No new order ``after`` so long of the hours that matter."""

    name: str
    after: timedelta
    hours: Hours


class SpikeRule(NamedTuple):
    """Of the orders that entered any status ``within`` so long, this ``share`` and so many entered this one.

    ``is_it``: whether a status, by one of its names, is meant; ``about`` is what the configuration calls it.
    """

    name: str
    about: str
    is_it: Callable[[str], bool]
    share: Decimal
    within: timedelta
    at_least: int


Rule = AbsentRule | SpikeRule


class Sight(NamedTuple):
    """What a source has shown up to ``now``. ``seen_from`` is when the time begins that was seen since the last such
    look; None if none of it was. ``new_order_at`` is when an order was seen last that was new; ``is_new``: since then.
    """

    source: str
    now: datetime
    seen_from: datetime | None
    new_order_at: datetime | None
    is_new: bool


class Entered(NamedTuple):
    """Of ``orders`` that entered a status in a rule's window, ``hits`` entered the one that it is about.

    ``whole``: all of the window was seen.
    """

    orders: int
    hits: int
    whole: bool


Verdict = tuple[RuleState, SourceEvent | None]
"""What is known for the rule from now on, and its news, if there is any."""


class Rulebook:
    """The rules of all routes that are about sources as a whole."""

    def __init__(self, routes: Iterable[RouteSettings], zone: ZoneInfo) -> None:
        found = ((compile_sources(route.when), _rule_of(route, zone)) for route in routes)
        self._rules = [(is_about, rule) for is_about, rule in found if rule]

    def of(self, source: str, labels: Mapping[str, str]) -> list[Rule]:
        """Those about the source with this name and these labels."""
        return [rule for is_about, rule in self._rules if is_about(source, labels)]


def _rule_of(route: RouteSettings, zone: ZoneInfo) -> Rule | None:
    when = route.when
    if when.for_ is not None:
        return AbsentRule(route.name, when.for_, Hours(zone, when.between, when.days or DAYS))
    if when.status is None or when.share is None or when.within is None:
        return None
    at_least = _SO_MANY if when.at_least is None else when.at_least
    about = " or ".join(when.status)
    is_it = globs(map(normalise_status, when.status))
    return SpikeRule(route.name, about, is_it, when.share, when.within, at_least)


def judge_absence(rule: AbsentRule, state: RuleState, sight: Sight) -> Verdict:
    """After a look that would have shown a new order."""
    if sight.is_new:
        return RuleState(state.begun), _absent(rule, sight, state.since, over=True) if state.on else None
    seen = rule.hours.within(sight.seen_from, sight.now) if sight.seen_from else timedelta(0)
    state = msgspec.structs.replace(state, lacking=state.lacking + seen)
    if state.on or state.lacking < rule.after:
        return state, None
    state = msgspec.structs.replace(state, on=True, since=sight.new_order_at)
    return state, _absent(rule, sight, state.since, over=False)


def judge_spike(rule: SpikeRule, state: RuleState, entered: Entered, source: str, now: datetime) -> Verdict:
    """It begins at the share and the number that the rule names, and is over below half of one of them."""
    hits, wanted = entered.hits, rule.share * entered.orders
    if not state.on and hits >= rule.at_least and hits >= wanted:
        state = msgspec.structs.replace(state, on=True, since=now)
        return state, _spike(rule, entered, source, now, state)
    if state.on and entered.whole and (2 * hits < rule.at_least or 2 * hits < wanted):
        return RuleState(state.begun), _spike(rule, entered, source, now, state, over=True)
    return state, None


def _absent(rule: AbsentRule, sight: Sight, since: datetime | None, *, over: bool) -> SourceEvent:
    hours = rule.hours
    when = "".join(
        (
            f" between {hours.between.begins:%H:%M} and {hours.between.ends:%H:%M}" if hours.between else "",
            f" on {', '.join(day for day in DAYS if day in hours.days)}" if set(hours.days) != set(DAYS) else "",
        )
    )
    reason = f"There was no new order for {format_duration(rule.after)}" + (f", counted{when}" if when else "")
    return SourceEvent(sight.source, EventKind.ABSENT, sight.now, reason, since, rule=rule.name, over=over)


def _spike(
    rule: SpikeRule, entered: Entered, source: str, now: datetime, state: RuleState, *, over: bool = False
) -> SourceEvent:
    share = percent((Decimal(entered.hits) / entered.orders).quantize(Decimal("0.01"))) if entered.orders else "0%"
    reason = (
        f"{entered.hits:,} of the {entered.orders:,} orders that entered a status within"
        f" {format_duration(rule.within)} became {rule.about}: {share}"
    )
    since = state.since if over else None
    return SourceEvent(source, EventKind.SPIKE, now, reason, since, rule=rule.name, about=rule.about, over=over)
