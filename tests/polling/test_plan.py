"""Which lists a watch and a settle read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.polling.plan import Plan, pages_of, plan, requests_of
from monitor.polling.snapshot import Depth

STATUSES = ("pending", "active", "fraud", "cancelled")
OPEN = ("pending",)
LARGE = {"pending": 250, "active": 90_000, "fraud": 40, "cancelled": 9_000}


def test_a_watch_reads_the_open_orders_and_counts_the_rest() -> None:
    assert plan(Depth.WATCH, LARGE, STATUSES, OPEN, 100) == Plan(("pending", "fraud"), ("active", "cancelled"))


def test_a_list_of_one_page_is_read_for_the_price_of_counting_it() -> None:
    assert plan(Depth.WATCH, {**LARGE, "fraud": 100}, STATUSES, OPEN, 100).whole == ("pending", "fraud")
    assert plan(Depth.WATCH, {**LARGE, "fraud": 101}, STATUSES, OPEN, 100).whole == ("pending",)
    assert plan(Depth.WATCH, {**LARGE, "fraud": 100}, STATUSES, OPEN, 30).whole == ("pending",)


def test_a_settle_reads_all_but_the_majority_and_looks_up_who_can_be_asked_for_by_nothing() -> None:
    assert plan(Depth.SETTLE, LARGE, STATUSES, OPEN, 100) == Plan(
        ("pending", "fraud", "cancelled"), ("active",), others=True
    )


@pytest.mark.parametrize("depth", [Depth.WATCH, Depth.SETTLE])
def test_where_most_orders_are_open_they_follow_from_all_others(depth: Depth) -> None:
    """Else a watch would read the longest list of all each minute."""
    made = plan(depth, {**LARGE, "pending": 500_000}, STATUSES, OPEN, 100)
    assert made == Plan(("active", "fraud", "cancelled"), ("pending",), others=depth is Depth.SETTLE)


def test_statuses_are_asked_for_as_the_source_spells_them() -> None:
    counts = {"on_hold": 10, "cancelled": 500}
    made = plan(Depth.WATCH, counts, ("On-Hold", "Canceled"), (), 100)
    assert made == Plan(("On-Hold",), ("Canceled",))
    assert requests_of(made, counts, 5) == 1 + 2 + 1


def test_a_source_that_can_be_asked_for_no_status_has_nothing_to_read() -> None:
    assert plan(Depth.WATCH, LARGE, (), OPEN, 100) == Plan((), ())
    assert requests_of(Plan((), ()), LARGE, 100) == 1


def test_requests_are_the_newest_page_the_pages_of_the_lists_and_one_for_each_total() -> None:
    assert requests_of(Plan(("pending", "fraud"), ("active", "cancelled")), LARGE, 100) == 1 + 3 + 1 + 2
    assert requests_of(Plan(("pending", "fraud"), ("active", "cancelled")), LARGE, 30) == 1 + 9 + 2 + 2


@pytest.mark.parametrize(("orders", "pages"), [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3)])
def test_an_empty_list_is_one_page(orders: int, pages: int) -> None:
    assert pages_of(orders, 100) == pages


@given(
    st.dictionaries(st.sampled_from([*STATUSES, "on_hold"]), st.integers(0, 10_000)),
    st.lists(st.sampled_from(STATUSES), unique=True),
    st.lists(st.sampled_from(STATUSES), unique=True),
    st.integers(1, 200),
    st.sampled_from([Depth.WATCH, Depth.SETTLE]),
)
def test_each_status_is_read_or_counted_once_and_the_largest_is_never_read(
    counts: dict[str, int], statuses: list[str], open_statuses: list[str], page_size: int, depth: Depth
) -> None:
    made = plan(depth, counts, statuses, open_statuses, page_size)
    assert sorted(made.whole + made.counted) == sorted(statuses)
    largest = max((counts.get(status, 0) for status in statuses), default=0)
    assert not statuses or largest in [counts.get(status, 0) for status in made.counted]
    left = [status for status in statuses if status in open_statuses and status not in made.whole]
    assert all(counts.get(status, 0) == largest for status in left), "what is open is read, or follows from the rest"
