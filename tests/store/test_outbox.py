"""What every store does with deliveries: their turn, their claims, their retries and their end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from store_examples import (
    DAY,
    HOMES,
    HOUR,
    KINDS,
    MAIL,
    OPS,
    REFUSED,
    SECOND,
    SECOND_URL,
    SENT,
    T0,
    certainly_claimed,
    claimed,
    delivery_of,
    opened,
    order_event,
    plan,
    planned,
    retried,
    settled,
    source_event,
)

from monitor.model import Delivery, DeliveryState, EventKind
from monitor.store.base import Attempt, Store
from monitor.store.outbox_row import reference


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


async def lanes(store: Store, after: timedelta = timedelta(0)) -> dict[object, timedelta]:
    """When each destination is next due, from now."""
    now = T0 + after
    found = await store.transact(lambda tx: tx.lanes(now, HOMES))
    return {to: found[to.url] - now for to in HOMES if to.url in found}


async def all_of(store: Store, *states: DeliveryState) -> list[Delivery]:
    return await store.transact(lambda tx: tx.deliveries(states or None))


# Their turn


async def test_deliveries_of_a_lane_are_claimed_in_the_turn_in_which_they_were_made(store: Store) -> None:
    ids = await planned(store, "1", "2", "3")
    claims = [await certainly_claimed(store) for _ in ids]
    assert [delivery.id for delivery in claims] == ids
    assert await claimed(store) is None


async def test_a_delivery_is_claimed_once_and_not_by_another_lane(store: Store) -> None:
    await planned(store, "1")
    assert await claimed(store, MAIL) is None
    assert await claimed(store, SECOND_URL) is None
    delivery = await certainly_claimed(store)
    assert (delivery.state, delivery.fence) == (DeliveryState.SENDING, 1)
    assert await claimed(store) is None


async def test_a_later_message_about_an_order_waits_for_the_earlier_one_and_other_orders_go_on(store: Store) -> None:
    first, second, other = await planned(store, "1", "1", "2")
    sending = await certainly_claimed(store)
    assert sending.id == first
    assert (await certainly_claimed(store)).id == other
    assert await claimed(store) is None, "the second about order 1 must not overtake the first while that is sent"
    await retried(store, sending, 60)
    assert await claimed(store, now=T0 + 59 * SECOND) is None, "nor while it waits for another attempt"
    again = await certainly_claimed(store, now=T0 + 60 * SECOND)
    assert again.id == first
    await settled(store, again)
    assert (await certainly_claimed(store)).id == second


async def test_a_dead_letter_holds_up_nothing(store: Store) -> None:
    _, second = await planned(store, "1", "1")
    await settled(store, await certainly_claimed(store), REFUSED)
    assert (await certainly_claimed(store)).id == second


async def test_messages_about_one_order_to_two_urls_do_not_wait_for_each_other(store: Store) -> None:
    await planned(store, "1", to=OPS)
    await planned(store, "1", to=SECOND_URL)
    await planned(store, "1", to=MAIL)
    for lane in (MAIL, SECOND_URL, OPS):
        assert await claimed(store, lane) is not None


async def test_orders_of_two_sources_with_one_id_do_not_wait_for_each_other(store: Store) -> None:
    await store.transact(lambda tx: [plan(tx, order_event("1", source=name)) for name in ("shop", "other")])
    assert await claimed(store) is not None
    assert await claimed(store) is not None


async def test_news_of_a_source_keep_their_turn_and_hold_up_no_order(store: Store) -> None:
    down = await store.transact(lambda tx: plan(tx, source_event()))
    await store.transact(lambda tx: plan(tx, source_event(T0 + SECOND, EventKind.SOURCE_UP)))
    await planned(store, "1")
    delivery = await certainly_claimed(store)
    assert (delivery.id, delivery.order_id) == (down, None)
    assert (await certainly_claimed(store)).order_id == "1"
    assert await claimed(store) is None


async def test_lanes_name_the_time_at_which_each_destination_is_next_due(store: Store) -> None:
    assert await lanes(store) == {}
    await planned(store, "1", "1")
    await planned(store, "1", to=SECOND_URL)
    assert await lanes(store, HOUR) == {OPS: -HOUR, SECOND_URL: -HOUR}
    sending = await certainly_claimed(store)
    assert await lanes(store) == {SECOND_URL: timedelta(0)}, "the second one cannot be sent while the first is"
    await retried(store, sending, 30)
    assert await lanes(store) == {OPS: 30 * SECOND, SECOND_URL: timedelta(0)}


# Clocks


@pytest.mark.parametrize("seconds", [0.1, 0.3, 1.001, 1.2345678, 4.35, 17.7, 59.9999996, 3600.0000007])
async def test_a_retry_is_due_when_its_interval_has_passed_and_not_before(store: Store, seconds: float) -> None:
    await planned(store, "1")
    await retried(store, await certainly_claimed(store), seconds)
    assert await claimed(store, now=T0) is None
    assert await claimed(store, now=T0 + timedelta(seconds=seconds) - timedelta(microseconds=2)) is None
    assert await claimed(store, now=T0 + timedelta(seconds=seconds) + timedelta(microseconds=2)) is not None


@pytest.mark.parametrize("back", [HOUR, 400 * DAY])
async def test_a_delivery_further_ahead_than_its_interval_is_due(store: Store, back: timedelta) -> None:
    """The clock was set back: waiting for it to come round again would cost an hour, or a year."""
    await planned(store, "1")
    assert (await lanes(store, -back))[OPS] == timedelta(0)
    await retried(store, await certainly_claimed(store, now=T0 - back), 60, at=T0)
    assert (await lanes(store, -back))[OPS] == timedelta(0)
    assert await claimed(store, now=T0 - back) is not None


async def test_a_clock_set_back_within_the_interval_only_lengthens_the_wait(store: Store) -> None:
    await planned(store, "1")
    await retried(store, await certainly_claimed(store), 60)
    assert await claimed(store, now=T0 + SECOND) is None
    assert (await lanes(store, SECOND))[OPS] == 59 * SECOND


# Settling


async def test_a_sent_delivery_keeps_what_was_sent_and_every_attempt(store: Store) -> None:
    [number] = await planned(store, "1")
    await retried(store, await certainly_claimed(store), 1)
    assert await settled(store, await certainly_claimed(store, now=T0 + SECOND), at=T0 + 2 * SECOND)
    row = await delivery_of(store, number)
    assert (row.state, row.attempts, row.settled_at) == (DeliveryState.SENT, 2, T0 + 2 * SECOND)
    assert (row.title, row.last_error) == ("Order 88", None)
    attempts = await store.transact(lambda tx: tx.attempts(number))
    assert attempts == [Attempt(T0, REFUSED), Attempt(T0 + 2 * SECOND, SENT)]


async def test_a_dead_letter_says_why(store: Store) -> None:
    [number] = await planned(store, "1")
    await settled(store, await certainly_claimed(store), REFUSED)
    row = await delivery_of(store, number)
    assert (row.state, row.last_error) == (DeliveryState.DEAD, "503 from the endpoint")
    assert await all_of(store, DeliveryState.DEAD) == [row]
    assert await all_of(store, DeliveryState.SENT, DeliveryState.WAITING) == []


@pytest.mark.parametrize("late", ["settle", "retry_at", "unclaim"])
async def test_a_superseded_claim_changes_nothing_but_its_attempt_is_recorded(store: Store, late: str) -> None:
    """It may have sent a copy, which `explain` must be able to show."""
    [number] = await planned(store, "1")
    old = await certainly_claimed(store)
    await store.transact(lambda tx: tx.unclaim(old))
    mine = await certainly_claimed(store)
    assert mine.fence == old.fence + 1
    if late == "settle":
        assert not await settled(store, old)
    elif late == "retry_at":
        assert not await retried(store, old, 60)
    else:
        await store.transact(lambda tx: tx.unclaim(old))
    assert (await delivery_of(store, number)).state is DeliveryState.SENDING
    assert len(await store.transact(lambda tx: tx.attempts(number))) == (0 if late == "unclaim" else 1)
    assert await settled(store, mine)
    assert not await settled(store, mine), "settled is settled"


async def test_an_unclaimed_delivery_is_as_it_was_before(store: Store) -> None:
    [number] = await planned(store, "1")
    await retried(store, await certainly_claimed(store), 60)
    before = await delivery_of(store, number)
    claim = await certainly_claimed(store, now=T0 + 61 * SECOND)
    await store.transact(lambda tx: tx.unclaim(claim))
    after = await delivery_of(store, number)
    assert (after.state, after.attempts, after.due_at) == (before.state, before.attempts, before.due_at)


# Hastening, dead letters, the end


async def test_hastening_makes_due_what_waits_for_another_attempt_in_that_lane_alone(store: Store) -> None:
    await planned(store, "1", "2")
    await planned(store, "1", to=MAIL)
    for lane, seconds in ((OPS, 60), (OPS, 600), (MAIL, 60)):
        await retried(store, await certainly_claimed(store, lane), seconds)
    await store.transact(lambda tx: tx.hasten(OPS.url, T0 + SECOND))
    assert await lanes(store, SECOND) == {OPS: timedelta(0), MAIL: 59 * SECOND}
    assert {row.due_at for row in await all_of(store) if row.channel == "ops"} == {T0 + SECOND}


async def test_dead_letters_are_raised_for_a_new_day_all_or_some(store: Store) -> None:
    first, second, third, fourth = await planned(store, "1", "2", "3", "4")
    for _ in range(3):
        await settled(store, await certainly_claimed(store), REFUSED)
    later = T0 + 3 * DAY
    assert await store.transact(lambda tx: tx.resurrect([second, fourth, 999], later)) == 1
    row = await delivery_of(store, second)
    assert (row.state, row.due_at, row.expires_at, row.settled_at) == (
        DeliveryState.WAITING,
        later,
        later + DAY,
        None,
    )
    assert await store.transact(lambda tx: tx.resurrect([], later)) == 0
    assert await store.transact(lambda tx: tx.resurrect(None, later)) == 2
    assert await store.transact(lambda tx: tx.resurrect(None, later)) == 0
    assert {row.id for row in await all_of(store, DeliveryState.WAITING)} == {first, second, third, fourth}


async def test_a_raised_delivery_keeps_its_reference_and_its_attempts(store: Store) -> None:
    [number] = await planned(store, "1")
    before = await certainly_claimed(store)
    await settled(store, before, REFUSED)
    await store.transact(lambda tx: tx.resurrect(None, T0))
    again = await certainly_claimed(store)
    assert (again.id, again.ref, again.attempts) == (number, before.ref, 1)
    assert again.fence > before.fence


async def test_deliveries_of_a_channel_that_is_gone_wait_visibly_and_are_buried_after_their_day(store: Store) -> None:
    await planned(store, "1")
    await planned(store, "2", now=T0 + HOUR)
    await planned(store, "3", to=MAIL)
    reason = "there is no channel ops"
    assert await store.transact(lambda tx: tx.bury_orphans(OPS, T0 + HOUR, reason)) == []
    assert [row.last_error for row in await all_of(store)] == [reason, reason, None]
    [buried] = await store.transact(lambda tx: tx.bury_orphans(OPS, T0 + DAY, reason))
    assert buried.order_id == "1"
    [dead] = await all_of(store, DeliveryState.DEAD)
    assert (dead.order_id, dead.last_error, dead.settled_at) == ("1", reason, T0 + DAY)


async def test_burying_leaves_what_is_being_sent_alone(store: Store) -> None:
    await planned(store, "1")
    sending = await certainly_claimed(store)
    assert await store.transact(lambda tx: tx.bury_orphans(OPS, T0 + 2 * DAY, "gone")) == []
    assert await settled(store, sending)


async def test_texts_are_dropped_once_and_only_of_what_was_settled_before(store: Store) -> None:
    old, young, waiting = await planned(store, "1", "2", "3")
    await settled(store, await certainly_claimed(store), at=T0)
    await settled(store, await certainly_claimed(store), REFUSED, at=T0 + HOUR)
    assert await store.transact(lambda tx: tx.drop_bodies(T0)) == 0
    assert await store.transact(lambda tx: tx.drop_bodies(T0 + HOUR)) == 1
    assert await store.transact(lambda tx: tx.drop_bodies(T0 + HOUR)) == 0
    assert [(await delivery_of(store, n)).title for n in (old, young, waiting)] == [None, "Order 88", None]


async def test_the_newest_deliveries_are_listed_oldest_first(store: Store) -> None:
    ids = await planned(store, *"12345")
    assert [row.id for row in await store.transact(lambda tx: tx.deliveries(None, 2))] == ids[-2:]
    assert await store.transact(lambda tx: tx.deliveries([], 2)) == []


def test_references_are_short_and_never_shared() -> None:
    references = [reference(number) for number in range(1, 200_001)]
    assert len(set(references)) == len(references)
    assert {len(ref) for ref in references} == {4}
    assert set("".join(references)) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_references_grow_a_letter_when_four_are_used_up() -> None:
    last_of_four, first_of_five = 2**20 - 1, 2**20
    assert (len(reference(last_of_four)), len(reference(first_of_five))) == (4, 5)
    assert len({reference(n) for n in range(first_of_five, first_of_five + 50_000)}) == 50_000
    assert len(reference(2**40)) >= 9


def test_neighbouring_references_look_different() -> None:
    for number in range(1, 500):
        ours, next_ = reference(number), reference(number + 1)
        assert sum(a != b for a, b in zip(ours, next_, strict=True)) >= 2
