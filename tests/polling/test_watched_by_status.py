"""A large shop, watched by status: what each change costs, and how soon it is told."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from polling_shop import Shop, SmallPages
from polling_stage import Told, Watch, appeared, moved, vanished

from monitor.errors import Rejected
from monitor.model import EventKind
from monitor.polling.snapshot import Depth
from monitor.simulator.dialect import ListOrder
from monitor.simulator.faults import Fault, IgnoredFilter, LyingTotal
from monitor.store.sqlite import SqliteStore


class MiscountedStatus(Fault, frozen=True, kw_only=True):
    """The list of one status says that it holds some more than it does."""

    status: str
    by: int

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        if answer["data"] and {row["status"] for row in answer["data"]} == {self.status}:
            answer["meta"]["total"] += self.by
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


class RefusedStatus(Fault, tag="refused_status", frozen=True, kw_only=True):
    """One status cannot be asked for."""

    status: str

    def instead(self, dialect: Any, call: Any) -> Any:
        if call.query.get("status") == self.status:
            raise Rejected("422 from the shop: the selected status is invalid")
        return None


@pytest.fixture(params=["newest", "oldest"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """3,000 orders, 97 of 100 active, 50 a page: but for those, each status is one page."""
    return large_shop(request.param, page=50)


def large_shop(order: ListOrder, page: int) -> Shop:
    made, chance = Shop(order=order), random.Random(1)
    for _ in range(3000):
        status = "active" if chance.random() < 0.97 else chance.choice(["pending", "fraud", "cancelled"])
        made.world.place(status=status)
    made.faults.set(SmallPages(most=page))
    return made


@pytest.fixture
async def watch(shop: Shop, store: SqliteStore) -> Watch:
    """The shop, watched, with its baseline, and its list known."""
    made = Watch(shop, store)
    assert await made.poll(2) == []
    return made


def ids(watch: Watch, status: str) -> list[int]:
    return list(watch.shop.world.ids(status))


async def told_by_the_next(watch: Watch) -> tuple[list[Told], int]:
    """What the next poll tells, and how many requests it took."""
    told = await watch.poll()
    return told, watch.result.requests


async def test_a_quiet_poll_takes_a_handful_of_requests(watch: Watch) -> None:
    assert await told_by_the_next(watch) == ([], 5)
    assert watch.result.snapshot.depth is Depth.WATCH
    assert watch.result.bound.settle is not None


async def test_who_leaves_the_open_orders_is_looked_up_in_its_place(watch: Watch) -> None:
    old = ids(watch, "pending")[0]
    watch.shop.world.set_status(old, "active")
    assert await told_by_the_next(watch) == ([moved(old, "pending", "active")], 6)


async def test_a_new_order_is_told_at_once(watch: Watch) -> None:
    watch.shop.place(1, status="pending")
    told, requests = await told_by_the_next(watch)
    assert told == [appeared(3001)]
    assert requests <= 6


async def test_changes_that_cancel_out_in_the_totals_are_found_by_the_next_settle(store: SqliteStore) -> None:
    watch = Watch(large_shop("newest", page=10), store)
    assert await watch.poll(2) == []
    into, back = ids(watch, "active")[700], ids(watch, "fraud")[0]
    watch.shop.world.set_status(into, "fraud")
    watch.shop.world.set_status(back, "active")
    assert await watch.poll(5) == []
    assert sorted(await watch.poll(5)) == sorted([moved(into, "active", "fraud"), moved(back, "fraud", "active")])


async def test_a_deleted_order_is_found_by_halving_and_told_by_the_next_poll(watch: Watch) -> None:
    gone = ids(watch, "active")[1234]
    watch.shop.world.delete(gone)
    told, requests = await told_by_the_next(watch)
    assert told == []
    assert requests < 30, "a sweep would take 60"
    assert await watch.poll() == [vanished(gone, "active")]


async def test_a_status_that_cannot_be_asked_for_is_found_by_a_sweep_at_once(watch: Watch) -> None:
    strange = ids(watch, "active")[42]
    watch.shop.world.set_status(strange, "suspended")
    assert await watch.poll() == [moved(strange, "active", "suspended")]
    assert await told_by_the_next(watch) == ([], 5)


async def test_what_no_status_shows_is_found_by_the_daily_sweep(watch: Watch) -> None:
    changed = ids(watch, "active")[99]
    watch.shop.world.change(changed, total=77_700)
    assert await watch.poll(20) == []
    assert await watch.poll(apart=86_400) == [Told(EventKind.CHANGED, str(changed), "active", "active")]


async def test_a_filter_that_is_ignored_is_found_out_and_the_list_read_whole(watch: Watch) -> None:
    watch.shop.faults.set(IgnoredFilter())
    watch.shop.world.set_status(ids(watch, "active")[5], "cancelled")
    assert len(await watch.poll()) == 1
    assert watch.result.refusal == "asked for one status it shows others too"
    assert watch.result.snapshot.depth is Depth.SWEEP
    assert watch.result.bound.settle is None


async def test_a_sweep_that_takes_several_polls_finds_what_it_looks_for(watch: Watch) -> None:
    async def slowly(_: object) -> None:
        watch.shop.clock.pass_(seconds=2)

    watch.shop.before_answer = slowly
    changed = ids(watch, "active")[500]
    watch.shop.world.change(changed, total=77_700)
    told = await watch.poll(apart=86_400)
    assert watch.result.snapshot.unfinished
    for _ in range(6):
        told += await watch.poll(apart=0)
    assert told == [Told(EventKind.CHANGED, str(changed), "active", "active")]
    state = await watch.state()
    assert state.complete_at is not None
    assert (watch.shop.clock.now() - state.complete_at).total_seconds() < 1200


async def test_a_difference_that_a_sweep_has_left_costs_nothing_more_in_a_new_process_either(watch: Watch) -> None:
    watch.shop.faults.set(MiscountedStatus(status="cancelled", by=1))
    assert (await told_by_the_next(watch))[1] > 60, "the difference is new: all is read to explain it"
    for _ in range(4):
        watch.restart()
        assert (await told_by_the_next(watch))[1] <= 7


async def test_a_status_that_was_refused_once_is_asked_for_again(watch: Watch) -> None:
    watch.shop.faults.set(RefusedStatus(status="pending"))
    await watch.poll()
    assert "pending" not in watch.result.bound.open
    watch.shop.faults.clear("refused_status")
    await watch.poll(11)
    assert watch.result.bound.open == ("pending",)


async def test_a_new_process_goes_on_watching(watch: Watch) -> None:
    moved_on = ids(watch, "pending")[1]
    watch.shop.world.set_status(moved_on, "fraud")
    watch.restart()
    told, requests = await told_by_the_next(watch)
    assert told == [moved(moved_on, "pending", "fraud")]
    assert requests <= 7, "one more, to see how the list is sorted"


async def test_a_total_that_lies_makes_no_short_list_look_long(store: SqliteStore) -> None:
    shop = Shop()
    shop.place(9)
    shop.faults.set(SmallPages(most=3))
    watch = Watch(shop, store)
    await watch.poll()
    shop.faults.set(LyingTotal(by=4))
    shop.world.delete(1)
    shop.world.delete(2)
    await watch.poll()
    shop.faults.clear("lying_total")
    await watch.poll()
    assert watch.result.snapshot.depth is Depth.SWEEP, "three pages are read whole"


async def test_a_total_that_lies_about_a_list_of_one_page_makes_no_page_look_short(store: SqliteStore) -> None:
    shop = Shop()
    shop.place(7)
    shop.faults.set(SmallPages(most=3))
    watch = Watch(shop, store)
    await watch.poll()
    for order in range(1, 7):
        shop.world.delete(order)
    shop.faults.set(LyingTotal(by=4))
    await watch.poll()
    shop.faults.clear("lying_total")
    await watch.poll()
    assert watch.result.bound.settle is None, "seven orders are read whole"
