"""What the hammer found, each as the smallest shop that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from changes_shop import ChangesShop
from polling_shop import NoTotal, Shop, SmallPages, is_second
from polling_stage import Watch, appeared, moved, vanished
from polling_sweep import seen, swept

from monitor.diff import Coverage
from monitor.errors import NotFound
from monitor.polling.confirm import SecondLook
from monitor.polling.snapshot import Depth
from monitor.simulator.dialect import Call, ListOrder
from monitor.simulator.faults import Fault
from monitor.sources.base import Answer, Request
from monitor.sources.opterius import Opterius
from monitor.store.sqlite import SqliteStore


class Says(Fault, frozen=True, kw_only=True):
    """The list says this of itself; what is None it does not say."""

    meta: dict[str, int | None]

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        said = {key: value for key, value in (answer["meta"] | self.meta).items() if value is not None}
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer | {"meta": said}))


class Mixed(Fault, frozen=True, kw_only=True):
    """The rows amid each page stand in any order; its ends are sorted by chance."""

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        rows = answer["data"]
        answer["data"] = [*rows[:1], *rows[-2:0:-1], *rows[1:][-1:]]
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


class NoPagePastTheEnd:
    """A shop that has a 404 for a page past the end."""

    def __init__(self, shop: Shop, size: int = 6) -> None:
        self._shop = shop
        self._size = size

    async def get(self, request: Request) -> Answer:
        answer = await self._shop.get(request)
        page = int(dict(request.params)["page"])
        if page > 1 and page > -(-len(self._shop.world.ids()) // self._size):
            raise NotFound("404: no such page")
        return answer


def shop_of(count: int, *faults: Fault, order: ListOrder = "newest", status: str = "pending") -> Shop:
    """Six orders a page."""
    shop = Shop(order=order)
    shop.place(count, status=status)
    for fault in (SmallPages(most=6), *faults):
        shop.faults.set(fault)
    return shop


async def watched(store: SqliteStore, order: ListOrder = "newest") -> Watch:
    """Sixty active orders and three pending ones, watched by their status."""
    shop = shop_of(60, order=order, status="active")
    shop.place(3)
    watch = Watch(shop, store)
    assert await watch.poll(2) == []
    assert watch.result.bound.open == ("pending",)
    return watch


async def test_two_looks_of_one_poll_prove_one_absence(store: SqliteStore) -> None:
    """A total that does not add up is settled at once: the order that the watch has missed is missed again."""
    watch = await watched(store)
    watch.shop.world.delete(62)
    watch.shop.world.delete(30)
    assert await watch.poll() == []
    assert await watch.poll() == [vanished(30, "active"), vanished(62)]


async def test_new_orders_are_found_behind_the_end_that_many_have_left(store: SqliteStore) -> None:
    """No total has changed, and the last known order stands a page before where it stood."""
    watch = await watched(store, "oldest")
    for order in range(1, 7):
        watch.shop.world.delete(order)
    watch.shop.place(6, status="active")
    assert await watch.poll() == [appeared(order, "active") for order in range(64, 70)]
    assert watch.result.snapshot.depth is Depth.SETTLE


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("gone", [1, 64])
async def test_an_order_that_stood_first_or_last_is_missed_without_a_sweep(
    store: SqliteStore, order: ListOrder, gone: int
) -> None:
    watch = await watched(store, order)
    watch.shop.place(1, status="active")
    await watch.poll()
    watch.shop.world.delete(gone)
    await watch.poll()
    assert (watch.result.snapshot.depth, watch.result.snapshot.absent) == (Depth.SETTLE, [str(gone)])


async def test_a_new_order_amid_a_list_that_is_not_sorted_is_found_while_it_is_read() -> None:
    shop = ChangesShop(Opterius, size=6)
    shop.place(24)

    def shown(ids: Sequence[int], call: Call) -> Sequence[int]:
        mixed = sorted((i for i in ids if i <= 24), key=lambda i: i * 7 % 25)
        return [*mixed[:8], *(i for i in ids if i > 24), *mixed[8:]]

    async def change(call: Call) -> None:
        if len(shop.calls) == 4:
            shop.place(1)

    shop.shown, shop.before_answer = shown, change
    snapshot = await swept(shop).look(1)
    assert (snapshot.coverage, seen(snapshot)) == (Coverage.COMPLETE, set(range(1, 26)))


@pytest.mark.parametrize("meta", [{"last_page": None, "per_page": 100}, {"last_page": None}, {"last_page": 1}])
async def test_a_list_that_holds_more_than_it_shows_is_read_on_whatever_it_says_of_pages(meta: dict[str, Any]) -> None:
    shop = shop_of(40, Says(meta=meta))
    snapshot = await swept(shop).look()
    assert seen(snapshot) == set(range(1, 41))
    assert (snapshot.coverage, snapshot.reason) == (Coverage.COMPLETE, "")
    assert len(shop.calls) <= 9


async def test_an_order_deleted_from_a_list_without_totals_hides_no_other() -> None:
    """It draws another one over the edge of a page that was read already: a baseline without it would be none."""
    shop = shop_of(24, NoTotal())

    async def change(call: Call) -> None:
        if len(shop.calls) == 4:
            shop.world.delete(24)

    shop.before_answer = change
    snapshot = await swept(shop).look(1)
    assert seen(snapshot) >= set(range(1, 24))
    assert snapshot.coverage is Coverage.COMPLETE


async def test_a_list_without_totals_that_loses_orders_all_the_time_is_never_whole() -> None:
    shop = shop_of(60, NoTotal())

    async def change(call: Call) -> None:
        if call.query["page"] == "3":
            shop.world.delete(shop.world.ids()[-1])

    shop.before_answer = change
    snapshot = await swept(shop).look(1)
    assert snapshot.coverage is Coverage.PARTIAL
    assert "does not say how many" in snapshot.reason


async def test_a_list_without_totals_is_read_twice_only_for_what_must_be_proven(store: SqliteStore) -> None:
    watch = Watch(shop_of(24, NoTotal()), store)
    await watch.poll()
    first = watch.result.requests
    await watch.poll()
    assert watch.result.requests == first - 4
    watch.shop.world.delete(20)
    assert await watch.poll() == []
    assert await watch.poll() == [vanished(20)]


@pytest.mark.parametrize("count", [12, 13])
async def test_a_404_past_the_end_ends_the_list(count: int) -> None:
    shop = shop_of(count, Says(meta={"last_page": 4}))
    snapshot = await swept(shop, NoPagePastTheEnd(shop).get).look()
    assert (snapshot.coverage, snapshot.error) == (Coverage.COMPLETE, None)
    assert seen(snapshot) == set(range(1, count + 1))


async def test_a_404_amid_a_list_without_totals_proves_nothing() -> None:
    shop = shop_of(24, NoTotal())
    snapshot = await swept(shop, NoPagePastTheEnd(shop, size=12).get).look()
    assert (snapshot.coverage, snapshot.error) == (Coverage.PARTIAL, None)
    assert "is not there" in snapshot.reason


async def test_a_404_for_a_second_read_says_nothing() -> None:
    shop = shop_of(24)
    sweeps = swept(shop)
    snapshot = await sweeps.look()
    for order in range(13, 25):
        shop.world.delete(order)
    await SecondLook(shop.source(), NoPagePastTheEnd(shop).get).confirm(snapshot, ["1"])
    assert (snapshot.doubted, snapshot.error) == ({"1"}, None)


async def test_a_list_whose_pages_are_sorted_only_at_their_ends_is_not_taken_for_sorted(store: SqliteStore) -> None:
    shop = shop_of(60, Mixed(), status="active")
    watch = Watch(shop, store)
    await watch.poll(2)
    assert watch.result.refusal == "its list is sorted neither newest nor oldest first"


async def test_the_second_reads_of_two_looks_ask_for_different_pages(store: SqliteStore) -> None:
    """A cache in front may have kept the answer to the first one."""
    watch = Watch(shop_of(6), store)
    await watch.poll()
    for status in ("fraud", "pending", "fraud"):
        watch.shop.world.set_status(3, status)
        await watch.poll()
    asked = [call.query["per_page"] for call in watch.shop.calls if is_second(call)]
    assert len(asked) == len(set(asked)) == 2


async def test_a_return_is_confirmed_on_the_next_page_if_the_list_has_moved(store: SqliteStore) -> None:
    watch = Watch(shop_of(24), store)
    await watch.poll()
    watch.shop.world.set_status(19, "fraud")
    await watch.poll()
    watch.shop.world.set_status(19, "pending")
    placed: list[Call] = []

    async def change(call: Call) -> None:
        if is_second(call) and not placed:
            placed.append(call)
            watch.shop.place(1)

    watch.shop.before_answer = change
    assert await watch.poll() == [moved(19, "fraud", "pending")]
    assert placed
