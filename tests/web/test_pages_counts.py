"""Counting a million orders takes a third of a second: it must stay a small part of what the machine does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from monitor.clock import SystemClock
from monitor.store.base import Store, Tallies, Transaction
from monitor.web.counts import Counts

T = TypeVar("T")
AT = datetime(2026, 5, 1, tzinfo=UTC)


class _Clock(SystemClock):
    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


class _Slow:
    """A state that takes a while to count; it is both the store and the transaction."""

    def __init__(self, clock: _Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self.counted = 0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        await asyncio.sleep(0)
        self.clock.at += 60  # waited for others to have read
        return work(cast(Transaction, self))

    def tallies(self) -> Tallies:
        self.counted += 1
        self.clock.at += self.seconds
        return Tallies({("shop", "active", False): self.counted}, {}, {})

    def events_by_time(self, *_: Any) -> dict[Any, int]:
        self.counted += 1
        self.clock.at += self.seconds
        return {}


def _counts(seconds: float) -> tuple[Counts, _Slow, _Clock]:
    clock = _Clock()
    state = _Slow(clock, seconds)
    return Counts(cast(Store, state), clock), state, clock


async def test_a_slow_count_stands_for_a_hundred_times_as_long() -> None:
    counts, state, clock = _counts(0.3)
    first = await counts.tallies()
    clock.at += 29.9
    assert await counts.tallies() is first
    clock.at += 0.2
    assert await counts.tallies() is not first
    assert state.counted == 2


async def test_those_who_ask_together_share_one_count() -> None:
    counts, state, _ = _counts(0.3)
    found = await asyncio.gather(*(counts.tallies() for _ in range(20)))
    assert state.counted == 1
    assert all(one is found[0] for one in found)


async def test_what_costs_nothing_is_counted_each_time() -> None:
    counts, state, _ = _counts(0.0)
    await counts.tallies()
    await counts.tallies()
    assert state.counted == 2


async def test_no_more_counts_are_remembered_than_anybody_needs() -> None:
    counts, state, _ = _counts(1000)
    hour = timedelta(hours=1)
    for number in range(40):
        await counts.events_by_time(("shop",), AT + number * hour, hour)
    assert state.counted == 40
    await counts.events_by_time(("shop",), AT + 39 * hour, hour)
    assert state.counted == 40
    await counts.events_by_time(("shop",), AT, hour)
    assert state.counted == 41
