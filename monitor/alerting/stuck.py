"""Rules about stuck orders: which statuses, for how long, who is reminded when. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from monitor.alerting.conditions import Condition, compile_when, globs, subjects_of
from monitor.alerting.moves import names_of
from monitor.alerting.settings import RouteSettings, WhenSettings
from monitor.model import EventKind, Meanings, Order, OrderEvent, normalise_status

_NEVER = datetime.max.replace(tzinfo=UTC)
_ASKED = ("when", "remind_every", "escalate")
"""What a rule finds follows from these settings of its route."""


class StuckRule(NamedTuple):
    """What a route asks of the orders of one source, whose statuses have these ``meanings``.

    ``place`` is the route's among all. ``fingerprint`` is another one when the rule asks for something else.
    """

    name: str
    place: int
    after: timedelta
    remind_every: timedelta | None
    escalate_after: timedelta | None
    fingerprint: str
    is_status: Callable[[str], bool]
    applies: Condition
    labels: Mapping[str, str]
    meanings: Meanings

    def covers(self, status: str) -> bool:
        """Whether an order can be stuck in this status (in any spelling)."""
        return any(map(self.is_status, names_of(status, self.meanings)))

    def wants(self, event: OrderEvent) -> bool:
        """Whether its other conditions hold for this stuck order."""
        return any(map(self.applies, subjects_of(event, self.labels, self.meanings)))

    def escalates(self, age: timedelta) -> bool:
        """Whether others are told, too, of an order that has been stuck for so long."""
        return self.escalate_after is not None and age >= self.escalate_after

    def next_at(self, status_at: datetime, told_at: datetime, *, escalated: bool) -> datetime | None:
        """When there is something to tell again of an order that is stuck since ``status_at``; None: never."""
        times = []
        if self.remind_every is not None:
            times.append(told_at + self.remind_every)
        if self.escalate_after is not None and not escalated:
            times.append(status_at + self.escalate_after)
        return min(times, default=None)

    @property
    def longest(self) -> timedelta:
        """Nothing of an order that was told of is further ahead than this."""
        return max(self.remind_every or timedelta(0), self.escalate_after or timedelta(0))


def stuck_rule(
    route: RouteSettings, place: int, source: str, labels: Mapping[str, str], meanings: Meanings
) -> StuckRule | None:
    """What the route asks of this source's orders; None if it is not about stuck orders, or not about this source."""
    when = route.when
    if when.event != [EventKind.STUCK] or when.after is None or not _is_about(when, source, labels):
        return None
    return StuckRule(
        name=route.name,
        place=place,
        after=when.after,
        remind_every=route.remind_every,
        escalate_after=route.escalate.after if route.escalate else None,
        fingerprint=_fingerprint(route),
        is_status=globs(map(normalise_status, when.status or ())),
        applies=compile_when(when).applies,
        labels=labels,
        meanings=meanings,
    )


def _is_about(when: WhenSettings, source: str, labels: Mapping[str, str]) -> bool:
    """Whether its conditions on sources hold, for any order."""
    alone = WhenSettings.model_construct(event=when.event, source=when.source, labels=when.labels)
    nobody = OrderEvent(source, EventKind.STUCK, _NEVER, Order("", ""), revision=0)
    return any(map(compile_when(alone).applies, subjects_of(nobody, labels, {})))


def _fingerprint(route: RouteSettings) -> str:
    written = route.model_dump(mode="json", include=set(_ASKED), exclude_defaults=True)
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]
