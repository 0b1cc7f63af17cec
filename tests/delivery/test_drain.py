"""One go for cron; and what waiting costs the daemon."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from outbox import (
    DAY,
    FAILED,
    HOUR,
    MAIL,
    MINUTE,
    OPS,
    SENT,
    Copy,
    Endpoints,
    Outbox,
    down_until,
    poison,
)

from monitor.model import Outcome

# One go, for cron


async def test_drain_sends_what_is_due_and_says_that_all_arrived(outbox: Outbox) -> None:
    await outbox.add("1", "2")
    await outbox.add("3", to=MAIL)
    assert await outbox.loop.drain() is True
    assert await outbox.states() == {"1": "sent", "2": "sent", "3": "sent"}


async def test_drain_of_nothing_has_arrived(outbox: Outbox) -> None:
    assert await outbox.loop.drain() is True


async def test_drain_tries_each_due_delivery_once_however_long_each_try_takes(outbox: Outbox) -> None:
    """A try that takes half a minute makes the one before it due again."""

    def slow(copy: Copy) -> Outcome:
        outbox.clock.passed += 30
        return FAILED

    outbox.endpoints.answer = slow
    await outbox.add("1", "2", "3")
    async with asyncio.timeout(5):
        assert await outbox.loop.drain() is False
    assert [copy.order for copy in outbox.endpoints.tried] == ["1", "2", "3"]


async def test_drain_leaves_what_is_not_due(outbox: Outbox) -> None:
    outbox.endpoints.answer = lambda copy: FAILED
    await outbox.add("1")
    await outbox.loop.drain()
    await outbox.loop.drain()
    assert len(outbox.endpoints.tried) == 1
    outbox.clock.passed += 10
    await outbox.loop.drain()
    assert len(outbox.endpoints.tried) == 2


async def test_drain_keeps_the_order_of_one_orders_messages(outbox: Outbox) -> None:
    outbox.endpoints.answer = poison("7")
    await outbox.add("7", "8", "7")
    await outbox.loop.drain()
    assert [copy.order for copy in outbox.endpoints.tried] == ["7", "8"]


async def test_drain_tries_other_messages_after_one_that_fails(outbox: Outbox) -> None:
    outbox.endpoints.answer = poison("1")
    await outbox.add("1", "2")
    assert await outbox.loop.drain() is False
    assert outbox.endpoints.orders() == ["2"]


async def test_drain_says_what_waits_for_a_channel_that_is_gone_and_buries_it_after_its_day(outbox: Outbox) -> None:
    """Cron is a way to run this: what the daemon does for such deliveries must happen there too."""
    await outbox.add("1")
    outbox.loop.refit(outbox.outfit(sender=Endpoints(outbox.clock, [MAIL])))
    await outbox.loop.drain()
    assert (await outbox.deliveries())[0].last_error == "waits: the configuration has no channel ops"
    outbox.clock.passed += DAY
    await outbox.loop.drain()
    assert await outbox.states() == {"1": "dead"}


# Costs


async def test_an_idle_loop_looks_once_a_minute(outbox: Outbox) -> None:
    outbox.start()
    await outbox.pass_(0)
    before = outbox.store.transactions
    await outbox.pass_(HOUR)
    assert outbox.store.transactions - before <= 61


async def test_what_waits_for_its_time_costs_nothing_in_between(outbox: Outbox) -> None:
    limited = Outcome(delivered=False, status=429, retry_after=HOUR)
    outbox.endpoints.answer = lambda copy: limited if copy.at < 1 else SENT
    outbox.start()
    await outbox.deliver(*map(str, range(50)))
    before = outbox.store.transactions
    await outbox.pass_(HOUR - 1)
    assert outbox.store.transactions - before <= 61
    await outbox.pass_(1)
    assert len(outbox.endpoints.arrived) == 50


async def test_a_hanging_send_costs_nothing(outbox: Outbox) -> None:
    outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1", "2", "3")
    before = outbox.store.transactions
    await outbox.pass_(HOUR)
    assert outbox.store.transactions - before <= 61


async def test_a_gone_channel_costs_nothing(outbox: Outbox) -> None:
    outbox.loop.refit(outbox.outfit(sender=Endpoints(outbox.clock, [MAIL])))
    outbox.start()
    await outbox.deliver("1", "2", "3")
    before = outbox.store.transactions
    await outbox.pass_(HOUR)
    assert outbox.store.transactions - before <= 61


@pytest.mark.parametrize("hours", [1, 30])
async def test_a_clock_that_is_set_back_delays_nothing(outbox: Outbox, hours: int) -> None:
    outbox.endpoints.answer = down_until(3)
    outbox.start()
    await outbox.deliver("1")
    outbox.clock.set_back = timedelta(hours=hours)
    await outbox.pass_(2 * MINUTE)
    assert await outbox.states() == {"1": "sent"}
