"""The sweep against the simulated API: what it reads, and what it calls complete."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from polling_shop import LastPageAgain, NoMeta, NoTotal, Rows, Shop, SmallPages, WholeList, is_second
from polling_sweep import seen, swept

from monitor.diff import Coverage
from monitor.errors import ServerFailed
from monitor.polling.confirm import SecondLook
from monitor.polling.habits import Direction, Habits
from monitor.polling.ledger import Ledger
from monitor.polling.snapshot import Snapshot
from monitor.polling.sweep import Sweep
from monitor.simulator.dialect import Call, ListOrder
from monitor.simulator.faults import (
    Failure,
    IgnoredPaging,
    LyingTotal,
    PageDrift,
    RepeatedRows,
)
from monitor.sources.base import Answer, ListQuery, Request

ORDERS: list[ListOrder] = ["newest", "oldest"]


def shop_of(count: int, **options: Any) -> Shop:
    shop = Shop(**options)
    shop.place(count)
    return shop


async def look(shop: Shop, in_flight: int = 8) -> Snapshot:
    return await swept(shop).look(in_flight)


def true(shop: Shop) -> set[int]:
    return set(shop.world.ids())


@pytest.mark.parametrize("dialect", ["documented", "released"])
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 1000, 1001])
async def test_a_quiet_list_of_any_length_is_complete(dialect: str, count: int) -> None:
    shop = shop_of(count, dialect=dialect)
    snapshot = await look(shop)
    assert (snapshot.coverage, snapshot.reason, snapshot.error) == (Coverage.COMPLETE, "", None)
    assert seen(snapshot) == true(shop)
    assert snapshot.total == count
    assert snapshot.newest_id() == (count or None)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (99, 1), (100, 2), (101, 2), (1000, 11), (1001, 11)])
async def test_each_page_is_asked_for_once_and_one_more_where_the_last_is_full(count: int, pages: int) -> None:
    shop = shop_of(count)
    await look(shop)
    assert sorted(int(call.query["page"]) for call in shop.calls) == list(range(1, pages + 1))


@pytest.mark.parametrize(("count", "requests"), [(99, 1), (100, 2), (101, 1), (200, 1)])
async def test_a_list_without_pages_is_asked_twice_only_where_it_ends_just_like_a_page(
    count: int, requests: int
) -> None:
    shop = shop_of(count, dialect="released")
    assert (await look(shop)).coverage is Coverage.COMPLETE
    assert len(shop.calls) == requests


@pytest.mark.parametrize("count", [150, 250])
async def test_pages_that_say_nothing_of_themselves_are_read_to_the_end_but_prove_no_absence(count: int) -> None:
    shop = shop_of(count)
    shop.faults.set(NoMeta())
    snapshot = await look(shop)
    assert seen(snapshot) == true(shop)
    assert snapshot.coverage is Coverage.PARTIAL
    assert "pages" in snapshot.reason


async def test_a_list_that_names_a_smaller_page_size_but_no_last_page_is_read_on() -> None:
    """Laravel's simplePaginate, with a cap on the page size: its first 30 orders are not the list."""
    shop = shop_of(70)
    shop.faults.set(SmallPages(most=30))
    shop.faults.set(NoMeta(size=30))
    snapshot = await look(shop)
    assert seen(snapshot) == true(shop)
    assert snapshot.coverage is Coverage.PARTIAL


@pytest.mark.parametrize("order", ORDERS)
async def test_a_server_that_caps_the_page_size_is_read_whole(order: ListOrder) -> None:
    shop = shop_of(70, order=order)
    shop.faults.set(SmallPages(most=30))
    snapshot = await look(shop)
    assert snapshot.coverage is Coverage.COMPLETE
    assert seen(snapshot) == true(shop)


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("order", ORDERS)
async def test_orders_placed_while_the_list_is_read_cost_it_none(order: ListOrder, in_flight: int) -> None:
    """One insert with each request: everything that stood there at the beginning is seen."""
    shop = shop_of(1000, order=order)
    before = true(shop)
    shop.faults.set(PageDrift(times=12))
    snapshot = await look(shop, in_flight)
    assert seen(snapshot) == true(shop) >= before
    assert snapshot.coverage is Coverage.COMPLETE


@pytest.mark.parametrize("order", ORDERS)
async def test_a_list_that_never_stops_growing_is_partial_but_nothing_old_is_missed(order: ListOrder) -> None:
    shop = shop_of(500, order=order)
    before = true(shop)
    shop.faults.set(PageDrift())
    snapshot = await look(shop)
    assert seen(snapshot) >= before
    assert snapshot.coverage is Coverage.COMPLETE or "the list says that it holds" in snapshot.reason
    assert len(shop.calls) < 20


@pytest.mark.parametrize("change", ["delete_newest", "delete_oldest"])
@pytest.mark.parametrize("order", ORDERS)
async def test_a_list_from_which_orders_are_removed_while_it_is_read_proves_no_absence(
    order: ListOrder, change: Any
) -> None:
    shop = shop_of(1000, order=order)
    shop.faults.set(PageDrift(change=change, times=5))
    snapshot = await look(shop)
    assert snapshot.coverage is Coverage.PARTIAL
    assert "removed" in snapshot.reason


async def test_answers_that_overtake_each_other_are_not_taken_for_a_removal() -> None:
    """The answer that was asked for first, and shows the older total, may come last."""
    shop = shop_of(300)
    shop.faults.set(PageDrift(times=4))
    late: list[asyncio.Event] = [asyncio.Event()]

    async def get(request: Request) -> Answer:
        answer = await shop.get(request)
        if dict(request.params)["page"] == "2":
            await late[0].wait()
        elif len(shop.calls) >= 4:
            late[0].set()
        return msgspec.structs.replace(answer, received=shop.clock.monotonic())

    snapshot = await swept(shop, get).look()
    assert seen(snapshot) == true(shop)
    assert (snapshot.coverage, snapshot.reason) == (Coverage.COMPLETE, "")


@pytest.mark.parametrize("rows", [1, 50])
async def test_rows_that_hide_others_make_a_look_partial(rows: int) -> None:
    shop = shop_of(250)
    shop.faults.set(RepeatedRows(rows=rows, hiding=True, page=2))
    snapshot = await look(shop)
    assert snapshot.coverage is Coverage.PARTIAL
    assert seen(snapshot) < true(shop)


async def test_rows_that_only_stand_there_twice_do_no_harm() -> None:
    shop = shop_of(250)
    shop.faults.set(RepeatedRows(rows=7))
    snapshot = await look(shop)
    assert (snapshot.coverage, seen(snapshot)) == (Coverage.COMPLETE, true(shop))


@pytest.mark.parametrize("by", [-200, -150, -100, -1, 1, 100, 150])
@pytest.mark.parametrize("count", [1, 100, 250])
async def test_a_lying_total_makes_a_look_partial(count: int, by: int) -> None:
    shop = shop_of(count)
    shop.faults.set(LyingTotal(by=by))
    snapshot = await look(shop)
    assert snapshot.coverage is Coverage.PARTIAL
    assert snapshot.reason
    assert len(shop.calls) < 20


async def test_a_server_that_always_shows_its_first_page_is_found_out() -> None:
    shop = shop_of(250)
    shop.faults.set(IgnoredPaging())
    snapshot = await look(shop)
    assert snapshot.coverage is Coverage.PARTIAL
    assert "was answered with page 1" in snapshot.reason
    assert len(seen(snapshot)) == 15


async def test_a_server_that_always_shows_the_whole_list_is_read_as_it_is() -> None:
    shop = shop_of(250)
    shop.faults.set(WholeList())
    snapshot = await look(shop)
    assert (snapshot.coverage, seen(snapshot)) == (Coverage.COMPLETE, true(shop))


async def test_a_last_page_that_is_repeated_past_the_end_ends_the_reading() -> None:
    shop = shop_of(250)
    shop.faults.set(LastPageAgain())
    snapshot = await look(shop)
    assert snapshot.coverage is Coverage.PARTIAL
    assert seen(snapshot) == true(shop)
    assert len(shop.calls) < 30


@pytest.mark.parametrize("more", [0, 2])
async def test_pages_without_a_total_are_whole_when_each_has_been_read(more: int) -> None:
    shop = shop_of(250)
    shop.faults.set(NoTotal(more=more))
    snapshot = await look(shop)
    assert (snapshot.coverage, seen(snapshot)) == (Coverage.COMPLETE, true(shop))
    assert snapshot.total == 250


async def test_a_row_that_is_no_order_makes_a_look_partial_and_costs_no_other() -> None:
    shop = shop_of(5)
    shop.faults.set(Rows(rows=({"id": 77},)))
    snapshot = await look(shop)
    assert (snapshot.coverage, snapshot.reason) == (Coverage.PARTIAL, "row 1: status is missing")
    assert seen(snapshot) == true(shop)


async def test_an_order_that_contradicts_itself_on_one_page_makes_a_look_partial() -> None:
    shop = shop_of(5)
    shop.faults.set(Rows(rows=({"id": 3, "status": "fraud", "total": 1, "currency_code": "USD"},)))
    snapshot = await look(shop)
    assert (snapshot.coverage, snapshot.reason) == (Coverage.PARTIAL, "an order stands on one page twice")


@pytest.mark.parametrize(("page", "read"), [(1, 0), (2, 2), (5, 5), (10, 1)])
async def test_a_failing_page_ends_the_reading_and_keeps_what_was_read(page: int, read: int) -> None:
    """Read are the first page, then the last one, then those between."""
    shop = shop_of(1000)
    shop.faults.set(Failure(code=500, page=page))
    snapshot = await look(shop)
    assert isinstance(snapshot.error, ServerFailed)
    assert snapshot.coverage is Coverage.PARTIAL
    assert str(snapshot.error) == snapshot.reason
    assert len(seen(snapshot)) == 100 * read


async def test_requests_under_way_end_when_another_fails_and_no_new_one_begins() -> None:
    shop = shop_of(2000)
    shop.faults.set(Failure(code=500, page=3))

    async def take_turns(call: Call) -> None:
        await asyncio.sleep(0)

    shop.before_answer = take_turns
    snapshot = await look(shop)
    assert len(shop.calls) <= 1 + 8 + 2, "pages 20 and 2 were answered before page 3 failed, and their readers went on"
    assert len(seen(snapshot)) == 100 * (len(shop.calls) - 1), "all that were under way but the one that failed"


async def test_the_ends_of_a_list_are_read_first() -> None:
    """A list that has gone back shows at one of them, whichever way it is sorted."""
    shop = shop_of(500)
    await look(shop, in_flight=1)
    assert [call.query["page"] for call in shop.calls] == ["1", "5", "2", "3", "4", "6"]


async def test_of_two_sightings_the_one_asked_for_after_the_other_came_stands() -> None:
    """Drift shows order 151 on page 1, and again on page 2 after it was paid."""
    shop = shop_of(250)

    async def drift(call: Call) -> None:
        if call.query["page"] == "2":
            shop.world.place()
            shop.world.set_status(150, "active")
            shop.world.set_status(151, "active")

    shop.before_answer = drift
    snapshot = await look(shop, in_flight=1)
    assert snapshot.order("151").status == "active", "on page 1 it was pending; then the insert pushed it to page 2"


@pytest.mark.parametrize(("sent", "stands"), [(1.9, "pending"), (2.0, "active"), (2.1, "active")])
async def test_of_two_answers_that_were_under_way_at_once_the_first_stands(sent: float, stands: str) -> None:
    """Nobody can say which of them shows the later state: the next poll will."""
    shop = shop_of(1)
    request = shop.source().list_request(ListQuery())
    snapshot = Snapshot(Ledger(), 1)
    for status, sent_at, received_at in (("pending", 1.0, 2.0), ("active", sent, 3.0)):
        shop.world.set_status(1, status)
        answer = msgspec.structs.replace(await shop.get(request), sent=sent_at, received=received_at)
        snapshot.add(shop.source().decode_list(answer), answer, ListQuery(1))
    assert snapshot.order("1").status == stands


async def test_the_confirmation_asks_with_another_page_size_on_the_pages_where_the_orders_stood() -> None:
    shop = shop_of(1000)
    snapshot = await look(shop)
    shop.calls.clear()
    shop.world.set_status(450, "active")
    await SecondLook(shop.source(), shop.get).confirm(snapshot, ["450", "451"])
    assert all(map(is_second, shop.calls))
    assert [call.query["page"] for call in shop.calls] == ["6", "7"]
    assert (snapshot.confirmed, snapshot.doubted) == ({"451"}, {"450"})
    assert snapshot.order("450").status == "active", "the later sighting stands"


async def test_a_confirmation_that_spells_the_status_otherwise_confirms_it() -> None:
    shop = shop_of(3)
    snapshot = await look(shop)
    shop.world.set_status(2, "Pending")
    await SecondLook(shop.source(), shop.get).confirm(snapshot, ["2"])
    assert snapshot.confirmed == {"2"}


async def test_orders_that_a_confirmation_does_not_find_are_doubted() -> None:
    shop = shop_of(3)
    snapshot = await look(shop)
    shop.faults.set(Failure(code=503))
    await SecondLook(shop.source(), shop.get).confirm(snapshot, ["2"])
    assert (snapshot.confirmed, snapshot.doubted) == (set(), {"2"})
    assert isinstance(snapshot.error, ServerFailed)


async def test_the_newest_id_is_of_numbers_that_can_be_stored() -> None:
    shop = shop_of(3)
    shop.faults.set(
        Rows(rows=({"id": "20260411080000123456789", "status": "active"}, {"id": "x1", "status": "active"}))
    )
    snapshot = await look(shop)
    assert snapshot.newest_id() == 3


# What is known already


async def test_a_list_that_is_known_shows_nothing_that_may_differ_and_decodes_no_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop = shop_of(1000)
    sweeps = swept(shop)
    sweeps.commit(await sweeps.look())
    decoded: list[object] = []
    monkeypatch.setattr("monitor.sources.opterius._order", decoded.append)
    snapshot = await sweeps.look()
    assert (snapshot.sightings, snapshot.absent, snapshot.coverage) == ({}, [], Coverage.COMPLETE)
    assert (snapshot.total, snapshot.newest_id(), seen(snapshot)) == (1000, 1000, true(shop))
    assert decoded == []


@pytest.mark.parametrize("order", ORDERS)
async def test_only_what_differs_from_what_is_known_is_sighted_and_who_is_gone_is_absent(order: ListOrder) -> None:
    shop = shop_of(1000, order=order)
    sweeps = swept(shop)
    sweeps.commit(await sweeps.look())
    shop.world.set_status(700, "fraud")
    shop.world.delete(300)
    shop.world.delete(1)
    shop.place(2)
    snapshot = await sweeps.look()
    assert set(snapshot.sightings) == {"700", "1001", "1002"}
    assert sorted(snapshot.absent) == ["1", "300"]
    assert snapshot.coverage is Coverage.COMPLETE


async def test_an_order_whose_row_is_none_any_more_is_not_absent() -> None:
    """All other rows are known, and their bytes the same: this one must be noticed all the same."""
    shop = shop_of(5, dialect="released")
    sweeps = swept(shop)
    sweeps.commit(await sweeps.look())
    shop.world.delete(3)
    shop.faults.set(Rows(rows=({"id": 3, "status": None},)))
    snapshot = await sweeps.look()
    assert (snapshot.coverage, snapshot.reason) == (Coverage.PARTIAL, "row 1: status is missing")
    assert snapshot.absent == []


async def test_orders_on_pages_that_hide_others_stay_partial_when_all_of_them_are_known() -> None:
    shop = shop_of(250)
    sweeps = swept(shop)
    sweeps.commit(await sweeps.look())
    shop.faults.set(RepeatedRows(rows=5, hiding=True, page=2))
    snapshot = await sweeps.look()
    assert (snapshot.coverage, snapshot.absent) == (Coverage.PARTIAL, [])


# In parts and slices


async def test_a_baseline_is_committed_in_parts_none_of_which_is_held_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.polling.sweep.PART", 300)
    shop = shop_of(2050)
    sweeps = swept(shop)
    snapshot = await sweeps.look(in_flight=2)
    assert (snapshot.coverage, snapshot.total, snapshot.absent) == (Coverage.COMPLETE, 2050, [])
    assert seen(snapshot) == true(shop)
    assert len(sweeps.parts) >= 6
    assert sum(sweeps.parts) == 2050
    assert max(sweeps.parts) <= 300 + 2 * 100


async def test_what_changes_between_two_parts_is_seen_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Order 951 was committed as pending with its page; an order that is placed pushes it to the next one."""
    monkeypatch.setattr("monitor.polling.sweep.PART", 100)
    shop = shop_of(1050)

    async def drift(call: Call) -> None:
        if call.query["page"] == "2":
            shop.world.place()
            shop.world.set_status(951, "active")

    shop.before_answer = drift
    sweeps = swept(shop)
    snapshot = await sweeps.look(in_flight=1)
    sweeps.commit(snapshot)
    assert (sweeps.ledger.status("951"), snapshot.coverage) == ("active", Coverage.COMPLETE)
    assert len(sweeps.ledger) == 1051


async def test_a_sweep_pauses_when_it_is_late_and_concludes_in_a_later_poll() -> None:
    shop = shop_of(3000)
    sweeps = swept(shop)
    sweep = Sweep(sweeps.sight, Habits())
    slices = 0
    while not sweep.done:
        sweeps.sight.until = sweeps.sight.monotonic() + 0.01
        requests = len(shop.calls)
        snapshot = await sweeps.go_on(sweep)
        slices += 1
        assert len(shop.calls) - requests < 20
        assert snapshot.unfinished is not sweep.done
        if snapshot.unfinished:
            assert (snapshot.coverage, snapshot.absent, snapshot.reason) == (Coverage.PARTIAL, [], "")
        sweeps.commit(snapshot)
    assert slices >= 3
    assert (snapshot.coverage, snapshot.total, snapshot.absent) == (Coverage.COMPLETE, 3000, [])
    assert set(sweeps.ledger.with_status("pending")) == {str(i) for i in true(shop)}
    assert sorted(int(call.query["page"]) for call in shop.calls) == list(range(1, 32))


async def test_a_sweep_in_slices_proves_nothing_of_orders_removed_meanwhile() -> None:
    shop = shop_of(3000)
    sweeps = swept(shop)
    sweep = Sweep(sweeps.sight, Habits())
    while not sweep.done:
        sweeps.sight.until = sweeps.sight.monotonic() + 0.01
        snapshot = await sweeps.go_on(sweep)
        sweeps.commit(snapshot)
        shop.world.delete(min(shop.world.ids()))
    assert (snapshot.coverage, snapshot.absent) == (Coverage.PARTIAL, [])
    assert "removed" in snapshot.reason


class Losing:
    """A shop in which ``gone`` are deleted when page 12 of 30 is read. ``habits`` are those of its list."""

    def __init__(self, order: ListOrder, gone: tuple[int, ...]) -> None:
        self.shop = shop_of(3000, order=order)
        self.habits = Habits()
        self.habits.direction = Direction.NEWEST_FIRST if order == "newest" else Direction.OLDEST_FIRST
        self._gone = gone

    async def drift(self, call: Call) -> None:
        if call.query["page"] == "12":
            for order_id in self._gone:
                self.shop.world.delete(order_id)
            self._gone = ()


@pytest.mark.parametrize("order", ORDERS)
async def test_what_a_list_lost_while_it_was_read_is_looked_up_where_it_stood(order: ListOrder) -> None:
    """Read in slices, a large list would hardly ever stay still for long enough to prove that somebody is gone."""
    losing = Losing(order, gone=(1490, 1510))
    sweeps = swept(losing.shop)
    sweeps.commit(await sweeps.look())
    losing.shop.world.delete(1500)
    losing.shop.world.delete(2999)
    losing.shop.before_answer = losing.drift
    snapshot = await sweeps.look(look_up=True, habits=losing.habits, in_flight=1)
    assert (snapshot.coverage, snapshot.reason, snapshot.total) == (Coverage.COMPLETE, "", 2996)
    assert sorted(snapshot.absent) == ["1490", "1500", "1510", "2999"]
    assert seen(snapshot) == true(losing.shop)


@pytest.mark.parametrize("order", ORDERS)
async def test_orders_that_left_after_they_were_seen_leave_a_doubt_but_hide_no_other(order: ListOrder) -> None:
    losing = Losing(order, gone=(77, 2950))
    sweeps = swept(losing.shop)
    sweeps.commit(await sweeps.look())
    losing.shop.world.delete(1500)
    losing.shop.before_answer = losing.drift
    snapshot = await sweeps.look(look_up=True, habits=losing.habits, in_flight=1)
    assert (snapshot.coverage, snapshot.absent) == (Coverage.PARTIAL, ["1500"])
    assert "removed" in snapshot.reason
    assert seen(snapshot) == true(losing.shop) | {77, 2950}
