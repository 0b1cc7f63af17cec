"""`backtest`: stored history through a draft's routes. Reads beside a running daemon; sends and changes nothing."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

from monitor.alerting.comparing import Sent, compare
from monitor.alerting.drill import DRILL_SOURCE
from monitor.cli.backtest_view import Findings, document, lines, rows
from monitor.cli.common import ask_state, now_of, read_settings
from monitor.cli.output import at, print_json, print_table
from monitor.cli.phrases import counted
from monitor.config import Settings, load
from monitor.errors import ConfigError, Problem, StateUnreachable
from monitor.fields import parse_duration
from monitor.model import Delivery, DeliveryState, Destination
from monitor.parts import router_of, urls_of, words_of
from monitor.polling.replay import replay
from monitor.store.address import is_shared
from monitor.store.base import StoredEvent, Transaction

_RUNNING = "config/monitor.yaml"
_EVER = datetime.fromtimestamp(0, UTC)
_DECIDED_ELSEWHERE = ("stuck", "absent", "spike")
"""Kinds of events that the rules of a configuration make: no history knows those of a draft's."""


def backtest(options: argparse.Namespace) -> int:
    """Compare the messages that were with those that the draft would have made."""
    draft = read_settings(options)
    since = _since(options, draft.time_zone)
    most = None if options.json else options.limit
    found = ask_state(_whose_state(options, draft), lambda tx: _find(tx, draft, since, most))
    if options.json:
        print_json([document(found)])
        return 0
    since_, columns = at(since, draft.time_zone), ("route", "to", "were", "would be", "")
    print(f"{counted(found.events, 'event')} since {since_}, through the routes of {options.config}\n")
    print_table(columns, rows(found), "")
    print()
    for line in lines(found, words_of(draft), draft.time_zone, options.limit):
        print(line)
    return 0


def _whose_state(options: argparse.Namespace, draft: Settings) -> Settings:
    """The settings that name the state: the draft's own, unless there is none where it says."""
    running = options.state_of
    if running is None and not is_shared(draft.state) and not draft.state_file.exists():
        running = os.environ.get("MONITOR_CONFIG") or _RUNNING
        if not Path(running).exists():
            raise StateUnreachable(
                f"{draft.state_file}: there is no state; --state-of FILE names the running configuration, whose it is"
            )
    return draft if running is None else load(Path(running), os.environ)


def _since(options: argparse.Namespace, zone: str) -> datetime:
    """``30d`` ago, or the beginning of ``2026-04-11``; ConfigError for anything else."""
    now = now_of(options)
    try:
        if "-" in options.since:
            return datetime.combine(date.fromisoformat(options.since), time(), ZoneInfo(zone)).astimezone(UTC)
        return now - timedelta(seconds=cast(timedelta, parse_duration(options.since)).total_seconds())
    except (ValueError, OverflowError):
        text = f"expected a duration such as 30d or a date such as {now:%Y-%m-%d}, not {options.since!r}"
        raise ConfigError([Problem("--since", "", text)]) from None


def _find(tx: Transaction, draft: Settings, since: datetime, most: int | None) -> Findings:
    from monitor.store.sqlite import scratch

    homes = urls_of(draft)
    replayed = _Replayed(tx.events_between(since), draft)
    with scratch() as outbox:
        numbers = replay(replayed.events(), router_of(draft), homes, outbox, tx.silences())
        would = _sent(outbox.told_between(_EVER), homes, numbers)
    compared = compare(_sent(tx.told_between(since), homes), would)
    shown = compared.differences if most is None else compared.differences[:most]
    return Findings(
        since=since,
        events=replayed.count,
        compared=compared,
        shown=tx.events_with([difference.message.events[0] for difference in shown]),
        notes=list(_notes(tx, draft, replayed.left_out)),
    )


class _Replayed:
    """The events that the draft would have had: not those of sources that it does not name."""

    def __init__(self, stored: Iterable[StoredEvent], draft: Settings) -> None:
        self.count = 0
        self.left_out: Counter[str] = Counter()
        self._stored = stored
        self._sources = {*draft.sources, DRILL_SOURCE}

    def events(self) -> Iterator[StoredEvent]:
        """One after the other."""
        for stored in self._stored:
            if stored.event.source in self._sources:
                self.count += 1
                yield stored
            else:
                self.left_out[stored.event.source] += 1


def _sent(
    rows: Iterable[tuple[int, Delivery]], homes: Collection[Destination], numbers: Sequence[int] | None = None
) -> list[Sent]:
    """The messages that these rows (event, delivery) make; ``numbers`` are the events' own, where they have others.

    What was dropped was no message, and what stands in for a dead letter is that one again.
    """
    messages = []
    for delivery, group in groupby(rows, key=lambda row: row[1]):
        if delivery.state is DeliveryState.DROPPED or delivery.stands_for is not None:
            continue
        events = tuple(numbers[event - 1] if numbers else event for event, _ in group)
        messages.append(_message(delivery, events, homes))
    return messages


def _message(delivery: Delivery, events: tuple[int, ...], homes: Collection[Destination]) -> Sent:
    to = str(Destination(delivery.channel, delivery.url_number))
    return Sent(
        route=delivery.route,
        place=_place(delivery, to, homes),
        to=to,
        at=delivery.settled_at or delivery.due_at,
        events=events,
        dead=delivery.state is DeliveryState.DEAD,
    )


def _place(delivery: Delivery, to: str, homes: Collection[Destination]) -> str:
    """Where it is read: the draft's URL, which may have another channel there, or another URL below that name."""
    if any(home.url == delivery.url for home in homes):
        return delivery.url
    return next((home.url for home in homes if str(home) == to), to)


def _notes(tx: Transaction, draft: Settings, left_out: Mapping[str, int]) -> Iterator[str]:
    known = tx.sources()
    for name in draft.sources:
        if name not in known:
            yield f"source {name} has no history here"
    for name, count in left_out.items():
        yield f"source {name} is not in the draft: its {counted(count, 'event')} went through no route"
    made = {str(kind) for route in draft.routes for kind in route.when.event or ()} & set(_DECIDED_ELSEWHERE)
    if made:
        kinds = ", ".join(sorted(made))
        yield f"{kinds}: as the running configuration found them; what the draft would find is not known"
