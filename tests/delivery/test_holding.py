"""Messages that wait for what is still to be fetched for them: in the outbox, and no lane with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from outbox import FAILED, HOUR, OPS, START, Outbox, down_until

from monitor.delivery.kept import KEEP_S, MOST_BYTES, MOST_EVENTS, Found, Kept
from monitor.model import Details, EventKind, Order, OrderEvent

HOLD = 10.0


async def test_a_message_that_nobody_lets_go_goes_after_ten_seconds(outbox: Outbox) -> None:
    outbox.start()
    await outbox.add("1", hold_s=HOLD)
    outbox.loop.wake()
    await outbox.pass_(HOLD - 0.001)
    assert outbox.endpoints.orders() == []
    await outbox.pass_(0.001)
    assert outbox.endpoints.orders() == ["1"]


async def test_a_message_that_is_let_go_goes_at_once_and_once(outbox: Outbox) -> None:
    outbox.start()
    ids = await outbox.add("1", hold_s=HOLD)
    outbox.loop.wake()
    await outbox.pass_(1)
    assert await outbox.let_go(ids) == 1
    assert [(copy.order, copy.at) for copy in outbox.endpoints.arrived] == [("1", 1.0)]
    assert await outbox.let_go(ids) == 0
    await outbox.pass_(HOUR)
    assert outbox.endpoints.orders() == ["1"]


async def test_others_in_the_same_lane_do_not_wait(outbox: Outbox) -> None:
    outbox.start()
    await outbox.add("1", hold_s=HOLD)
    await outbox.deliver("2", "3")
    assert outbox.endpoints.orders() == ["2", "3"]
    await outbox.pass_(HOLD)
    assert outbox.endpoints.orders() == ["2", "3", "1"]


async def test_a_later_message_about_the_same_order_waits_with_it(outbox: Outbox) -> None:
    outbox.start()
    await outbox.add("7", hold_s=HOLD)
    await outbox.deliver("7", "8")
    assert outbox.endpoints.orders() == ["8"]
    await outbox.pass_(HOLD)
    assert outbox.endpoints.orders() == ["8", "7", "7"]


async def test_what_has_been_tried_keeps_its_own_pace(outbox: Outbox) -> None:
    """Whoever fetches ends late: the endpoint has failed meanwhile, and wants to rest."""
    outbox.endpoints.answer = lambda copy: FAILED
    outbox.start()
    ids = await outbox.add("1")
    outbox.loop.wake()
    await outbox.pass_(3)
    tries = len(outbox.endpoints.tried)
    assert await outbox.let_go(ids) == 0
    assert len(outbox.endpoints.tried) == tries


async def test_an_endpoint_that_answers_again_hastens_nothing_that_is_held(outbox: Outbox) -> None:
    outbox.endpoints.answer = down_until(3)
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(5)
    await outbox.add("2", hold_s=HOLD)
    await outbox.pass_(4)
    assert outbox.endpoints.orders() == ["1"]


@pytest.mark.parametrize("hours", [-30, 1, 30])
async def test_a_clock_that_jumps_holds_nothing_longer(outbox: Outbox, hours: int) -> None:
    outbox.start()
    await outbox.add("1", hold_s=HOLD)
    outbox.clock.set_back = timedelta(hours=hours)
    outbox.loop.wake()
    await outbox.pass_(HOLD)
    assert outbox.endpoints.orders(OPS) == ["1"]


async def test_drain_leaves_what_is_held(outbox: Outbox) -> None:
    ids = await outbox.add("1", hold_s=HOLD)
    assert await outbox.loop.drain()
    assert outbox.endpoints.orders() == []
    await outbox.let_go(ids)
    assert await outbox.loop.drain()
    assert outbox.endpoints.orders() == ["1"]


# What is at hand


def event(number: int) -> OrderEvent:
    return OrderEvent("shop", EventKind.CHANGED, START, Order(str(number), "active"), number)


def found(number: int) -> Found:
    return Found(Details(Order(str(number), "active")))


def test_details_are_kept_by_event_and_the_oldest_go_first() -> None:
    kept = Kept()
    for number in range(MOST_EVENTS + 1):
        kept.put(event(number), found(number), now=0.0)
    assert kept.find(event(0)) is None
    assert kept.find(event(1)) == found(1)
    assert kept.find(event(MOST_EVENTS)) == found(MOST_EVENTS)


def test_large_details_push_out_others() -> None:
    kept = Kept()
    for number in range(4):
        kept.put(event(number), found(number), now=0.0, size=MOST_BYTES // 2)
        kept.put(event(number), found(number), now=0.0, size=MOST_BYTES // 2)
    assert [kept.find(event(number)) is not None for number in range(4)] == [False, False, True, True]


def test_details_are_dropped_when_they_are_old() -> None:
    kept = Kept()
    kept.put(event(1), found(1), now=0.0)
    kept.put(event(2), found(2), now=1.0)
    kept.forget_old(KEEP_S + 0.5)
    assert (kept.find(event(1)), kept.find(event(2))) == (None, found(2))


def test_a_crowd_is_told_by_its_deliveries() -> None:
    kept = Kept()
    kept.crowd([7, 8, 5])
    assert [kept.in_crowd(delivery) for delivery in (4, 5, 8, 9)] == [False, True, True, False]
