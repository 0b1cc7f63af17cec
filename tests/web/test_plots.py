"""The geometry of plots: nothing is lost, nothing sticks out, and each number stands where it belongs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import EventKind, Meaning
from monitor.web.plots import LOOKS, SERIES, SPANS, bar_of, bucket_of, plot_of, span_named, starts_of

STOCKHOLM, KOLKATA = ZoneInfo("Europe/Stockholm"), ZoneInfo("Asia/Kolkata")
NOW = datetime(2026, 5, 1, 12, 34, 56, tzinfo=UTC)
STATUSES = st.dictionaries(st.sampled_from([*LOOKS, "quarantined", "paid"]), st.integers(0, 10**7), max_size=9)


@given(STATUSES)
def test_a_bar_is_as_wide_as_its_parts_and_counts_every_order(statuses: dict[str, int]) -> None:
    bar = bar_of("shop", statuses, {"paid": Meaning.ACTIVE})
    assert sum(one.number for one in bar.segments) == bar.total == sum(statuses.values())
    assert sum(count for _, _, count in bar.statuses) == bar.total
    if bar.total:
        assert sum(one.width for one in bar.segments) == pytest.approx(100, abs=0.05)
        assert all(one.width > 0.3 for one in bar.segments)
    edge = 0.0
    for one in bar.segments:
        assert one.x == pytest.approx(edge, abs=0.05)
        edge += one.width


def test_one_order_of_a_million_is_seen() -> None:
    bar = bar_of("shop", {"active": 999_999, "fraud": 1}, {})
    assert [(one.look, one.number, one.label) for one in bar.segments] == [
        ("active", 999_999, "999,999"),
        ("fraud", 1, ""),
    ]


def test_statuses_are_put_together_by_what_they_mean() -> None:
    bar = bar_of("shop", {"paid": 3, "active": 4, "odd": 1}, {"paid": Meaning.ACTIVE})
    assert [(one.look, one.number) for one in bar.segments] == [("active", 7), ("other", 1)]
    assert bar.statuses == [("active", "active", 4), ("active", "paid", 3), ("other", "odd", 1)]


def test_every_kind_of_event_is_in_one_series() -> None:
    kinds = [kind for series in SERIES for kind in series.kinds]
    assert sorted(kinds) == sorted(EventKind)


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("zone", [STOCKHOLM, KOLKATA, ZoneInfo("UTC"), ZoneInfo("America/St_Johns")])
@pytest.mark.parametrize("now", [NOW, datetime(2026, 3, 29, 3, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)])
def test_steps_are_whole_by_the_clocks_of_the_zone(span, zone, now) -> None:  # type: ignore[no-untyped-def]
    starts = starts_of(span, now, zone)
    assert len(starts) == span.steps
    assert all(before < after for before, after in pairwise(starts))
    assert starts[-1] <= now < starts[-1] + timedelta(hours=span.hours + 1)
    assert all(start.astimezone(zone).minute == 0 for start in starts)
    if span.hours == 24:
        assert all(start.astimezone(zone).hour == 0 for start in starts)
    bucket = bucket_of(zone, now)
    assert all(start.timestamp() % bucket.total_seconds() == 0 for start in starts)


@given(st.lists(st.tuples(st.sampled_from(EventKind), st.integers(0, 23), st.integers(1, 5_000)), max_size=40))
def test_a_column_is_as_high_as_its_events(found: list[tuple[EventKind, int, int]]) -> None:
    span = span_named("24h")
    starts = starts_of(span, NOW, STOCKHOLM)
    counts: dict[tuple[str, EventKind, datetime], int] = {}
    for kind, hour, number in found:
        key = "shop", kind, starts[hour]
        counts[key] = counts.get(key, 0) + number
    plot = plot_of(span, starts, counts, STOCKHOLM)
    assert plot.total == sum(column.total for column in plot.columns) == sum(counts.values())
    top = plot.ticks[-1][1]
    for column in plot.columns:
        assert column.x >= 0
        assert column.x + column.width <= 100.001
        assert sum(piece.height for piece in column.pieces) == pytest.approx(100 * column.total / top, abs=0.1)
        assert all(-0.01 <= piece.y <= 100 for piece in column.pieces)


def test_what_was_before_the_plot_is_left_out() -> None:
    span = span_named("24h")
    starts = starts_of(span, NOW, STOCKHOLM)
    counts = {("shop", EventKind.APPEARED, starts[0] - timedelta(hours=1)): 5}
    assert plot_of(span, starts, counts, STOCKHOLM).total == 0


def test_a_span_that_nobody_knows_is_the_first() -> None:
    assert span_named("<b>") is SPANS[0]
    assert span_named("30d") is SPANS[2]
