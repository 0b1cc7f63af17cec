"""A budget of requests: no minute holds more than its limit, whatever comes when."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.budget import Budget

LIMITS = st.integers(1, 700)


def send(budget: Budget, now: float) -> float:
    """Waits as the budget says, sends, and says when."""
    while (seconds := budget.wait(now)) > 0:
        now += seconds
    budget.spend(now)
    return now


def most_in_a_minute(sent: list[float]) -> int:
    return max(bisect_left(sent, start + 60) - place for place, start in enumerate(sent))


@given(LIMITS, st.lists(st.floats(0, 90), min_size=1, max_size=60), st.integers(1, 40))
def test_no_minute_holds_more_than_the_limit(limit: int, gaps: list[float], at_once: int) -> None:
    budget, now, sent = Budget(limit), 1000.0, []
    for gap in gaps:
        now += gap
        for _ in range(at_once):
            now = send(budget, now)
            sent.append(now)
    assert most_in_a_minute(sent) <= limit


@given(LIMITS)
def test_a_sixth_goes_at_once_and_four_fifths_in_the_long_run(limit: int) -> None:
    budget, now = Budget(limit), 50.0
    for _ in range(max(1, limit // 6)):
        assert budget.wait(now) == 0
        budget.spend(now)
    assert budget.wait(now) > 0
    for _ in range(limit * 10):
        now = send(budget, now)
    assert now - 50 <= 10 * 60 / 0.8


def test_ten_requests_of_a_watch_are_not_stretched_at_sixty_a_minute() -> None:
    budget = Budget(60)
    assert [send(budget, 5.0) for _ in range(11)] == [5.0] * 10 + [pytest.approx(6.2, abs=0.01)]


@given(LIMITS, LIMITS, st.integers(0, 200), st.floats(0, 70))
def test_a_new_limit_grants_no_more_than_either(before: int, after: int, spent: int, passed: float) -> None:
    budget, now, sent = Budget(before), 0.0, []
    for _ in range(spent):
        now = send(budget, now)
        sent.append(now)
    now += passed
    budget = budget.changed(after, now)
    assert budget.limit == after
    since = []
    for _ in range(after + 5):
        now = send(budget, now)
        since.append(now)
    assert most_in_a_minute(since) <= after
    assert most_in_a_minute(sent + since) <= max(before, after)


def test_a_higher_limit_shortens_the_wait() -> None:
    budget = Budget(1)
    budget.spend(0.0)
    assert budget.wait(1.0) == pytest.approx(60.0)
    assert budget.changed(60, 1.0).wait(1.0) < 1.2
