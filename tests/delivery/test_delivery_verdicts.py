"""What becomes of a delivery after an attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outbox import FAILED, REFUSED, SENT, START

from monitor.delivery.verdicts import Dead, RetryIn, Sent, backoff, judge
from monitor.model import Delivery, DeliveryState, Outcome

DAY = timedelta(days=1)
YOUNG = timedelta(seconds=30)


def delivery(attempts: int = 0) -> Delivery:
    return Delivery(
        id=1,
        ref="7K3F",
        route="default",
        channel="ops",
        url_number=1,
        source="shop",
        order_id="88",
        state=DeliveryState.SENDING,
        created_at=START,
        due_at=START,
        expires_at=START + DAY,
        attempts=attempts,
    )


def wait_after(outcome: Outcome, attempts: int = 0, age: timedelta = YOUNG, chance: float = 0.5) -> float:
    verdict = judge(outcome, delivery(attempts), START + age, chance)
    assert isinstance(verdict, RetryIn)
    return verdict.seconds


def asked_to_wait(seconds: float) -> Outcome:
    return Outcome(delivered=False, reason="429 Too Many Requests", status=429, retry_after=seconds)


def test_what_was_delivered_is_sent_even_after_its_day() -> None:
    assert judge(SENT, delivery(attempts=50), START + 2 * DAY, 0.5) == Sent()


def test_a_permanent_failure_is_a_dead_letter_at_the_first_attempt() -> None:
    assert judge(REFUSED, delivery(), START, 0.5) == Dead()


def test_a_permanent_failure_is_dead_though_it_names_a_time_to_come_back() -> None:
    wishing = Outcome(delivered=False, permanent=True, retry_after=5.0)
    assert judge(wishing, delivery(), START, 0.5) == Dead()


def test_waits_double_from_two_seconds() -> None:
    waits = [wait_after(FAILED, attempts) for attempts in range(7)]
    assert waits == [2, 4, 8, 16, 32, 45, 45]


def test_jitter_is_a_fifth_to_either_side() -> None:
    assert wait_after(FAILED, 2, chance=0.0) == pytest.approx(8 * 0.8)
    assert wait_after(FAILED, 2, chance=1.0) == pytest.approx(8 * 1.2)


@given(attempts=st.integers(0, 10_000), age=st.floats(0, 599.9), chance=st.floats(0, 1))
def test_in_the_first_ten_minutes_every_wait_is_below_a_minute(attempts: int, age: float, chance: float) -> None:
    assert 1 < backoff(attempts, timedelta(seconds=age), chance) < 60


@given(attempts=st.integers(9, 10_000), age=st.floats(600, 2 * 86400), chance=st.floats(0, 1))
def test_later_waits_are_a_tenth_of_the_age_up_to_a_quarter_of_an_hour(
    attempts: int, age: float, chance: float
) -> None:
    wait = backoff(attempts, timedelta(seconds=age), chance)
    assert 0.79 * min(age / 10, 900) <= wait + 1e-6
    assert wait <= 1.21 * min(max(age / 10, 45), 900)


def test_a_young_delivery_is_retried_within_seconds_at_whatever_age_of_its_lane() -> None:
    assert wait_after(FAILED, 0, age=timedelta(hours=5)) == 2


def test_the_endpoints_own_wish_lengthens_the_wait_but_never_shortens_it() -> None:
    assert wait_after(asked_to_wait(120.0)) == 120
    assert wait_after(asked_to_wait(0.5), attempts=3) == 16


def test_an_absurd_wish_is_cut_to_six_hours() -> None:
    assert wait_after(asked_to_wait(10 * 86400.0)) == 6 * 3600


def test_only_what_the_endpoint_asked_for_counts_as_its_wish() -> None:
    """The lane rests for the wish, not for this one message's back-off."""
    assert judge(FAILED, delivery(9), START, 0.5) == RetryIn(45, 0)
    assert judge(asked_to_wait(7.0), delivery(9), START, 0.5) == RetryIn(45, 7)


def test_within_its_day_no_number_of_attempts_makes_a_dead_letter() -> None:
    almost = START + DAY - timedelta(seconds=1)
    assert isinstance(judge(FAILED, delivery(attempts=500), almost, 0.5), RetryIn)


def test_after_its_day_it_is_a_dead_letter() -> None:
    assert judge(FAILED, delivery(attempts=100), START + DAY, 0.5) == Dead()


def test_after_two_days_without_a_daemon_it_is_still_tried_for_minutes() -> None:
    """Its day went by while nothing ran: that is no reason to give up on the first failure."""
    now, attempts = START + 2 * DAY, 0
    while isinstance(verdict := judge(FAILED, delivery(attempts), now, 0.5), RetryIn):
        now += timedelta(seconds=verdict.seconds)
        attempts += 1
    assert verdict == Dead()
    assert attempts + 1 == 12
    assert now - START - 2 * DAY > timedelta(minutes=5)
