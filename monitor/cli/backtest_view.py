"""How `backtest` tells what it found: as text, and as a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from monitor.alerting.comparing import Compared, Difference, Sent, What
from monitor.alerting.headlines import change
from monitor.alerting.views import NUMBER_LENGTH, plain
from monitor.alerting.words import Words
from monitor.cli.output import at
from monitor.cli.phrases import counted
from monitor.model import OrderEvent
from monitor.store.base import StoredEvent

_SIGNS = {What.ADDED: "+", What.GONE: "-", What.GROUPED: "~"}


class Findings(msgspec.Struct):
    """What came of a backtest. ``shown`` has the first event of each difference that is to be shown."""

    since: datetime
    events: int
    compared: Compared
    shown: Mapping[int, StoredEvent]
    notes: Sequence[str]


def document(found: Findings) -> dict[str, Any]:
    """All of it."""
    return {
        "since": found.since,
        "events": found.events,
        "same": found.compared.same,
        "routes": [
            {"route": route, "to": to, "were": were, "would": would} for route, to, were, would in _counts(found)
        ],
        "differences": [_difference(one, found) for one in found.compared.differences],
        "notes": list(found.notes),
    }


def _difference(one: Difference, found: Findings) -> dict[str, Any]:
    message = one.message
    document: dict[str, Any] = {
        "what": one.what.value,
        "route": message.route,
        "to": message.to,
        "at": message.at,
        "events": message.events,
        "first": msgspec.to_builtins(found.shown[message.events[0]].event),
    }
    if one.what is What.GROUPED:
        document |= {"messages_before": one.before, "untold_before": one.untold}
    return document


def rows(found: Findings) -> list[list[str]]:
    """How many messages there were and would be by route and channel, and in all."""
    counts = list(_counts(found))
    total = ("in all", "", sum(were for _, _, were, _ in counts), sum(would for _, _, _, would in counts))
    return [
        [route, to, f"{were:,}", f"{would:,}", f"{would - were:+,}" if would != were else ""]
        for route, to, were, would in [*counts, total]
    ]


def lines(found: Findings, words: Words, zone: str, most: int) -> Iterator[str]:
    """What is to be said besides, and the differences, the first ``most``."""
    yield from (f"note: {note}" for note in found.notes)
    differences = found.compared.differences
    same = found.compared.same
    if not differences:
        yield f"no difference: {counted(same, 'message')}, the same as there were"
        return
    yield f"{counted(same, 'message')} the same, {counted(len(differences), 'difference')}:"
    yield from (_line(one, found, words, zone) for one in differences[:most])
    if len(differences) > most:
        yield f"… the first {most}; --limit N shows more, --json all"


def _counts(found: Findings) -> Iterator[tuple[str, str, int, int]]:
    were, would = found.compared.were, found.compared.would
    for route, to in sorted({*were, *would}):
        yield route, to, were.get((route, to), 0), would.get((route, to), 0)


def _line(one: Difference, found: Findings, words: Words, zone: str) -> str:
    message = one.message
    where = f"{_SIGNS[one.what]} {at(message.at, zone)}  {message.route} → {message.to}: "
    return where + _about(message, found, words) + (_before(one) if one.what is What.GROUPED else "")


def _about(message: Sent, found: Findings, words: Words) -> str:
    event = found.shown[message.events[0]].event
    if isinstance(event, OrderEvent):
        first = f"{event.source} {plain(event.order.label, NUMBER_LENGTH)} {change(event, words)}"
    else:
        first = f"{event.source} {event.kind}"
    more = len(message.events) - 1
    return f"{first} and {more:,} more" if more else first


def _before(one: Difference) -> str:
    untold = f", {one.untold:,} of them in none" if one.untold else ""
    return (
        f"; until now in {counted(one.before, 'message')} {'with others' if one.before == 1 else ''}".rstrip() + untold
    )
