"""Pages that can only be read one after the other: read to the end, proven by a second reading, never endlessly."""

from __future__ import annotations

import pytest
from chained_shop import ChainedChangesSource, ChainedShop, ChainedSource, chained
from polling_stage import Watch, appeared, moved, vanished
from polling_sweep import seen, swept

from monitor.diff import Coverage
from monitor.errors import NotFound, RateLimited
from monitor.store.sqlite import SqliteStore

ORDERS = 25
WALK = [None, "16", "6"]
"""After which orders the three pages begin."""


def shop_of(orders: int = ORDERS, *, claims: bool = False, adapter: type[ChainedSource] = ChainedSource) -> ChainedShop:
    shop = ChainedShop(adapter)
    shop.claims = claims
    shop.place(orders)
    shop.clock.pass_(hours=1)
    return shop


async def watched(store: SqliteStore, shop: ChainedShop | None = None) -> Watch:
    watch = Watch(shop or shop_of(), store)
    assert await watch.poll() == []
    assert watch.result.committed.baseline
    chained(watch.shop).calls.clear()
    return watch


async def test_pages_are_read_one_after_the_other_to_the_end() -> None:
    shop = shop_of(claims=True)
    snapshot = await swept(shop).look()
    assert shop.asked_after() == WALK
    assert seen(snapshot) == set(range(1, ORDERS + 1))
    assert snapshot.coverage is Coverage.COMPLETE


@pytest.mark.parametrize("orders", [0, 1, 10])
async def test_a_list_of_one_page_is_asked_for_once(orders: int) -> None:
    shop = shop_of(orders)
    snapshot = await swept(shop).look()
    assert shop.asked_after() == [None]
    assert snapshot.coverage is Coverage.COMPLETE


async def test_without_a_total_a_baseline_is_proven_by_a_second_reading(store: SqliteStore) -> None:
    shop = shop_of()
    watch = Watch(shop, store)
    assert await watch.poll() == []
    assert shop.asked_after() == WALK * 2
    assert watch.result.committed.baseline
    assert await watch.poll() == []
    assert shop.asked_after() == WALK  # nothing follows from its being whole


async def test_changes_on_every_page_are_told(store: SqliteStore) -> None:
    watch = await watched(store)
    for order in (25, 12, 3):
        watch.shop.world.set_status(order, "fraud")
    watch.shop.place(1)
    found = await watch.poll()
    assert found == [*(moved(order, "pending", "fraud") for order in (3, 12, 25)), appeared(26)]


@pytest.mark.parametrize("claims", [False, True])
async def test_a_deleted_order_vanishes_when_two_polls_prove_it(store: SqliteStore, *, claims: bool) -> None:
    watch = await watched(store, shop_of(claims=claims))
    watch.shop.world.delete(12)
    assert await watch.poll() == []
    assert await watch.poll() == [vanished(12)]


async def test_a_return_is_confirmed_on_the_page_where_it_was_seen(store: SqliteStore) -> None:
    watch = await watched(store)
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    watch.shop.world.set_status(3, "pending")
    chained(watch.shop).calls.clear()
    assert await watch.poll() == [moved(3, "active", "pending")]
    assert chained(watch.shop).asked_after() == [*WALK, "6"]


async def test_a_list_without_an_end_is_partial_and_read_no_further() -> None:
    shop = shop_of()
    shop.leads = lambda after, following: following or "16"
    snapshot = await swept(shop).look()
    assert len(shop.asked_after()) < 12
    assert snapshot.coverage is Coverage.PARTIAL
    assert "leads back" in snapshot.reason


async def test_a_next_page_that_is_the_first_again_is_partial() -> None:
    shop = shop_of()
    shop.leads = lambda after, following: "1000000" if after is None else "1000001"
    snapshot = await swept(shop).look()
    assert len(shop.asked_after()) < 12
    assert snapshot.coverage is Coverage.PARTIAL


async def test_a_list_whose_end_is_a_404_is_read_twice_and_complete(store: SqliteStore) -> None:
    shop = shop_of()
    shop.ends_with_404 = True
    shop.leads = lambda after, following: following or "1"
    watch = Watch(shop, store)
    assert await watch.poll() == []
    assert shop.asked_after() == [*WALK, "1"] * 2
    assert watch.result.committed.baseline
    shop.world.delete(12)
    assert await watch.poll(2) == [vanished(12)]


async def test_empty_pages_without_end_are_given_up() -> None:
    shop = shop_of()
    shop.leads = lambda after, following: following or str(-len(shop.calls))
    snapshot = await swept(shop).look()
    assert len(shop.asked_after()) < 30
    assert snapshot.coverage is Coverage.PARTIAL


async def test_a_list_that_changes_whenever_it_is_read_proves_no_absence(store: SqliteStore) -> None:
    watch = await watched(store)
    shop = chained(watch.shop)
    shop.world.delete(1)
    shop.before_page = lambda after: shop.world.delete(shop.world.ids()[0]) if after == "6" else None
    assert await watch.poll() == []
    assert watch.result.snapshot.coverage is Coverage.PARTIAL


# Asked for what was modified


async def changes(store: SqliteStore) -> Watch:
    return await watched(store, shop_of(adapter=ChainedChangesSource))


async def test_a_quiet_poll_for_changes_takes_one_request(store: SqliteStore) -> None:
    watch = await changes(store)
    assert await watch.poll(2) == []
    assert chained(watch.shop).asked_after() == [None, None]
    assert watch.result.refusal == ""


async def test_changes_over_several_pages_are_read_twice_and_all_told(store: SqliteStore) -> None:
    watch = await changes(store)
    for order in range(1, 16):
        watch.shop.world.set_status(order, "active")
    assert len(await watch.poll()) == 15
    assert chained(watch.shop).asked_after() == [None, "6"] * 2
    assert watch.result.snapshot.reason == ""
    chained(watch.shop).calls.clear()
    watch.shop.clock.pass_(minutes=5)
    assert await watch.poll() == []
    assert chained(watch.shop).asked_after() == [None]


async def test_a_change_between_two_pages_of_changes_is_not_missed(store: SqliteStore) -> None:
    watch = await changes(store)
    shop = chained(watch.shop)
    for order in range(1, 16):
        shop.world.set_status(order, "active")

    def move(after: str | None) -> None:
        if after == "6" and shop.world.order(20).status == "pending":
            shop.world.set_status(20, "fraud")

    shop.before_page = move
    told = await watch.poll() + await watch.poll()
    assert moved(20, "pending", "fraud") in told
    assert len(told) == 16


async def test_a_chained_list_is_not_watched_by_status(store: SqliteStore) -> None:
    class ByStatus(ChainedSource):
        statuses = ("pending", "active", "fraud", "cancelled")

    watch = await watched(store, shop_of(250, claims=True, adapter=ByStatus))
    assert await watch.poll() == []
    assert watch.result.refusal == "its pages can only be read one after the other"


@pytest.mark.parametrize("broken", ["leads back", "not there", "empty"])
async def test_changes_behind_a_broken_link_are_asked_for_again(store: SqliteStore, broken: str) -> None:
    watch = await changes(store)
    shop = chained(watch.shop)
    for order in range(1, 25):  # all 25 would look as if the source ignored the parameter
        shop.world.set_status(order, "active")

    def lack(after: str | None) -> None:
        if after and broken == "not there":
            raise NotFound("404: there is nothing at this address", body=b"")

    shop.before_page = lack
    if broken == "leads back":
        shop.leads = lambda after, following: after or following
    if broken == "empty":
        shop.leads = lambda after, following: following if after is None else str(-len(shop.calls))
    told = await watch.poll()
    assert len(told) < 24
    assert watch.result.snapshot.coverage is Coverage.PARTIAL
    shop.before_page, shop.leads = (lambda after: None), (lambda after, following: following)
    told += await watch.poll()
    assert sorted(told, key=lambda told: int(told.order)) == [
        moved(order, "pending", "active") for order in range(1, 25)
    ]


async def test_a_page_that_the_one_before_names_and_that_is_not_there_proves_no_absence(store: SqliteStore) -> None:
    watch = await watched(store)

    def lack(after: str | None) -> None:
        if after == "6":
            raise NotFound("404: there is nothing at this address", body=b"")

    chained(watch.shop).before_page = lack
    assert await watch.poll(2) == []
    assert watch.result.snapshot.reason == "page 3 is not there"


async def test_a_failure_amid_a_chain_keeps_what_was_read_and_asks_for_the_rest_again(store: SqliteStore) -> None:
    watch = await changes(store)
    shop = chained(watch.shop)
    for order in range(1, 25):
        shop.world.set_status(order, "active")

    def refuse(after: str | None) -> None:
        if after:
            raise RateLimited("429: it is asked too often", retry_after=5.0)

    shop.before_page = refuse
    told = await watch.poll()
    assert [one.order for one in told] == [str(order) for order in range(15, 25)]
    shop.before_page = lambda after: None
    watch.restart()
    assert [one.order for one in await watch.poll()] == [str(order) for order in range(1, 15)]
