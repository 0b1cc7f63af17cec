"""Modified since: little is read, nothing is missed, whatever the server's clock and its list do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from changes_shop import SINCE, ChangesShop, ChangesSource, DetailedChangesSource, Sort
from polling_shop import is_second
from polling_stage import Watch, appeared, moved, vanished

from monitor.polling.bound import Bound
from monitor.polling.modified import ServerTime
from monitor.simulator.dialect import Call
from monitor.sources.base import Answer, Request
from monitor.store.sqlite import SqliteStore

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
QUIET = [("1", True)]
WHOLE = [("1", False), ("3", False), ("2", False)]


async def watched(store: SqliteStore, shop: ChangesShop | None = None, orders: int = 25) -> Watch:
    """A shop of so many old orders, ten a page, with its baseline."""
    shop = shop or ChangesShop()
    shop.place(orders)
    shop.clock.pass_(hours=1)
    watch = Watch(shop, store)
    assert await watch.poll() == []
    assert watch.result.committed.baseline
    shop.calls.clear()
    return watch


def shop_of(watch: Watch) -> ChangesShop:
    assert isinstance(watch.shop, ChangesShop)
    return watch.shop


@pytest.fixture
async def watch(store: SqliteStore) -> Watch:
    return await watched(store)


async def cursor(watch: Watch) -> datetime | None:
    return (await watch.state()).cursor


# Little is read


async def test_a_quiet_poll_takes_one_request(watch: Watch) -> None:
    assert await watch.poll(3) == []
    assert shop_of(watch).asked() == QUIET * 3
    assert watch.result.bound == Bound(MINUTE, sweep=DAY)
    assert watch.result.refusal == ""


async def test_what_changed_and_what_is_new_is_announced_once(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    watch.shop.place(1)
    assert await watch.poll() == [moved(3, "pending", "active"), appeared(26)]
    assert await watch.poll(5, apart=2) == []
    assert shop_of(watch).asked() == QUIET * 6


async def test_a_list_of_one_page_is_read_whole(store: SqliteStore) -> None:
    watch = await watched(store, orders=8)
    watch.shop.world.delete(3)
    assert await watch.poll(2) == [vanished(3)]
    assert shop_of(watch).asked() == [("1", False)] * 2
    assert watch.result.bound == Bound(MINUTE)


# When it was stamped, and by which clock


async def test_a_change_that_was_stamped_before_it_showed_is_found_by_the_overlap(watch: Watch) -> None:
    await watch.poll()
    stamped = watch.shop.world.now() - timedelta(seconds=4)
    watch.shop.world.set_status(3, "active", at=stamped)
    assert await watch.poll() == [moved(3, "pending", "active")]


async def test_a_change_that_was_stamped_long_before_it_showed_is_found_by_the_sweep(watch: Watch) -> None:
    await watch.poll()
    stamped = watch.shop.world.now() - timedelta(seconds=40)
    watch.shop.world.set_status(3, "active", at=stamped)
    assert await watch.poll(3) == []
    assert await watch.poll(apart=DAY.total_seconds()) == [moved(3, "pending", "active")]


async def test_what_changes_while_a_look_is_under_way_is_found_by_the_next(watch: Watch) -> None:
    """Also with answers that take longer than the overlap: the Date is set when they are made."""

    async def slow(call: Call) -> None:
        watch.shop.clock.pass_(seconds=1)

    async def slow_and_late(call: Call) -> None:
        watch.shop.clock.pass_(seconds=20)

    watch.shop.before_answer = slow
    await watch.poll()
    body = watch.shop._body

    def answered_before_the_change(call: Call) -> bytes:
        made = body(call)
        watch.shop.world.set_status(3, "active")
        watch.shop.clock.pass_(seconds=20)
        return made

    watch.shop._body = answered_before_the_change  # type: ignore[method-assign]  # a database is read, then it takes time
    assert await watch.poll() == []
    watch.shop._body = body  # type: ignore[method-assign]  # see above
    watch.shop.before_answer = slow_and_late
    assert await watch.poll() == [moved(3, "pending", "active")]


@pytest.mark.parametrize("hours", [-30, -3, 3, 30])
async def test_clocks_that_are_apart_cost_no_change_and_no_request(store: SqliteStore, hours: int) -> None:
    watch = await watched(store, ChangesShop(apart=timedelta(hours=hours)))
    for order_id in range(1, 6):
        watch.shop.world.set_status(order_id, "active")
        assert await watch.poll() == [moved(order_id, "pending", "active")]
    assert shop_of(watch).asked() == QUIET * 5


async def test_after_the_server_s_clock_was_set_back_it_is_swept_at_once(watch: Watch) -> None:
    await watch.poll(apart=DAY.total_seconds() / 2)
    shop_of(watch).asked()
    shop_of(watch).apart = -timedelta(hours=2)
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    watch.shop.world.set_status(4, "active")
    assert await watch.poll() == [moved(4, "pending", "active")]
    assert shop_of(watch).asked() == [*QUIET, *WHOLE, *QUIET]


async def test_no_answer_without_a_date_is_built_on(store: SqliteStore) -> None:
    shop = ChangesShop()
    shop.dated = False
    watch = await watched(store, shop)
    assert await cursor(watch) is None
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert watch.result.refusal == "its answers bear no Date"
    assert shop.asked() == WHOLE


# Restarts and failures


async def test_a_restart_loses_nothing(store: SqliteStore) -> None:
    watch = await watched(store, ChangesShop(size=100), orders=250)
    await watch.poll()
    watch.shop.world.set_status(3, "active")
    watch.shop.clock.pass_(hours=3)
    watch.restart()
    shop_of(watch).asked()
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert shop_of(watch).asked() == QUIET


async def test_while_pages_fail_what_was_read_is_told_and_the_rest_is_not_forgotten(watch: Watch) -> None:
    for order_id in range(1, 16):
        watch.shop.world.set_status(order_id, "active")
    before = await cursor(watch)
    watch.shop.fails = lambda number, call: SINCE in call.query and call.query["page"] == "2"
    first = await watch.poll(3)
    assert first[:10] == [moved(i, "pending", "active") for i in range(6, 16)]
    assert await cursor(watch) == before
    watch.shop.fails = lambda number, call: False
    assert (await watch.poll())[:5] == [moved(i, "pending", "active") for i in range(1, 6)]
    assert await cursor(watch) != before


def shuffled(ids: Sequence[int], call: Call) -> Sequence[int]:
    return sorted(ids, key=lambda i: (i * i * 31) % 103)


@pytest.mark.parametrize("arranged", [shuffled, lambda ids, call: ids])
async def test_a_return_that_a_second_read_does_not_show_is_asked_for_again(
    store: SqliteStore, arranged: Callable[[Sequence[int], Call], Sequence[int]]
) -> None:
    """The order need not be modified again to be believed, nor have a place in the list."""
    shop = ChangesShop()
    shop.shown = arranged
    watch = await watched(store, shop)
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    watch.shop.world.set_status(3, "pending")

    def hidden(ids: Sequence[int], call: Call) -> Sequence[int]:
        ids = arranged(ids, call)
        return [i for i in ids if i != 3] if is_second(call) else ids

    shop.shown = hidden
    assert await watch.poll(3) == []
    shop.shown = arranged
    assert await watch.poll() == [moved(3, "active", "pending")]


# Lists that do otherwise


async def test_a_list_that_shows_older_orders_is_read_whole(watch: Watch) -> None:
    shop_of(watch).ignores = True
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert watch.result.refusal == "it shows orders modified before the time that it is asked for"
    assert watch.result.bound == Bound(MINUTE)
    watch.shop.world.delete(4)
    assert await watch.poll(2) == [vanished(4)]
    assert shop_of(watch).asked() == [*QUIET, *WHOLE * 3]


async def test_a_list_that_is_as_long_as_the_whole_one_is_read_whole_and_at_last_not_asked_for(watch: Watch) -> None:
    shop_of(watch).ignores, shop_of(watch).without = True, ("updated_at",)
    await watch.poll()
    assert watch.result.refusal == ""
    await watch.poll(3)
    assert "as many orders" in watch.result.refusal
    assert shop_of(watch).asked() == [*QUIET, *WHOLE, *QUIET, *WHOLE * 3]


async def test_orders_that_are_all_modified_at_once_are_no_ignored_parameter(watch: Watch) -> None:
    for order_id in range(1, 26):
        watch.shop.world.set_status(order_id, "active")
    assert len(await watch.poll()) == 25
    assert await watch.poll() == []
    assert shop_of(watch).asked() == [*QUIET, *WHOLE, *QUIET]


async def test_a_list_that_refuses_the_parameter_is_read_whole_and_asked_again_after_a_while(watch: Watch) -> None:
    shop_of(watch).refuses = True
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert watch.result.refusal == "it cannot be asked for what was modified since a time"
    assert not (await watch.state()).failures
    shop_of(watch).refuses = False
    await watch.poll()
    await watch.poll(apart=DAY.total_seconds())
    assert watch.result.refusal == ""
    assert shop_of(watch).asked() == [*QUIET, *WHOLE * 2, *QUIET, *WHOLE]


@pytest.mark.parametrize("sort", ["id", "oldest change first", "latest change first"])
async def test_what_moves_while_pages_are_read_loses_none(watch: Watch, sort: Sort) -> None:
    """An order of the first page that is modified again moves to another one, and draws others along."""
    shop_of(watch).sort = sort
    for order_id in range(1, 16):
        watch.shop.clock.pass_(seconds=1)
        watch.shop.world.set_status(order_id, "active")
    moves = iter([2, 12, 20])

    async def meanwhile(call: Call) -> None:
        if SINCE in call.query and call.query["page"] == "2":
            watch.shop.clock.pass_(seconds=1)
            for order_id in [next(moves, 0)]:
                watch.shop.world.change(order_id or 2, total=4200 + len(watch.shop.calls))

    watch.shop.before_answer = meanwhile
    news = [*await watch.poll(), *await watch.poll()]
    assert {told.order for told in news if told.kind == "status_changed"} == {str(i) for i in range(1, 16)}
    assert len([told for told in news if told.kind == "status_changed"]) == 15
    watch.shop.before_answer = None
    await watch.poll()
    state = await watch.store.transact(lambda tx: tx.known("shop", ["2", "12", "20"]))
    totals = {i: known.order.total and known.order.total.amount for i, known in state.items()}
    assert totals == {i: watch.shop.world.order(int(i)).total / Decimal(100) for i in state}


async def test_an_order_deleted_while_another_is_modified_hides_none(watch: Watch) -> None:
    """The list stays as long as it was: who was drawn from the second page to the first is missed by no count."""
    shop_of(watch).sort = "oldest change first"
    for order_id in range(1, 16):
        watch.shop.clock.pass_(seconds=1)
        watch.shop.world.set_status(order_id, "active")

    async def meanwhile(call: Call) -> None:
        if SINCE in call.query and call.query["page"] == "2" and 1 in watch.shop.world:
            watch.shop.world.delete(1)
            watch.shop.world.set_status(20, "active")

    watch.shop.before_answer = meanwhile
    assert await watch.poll() == [moved(i, "pending", "active") for i in [*range(1, 16), 20]]


async def test_an_order_deleted_while_pages_are_read_hides_none(watch: Watch) -> None:
    """The list has shrunk: it is read again, its time is asked for again, and a sweep is made at once."""
    for order_id in range(1, 16):
        watch.shop.world.set_status(order_id, "active")
    before = await cursor(watch)

    async def meanwhile(call: Call) -> None:
        if SINCE in call.query and call.query["page"] == "2" and 15 in watch.shop.world:
            watch.shop.world.delete(15)
            watch.shop.place(1)

    watch.shop.before_answer = meanwhile
    news = await watch.poll()
    assert [told for told in news if told.kind == "status_changed"] == [
        moved(i, "pending", "active") for i in range(1, 16)
    ]
    assert appeared(26) in [*news, *await watch.poll()]
    assert await watch.poll(2) in ([], [vanished(15, "active")])
    assert await cursor(watch) != before


async def test_a_list_that_never_adds_up_is_read_whole(watch: Watch) -> None:
    def one_hidden(ids: Sequence[int], call: Call) -> Sequence[int]:
        # One order stands on both pages, and another on none.
        return [*ids[:10], ids[0], *ids[11:]] if SINCE in call.query else ids

    shop_of(watch).shown = one_hidden
    for order_id in range(1, 16):
        watch.shop.world.set_status(order_id, "active")
    before = await cursor(watch)
    assert len(await watch.poll()) == 15, "what was hidden is found by the sweep"
    assert await cursor(watch) == before
    assert await watch.poll(2) == []
    assert watch.result.refusal == "the list of modified orders does not show as many as it says"


async def test_a_list_that_does_not_say_how_long_it_is_is_read_whole(watch: Watch) -> None:
    for order_id in range(1, 16):
        watch.shop.world.set_status(order_id, "active")
    shop_of(watch).without = ("total",)
    assert len(await watch.poll()) == 15
    assert watch.result.refusal == "it does not say how many orders there are"


# What the list does not show


@pytest.mark.parametrize("adapter", [ChangesSource, DetailedChangesSource])
async def test_what_is_deleted_is_found_by_the_sweep_and_proven_by_the_next_poll(
    store: SqliteStore, adapter: type[ChangesSource]
) -> None:
    watch = await watched(store, ChangesShop(adapter))
    watch.shop.world.delete(7)
    assert await watch.poll(3) == []
    assert await watch.poll(apart=DAY.total_seconds()) == []
    assert await watch.poll() == [vanished(7)]
    shop_of(watch).asked()
    await watch.poll()
    assert shop_of(watch).asked() == QUIET


async def test_a_restart_between_two_proofs_of_absence_costs_no_sweep(store: SqliteStore) -> None:
    watch = await watched(store, ChangesShop(size=100), orders=450)
    watch.shop.world.delete(7)
    assert await watch.poll(apart=DAY.total_seconds()) == []
    watch.restart()
    assert await watch.poll() == [vanished(7)]
    assert watch.result.requests < 5


async def test_after_a_sweep_that_was_older_than_what_is_known_another_one_begins(watch: Watch) -> None:
    """A cache in front keeps the list without its newest order; later it does not."""

    def cached(ids: Sequence[int], call: Call) -> Sequence[int]:
        fresh = SINCE in call.query or is_second(call)
        return ids if fresh else ids[1:]

    await watch.poll()
    shop_of(watch).shown = cached
    assert await watch.poll(apart=DAY.total_seconds()) == []
    assert (await watch.state()).failures == 1
    shop_of(watch).shown = lambda ids, call: ids
    before = (await watch.state()).complete_at
    assert await watch.poll(2, apart=700) == []
    assert (await watch.state()).failures == 0
    assert (await watch.state()).complete_at != before


async def test_what_the_whole_list_showed_is_remembered_to_tell_a_stale_one_by(watch: Watch) -> None:
    watch.shop.world.set_status(3, "active")
    await watch.poll(2)
    state = await watch.state()
    assert (state.newest_id, state.total) == (25, 25)


async def test_the_earliest_date_of_several_answers_counts_and_one_without_spoils_all() -> None:
    dates = ["Sat, 11 Apr 2026 08:00:09 GMT", "Sat, 11 Apr 2026 08:00:05 GMT", "Sat, 11 Apr 2026 08:00:30 GMT", ""]

    async def get(request: Request) -> Answer:
        return Answer("", 200, {"date": dates.pop(0)}, b"", 10.0, 12.5)

    server = ServerTime(get)
    for expected in (6.5, 2.5, 2.5):
        await server.get(Request("/"))
        assert server.cursor == datetime(2026, 4, 11, 8, tzinfo=UTC) + timedelta(seconds=expected)
    await server.get(Request("/"))
    assert server.cursor is None


async def test_what_was_modified_before_its_baseline_is_no_news_and_after_it_has_its_time(watch: Watch) -> None:
    await watch.poll()
    looked = (await watch.state()).polled_at
    watch.shop.world.set_status(3, "active")
    watch.shop.clock.pass_(seconds=30)
    await watch.poller.poll()
    event = (await watch.news())[-1].event
    after = getattr(event, "after_time", None)
    assert looked is not None
    assert after is not None
    assert abs(after - looked) < timedelta(seconds=1), "the order was as it was when the last look began"
