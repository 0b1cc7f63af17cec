"""A silence that somebody asks for: what is wrong with it, all at once, or what to write. Pure.

The command, the page and the API ask alike. Each fault names the field that it is about, for each to show as it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from monitor.alerting.conditions import globs
from monitor.alerting.routes import DEFAULT_ROUTE, HEALTH_ROUTE
from monitor.alerting.silences import Matcher
from monitor.fields import did_you_mean, format_duration, parse_duration
from monitor.model import EventKind
from monitor.redact import Redactor

LONGEST = timedelta(days=30)
"""What is longer is meant only if somebody says so: a silence that nobody remembers hides what it was not set for."""
LONGEST_TEXT = 200


class Configured(NamedTuple):
    """What a silence can be about. ``sources`` with their labels; no ``routes``: the one that stands for none.

    Times without a zone of their own are in ``zone``.
    """

    sources: Mapping[str, Mapping[str, str]]
    routes: Sequence[str]
    channels: Sequence[str]
    zone: ZoneInfo


class Hints(NamedTuple):
    """How to ask otherwise, in the words of where it is asked: for what a silence is about, and for a long one."""

    aim: str
    long: str


class Wish(NamedTuple):
    """What is asked for, as it was typed: until when by ``span`` (``2h``) or ``until`` (``2026-12-01 08:00``).

    ``everything`` goes with an empty matcher alone, and that with nothing else; ``long`` says that it is meant so.
    """

    matcher: Matcher
    span: str | None
    until: str | None
    reason: str
    by: str = ""
    everything: bool = False
    long: bool = False


class Draft(NamedTuple):
    """A silence to write."""

    matcher: Matcher
    until: datetime
    reason: str
    by: str


class Fault(NamedTuple):
    """What is wrong with a field: one of a matcher's (``from``, not ``from_``), for, until, reason, by or all.

    ``value`` is what of it is meant, where it holds several. ``matcher`` is the field of what concerns it as a whole.
    """

    field: str
    value: str
    text: str


def draft(wish: Wish, configured: Configured, hints: Hints, redactor: Redactor, now: datetime) -> Draft | list[Fault]:
    """The silence to write, or everything that is wrong with it."""
    until = _until(wish, configured.zone, now, hints)
    reason, by = (_one_line(text, redactor) for text in (wish.reason, wish.by))
    faults = [*_without_aim(wish, hints), *_unmatched(wish.matcher, configured)]
    if isinstance(until, Fault):
        faults.append(until)
    faults += _wordless(reason, by)
    return faults or Draft(wish.matcher, cast(datetime, until), reason, by)


def read_labels(typed: Iterable[str]) -> dict[str, tuple[str, ...]] | list[Fault]:
    """The labels of a matcher out of ``KEY=VALUE``, as people type them; or which are none."""
    labels: dict[str, tuple[str, ...]] = {}
    faults = []
    for text in typed:
        name, _, value = text.partition("=")
        if name and value:
            labels[name] = (*labels.get(name, ()), value)
        else:
            faults.append(Fault("labels", text, "expected KEY=VALUE"))
    return faults or labels


# What it is about


def _without_aim(wish: Wish, hints: Hints) -> Iterator[Fault]:
    if wish.everything and wish.matcher != Matcher():
        yield Fault("all", "", f"is everything, not only {wish.matcher}: leave one of them out")
    elif not wish.everything and wish.matcher == Matcher():
        yield Fault("matcher", "", f"of what? {hints.aim}")


def _unmatched(matcher: Matcher, configured: Configured) -> Iterator[Fault]:
    """What matches nothing that is configured, or nothing at all, and so would mute nothing."""
    known: dict[str, Sequence[str]] = {
        "source": [*configured.sources],
        "route": [*(configured.routes or [DEFAULT_ROUTE]), HEALTH_ROUTE],
        "channel": configured.channels,
        "event": [*EventKind],
    }
    for name, names in known.items():
        for pattern in getattr(matcher, name):
            if not any(map(globs([pattern]), names)):
                yield Fault(name, pattern, f"there is no such {name}{_near(pattern, names)}")
    for name in ("order", "from_", "to"):
        if not all(pattern.strip() for pattern in getattr(matcher, name)):
            yield Fault(name.rstrip("_"), "", "is empty")
    for label, wanted in matcher.labels.items():
        yield from _unmatched_label(label, wanted, configured.sources.values())


def _unmatched_label(label: str, wanted: Sequence[str], sources: Iterable[Mapping[str, str]]) -> Iterator[Fault]:
    values = {labels[label] for labels in sources if label in labels}
    if not values:
        names = sorted({name for labels in sources for name in labels})
        yield Fault("labels", label, f"no source has such a label{_near(label, names)}")
    elif not wanted:
        yield Fault("labels", label, "is empty")
    for value in wanted if values else ():
        if not any(map(globs([value]), values)):
            yield Fault("labels", f"{label}={value}", f"no source is labelled so{_near(value, sorted(values))}")


def _near(text: str, known: Sequence[str]) -> str:
    return did_you_mean(text, known) or (f": there are {', '.join(known)}" if known else "")


# Until when, and why


def _until(wish: Wish, zone: ZoneInfo, now: datetime, hints: Hints) -> datetime | Fault:
    """Its end, in UTC; a fault unless that lies ahead, and not too far."""
    if (wish.span is None) == (wish.until is None):
        return Fault("for", "", "say until when, by one of: for how long, or until")
    field, typed = ("until", wish.until) if wish.span is None else ("for", wish.span)
    try:
        until = _moment(typed or "", zone) if wish.span is None else now + _span(wish.span)
    except OverflowError:
        return Fault(field, typed or "", "is too far ahead")
    except ValueError as error:
        return Fault(field, typed or "", str(error))
    wrong = _misplaced(until, zone, now) or ("" if wish.long else _too_long(until - now, hints))
    return Fault(field, typed or "", wrong) if wrong else until


def _misplaced(until: datetime, zone: ZoneInfo, now: datetime) -> str:
    return f"is over already: it is {now.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}" if until <= now else ""


def _too_long(span: timedelta, hints: Hints) -> str:
    return f"is longer than {format_duration(LONGEST)}: {hints.long}" if span > LONGEST else ""


def _span(text: str) -> timedelta:
    return cast(timedelta, parse_duration(text))


def _moment(text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("expected a time such as '2026-12-01 08:00'") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def _one_line(typed: str, redactor: Redactor) -> str:
    """On one line, and without secrets: it is stored, and shown to everybody."""
    return redactor.clean(" ".join(typed.split()))


def _wordless(reason: str, by: str) -> Iterator[Fault]:
    if not reason:
        yield Fault("reason", "", "is empty: say why, for whoever wonders")
    for name, text in (("reason", reason), ("by", by)):
        if len(text) > LONGEST_TEXT:
            yield Fault(name, "", f"is longer than {LONGEST_TEXT} characters")
