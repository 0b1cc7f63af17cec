"""`silence`: mute alerts for a while, see what is muted, and end it. All of it works beside a running daemon."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

from monitor.alerting.conditions import globs
from monitor.alerting.routes import DEFAULT_ROUTE, HEALTH_ROUTE
from monitor.alerting.silences import Matcher, Silence
from monitor.cli.common import ask_state, change_state, now_of, read_settings
from monitor.cli.output import at, print_json, print_table
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.fields import did_you_mean, format_duration, parse_duration
from monitor.model import EventKind
from monitor.redact import Redactor
from monitor.store.base import Transaction

LONGEST = timedelta(days=30)
"""What is longer is meant only if somebody says so: a silence that nobody remembers hides what it was not set for."""
LONGEST_REASON = 200


def add(options: argparse.Namespace) -> int:
    """Write a silence; ConfigError with all that is wrong with it."""
    settings = read_settings(options, thoroughly=False)
    now = now_of(options)
    matcher = _matcher(options)
    _refuse([*_without_aim(matcher, everything=options.all), *_unmatched(matcher, settings)])
    until = _until(options, settings.time_zone, now)
    reason, by = (_text(settings, name, getattr(options, name)) for name in ("reason", "by"))
    if not reason:
        _refuse([Problem("--reason", "", "is empty: say why, for whoever wonders")])
    silence = change_state(settings, lambda tx: tx.add_silence(matcher, now, until, reason, by))
    print(f"silence {silence.id}, until {at(until, settings.time_zone)}: {silence.matcher}")
    return 0


def list_(options: argparse.Namespace) -> int:
    """List the silences that are active; with ``--ended`` the others, too."""
    settings = read_settings(options, thoroughly=False)
    now = now_of(options)
    found = ask_state(settings, lambda tx: tx.silences() if options.ended else tx.active_silences(now))
    if options.json:
        print_json(_document(silence, now) for silence in found)
        return 0
    rows = [_row(silence, now, settings.time_zone) for silence in found]
    nothing = "there never was a silence" if options.ended else "nothing is silenced"
    print_table(("id", "set", "until", "", "what", "reason", "by"), rows, nothing)
    return 0


def end(options: argparse.Namespace) -> int:
    """End silences; 1 if one of them is none, or has ended."""
    settings = read_settings(options, thoroughly=False)
    now = now_of(options)
    ids = list(dict.fromkeys(options.ids))

    def work(tx: Transaction) -> list[Silence | None]:
        return [tx.end_silence(number, now) for number in ids]

    ended = change_state(settings, work)
    for number, silence in zip(ids, ended, strict=True):
        left = silence and f"has ended; it was to last until {at(silence.until, settings.time_zone)}"
        print(f"silence {number}", left or "is none that is active")
    return 0 if all(ended) else 1


def _refuse(problems: Collection[Problem]) -> None:
    if problems:
        raise ConfigError(list(problems))


# What it is about


def _matcher(options: argparse.Namespace) -> Matcher:
    """As it was typed; ConfigError if a label is none."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for typed in options.labels:
        name, equals, value = typed.partition("=")
        if not (name and equals and value):
            _refuse([Problem(f"--label {typed}", "", "expected KEY=VALUE")])
        wanted[name].append(value)
    plain = {name: tuple(getattr(options, name)) for name in Matcher.__struct_fields__ if name != "labels"}
    return Matcher(labels={name: tuple(values) for name, values in wanted.items()}, **plain)


def _without_aim(matcher: Matcher, *, everything: bool) -> Iterator[Problem]:
    if everything and matcher != Matcher():
        yield Problem("--all", "", f"is everything, not only {matcher}: leave one of them out")
    elif not everything and matcher == Matcher():
        yield Problem("silence", "", "of what? Say --source, --order, --route, --channel …, or --all")


def _unmatched(matcher: Matcher, settings: Settings) -> Iterator[Problem]:
    """What matches nothing that is configured, and so would mute nothing."""
    routes = [*([route.name for route in settings.routes] or [DEFAULT_ROUTE]), HEALTH_ROUTE]
    known: dict[str, Sequence[str]] = {
        "source": [*settings.sources],
        "route": routes,
        "channel": [*settings.channels],
        "event": [*EventKind],
    }
    for name, names in known.items():
        for pattern in getattr(matcher, name):
            if not any(map(globs([pattern]), names)):
                yield Problem(f"--{name} {pattern}", "", f"there is no such {name}{_near(pattern, names)}")
    for label, wanted in matcher.labels.items():
        yield from _unmatched_label(label, wanted, settings)


def _unmatched_label(label: str, wanted: Sequence[str], settings: Settings) -> Iterator[Problem]:
    values = {source.labels[label] for source in settings.sources.values() if label in source.labels}
    if not values:
        names = sorted({name for source in settings.sources.values() for name in source.labels})
        yield Problem(f"--label {label}", "", f"no source has such a label{_near(label, names)}")
        return
    for value in wanted:
        if not any(map(globs([value]), values)):
            yield Problem(f"--label {label}={value}", "", f"no source is labelled so{_near(value, sorted(values))}")


def _near(text: str, known: Sequence[str]) -> str:
    return did_you_mean(text, known) or (f": there are {', '.join(known)}" if known else "")


# Until when, and why


def _until(options: argparse.Namespace, zone: str, now: datetime) -> datetime:
    """Its end, in UTC; ConfigError unless that lies ahead, and not too far."""
    typed = f"--for {options.span}" if options.span is not None else f"--until {options.until}"
    try:
        until = _moment(options.until, zone) if options.span is None else now + _span(options.span)
    except OverflowError:
        raise ConfigError([Problem(typed, "", "is too far ahead")]) from None
    except ValueError as error:
        raise ConfigError([Problem(typed, "", str(error))]) from None
    if until <= now:
        _refuse([Problem(typed, "", f"is over already: it is {at(now, zone)}")])
    if until - now > LONGEST and not options.yes:
        longest = format_duration(LONGEST)
        _refuse([Problem(typed, "", f"is longer than {longest}: say --yes, too, if you mean it")])
    return until


def _span(text: str) -> timedelta:
    return cast(timedelta, parse_duration(text))


def _moment(text: str, zone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError("expected a time such as '2026-12-01 08:00'") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _text(settings: Settings, name: str, typed: str) -> str:
    """On one line, and without secrets: it is stored, and shown to everybody."""
    text = Redactor(settings.secrets()).clean(" ".join(typed.split()))
    if len(text) > LONGEST_REASON:
        _refuse([Problem(f"--{name}", "", f"is longer than {LONGEST_REASON} characters")])
    return text


# What is printed


def _row(silence: Silence, now: datetime, zone: str) -> list[str]:
    return [
        str(silence.id),
        at(silence.created_at, zone),
        at(silence.until, zone),
        "active" if silence.is_active(now) else "ended",
        str(silence.matcher),
        silence.reason,
        silence.by,
    ]


def _document(silence: Silence, now: datetime) -> dict[str, Any]:
    return {**msgspec.to_builtins(silence), "by": silence.by, "active": silence.is_active(now)}
