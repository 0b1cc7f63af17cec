"""How `check --connect` tells what it found: for people on a terminal, as plain text, and as JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from monitor.alerting.views import plain, readable
from monitor.alerting.words import Words
from monitor.cli.findings import ChannelFound, Found, OnPage, SourceFound, Way, requests_a_day
from monitor.cli.phrases import by_status, counted
from monitor.config import Settings
from monitor.model import Meanings, Order
from monitor.polling.bound import Bound, bound_in_words, noticed_within, span
from monitor.redact import Redactor

_BUSY_A_MINUTE = 60
_MARKS = {"good": ("✓", "green"), "bad": ("✗", "bold red"), "mind": ("!", "yellow"), "": (" ", "")}
_LOUD = {"bad": "red", "mind": "yellow"}
_LABEL = len("one as read")
_DIALECTS = {
    "documented": "as documented: pages, totals, filters",
    "released": "as released (v2.7.0): the whole list at once",
}


class Line(NamedTuple):
    """One fact: ``mark`` is good, bad, mind or nothing."""

    mark: str
    label: str
    text: str


def show(settings: Settings, found: Sequence[Found]) -> None:
    """Print all of it to the standard output."""
    clean = Redactor(settings.secrets()).clean
    draw = _draw if sys.stdout.isatty() else _write
    for one in found:
        lines = [line._replace(text=clean(plain(line.text, 400))) for line in _lines(settings, one)]
        draw(clean(_title(one)), lines)


def _write(title: str, lines: Sequence[Line]) -> None:
    print(f"\n{title}")
    for line in lines:
        print(f"  {_MARKS[line.mark][0]} {line.label:<{_LABEL}} {line.text}".rstrip())


def _draw(title: str, lines: Sequence[Line]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    table.add_column()
    table.add_column()
    table.add_column(width=_LABEL)
    table.add_column(overflow="fold")
    for line in lines:
        mark, style = _MARKS[line.mark]
        # Text, not markup: an order's data could hold rich's tags.
        table.add_row("", Text(mark, style), Text(line.label, "dim"), Text(line.text, _LOUD.get(line.mark, "")))
    console = Console(highlight=False)
    console.print()
    console.print(Text(title, "bold"))
    console.print(table)


def as_json(settings: Settings, found: Sequence[Found]) -> Iterator[dict[str, Any]]:
    """Each source and each URL of a channel as plain data."""
    clean = Redactor(settings.secrets()).clean
    for one in found:
        row: dict[str, Any] = msgspec.to_builtins(one)
        row = {"ok": one.problem is None, **row}
        if isinstance(one, SourceFound) and one.problem is None:
            row |= _bounds(settings, one)
        yield {key: _cleaned(value, clean) for key, value in row.items()}


@contextmanager
def waiting(settings: Settings) -> Iterator[OnPage | None]:
    """Something to look at on a terminal while nothing is known yet."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    names = ", ".join([*settings.sources, *settings.channels])
    with console.status(f"Contacting {names} … (one that does not answer gets 15 s)") as status:

        def on_page(source: str, read: int, of: int | None) -> None:
            status.update(f"Reading {source}: page {read:,}" + (f" of {of:,} …" if of else " …"))

        yield on_page


def _title(one: Found) -> str:
    return f"{one.source}: {one.type}, {one.url}" if isinstance(one, SourceFound) else f"{one.channel}: {one.kind}"


def _lines(settings: Settings, one: Found) -> Iterator[Line]:
    return _source_lines(settings, one) if isinstance(one, SourceFound) else _channel_lines(one)


def _channel_lines(one: ChannelFound) -> Iterator[Line]:
    if one.problem:
        yield Line("bad", "host", f"{one.place}: {one.problem}" if one.place else one.problem)
    elif one.tried:
        how = "answers, with TLS" if one.secure else "answers, without encryption"
        yield Line("good", "host", f"{one.place} {how}; nothing was sent")
    else:
        yield Line("mind", "host", f"{one.place} was not tried: {one.note}" if one.place else f"not tried: {one.note}")


def _source_lines(settings: Settings, one: SourceFound) -> Iterator[Line]:
    if one.answered_in:
        yield Line("good", "answers", f"in {one.answered_in * 1000:,.0f} ms")
    if one.token_accepted:
        yield Line("good", "token", "accepted")
    if one.problem:
        yield Line("bad", "token" if one.token_accepted is False else "problem", one.problem)
    else:
        yield from _what_it_shows(settings, one)
    for warning in one.warnings:
        yield Line("mind", "mind", warning)


def _what_it_shows(settings: Settings, one: SourceFound) -> Iterator[Line]:
    words = Words(settings.time_zone, settings.locale)
    every, meanings = settings.sources[one.source].every.total_seconds(), settings.sources[one.source].meanings
    bounds = _bounds(settings, one)
    if one.dialect:
        yield Line("", "dialect", _DIALECTS.get(one.dialect, one.dialect))
    total = sum(one.by_status.values())
    yield Line("", "orders", counted(total, "order") + (f": {by_status(one.by_status, meanings)}" if total else ""))
    if one.order:
        yield Line("", "one as read", _in_words(one.order, words, meanings))
    if one.details:
        yield Line("good", "details", f"shown by {'itself' if one.details == one.source else one.details}")
    bound = _bound(settings, one)
    gone = f", deletions within {span(bounds['gone_within_s'])}" if bound.sweep is None else ""
    yield Line("", "noticed", f"{bound_in_words(bound, one.reading)}{gone}")
    requests = bounds["requests_a_day"]
    how = f"{counted(bounds['polls_a_day'], 'poll')} of {one.requests:,}"
    how += f", some of {one.settle:,}" if one.settle else ""
    how += f", a sweep of {one.pages:,}" if bound.sweep else ""
    yield Line("", "a day", f"{counted(requests, 'request')}: {how}")
    if one.reading > every:
        yield Line("mind", "", f"one look takes about {span(one.reading)}, longer than every: {span(every)}")
    elif requests > _BUSY_A_MINUTE * 1440:
        yield Line("mind", "", f"about {requests // 1440:,} a minute: a longer every spares the server")
    if one.unreached:
        statuses = ", ".join(readable(status, meanings) for status in one.unreached)
        yield Line("mind", "routes", f"none is about a change to {statuses}: it would alert nobody")
    else:
        yield Line("", "routes", "a change to any of these statuses reaches somebody")


def _bound(settings: Settings, one: SourceFound) -> Bound:
    source = settings.sources[one.source]
    if one.way is Way.STATUS:
        return Bound.by_status(source, one.open, settles=one.settles)
    return Bound(source.every, sweep=source.sweep_every if one.way is Way.MODIFIED else None)


def _bounds(settings: Settings, one: SourceFound) -> dict[str, Any]:
    source = settings.sources[one.source]
    within, bound = noticed_within(source.every, one.reading), _bound(settings, one)
    polls, requests = requests_a_day(one, source)
    return {
        "noticed_within_s": round(within, 1),
        "other_statuses_within_s": round(max(bound.settle.total_seconds(), within) if bound.settle else within, 1),
        "gone_within_s": round(2 * within if bound.sweep is None else bound.sweep.total_seconds() + within, 1),
        "polls_a_day": polls,
        "requests_a_day": requests,
    }


def _in_words(order: Order, words: Words, meanings: Meanings) -> str:
    parts = [order.label, readable(order.status, meanings)]
    if order.total:
        parts.append(words.money(order.total.amount, order.total.currency))
    if order.items is not None:
        parts.append(counted(len(order.items), "item"))
    if order.created_at:
        created = order.created_at
        parts.append(f"created {words.date(created)}, {words.time(created, created)}")
    return " · ".join(parts)


def _cleaned(value: Any, clean: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(part, clean) for key, part in value.items()}
    return [_cleaned(part, clean) for part in value] if isinstance(value, list) else value
