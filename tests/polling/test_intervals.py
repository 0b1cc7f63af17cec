"""Intervals against a plain set."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitor.polling.intervals import Intervals

END = 30


@given(st.lists(st.tuples(st.integers(-3, END), st.integers(-3, END)), max_size=12), st.integers(0, END))
def test_gaps_are_the_numbers_that_nobody_put_in(added: list[tuple[int, int]], end: int) -> None:
    intervals, numbers = Intervals(), set[int]()
    for start, stop in added:
        intervals.add(start, stop)
        numbers |= set(range(max(start, 0), stop))
        gaps = intervals.gaps(end)
        assert [n for start, stop in gaps for n in range(start, stop)] == [n for n in range(end) if n not in numbers]
        assert all(start < stop for start, stop in gaps)
        assert all(before[1] < after[0] for before, after in pairwise(gaps)), "none that touch"


def test_nothing_is_missing_of_nothing() -> None:
    assert Intervals().gaps(0) == []
    assert Intervals().gaps(3) == [(0, 3)]


def test_pages_that_touch_are_one_interval() -> None:
    """A million orders in pages that come in any order must not leave a thousand intervals behind."""
    intervals = Intervals()
    for page in (3, 1, 0, 2):
        intervals.add(page * 100, page * 100 + 100)
    assert intervals._starts == [0]
    assert intervals._stops == [400]
