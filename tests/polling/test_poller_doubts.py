"""What a poll does not believe: failures, stale answers, returns (promise 5)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from polling_shop import CachedPage, Rows, Shop, SmallPages, body_of, is_second
from polling_stage import (
    DOUBTFUL,
    DOWN,
    UP,
    Told,
    Watch,
    moved,
    rows_of,
    vanished,
)

from monitor.diff import Coverage
from monitor.errors import ServerFailed, Stale, Unreachable
from monitor.model import EventKind, SourceEvent
from monitor.simulator.faults import Failure, Fault, LyingTotal, RepeatedRows
from monitor.store.sqlite import SqliteStore


@pytest.mark.parametrize("fault", [LyingTotal(by=1), LyingTotal(by=-1), RepeatedRows(hiding=True)])
async def test_partial_snapshots_prove_no_absence_however_many_there_are(watch: Watch, fault: Fault) -> None:
    watch.shop.world.delete(12)
    watch.shop.faults.set(fault)
    assert await watch.poll(10) == [DOUBTFUL]
    assert watch.result.snapshot.coverage is Coverage.PARTIAL


async def test_failed_polls_prove_no_absence(watch: Watch) -> None:
    watch.shop.world.delete(1)
    watch.shop.faults.set(Failure(page=2))
    assert await watch.poll(10) == [DOWN]


async def test_rows_read_before_a_failing_page_count_and_the_failure_counts_as_well(watch: Watch) -> None:
    watch.shop.world.set_status(12, "active")
    watch.shop.world.set_status(1, "active")
    watch.shop.faults.set(Failure(page=2, times=3))
    assert await watch.poll() == [moved(12, "pending", "active")]
    assert (await watch.state()).failures == 1
    assert isinstance(watch.result.snapshot.error, ServerFailed)
    assert await watch.poll(2) == [DOWN]
    assert set(await watch.poll()) == {moved(1, "pending", "active"), UP}


async def test_a_source_is_down_after_so_many_failures_and_up_at_the_first_success_once_each(watch: Watch) -> None:
    watch.shop.faults.set(Failure())
    assert await watch.poll(2) == []
    failing_since = (await watch.state()).failing_since
    watch.shop.clock.pass_(seconds=60)
    await watch.poller.poll()
    [stored] = await watch.news()
    assert isinstance(stored.event, SourceEvent)
    assert (stored.event.kind, stored.event.since) == (EventKind.SOURCE_DOWN, failing_since)
    assert "it cannot answer now" in stored.event.reason
    assert await watch.poll(5) == []
    watch.shop.faults.clear("failure")
    assert await watch.poll() == [UP]
    assert await watch.poll(5) == []


async def test_down_and_up_are_told_once_across_restarts(watch: Watch) -> None:
    watch.shop.faults.set(Failure())
    heard: list[Told] = []
    for _ in range(6):
        watch.restart()
        heard += await watch.poll()
    assert heard == [DOWN]
    watch.shop.faults.clear("failure")
    for _ in range(3):
        watch.restart()
        heard += await watch.poll()
    assert heard == [DOWN, UP]


async def test_failures_that_do_not_follow_one_another_bring_nothing_down(watch: Watch) -> None:
    for _ in range(3):
        watch.shop.faults.set(Failure(times=2))
        assert await watch.poll(3) == []


async def test_a_return_to_the_previous_status_is_told_once_a_second_read_confirms_it(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    requests = watch.result.requests
    watch.shop.world.set_status(3, "pending")
    assert await watch.poll() == [moved(3, "active", "pending")]
    assert watch.result.requests > requests
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert await watch.poll() == []


async def test_a_stale_answer_with_the_previous_status_is_no_event_and_neither_is_the_true_one_after_it(
    watch: Watch,
) -> None:
    """The cache answers the old state once: pending → active → (pending) → active is one change."""
    body, query = await body_of(watch.shop, 2)
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    watch.shop.faults.set(CachedPage(body=body, query=query, times=None))
    assert await watch.poll(3) == []
    watch.shop.faults.clear("CachedPage")
    assert await watch.poll(3) == []


async def test_a_return_that_cannot_be_confirmed_is_told_as_soon_as_it_can(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    watch.shop.world.set_status(3, "pending")
    watch.shop.fails = lambda number, call: is_second(call)
    assert await watch.poll(2) == []
    assert isinstance(watch.result.snapshot.error, Unreachable)
    assert (await watch.state()).failures == 2
    watch.shop.fails = lambda number, call: False
    assert await watch.poll() == [moved(3, "active", "pending")]


async def test_a_return_is_confirmed_across_a_restart_too(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    body, query = await body_of(watch.shop, 2)
    watch.shop.world.set_status(3, "pending")
    watch.restart()
    assert await watch.poll() == [moved(3, "active", "pending")]
    watch.shop.faults.set(CachedPage(body=body, query=query))
    watch.restart()
    assert await watch.poll() == []


async def test_an_order_that_comes_back_in_its_previous_status_is_not_lost(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    watch.shop.world.delete(3)
    assert await watch.poll(2) == [vanished(3, "active")]
    watch.shop.world.place(id=3)
    assert await watch.poll() == [Told(EventKind.REAPPEARED, "3", "active", "pending"), moved(3, "active", "pending")]


@pytest.mark.parametrize("restart", [True, False])
async def test_a_list_that_has_gone_back_is_stale_and_contributes_no_row(watch: Watch, restart: bool) -> None:
    """Both pages come from a cache that knew one order less, and other states than ours."""
    watch.shop.world.set_status(7, "fraud")
    pages = [await body_of(watch.shop, page) for page in (1, 2)]
    watch.shop.world.set_status(7, "active")
    watch.shop.place(1)
    assert len(await watch.poll()) == 2
    for body, query in pages:
        watch.shop.faults.set(CachedPage(body=body, query=query))
    before = rows_of(watch.store, "orders", "events")
    if restart:
        watch.restart()
    assert await watch.poll() == []
    assert isinstance(watch.result.snapshot.error, Stale)
    assert watch.result.snapshot.sightings == {}
    assert rows_of(watch.store, "orders", "events") == before
    assert (await watch.state()).failures == 1
    watch.shop.faults.clear("CachedPage")
    assert await watch.poll() == []
    assert (await watch.state()).failures == 0


async def test_a_list_that_has_gone_back_is_not_believed_while_the_second_read_fails(watch: Watch) -> None:
    watch.shop.world.set_status(7, "fraud")
    pages = [await body_of(watch.shop, page) for page in (1, 2)]
    watch.shop.world.set_status(7, "active")
    watch.shop.place(1)
    await watch.poll()
    for body, query in pages:
        watch.shop.faults.set(CachedPage(body=body, query=query))
    watch.shop.fails = lambda number, call: is_second(call)
    assert await watch.poll() == []
    assert watch.result.snapshot.sightings == {}


async def test_a_stale_page_before_a_failing_one_contributes_no_row(watch: Watch) -> None:
    watch.shop.world.set_status(7, "fraud")
    body, query = await body_of(watch.shop, 1)
    watch.shop.world.set_status(7, "active")
    watch.shop.place(1)
    await watch.poll()
    watch.shop.faults.set(CachedPage(body=body, query=query))
    watch.shop.fails = lambda number, call: call.query == {"page": "2", "per_page": "100"}
    assert await watch.poll() == []
    assert watch.result.snapshot.error is not None


async def test_the_newest_order_on_a_page_that_fails_makes_the_others_no_older(store: SqliteStore) -> None:
    """Oldest first, the newest order stands on the last page: without that page nothing has gone back."""
    shop = Shop(order="oldest")
    shop.place(12)
    shop.faults.set(SmallPages(most=6))
    watch = Watch(shop, store)
    await watch.poll()
    shop.faults.set(Failure(page=2))
    shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]


async def test_a_newest_order_that_was_truly_deleted_makes_nothing_stale(watch: Watch) -> None:
    watch.shop.world.delete(12)
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert await watch.poll() == [vanished(12)]


async def test_ids_longer_than_a_number_can_be_stored_are_orders_like_others(store: SqliteStore) -> None:
    class Long(Fault, frozen=True):
        def sent(self, reply: Any) -> Any:
            return msgspec.structs.replace(reply, body=reply.body.replace(b'"id":', b'"id":20260411080000123456789'))

    shop = Shop()
    shop.place(2)
    shop.faults.set(Long())
    watch = Watch(shop, store)
    await watch.poll()
    shop.world.set_status(1, "active")
    assert await watch.poll() == [Told(EventKind.STATUS_CHANGED, "202604110800001234567891", "pending", "active")]


@pytest.mark.parametrize("order_id", ["0099", "٩٩"])
async def test_an_id_that_is_a_text_of_digits_makes_no_later_list_a_stale_one(
    store: SqliteStore, order_id: str
) -> None:
    """It is kept as it is written: counted as a number once, it must be so each time."""
    shop = Shop(dialect="released")
    shop.place(12)
    shop.faults.set(Rows(rows=({"id": order_id, "status": "active"},)))
    watch = Watch(shop, store)
    for _ in range(3):
        await watch.poll()
        assert watch.result.snapshot.error is None
    assert (await watch.state()).newest_id == 12


async def test_an_order_whose_row_becomes_none_is_not_gone_in_a_list_without_totals(store: SqliteStore) -> None:
    """Nothing else on the page has changed, and nothing says how many there should be."""
    shop = Shop(dialect="released")
    shop.place(12)
    watch = Watch(shop, store, down_after=9)
    await watch.poll()
    shop.world.delete(3)
    shop.faults.set(Rows(rows=({"id": 3, "status": None},)))
    assert await watch.poll(4) == []
    assert watch.result.snapshot.error is None
    assert "status is missing" in watch.result.snapshot.reason
