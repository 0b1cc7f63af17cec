"""Which absences a poll believes, and what it says of looks that prove none (promises 6 and 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from polling_shop import START, HandClock, Shop
from polling_stage import (
    DOUBTFUL,
    UP,
    Told,
    Watch,
    appeared,
    moved,
    told,
    vanished,
)

from monitor.diff import Coverage
from monitor.model import EventKind, OrderEvent, SourceEvent
from monitor.simulator.dialect import Call
from monitor.simulator.faults import EmptyList, Failure, Fault, LyingTotal
from monitor.simulator.truth import TrueItem
from monitor.store.sqlite import SqliteStore


async def test_an_order_vanishes_at_the_second_complete_look_that_lacks_it(watch: Watch) -> None:
    watch.shop.world.delete(5)
    assert await watch.poll() == []
    last_seen = START + timedelta(minutes=1)
    watch.shop.clock.pass_(seconds=60)
    await watch.poller.poll()
    [stored] = await watch.news()
    assert isinstance(stored.event, OrderEvent)
    assert told(stored.event) == vanished(5)
    assert stored.event.after_time is not None
    assert last_seen <= stored.event.after_time < last_seen + timedelta(seconds=1)
    assert await watch.poll(3) == []
    assert watch.result.known == 11


async def test_an_order_missing_once_and_back_is_no_event(watch: Watch) -> None:
    for _ in range(3):
        order = watch.shop.world.delete(5)
        assert await watch.poll() == []
        watch.shop.world.place(id=5, created_at=order.created_at, total=order.total)
        assert await watch.poll() == []


@pytest.mark.parametrize("between", [Failure(times=1), LyingTotal(by=1, times=2)])
@pytest.mark.parametrize("restart", [True, False])
async def test_looks_that_prove_nothing_neither_add_to_absences_nor_end_them(
    watch: Watch, between: Fault, restart: bool
) -> None:
    watch.shop.world.delete(5)
    assert await watch.poll() == []
    watch.shop.faults.set(between)
    assert await watch.poll() == []
    if restart:
        watch.restart()
    assert await watch.poll() == [vanished(5)]


async def test_a_sighting_in_a_partial_look_ends_an_absence(watch: Watch) -> None:
    order = watch.shop.world.delete(5)
    await watch.poll()
    watch.shop.world.place(id=5, created_at=order.created_at, total=order.total)
    watch.shop.faults.set(LyingTotal(by=1, times=2))
    await watch.poll()
    assert watch.result.snapshot.coverage is Coverage.PARTIAL
    watch.shop.world.delete(5)
    assert await watch.poll() == []
    assert await watch.poll() == [vanished(5)]


def lose(watch: Watch, ids: Sequence[int]) -> None:
    for order in ids:
        watch.shop.world.delete(order)


async def test_too_many_absences_at_once_are_doubted_and_reported_once(watch: Watch) -> None:
    lose(watch, range(1, 7))
    assert await watch.poll(2) == []
    assert await watch.poll() == [DOUBTFUL]
    assert await watch.poll(5) == []
    doubt = await watch.doubt()
    assert doubt is not None
    assert (doubt.missing, doubt.looks, doubt.reason) == (6, 8, "the list lacks 6 of 12 known orders")


async def test_as_many_absences_as_are_believable_vanish(watch: Watch) -> None:
    lose(watch, range(1, 6))
    assert await watch.poll(2) == [vanished(order) for order in range(1, 6)]


async def test_an_emptied_list_makes_nothing_vanish_and_its_return_is_told(watch: Watch) -> None:
    watch.shop.faults.set(EmptyList())
    assert await watch.poll(10) == [DOUBTFUL]
    watch.shop.faults.clear("empty_list")
    assert await watch.poll() == [UP]
    assert await watch.poll() == []


async def test_a_short_doubt_that_nobody_heard_of_ends_silently(watch: Watch) -> None:
    watch.shop.faults.set(EmptyList())
    assert await watch.poll(2) == []
    watch.shop.faults.clear("empty_list")
    assert await watch.poll(2) == []
    assert await watch.doubt() is None


async def test_doubt_is_told_once_across_restarts(watch: Watch) -> None:
    watch.shop.faults.set(EmptyList())
    heard: list[Told] = []
    for _ in range(6):
        watch.restart()
        heard += await watch.poll()
    assert heard == [DOUBTFUL]


async def test_a_doubtful_loss_is_believed_after_three_agreeing_looks_over_an_hour(watch: Watch) -> None:
    lose(watch, range(1, 13))
    assert await watch.poll(3, apart=30 * 60 - 1) == [DOUBTFUL]
    heard = await watch.poll(apart=2)
    assert Counter(heard) == Counter([vanished(order) for order in range(1, 13)] + [UP])
    assert watch.result.known == 0
    watch.shop.world.place(id=13)
    assert await watch.poll() == [appeared(13)]


async def test_orders_believed_gone_were_last_seen_before_the_first_look_that_lacked_them(watch: Watch) -> None:
    last_seen = watch.shop.clock.now()
    lose(watch, range(1, 7))
    await watch.poll(3)
    assert await watch.accept()
    watch.shop.clock.pass_(seconds=60)
    await watch.poller.poll()
    gone = [stored.event for stored in await watch.news() if isinstance(stored.event, OrderEvent)]
    assert len(gone) == 6
    assert all(event.after_time is not None and event.after_time <= last_seen for event in gone)


async def test_a_doubtful_look_is_no_baseline(shop: Shop, store: SqliteStore) -> None:
    """Six orders were seen before the second page failed; then the list is empty for a while."""
    watch = Watch(shop, store)
    shop.faults.set(Failure(page=2, times=1))
    await watch.poll()
    shop.faults.set(EmptyList(times=1))
    await watch.poll()
    assert await watch.doubt() is not None
    assert await watch.poll() == []
    assert watch.result.committed.baseline


async def test_partial_looks_are_no_agreeing_ones(watch: Watch) -> None:
    """Two complete looks, with a page that cannot be proven whole between them, are two."""
    lose(watch, range(1, 7))
    await watch.poll()
    watch.shop.faults.set(LyingTotal(by=1))
    assert await watch.poll(3, apart=1200) == [DOUBTFUL]
    watch.shop.faults.clear("lying_total")
    assert await watch.poll() == []
    assert Counter(await watch.poll()) == Counter([vanished(order) for order in range(1, 7)] + [UP])


async def test_a_list_that_lacks_others_each_time_is_reported_although_no_two_looks_agree(watch: Watch) -> None:
    lose(watch, range(1, 7))
    assert await watch.poll() == []
    for order in (7, 8):
        lose(watch, [order])
        heard = await watch.poll(apart=3600)
    assert heard == [DOUBTFUL]
    for order in (9, 10, 11):
        lose(watch, [order])
        assert await watch.poll(apart=3600) == []


async def test_an_accepted_loss_vanishes_at_the_next_look(watch: Watch) -> None:
    lose(watch, range(1, 7))
    assert not await watch.accept(), "nothing is in doubt yet"
    await watch.poll(3)
    assert await watch.accept()
    assert Counter(await watch.poll()) == Counter([vanished(order) for order in range(1, 7)] + [UP])
    assert (await watch.state()).accepted is None


async def test_an_accepted_loss_is_used_up_by_a_list_that_is_whole_again(watch: Watch) -> None:
    watch.shop.faults.set(EmptyList())
    await watch.poll(3)
    assert await watch.accept()
    watch.shop.faults.clear("empty_list")
    assert await watch.poll() == [UP]
    watch.shop.faults.set(EmptyList())
    assert await watch.poll(2) == [], "what was accepted was another loss"


async def test_an_accept_given_while_the_list_is_read_is_not_overwritten(watch: Watch) -> None:
    lose(watch, range(1, 7))
    await watch.poll(3)

    async def accept(call: Call) -> None:
        watch.shop.before_answer = None
        assert await watch.accept()

    watch.shop.before_answer = accept
    assert len(await watch.poll()) == 7


async def test_orders_that_were_doubted_and_come_back_are_no_news(watch: Watch) -> None:
    lost = [watch.shop.world.delete(order) for order in range(1, 8)]
    await watch.poll(3)
    for order in lost:
        watch.shop.world.place(id=order.id, created_at=order.created_at, total=order.total)
    assert await watch.poll() == [UP]


async def test_a_vanished_order_that_comes_back_reappears(watch: Watch) -> None:
    order = watch.shop.world.delete(5)
    await watch.poll(2)
    watch.shop.world.place(id=5, created_at=order.created_at, total=order.total, status="active")
    assert await watch.poll() == [Told(EventKind.REAPPEARED, "5", "pending", "active"), moved(5, "pending", "active")]
    assert await watch.poll(2) == []
    watch.shop.world.delete(5)
    assert await watch.poll(2) == [vanished(5, "active")]


# Promise 7, and what a poll says of itself


async def test_a_partial_look_says_why_and_is_reported_after_a_while(watch: Watch) -> None:
    watch.shop.faults.set(LyingTotal(by=2))
    assert await watch.poll(2) == []
    watch.shop.clock.pass_(seconds=60)
    await watch.poller.poll()
    [stored] = await watch.news()
    assert isinstance(stored.event, SourceEvent)
    assert stored.event.kind is EventKind.SOURCE_DOUBTFUL
    assert stored.event.reason == "the list says that it holds 14 orders, but shows 12"


async def test_changes_in_a_partial_look_are_told(watch: Watch) -> None:
    watch.shop.faults.set(LyingTotal(by=2))
    watch.shop.place(1)
    watch.shop.world.change(4, items=[TrueItem("Another", 1, 500)])
    assert {news.kind for news in await watch.poll()} == {EventKind.APPEARED, EventKind.CHANGED}


async def test_an_order_placed_while_the_list_was_read_is_dated_after_the_look_began(watch: Watch) -> None:
    """ "After 08:02" must not be later than the order itself."""
    placed_at: list[datetime] = []

    async def place_between_pages(call: Call) -> None:
        if call.query["page"] == "2" and not placed_at:
            watch.shop.clock.pass_(seconds=30)
            placed_at.append(watch.shop.clock.now())
            watch.shop.world.set_status(12, "active")
            watch.shop.clock.pass_(seconds=30)

    watch.shop.before_answer = place_between_pages
    assert await watch.poll() == []
    await watch.poller.poll()
    [stored] = await watch.news()
    assert isinstance(stored.event, OrderEvent)
    assert stored.event.after_time is not None
    assert stored.event.after_time <= placed_at[0]


async def test_a_poll_counts_what_it_did(watch: Watch) -> None:
    watch.shop.place(1)
    await watch.poll()
    result = watch.result
    assert (result.source, result.known, result.requests) == ("shop", 13, 3)
    assert (result.committed.new_orders, result.committed.deliveries) == (1, 1)
    assert result.seconds == pytest.approx(0.03)


async def test_times_are_of_the_answers_not_of_the_commit(watch: Watch) -> None:
    watch.shop.world.set_status(12, "active")

    async def dawdle(call: Call) -> None:
        watch.shop.clock.pass_(seconds=10)

    watch.shop.before_answer = dawdle
    began = watch.shop.clock.now()
    await watch.poller.poll()
    [stored] = await watch.news()
    assert stored.event.at == began + timedelta(seconds=10, milliseconds=10)


async def test_a_clock_set_back_between_polls_does_no_harm(watch: Watch) -> None:
    clock: HandClock = watch.shop.clock
    clock.pass_(days=-1)
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
