"""Polls of a simulated shop on a real state: baseline, once, together (promises 1 to 3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from polling_shop import URL, Shop, SmallPages, Without
from polling_stage import (
    DOWN,
    TABLES,
    BreakableStore,
    BrokenTransaction,
    Watch,
    appeared,
    moved,
    new_state,
    rows_of,
    told,
)

from monitor.errors import ClaimLost
from monitor.model import DeliveryState, EventKind, OrderEvent
from monitor.polling.poller import LEASE_S
from monitor.simulator.dialect import Call
from monitor.simulator.faults import Failure
from monitor.store.sqlite import SqliteStore

# Promise 1: baseline


async def test_the_first_complete_snapshot_announces_nothing(shop: Shop, store: SqliteStore) -> None:
    watch = Watch(shop, store)
    assert await watch.poll() == []
    assert watch.result.committed.baseline
    assert watch.result.committed.new_orders == 12
    assert await store.transact(lambda tx: tx.deliveries()) == []


async def test_orders_placed_after_the_baseline_are_announced_once(watch: Watch) -> None:
    watch.shop.place(1)
    assert await watch.poll() == [appeared(13)]
    assert await watch.poll(3) == []


async def test_nothing_appears_before_a_complete_snapshot_whatever_partial_ones_showed(
    shop: Shop, store: SqliteStore
) -> None:
    """Else a shop whose second page fails at first announces every order on it."""
    watch = Watch(shop, store, down_after=9)
    shop.faults.set(Failure(page=2, times=3))
    assert await watch.poll(3) == []
    assert (await watch.state()).baseline_at is None
    shop.place(1)
    assert await watch.poll() == []
    assert (await watch.state()).baseline_at is not None
    shop.place(1)
    assert await watch.poll() == [appeared(14)]


async def test_changes_of_orders_seen_before_the_baseline_are_announced(shop: Shop, store: SqliteStore) -> None:
    watch = Watch(shop, store)
    shop.faults.set(Failure(page=2, times=2))
    await watch.poll()
    shop.world.set_status(12, "active")
    assert await watch.poll() == [moved(12, "pending", "active")]


async def test_an_empty_shop_has_its_baseline_too(store: SqliteStore) -> None:
    watch = Watch(Shop(), store)
    assert await watch.poll(2) == []
    assert watch.result.committed.baseline
    watch.shop.place(1)
    assert await watch.poll() == [appeared(1)]


async def test_a_system_that_is_just_starting_shows_no_baseline(store: SqliteStore) -> None:
    """It looks empty, fails, looks empty: then the orders are there that were there all the time."""
    watch = Watch(Shop(), store)
    await watch.poll()
    watch.shop.faults.set(Failure(times=1))
    await watch.poll()
    await watch.poll()
    watch.shop.place(5)
    assert await watch.poll() == []
    assert watch.result.committed.baseline


async def test_a_restart_announces_nothing_old_and_misses_nothing_new(shop: Shop, tmp_path: Path) -> None:
    path = new_state(tmp_path)
    store = SqliteStore.open(path)
    watch = Watch(shop, store)
    await watch.poll()
    await store.aclose()
    shop.world.set_status(3, "fraud")
    store = SqliteStore.open(path)
    watch.restart(store)
    assert await watch.poll() == [moved(3, "pending", "fraud")]
    watch.restart()
    assert await watch.poll() == []
    await store.aclose()


@pytest.mark.parametrize("restart", [True, False])
async def test_another_url_under_the_same_name_is_a_new_baseline(watch: Watch, restart: bool) -> None:
    """The other system has orders of the same ids, in other states: none of it is news."""
    watch.shop.world.set_status(3, "fraud")
    watch.shop.world.delete(4)
    watch.shop.place(2)
    watch.restart(url="https://other.example.com")
    assert await watch.poll() == []
    assert watch.result.committed.other_system
    assert watch.result.committed.baseline
    watch.shop.world.set_status(3, "active")
    if restart:
        watch.restart()
    assert await watch.poll() == [moved(3, "fraud", "active")]
    assert not watch.result.committed.other_system


async def test_a_mistyped_url_costs_no_baseline_and_no_change(watch: Watch) -> None:
    """Nobody answers there: the orders of the right address are still known when it is mended."""
    watch.restart(url="https://biling.example.com")
    watch.shop.faults.set(Failure(code=404))
    assert await watch.poll() == []
    assert not watch.result.committed.other_system
    watch.shop.faults.clear()
    watch.shop.world.set_status(3, "fraud")
    watch.restart(url=URL)
    assert await watch.poll() == [moved(3, "pending", "fraud")]


async def test_a_bug_of_ours_is_a_failed_poll_that_the_owner_is_told_of(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("ORD-0088")

    monkeypatch.setattr("monitor.polling.commit.compare", broken)
    for _ in range(3):
        watch.shop.world.set_status(3, "fraud")
        watch.restart()
        events = await watch.poll()
    assert [event.kind for event in events] == ["source_down"]
    assert "KeyError" in str(watch.result.snapshot.error)
    assert "ORD-0088" not in str(watch.result.snapshot.error)
    monkeypatch.undo()
    assert moved(3, "pending", "fraud") in await watch.poll()


async def test_a_return_to_the_first_url_is_a_new_baseline_again_and_its_events_are_new_ones(watch: Watch) -> None:
    """Its events are told apart from those of the first time, or the unique rows would refuse them."""
    watch.shop.world.set_status(3, "fraud")
    assert await watch.poll() == [moved(3, "pending", "fraud")]
    for url in ("https://other.example.com", URL):
        watch.shop.world.set_status(3, "pending")
        watch.restart(url=url)
        assert await watch.poll() == []
        assert watch.result.requests == 3, "two pages, the last of which is full: no return has to be confirmed"
        watch.shop.world.set_status(3, "fraud")
        assert await watch.poll() == [moved(3, "pending", "fraud")]


@pytest.mark.parametrize("field", ["total", "currency_code", "items", "order_number", "created_at"])
async def test_a_newly_decoded_field_announces_nothing_and_is_known_from_then_on(
    shop: Shop, store: SqliteStore, field: str
) -> None:
    watch = Watch(shop, store)
    shop.faults.set(Without(fields=(field,)))
    await watch.poll()
    shop.faults.clear("Without")
    shop.faults.set(SmallPages(most=6))
    watch.restart()
    assert await watch.poll() == []
    [known] = await store.transact(lambda tx: tx.find_orders("shop", "ORD-0003"))
    assert None not in (known.order.total, known.order.items, known.order.number, known.order.created_at)
    shop.world.change(3, total=999)
    assert [news.kind for news in await watch.poll()] == [EventKind.CHANGED]


@pytest.mark.parametrize(("first", "second"), [("Canceled", "cancelled"), ("active", "Active"), ("On-Hold", "on_hold")])
async def test_another_spelling_of_a_status_announces_nothing(watch: Watch, first: str, second: str) -> None:
    watch.shop.world.set_status(3, first)
    assert await watch.poll() == [moved(3, "pending", first)]
    watch.shop.world.set_status(3, second)
    assert await watch.poll() == []
    watch.shop.world.set_status(3, first)
    assert await watch.poll() == []


# Promise 2: once


async def test_a_state_that_lasts_is_told_once_and_costs_no_write(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    watch.shop.world.change(4, total=777)
    assert len(await watch.poll()) == 2
    before = rows_of(watch.store, "orders")
    assert await watch.poll(5) == []
    assert rows_of(watch.store, "orders") == before


async def test_several_changes_of_one_order_between_two_looks_are_the_one_that_is_seen(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    watch.shop.world.set_status(3, "fraud")
    assert await watch.poll() == [moved(3, "pending", "fraud")]


class Meeting:
    """Two polls that read at once: no answer is given before both have asked. ``first_asked`` is set by the first."""

    def __init__(self) -> None:
        self.first_asked = asyncio.Event()
        self._barrier = asyncio.Barrier(2)

    async def __call__(self, call: Call) -> None:
        if call.query["page"] == "1":
            self.first_asked.set()
            await self._barrier.wait()


async def outcome(watch: Watch) -> str:
    try:
        return "committed" if await watch.poller.poll() else "left alone"
    except ClaimLost:
        return "lost"


async def two_stores(tmp_path: Path) -> tuple[SqliteStore, SqliteStore]:
    """Two connections, each with a thread of its own, to one state."""
    return SqliteStore.open(new_state(tmp_path)), SqliteStore.open(tmp_path / "state.db", exclusive=False)


@pytest.mark.parametrize("owners", [("one", "one"), ("one", "two")])
async def test_two_pollers_that_read_one_source_at_once_record_one_event(
    shop: Shop, tmp_path: Path, owners: tuple[str, str]
) -> None:
    """The same owner claims anew at once (a reload); another one when the lease of 15 s has run out."""
    first_store, second_store = await two_stores(tmp_path)
    first, second = Watch(shop, first_store, owner=owners[0]), Watch(shop, second_store, owner=owners[1])
    try:
        await first.poll()
        for number in range(5):
            shop.world.set_status(3, f"status_{number}")
            shop.before_answer = meeting = Meeting()
            poll = asyncio.create_task(outcome(first))
            await meeting.first_asked.wait()
            shop.clock.pass_(seconds=0 if owners[0] == owners[1] else LEASE_S)
            assert list(await asyncio.gather(poll, outcome(second))) == ["lost", "committed"]
            assert [told(stored.event).after for stored in await first.news()] == [f"status_{number}"]
    finally:
        await second_store.aclose()
        await first_store.aclose()


async def test_a_source_that_another_daemon_polls_is_left_alone(shop: Shop, tmp_path: Path) -> None:
    first_store, second_store = await two_stores(tmp_path)
    first, second = Watch(shop, first_store, owner="one"), Watch(shop, second_store, owner="two")
    try:
        await first.poll()
        reading = asyncio.Event()
        go_on = asyncio.Event()

        async def hold(call: Call) -> None:
            reading.set()
            await go_on.wait()

        shop.before_answer = hold
        poll = asyncio.create_task(first.poller.poll())
        await reading.wait()
        assert await second.poller.poll() is None
        go_on.set()
        assert await poll is not None
        assert await second.poller.poll() is not None, "the first has given its lease back"
    finally:
        await second_store.aclose()
        await first_store.aclose()


@pytest.mark.parametrize("rounds", [20])
async def test_daemons_that_poll_as_they_like_record_each_transition_once(
    shop: Shop, tmp_path: Path, rounds: int
) -> None:
    """Four pollers with real threads, claims that end at any time: each state that was seen is told once, in order."""
    stores = list(await two_stores(tmp_path))
    watches = [Watch(shop, stores[number % 2], owner=f"{number}") for number in range(4)]

    async def take_turns(call: Call) -> None:
        shop.clock.pass_(seconds=LEASE_S / 3)
        await asyncio.sleep(0)

    shop.before_answer = take_turns
    try:
        await watches[0].poll()
        outcomes: Counter[str] = Counter()
        for number in range(rounds):
            shop.world.set_status(3, f"status_{number}")
            outcomes.update(await asyncio.gather(*map(outcome, watches)))
        assert outcomes["committed"] >= rounds
        told_of = [
            stored.event.order.status
            for stored in await stores[0].transact(lambda tx: tx.events("shop", "3"))
            if isinstance(stored.event, OrderEvent)
        ]
        assert told_of == [f"status_{number}" for number in range(rounds)]
    finally:
        for store in reversed(stores):
            await store.aclose()


async def test_marks_are_dropped_when_another_daemon_has_polled_between(shop: Shop, tmp_path: Path) -> None:
    """What a poller remembers of the rows is worth nothing once somebody else has written the orders."""
    first_store, second_store = await two_stores(tmp_path)
    first, second = Watch(shop, first_store, owner="one"), Watch(shop, second_store, owner="two")
    try:
        await first.poll()
        shop.world.set_status(3, "fraud")
        assert await second.poll() == [moved(3, "pending", "fraud")]
        shop.world.set_status(3, "pending")
        assert await first.poll() == [moved(3, "pending", "fraud"), moved(3, "fraud", "pending")]
    finally:
        await second_store.aclose()
        await first_store.aclose()


# Promise 3: together


@pytest.mark.parametrize("after", [False, True])
async def test_a_commit_that_breaks_anywhere_leaves_nothing_written(
    shop: Shop, store: SqliteStore, after: bool
) -> None:
    breakable = BreakableStore(store)
    breakable.after = after
    watch = Watch(shop, breakable, down_after=1)
    shop.world.delete(2)
    await watch.poll()
    shop.world.delete(1)
    await watch.poll()
    shop.faults.set(Failure(times=1))
    assert await watch.poll() == [DOWN]
    shop.world.set_status(3, "active")
    shop.world.change(4, total=777)
    shop.place(1)
    before = rows_of(store, *TABLES)
    broken = 0
    while True:
        breakable.break_at = broken + 1
        try:
            result = await watch.poller.poll()
        except BrokenTransaction:
            broken += 1
            assert rows_of(store, *TABLES) == before
        else:
            break
    assert result is not None
    assert broken >= 15, "every operation of the commit was broken once"
    assert sorted(result.committed.events) == ["appeared", "changed", "source_up", "status_changed", "vanished"]
    after_rows = rows_of(store, *TABLES)
    assert len(after_rows["deliveries"]) == len(after_rows["delivery_events"]) == len(after_rows["events"]) == 6
    assert {row[0] for row in after_rows["delivery_events"]} == {row[0] for row in after_rows["deliveries"]}


async def test_each_event_has_its_delivery_from_the_first_moment(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    [delivery] = await watch.store.transact(lambda tx: tx.deliveries())
    assert (delivery.state, delivery.channel, delivery.order_id) == (DeliveryState.WAITING, "ops", "3")
    [stored] = await watch.store.transact(lambda tx: tx.events_of(delivery.id))
    assert told(stored.event) == moved(3, "pending", "active")
