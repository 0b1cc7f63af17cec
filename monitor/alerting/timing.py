"""When a route's message about an event may go: at once, together with others, or not before a time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from monitor.alerting.hours import DAYS
from monitor.alerting.settings import DigestSettings, QuietSettings, RouteSettings, StormSettings
from monitor.model import EventKind, OrderEvent, SourceEvent, normalise_status

HOST_WAIT = timedelta(seconds=30)
"""So long at least news of a source waits for the others on its host."""
_LONG_HOST_WAIT = timedelta(seconds=90)
"""The default interval of a source, and what a poll that fails may take."""
_FEW = 10
"""So few sources are polled within seconds of each other; of more, some up to an interval after others."""
_A_WHILE = timedelta(days=16)
"""Longer than a week, and a day that the clocks leave out."""


class Why(StrEnum):
    """What a message waits for."""

    GROUP = "group"
    QUIET = "quiet"
    DIGEST = "digest"
    FOR = "for"
    STORM = "storm"
    OVERDUE = "overdue"
    REMINDER = "reminder"
    CLOSED = "closed"
    HOST = "host"


ABOUT_STUCK = (Why.OVERDUE, Why.REMINDER, Why.CLOSED)
"""What comes as one message for all stuck orders of a look: of those that were so already, of reminders, of the end."""
_TOGETHER = {
    Why.OVERDUE: "They had been stuck before this rule looked for the first time, or while they were silenced.",
    Why.REMINDER: "They are still stuck.",
    Why.CLOSED: "These were told of as stuck, and no longer are.",
    Why.QUIET: "This is what happened in quiet hours.",
    Why.STORM: "There was too much to be told one by one: `order-monitor events` lists all of it.",
}


def why_together(gathers: str) -> str:
    """What a message says of why it tells of several events; empty where that speaks for itself."""
    return _TOGETHER.get(Why(gathers), "") if gathers else ""


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that waits ``until`` then. Events of one route, URL and ``key`` share it until it is claimed.

    ``every_s``: so long at least lies between two messages of the key; if that leads ``not_between`` these two times,
    which are the next quiet hours, to the end of them. Nothing joins a message that waits ``FOR`` without a key.
    """

    why: Why
    until: datetime
    key: str = ""
    every_s: float = 0.0
    not_between: tuple[datetime, datetime] | None = None


def hold_of(
    route: RouteSettings, event: OrderEvent, labels: Mapping[str, str], now: datetime, zone: ZoneInfo
) -> Hold | None:
    """What a message of this route about this event waits for; None: nothing."""
    if route.urgent:
        return None
    if route.for_ is not None:
        return _for(route.quiet, now + route.for_, zone)
    if route.digest is not None:
        return Hold(Why.DIGEST, _after_quiet(route.quiet, digest_at(route.digest, now, zone), zone))
    if end := _disturbs(route, now, zone):
        return Hold(Why.QUIET, end)
    if route.group is None:
        return None
    key = "\n".join(f"{name}={_value(name, event, labels)}" for name in route.group.by)
    quiet = next_quiet(route.quiet, now, zone) if route.quiet else None
    return Hold(Why.GROUP, now + route.group.wait, key, route.group.every.total_seconds(), quiet)


def stuck_hold(
    route: RouteSettings, event: OrderEvent, labels: Mapping[str, str], now: datetime, zone: ZoneInfo
) -> Hold | None:
    """The same of a stuck order: many at once, as of a new rule, are one message."""
    hold = hold_of(route, event, labels, now, zone)
    if event.stuck is None or not (event.stuck.already or event.stuck.reminder):
        return hold
    if hold and hold.why in (Why.QUIET, Why.DIGEST):
        return hold
    return Hold(Why.OVERDUE if event.stuck.already else Why.REMINDER, now, event.source)


def closing_hold(
    route: RouteSettings, event: OrderEvent, labels: Mapping[str, str], now: datetime, zone: ZoneInfo
) -> Hold:
    """What the message waits for that says that an order is no longer stuck."""
    return hold_of(route, event, labels, now, zone) or Hold(Why.CLOSED, now, event.source)


def is_late(other: Hold | None, own: Hold | None) -> bool:
    """Whether what waits for ``other`` may come too late, or never, for the end of a trouble that has its ``own``."""
    if other is None or other.why not in (Why.DIGEST, Why.QUIET, Why.FOR):
        return False
    return own is None or own.why is not other.why


def storm_hold(storm: StormSettings, quiet: QuietSettings | None, now: datetime, zone: ZoneInfo) -> Hold:
    """What the summary waits for in which there is everything of a storm."""
    quiet_span = next_quiet(quiet, now, zone) if quiet else None
    return Hold(Why.STORM, now, every_s=storm.within.total_seconds(), not_between=quiet_span)


def host_wait(sources: int) -> timedelta:
    """How long news of one of so many sources waits: they are polled one after the other, whatever their hosts."""
    return HOST_WAIT if sources <= _FEW else _LONG_HOST_WAIT


def host_hold(event: SourceEvent, origin: str, now: datetime, wait: timedelta = HOST_WAIT) -> Hold | None:
    """What news of a source waits for that is not alone on its host: the same news of the others there."""
    if event.kind not in (EventKind.SOURCE_DOWN, EventKind.SOURCE_UP):
        return None
    return Hold(Why.HOST, now + wait, f"{origin}\n{event.kind}")


def rule_hold(route: RouteSettings, event: SourceEvent, now: datetime, zone: ZoneInfo) -> Hold | None:
    """What news of a rule waits for; they are told one by one, each with its own end."""
    key = f"{event.source}\n{event.at.isoformat()}"
    if route.digest is not None:
        return Hold(Why.DIGEST, _after_quiet(route.quiet, digest_at(route.digest, now, zone), zone), key)
    end = quiet_until(route.quiet, now, zone) if route.quiet else None
    return Hold(Why.QUIET, end, key) if end else None


def together(hold: Hold) -> Hold:
    """The same for a message that others share which go at the same time."""
    return msgspec.structs.replace(hold, key=hold.until.isoformat())


def quiet_until(quiet: QuietSettings, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end (UTC) of the quiet hours that it is now; None outside of them."""
    start, end = next_quiet(quiet, now, zone)
    return end if start <= now else None


def next_quiet(quiet: QuietSettings, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The quiet hours (UTC) that it is now, or that come next."""
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    days = (yesterday + timedelta(days=number) for number in range(_A_WHILE.days))
    hours = (_hours(quiet, day, zone) for day in days if DAYS[day.weekday()] in quiet.days)
    return next((start, end) for start, end in hours if start < end and end > now)


def _hours(quiet: QuietSettings, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The quiet hours that begin on this day; none, where the clocks leave them out."""
    ends = day if quiet.to > quiet.from_ else day + timedelta(days=1)
    return _at(day, quiet.from_, zone), _at(ends, quiet.to, zone)


def _disturbs(route: RouteSettings, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The end of the quiet hours in which the message would be made, or would go."""
    goes = now + route.group.wait if route.group else now
    ends = (quiet_until(route.quiet, at, zone) for at in (now, goes) if route.quiet)
    return next(filter(None, ends), None)


def _after_quiet(quiet: QuietSettings | None, at: datetime, zone: ZoneInfo) -> datetime:
    return (quiet and quiet_until(quiet, at, zone)) or at


def _for(quiet: QuietSettings | None, until: datetime, zone: ZoneInfo) -> Hold:
    """Alone; but together with all others that wait for the same quiet hours' end."""
    end = _after_quiet(quiet, until, zone)
    hold = Hold(Why.FOR, end)
    return together(hold) if end > until else hold


def digest_at(digest: DigestSettings, now: datetime, zone: ZoneInfo) -> datetime:
    """When the digest that is being gathered now goes (UTC)."""
    today = now.astimezone(zone).date()
    weekday, at = _moment(digest)
    days = (today + timedelta(days=number) for number in range(_A_WHILE.days))
    moments = (_at(day, at, zone) for day in days if weekday is None or day.weekday() == weekday)
    return next(moment for moment in moments if moment > now)


def last_moment(digest: DigestSettings, now: datetime, zone: ZoneInfo) -> datetime:
    """The last time up to now (UTC) that this schedule names."""
    today = now.astimezone(zone).date()
    weekday, at = _moment(digest)
    days = (today - timedelta(days=number) for number in range(_A_WHILE.days))
    moments = (_at(day, at, zone) for day in days if weekday is None or day.weekday() == weekday)
    return next(moment for moment in moments if moment <= now)


def _moment(digest: DigestSettings) -> tuple[int | None, time]:
    if digest.daily is not None:
        return None, digest.daily
    day, _, clock = (digest.weekly or "").partition(" ")
    return [*DAYS].index(day), time.fromisoformat(clock.zfill(5))  # type: ignore[arg-type]  # validated as one of DAYS


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _value(name: str, event: OrderEvent, labels: Mapping[str, str]) -> str:
    kind, _, label = name.partition(".")
    values = {
        "source": event.source,
        "status": normalise_status(event.order.status),
        "event": str(event.kind),
        "currency": (event.order.total and event.order.total.currency) or "",
        "order": f"{event.source} {event.order.id}",
        "labels": labels.get(label, ""),
    }
    return values[kind]
