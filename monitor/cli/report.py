"""`report`: what an issue needs to hold, as Markdown, without secrets and without anything of an order."""

from __future__ import annotations

import argparse
import errno
import os
import platform
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from monitor import __version__
from monitor.alerting.views import cut
from monitor.cli.common import ask_state, read_settings
from monitor.cli.output import at
from monitor.config import Settings
from monitor.errors import ConfigError, MonitorError
from monitor.model import Delivery, DeliveryState, Destination, SourceEvent, SourceState
from monitor.redact import MASK, Redactor
from monitor.store.base import StoredEvent, Tallies, Transaction

_LIBRARIES = (
    *("aiohttp", "alembic", "apprise", "apscheduler", "babel", "jinja2", "msgspec", "psycopg", "pydantic"),
    "sqlalchemy",
)
_SHOWN = 5
_LOOKED_AT = 200
"""So many of the newest undelivered messages are looked at for what they were told."""


class Kept(NamedTuple):
    """What the state says that may be shown."""

    sources: Mapping[str, SourceState]
    tallies: Tallies
    troubles: list[StoredEvent]
    failing: list[Delivery]


def report(options: argparse.Namespace) -> int:
    """Print versions, configuration, sources' health, counts and recent errors."""
    print("<!-- `order-monitor report`: made to hold no secret and no order. Please read it before you post it. -->\n")
    _print_part("Versions", _versions())
    try:
        settings = read_settings(options)
    except ConfigError as error:
        problems = (f"- {_code(_homeless(str(problem)))}" for problem in error.problems)
        _print_part("Configuration", ["It is refused, so that no state was looked at:", "", *problems])
        return 0
    _print_part("Configuration", _configuration(settings))
    _print_part("State", _state(settings))
    return 0


def _print_part(title: str, lines: Iterable[str]) -> None:
    print(f"### {title}\n")
    for line in lines:
        print(line)
    print()


def _versions() -> Iterator[str]:
    yield f"- order-monitor {__version__}"
    yield f"- Python {platform.python_version()} ({platform.python_implementation()}), SQLite {sqlite3.sqlite_version}"
    yield f"- {platform.platform()}"
    yield "- " + ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "?"


def _configuration(settings: Settings) -> Iterator[str]:
    import yaml

    text = yaml.safe_dump(_discreet(settings.redacted()), allow_unicode=True, sort_keys=False).rstrip()
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text) or ("",)))
    yield f"{fence}yaml\n{Redactor(settings.secrets()).clean(text)}\n{fence}\n"
    yield "Channels: " + (", ".join(f"{name} ({_kinds(settings, name)})" for name in settings.channels) or "none")


def _kinds(settings: Settings, channel: str) -> str:
    """``slack``, ``mailtos + json``: what sort of URLs, which the masked ones do not say."""
    from monitor.notifier import kind

    return " + ".join(kind(url.get_secret_value()) for url in settings.channels[channel].urls)


def _state(settings: Settings) -> Iterator[str]:
    scrub = Scrubber(settings)
    try:
        kept = ask_state(settings, _gather)
    except MonitorError as error:
        yield f"It cannot be read: {scrub.code(str(error))}"
        return
    yield from _sources(kept, scrub)
    yield from _counts(kept.tallies)
    yield from _titled("Recent troubles of sources", (_trouble(row, scrub) for row in kept.troubles[-_SHOWN:]))
    yield from _titled("Messages that were not delivered", _failures(kept.failing, scrub))


def _gather(tx: Transaction) -> Kept:
    unsent = [DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.DEAD]
    failing = [delivery for delivery in tx.deliveries(unsent, _LOOKED_AT) if delivery.last_error]
    # Events of a source itself are those that belong to no order.
    return Kept(tx.sources(), tx.tallies(), tx.events(None, "", _SHOWN), failing)


def _sources(kept: Kept, scrub: Scrubber) -> Iterator[str]:
    yield "| source | last poll | baseline | last complete look | failed polls | what it says |"
    yield "|---|---|---|---|---|---|"
    for name, state in kept.sources.items():
        said = state.error or (state.doubt and state.doubt.reason) or ""
        health = "down" if state.down else "in doubt" if state.doubt else "failing" if state.failures else "well"
        times = (at(time, "UTC") for time in (state.polled_at, state.baseline_at, state.complete_at))
        cells = (name, *times, str(state.failures), f"{health} {scrub.code(said) if said else ''}".strip())
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


def _counts(tallies: Tallies) -> Iterator[str]:
    orders: Counter[str] = Counter()
    for (source, status, vanished), count in tallies.orders.items():
        # A status is the source's own word: one that does not look like one could be anything.
        word = status if re.fullmatch("[a-z_]{1,30}", status) else "of another status"
        orders[f"{source}: {word}{', vanished' if vanished else ''}"] += count
    yield "- Orders: " + _counted(orders)
    yield "- Events: " + _counted(tallies.events)
    yield "- Deliveries: " + _counted(tallies.deliveries)
    yield ""


def _counted(counts: Mapping[str, int]) -> str:
    return "; ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"


def _titled(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (f"{title}:", "", *(list(lines) or ["- none"]), "")


def _trouble(row: StoredEvent, scrub: Scrubber) -> str:
    event = row.event
    reason = event.reason if isinstance(event, SourceEvent) else ""
    return f"- {at(event.at, 'UTC')} {event.source} {event.kind.value}" + (f": {scrub.code(reason)}" if reason else "")


def _failures(failing: Iterable[Delivery], scrub: Scrubber) -> Iterator[str]:
    """Each reason once, with how often: the newest last."""
    groups: dict[str, list[Delivery]] = {}
    for row in failing:
        said = f"{Destination(row.channel, row.url_number)}, {row.state.value}: {scrub.code(row.last_error or '')}"
        groups[said] = [*groups.pop(said, []), row]
    for said, rows in list(groups.items())[-_SHOWN:]:
        yield f"- {len(rows)} × {said}, up to {max(row.attempts for row in rows)} attempts, made until " + at(
            rows[-1].created_at, "UTC"
        )


def _discreet(value: Any, key: str = "") -> Any:
    """Settings without what names people: hosts, mail addresses, labels. Secrets are masked already."""
    if isinstance(value, dict):
        return {name: MASK if key == "labels" else _discreet(child, str(name)) for name, child in value.items()}
    if isinstance(value, list):
        return [_discreet(child, key) for child in value]
    if not isinstance(value, str):
        return value
    if key == "state":  # whose options may name hosts, too
        value = value.partition("?")[0]
    return MASK if key in _NAMES else _homeless(_MAIL.sub(MASK, _HOST.sub(MASK, value)))


_NAMES = ("host", "user", "from", "to")
_HOST = re.compile(r"(?<=://)[^/\s'\"]+")
_MAIL = re.compile(r"[^\s<>@,;:'\"]+@[^\s<>@,;'\"]+")


def _homeless(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


class Scrubber:
    """Errors without secrets, and without what an endpoint or a row put into them: theirs may hold an order's data."""

    def __init__(self, settings: Settings) -> None:
        self._redactor = Redactor(settings.secrets())

    def code(self, text: str) -> str:
        """The error, scrubbed, as Markdown code: nothing in it can mention anybody."""
        text = _homeless(self._redactor.clean(" ".join(text.split())))
        for pattern, replacement in _FOREIGN:
            text = pattern.sub(replacement, text)
        return _code(cut(text, 300))


def _quoted(match: re.Match[str]) -> str:
    """What stands in brackets at the end of an error of ours is what the other side said."""
    said = match[1]
    if said in _HARMLESS or re.fullmatch(r"[A-Z]\w*(Error|Exception|Disconnected)", said):
        return match[0]
    code = re.match(r"[2-5]\d\d\b", said)
    return f"({code[0]} …)" if code else "(…)"


_HARMLESS = frozenset(map(os.strerror, errno.errorcode)) | {"ConnectionResetError", "ClientOSError"}
_FOREIGN: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"\((.*)\)$"), _quoted),
    (re.compile(r"\((?:\d+(?:\.\d+){3}|[0-9a-f:.]*:[0-9a-f:.]+)\)"), "(<address>)"),
    (re.compile(r"[a-z][a-z0-9+.-]*://[^\s,]*[^\s,:]", re.IGNORECASE), "<address>"),
    (_MAIL, "<mail>"),
    (re.compile(r"\border .* stands\b"), "order … stands"),
    (re.compile(r"(['\"]).*\1"), "'…'"),
    (re.compile(r"[$€£¥]\s?\d[\d.,]*|\b\d[\d.,]*[.,]\d\d\b(?! s\b)|\b[A-Za-z]+[-_#]?\d[\w-]*|#\d+"), "…"),
)
"""In turn: what the other side said; addresses; people; an order's id; quotes; amounts and order numbers."""


def _code(text: str) -> str:
    return "`" + text.replace("`", "'") + "`"
