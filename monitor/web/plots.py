"""What plots are made of: shares and heights, as percentages that an SVG of any width takes. Pure."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitor.alerting.views import readable
from monitor.model import EventKind, Meaning, Meanings, meaning_of

LOOKS = (*map(str, Meaning), "other")
"""The order in which statuses stand beside each other."""
_ROOM_FOR_A_DIGIT = 2.4
"""Percent of a bar's width that a digit takes on a telephone."""
_SMALLEST = 0.4
"""Percent of a bar that the smallest segment is shown with: one order of a million must be seen, too."""


class Segment(NamedTuple):
    """A part of a bar: where it begins and how wide it is, in percent. ``label`` is empty where it has no room."""

    look: str
    word: str
    number: int
    x: float
    width: float
    label: str

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return self.x + self.width / 2


class Bar(NamedTuple):
    """A source's orders: by what their statuses mean, and by the statuses as the source writes them."""

    source: str
    total: int
    segments: Sequence[Segment]
    statuses: Sequence[tuple[str, str, int]]


def bar_of(source: str, statuses: Mapping[str, int], meanings: Meanings) -> Bar:
    """One source's bar; ``statuses`` counts its orders by normalised status."""
    by_look = dict.fromkeys(LOOKS, 0)
    for status, count in statuses.items():
        by_look[_look(status, meanings)] += count
    rows = sorted(statuses.items(), key=lambda pair: (LOOKS.index(_look(pair[0], meanings)), -pair[1], pair[0]))
    spelled = [(_look(status, meanings), readable(status, meanings), count) for status, count in rows if count]
    return Bar(source, sum(by_look.values()), _segments(by_look), spelled)


def _look(status: str, meanings: Meanings) -> str:
    return str(meaning_of(status, meanings) or "other")


def _segments(by_look: Mapping[str, int]) -> list[Segment]:
    shown = {look: count for look, count in by_look.items() if count}
    widths = _widths(list(shown.values()))
    segments, x = [], 0.0
    for (look, count), width in zip(shown.items(), widths, strict=True):
        text = f"{count:,}"
        label = text if width > _ROOM_FOR_A_DIGIT * (len(text) + 1) else ""
        segments.append(Segment(look, look.capitalize(), count, round(x, 3), round(width, 3), label))
        x += width
    return segments


def _widths(counts: Sequence[int]) -> list[float]:
    """In percent; small ones are a little wider than they would be, which the others make up for."""
    total = sum(counts)
    raised = [max(100 * count / total, _SMALLEST) for count in counts]
    return [100 * width / sum(raised) for width in raised]


class Series(NamedTuple):
    """Events that are shown in one colour."""

    look: str
    word: str
    kinds: frozenset[EventKind]


SERIES = (
    Series("series-new", "New orders", frozenset({EventKind.APPEARED, EventKind.REAPPEARED})),
    Series("series-status", "Status changes", frozenset({EventKind.STATUS_CHANGED})),
    Series(
        "series-details",
        "Other changes",
        frozenset({EventKind.CHANGED, EventKind.INVOICE_CHANGED, EventKind.SERVICE_CHANGED}),
    ),
    Series("series-gone", "Vanished or stuck", frozenset({EventKind.VANISHED, EventKind.STUCK})),
    Series(
        "series-source",
        "Source news",
        frozenset(
            {
                EventKind.SOURCE_DOWN,
                EventKind.SOURCE_UP,
                EventKind.SOURCE_DOUBTFUL,
                EventKind.ABSENT,
                EventKind.SPIKE,
                EventKind.DRILL,
            }
        ),
    ),
)


class Span(NamedTuple):
    """How much time a plot shows, in steps of so many hours. A label stands below the steps that begin at an hour which
    ``labelled`` divides; where steps are days, below each seventh.
    """

    name: str
    words: str
    hours: int
    steps: int
    labelled: int

    def is_labelled(self, begins: datetime, left: int) -> bool:
        """Whether a label stands below a step that begins then (local time), of which so many are still to come."""
        return begins.hour % self.labelled == 0 if self.labelled else left % 7 == 0


SPANS = (
    Span("24h", "24 hours", 1, 24, 6),
    Span("7d", "7 days", 6, 28, 24),
    Span("30d", "30 days", 24, 30, 0),
)


def span_named(name: str) -> Span:
    """The one with this name, else the first."""
    return next((span for span in SPANS if span.name == name), SPANS[0])


def bucket_of(zone: ZoneInfo, now: datetime) -> timedelta:
    """What to count by, so that whole steps of local time can be put together of it."""
    offset = now.astimezone(zone).utcoffset() or timedelta(0)
    return timedelta(hours=1) if offset % timedelta(hours=1) == timedelta(0) else timedelta(minutes=15)


def starts_of(span: Span, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """When each step begins (UTC), by the clocks of the zone; the last is the one that it is now."""
    local = now.astimezone(zone)
    latest = local.replace(hour=local.hour - local.hour % span.hours, minute=0, second=0, microsecond=0)
    if span.hours == 1:
        return [latest.astimezone(UTC) - timedelta(hours=back) for back in reversed(range(span.steps))]
    # Wall-clock arithmetic: a day of 23 hours has its steps, too.
    walls = (latest - timedelta(hours=back * span.hours) for back in reversed(range(span.steps)))
    return [wall.astimezone(UTC) for wall in walls]


class Piece(NamedTuple):
    """A part of a column: heights in percent of the plot, from its top."""

    look: str
    word: str
    number: int
    y: float
    height: float


class Column(NamedTuple):
    """What happened in one step. ``label`` is empty where none stands below it."""

    begins: datetime
    x: float
    width: float
    pieces: Sequence[Piece]
    counts: Sequence[int]
    total: int
    labelled: bool

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return round(self.x + self.width / 2, 3)


class Plot(NamedTuple):
    """Columns side by side below one scale, of which ``ticks`` are the lines: where, and how many."""

    span: Span
    columns: Sequence[Column]
    ticks: Sequence[tuple[float, int]]
    totals: Sequence[tuple[Series, int]]
    total: int

    @property
    def legend(self) -> Sequence[tuple[Series, int]]:
        """What is explained: what there is of, and what one looks for first."""
        return [one for place, one in enumerate(self.totals) if one[1] or place < _ALWAYS_EXPLAINED]


_ALWAYS_EXPLAINED = 2
_GAP = 0.22
"""The share of a step that is left free between two columns."""


def plot_of(
    span: Span, starts: Sequence[datetime], counts: Mapping[tuple[str, EventKind, datetime], int], zone: ZoneInfo
) -> Plot:
    """The plot of these counts by source, kind and time."""
    table = _table(starts, counts)
    top = _scale(max(map(sum, table), default=0))
    step = 100 / len(starts)
    columns = []
    for number, (begins, row) in enumerate(zip(starts, table, strict=True)):
        labelled = span.is_labelled(begins.astimezone(zone), len(starts) - 1 - number)
        columns.append(_column(begins, number * step, step, row, top, labelled=labelled))
    totals = [(series, sum(row[number] for row in table)) for number, series in enumerate(SERIES)]
    ticks = [(round(100 - 100 * at / top, 3), at) for at in _ticks(top)]
    return Plot(span, columns, ticks, totals, sum(count for _, count in totals))


def _table(starts: Sequence[datetime], counts: Mapping[tuple[str, EventKind, datetime], int]) -> list[list[int]]:
    """By step and series."""
    table = [[0] * len(SERIES) for _ in starts]
    for (_, kind, at), count in counts.items():
        place = bisect.bisect_right(starts, at) - 1
        if place >= 0:
            table[place][_series_of(kind)] += count
    return table


def _series_of(kind: EventKind) -> int:
    return next(number for number, series in enumerate(SERIES) if kind in series.kinds)


def _column(begins: datetime, x: float, step: float, row: Sequence[int], top: int, *, labelled: bool) -> Column:
    pieces, y = [], 100.0
    for series, count in zip(SERIES, row, strict=True):
        if count:
            height = 100 * count / top
            y -= height
            pieces.append(Piece(series.look, series.word, count, round(y, 3), round(height, 3)))
    return Column(
        begins, round(x + step * _GAP / 2, 3), round(step * (1 - _GAP), 3), pieces, tuple(row), sum(row), labelled
    )


def _scale(highest: int) -> int:
    """The first round number that is no lower: 4, 10, 20, 40, 50, 100 …"""
    if highest <= 4:
        return 4
    size = 10 ** int(math.log10(highest))
    return next(int(size * step) for step in (1, 2, 4, 5, 10, 20) if size * step >= highest)


def _ticks(top: int) -> Iterable[int]:
    return (top // 2, top)
