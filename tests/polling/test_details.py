"""An unsorted list has no places to look in: who has left it is read alone, where the source shows single orders."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from changes_shop import ChangesShop, DetailedSource
from polling_stage import Told, Watch, appeared, moved, vanished

from monitor.simulator.dialect import Call
from monitor.sources.opterius import Opterius
from monitor.store.sqlite import SqliteStore

UNSORTED = "its list is sorted neither newest nor oldest first"


def unsorted(ids: Sequence[int], call: Call) -> Sequence[int]:
    return sorted(ids, key=lambda i: (i * i * 31) % 103)


async def watched(store: SqliteStore, adapter: type[Opterius]) -> Watch:
    """A hundred orders, ten a page, five of them pending."""
    shop = ChangesShop(adapter)
    shop.shown = unsorted
    shop.place(95, status="active")
    shop.place(5)
    watch = Watch(shop, store)
    assert await watch.poll(2) == []
    shop.calls.clear()
    return watch


@pytest.fixture
async def watch(store: SqliteStore) -> Watch:
    return await watched(store, DetailedSource)


def read_alone(watch: Watch) -> list[str]:
    """Which orders were read alone since the last time."""
    paths = [call.path for call in watch.shop.calls if "page" not in call.query]
    watch.shop.calls.clear()
    return paths


async def test_an_unsorted_list_is_watched_where_single_orders_can_be_read(watch: Watch) -> None:
    assert await watch.poll() == []
    assert watch.result.requests < 10
    assert watch.result.refusal == ""
    watch.shop.world.set_status(98, "active")
    watch.shop.world.set_status(3, "fraud")
    watch.shop.place(1)
    assert await watch.poll() == [moved(3, "active", "fraud"), moved(98, "pending", "active"), appeared(101)]
    assert read_alone(watch) == ["/orders/98"]


async def test_an_unsorted_list_is_read_whole_where_they_cannot(store: SqliteStore) -> None:
    watch = await watched(store, Opterius)
    assert watch.result.refusal == UNSORTED
    watch.shop.world.set_status(98, "active")
    assert await watch.poll() == [moved(98, "pending", "active")]
    assert read_alone(watch) == []


async def test_an_order_that_is_gone_by_the_source_s_own_word_has_vanished_at_the_second_time(watch: Watch) -> None:
    watch.shop.world.delete(98)
    assert await watch.poll() == []
    assert await watch.poll() == [vanished(98)]
    assert read_alone(watch) == ["/orders/98"] * 2
    assert await watch.poll() == []
    assert read_alone(watch) == []


async def test_a_404_of_somebody_else_proves_nothing(watch: Watch) -> None:
    assert isinstance(watch.shop, ChangesShop)
    watch.shop.instead = lambda order_id: b"<html>nginx</html>"
    watch.shop.world.set_status(98, "active")
    news: list[Told] = await watch.poll(2)
    assert vanished(98) not in news
    watch.shop.world.delete(97)
    assert vanished(97) not in await watch.poll(2)
    assert (await watch.state()).failures == 0


async def test_a_list_that_loses_its_order_is_watched_on(store: SqliteStore) -> None:
    """Sorted at first, so that places are looked in; then no more."""
    shop = ChangesShop(DetailedSource)
    shop.place(95, status="active")
    shop.place(5)
    watch = Watch(shop, store)
    await watch.poll(2)
    shop.world.set_status(98, "active")
    assert await watch.poll() == [moved(98, "pending", "active")]
    assert read_alone(watch) == []
    shop.shown = lambda ids, call: ids[::-1]
    shop.world.set_status(97, "active")
    assert await watch.poll() == [moved(97, "pending", "active")]
    assert watch.result.refusal == ""
    assert read_alone(watch) == ["/orders/97"]


async def test_an_order_that_is_not_in_its_place_is_read_alone(store: SqliteStore) -> None:
    """The page on which it should stand is not sorted, though the first one is."""
    shop = ChangesShop(DetailedSource)
    shop.place(5)
    shop.place(95, status="active")
    watch = Watch(shop, store)
    await watch.poll(2)
    shop.world.set_status(3, "active")
    shop.shown = lambda ids, call: [*ids[:50], *unsorted(ids[50:], call)]
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert read_alone(watch) == ["/orders/3"]
