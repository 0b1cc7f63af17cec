"""`silence`: mute alerts for a while, see what is muted, and end it. All of it works beside a running daemon."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from monitor.alerting.silences import Matcher, Silence
from monitor.asking import documents
from monitor.asking.muting import Configured, Fault, Hints, Wish, draft, read_labels
from monitor.cli.common import ask_state, change_state, now_of, read_settings
from monitor.cli.output import at, print_json, print_table
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.redact import Redactor
from monitor.store.base import Transaction

_HINTS = Hints(aim="Say --source, --order, --route, --channel …, or --all", long="say --yes, too, if you mean it")


def add(options: argparse.Namespace) -> int:
    """Write a silence; ConfigError with all that is wrong with it."""
    settings = read_settings(options, thoroughly=False)
    now = now_of(options)
    made = draft(_wish(options), _configured(settings), _HINTS, Redactor(settings.secrets()), now)
    if isinstance(made, list):
        raise _refusal(made)
    silence = change_state(settings, lambda tx: tx.add_silence(made.matcher, now, made.until, made.reason, made.by))
    print(f"silence {silence.id}, until {at(silence.until, settings.time_zone)}: {silence.matcher}")
    return 0


def list_(options: argparse.Namespace) -> int:
    """List the silences that are active; with ``--ended`` the others, too."""
    settings = read_settings(options, thoroughly=False)
    now = now_of(options)
    found = ask_state(settings, lambda tx: tx.silences() if options.ended else tx.active_silences(now))
    if options.json:
        print_json(documents.silence(silence, now) for silence in found)
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


def _configured(settings: Settings) -> Configured:
    sources = {name: source.labels for name, source in settings.sources.items()}
    routes = [route.name for route in settings.routes]
    return Configured(sources, routes, [*settings.channels], ZoneInfo(settings.time_zone))


def _wish(options: argparse.Namespace) -> Wish:
    """As it was typed; ConfigError if a label is none."""
    labels = read_labels(options.labels)
    if isinstance(labels, list):
        raise _refusal(labels)
    plain = {name: tuple(getattr(options, name)) for name in Matcher.__struct_fields__ if name != "labels"}
    matcher = Matcher(labels=labels, **plain)
    return Wish(matcher, options.span, options.until, options.reason, options.by, options.all, options.yes)


def _refusal(faults: Sequence[Fault]) -> ConfigError:
    return ConfigError([Problem(_typed(fault), "", fault.text) for fault in faults])


def _typed(fault: Fault) -> str:
    """What was typed for a field."""
    if fault.field == "matcher":
        return "silence"
    option = "label" if fault.field == "labels" else fault.field
    return f"--{option} {fault.value}".rstrip()


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
