"""Followed ids: each order is read alone, gone is who the source itself says to be gone, and twice."""

from __future__ import annotations

import pytest
from follow_shop import GONE, FollowShop, FollowWatch
from polling_stage import DOUBTFUL, DOWN, UP, moved, vanished

from monitor.errors import ClaimLost, NotFound, RateLimited, Rejected, ServerFailed, Unreachable
from monitor.model import EventKind
from monitor.polling.followed import FollowedStrategy
from monitor.simulator.dialect import Call
from monitor.store.sqlite import SqliteStore

ELSEWHERE = NotFound("404: there is nothing at this address", body=b"<html>nginx</html>")


@pytest.fixture
def shop() -> FollowShop:
    made = FollowShop()
    made.place(20)
    return made


@pytest.fixture
async def watch(shop: FollowShop, store: SqliteStore) -> FollowWatch:
    """Twelve of twenty orders, followed, with their baseline."""
    made = FollowWatch(shop, store, range(1, 13))
    assert await made.poll() == []
    assert made.result.committed.baseline
    return made


async def test_a_followed_order_is_watched_and_no_other(watch: FollowWatch) -> None:
    watch.shop.world.set_status(3, "active")
    watch.shop.world.set_status(15, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert watch.result.requests == 12
    assert await watch.poll() == []
    assert not watch.result.committed.baseline


async def test_several_orders_are_read_at_a_time(watch: FollowWatch) -> None:
    assert watch.follows.most_at_once == 8


async def test_newly_followed_orders_announce_nothing_until_they_change(watch: FollowWatch) -> None:
    watch.shop.world.set_status(15, "fraud")
    watch.followed |= {"15", "16"}
    assert await watch.poll() == []
    watch.shop.world.set_status(15, "active")
    assert await watch.poll() == [moved(15, "fraud", "active")]


async def test_an_order_that_is_no_longer_followed_has_not_vanished(watch: FollowWatch) -> None:
    watch.followed -= {"1", "2", "3", "4", "5", "6"}
    watch.shop.world.delete(1)
    assert await watch.poll(5) == []
    assert watch.result.requests == 6


async def test_a_restart_announces_nothing_old_and_misses_nothing_new(watch: FollowWatch) -> None:
    watch.shop.world.set_status(3, "active")
    watch.restart()
    assert await watch.poll() == [moved(3, "pending", "active")]
    watch.restart()
    assert await watch.poll() == []


# Gone


async def test_an_order_that_is_gone_by_the_source_s_own_word_has_vanished_at_the_second_time(
    watch: FollowWatch,
) -> None:
    watch.shop.world.delete(3)
    assert await watch.poll() == []
    assert await watch.poll() == [vanished(3)]
    assert await watch.poll(5) == []


async def test_where_an_error_is_the_word_whatever_the_status_it_is_gone_too(watch: FollowWatch) -> None:
    watch.follows.instead["3"] = GONE
    assert await watch.poll(2) == [vanished(3)]


async def test_an_order_that_is_back_in_between_has_not_vanished(watch: FollowWatch) -> None:
    for _ in range(3):
        watch.follows.instead["3"] = GONE
        assert await watch.poll() == []
        watch.follows.instead.clear()
        assert await watch.poll() == []


async def test_an_order_that_returns_reappears(watch: FollowWatch) -> None:
    watch.follows.instead["3"] = GONE
    await watch.poll(2)
    watch.follows.instead.clear()
    assert [told.kind for told in await watch.poll()] == [EventKind.REAPPEARED]


async def test_a_404_of_somebody_else_proves_nothing(watch: FollowWatch) -> None:
    watch.follows.instead["3"] = ELSEWHERE
    assert await watch.poll(2) == []
    assert await watch.poll() == [DOUBTFUL]
    watch.follows.instead.clear()
    assert await watch.poll() == [UP]


async def test_too_many_gone_at_once_are_doubted(watch: FollowWatch) -> None:
    for order_id in range(1, 7):
        watch.follows.instead[str(order_id)] = GONE
    assert await watch.poll(2) == []
    assert await watch.poll() == [DOUBTFUL]
    assert (await watch.doubt()) is not None


async def test_too_many_are_counted_among_those_that_are_followed(watch: FollowWatch) -> None:
    """However many were followed once: of seven, six are too many."""
    watch.shop.place(100)
    watch.followed |= {str(i) for i in range(13, 121)}
    await watch.poll()
    watch.followed -= {str(i) for i in range(8, 121)}
    for order_id in range(1, 7):
        watch.follows.instead[str(order_id)] = GONE
    assert await watch.poll(2) == []


# Ids that are of no order


async def test_an_id_that_never_was_is_reported_once_and_spoils_nothing(watch: FollowWatch) -> None:
    watch.followed |= {"998", "999"}
    assert await watch.poll(2) == []
    assert await watch.poll() == [DOUBTFUL]
    doubt = await watch.doubt()
    assert doubt is not None
    assert doubt.reason == "2 of 14 followed ids are of no order: `order-monitor follow shop` shows them"
    watch.shop.world.set_status(3, "active")
    watch.shop.world.delete(4)
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert await watch.poll() == [vanished(4)]
    state = await watch.state()
    assert (state.complete_at, state.failures) == (state.settled_at, 0)
    assert state.complete_at is not None
    assert (watch.shop.clock.now() - state.complete_at).total_seconds() < 60
    watch.followed -= {"998", "999"}
    assert await watch.poll() == [UP]


async def test_ids_of_no_order_do_not_spoil_the_baseline(shop: FollowShop, store: SqliteStore) -> None:
    watch = FollowWatch(shop, store, [1, 999])
    assert await watch.poll() == []
    assert watch.result.committed.baseline


async def test_an_order_that_has_vanished_and_stays_followed_was_there(watch: FollowWatch) -> None:
    watch.shop.world.delete(3)
    assert await watch.poll(2) == [vanished(3)]
    assert await watch.poll(5) == []
    watch.restart()
    assert await watch.poll(5) == []


async def test_a_loss_that_is_doubted_is_not_told_as_ids_of_no_order(watch: FollowWatch) -> None:
    watch.followed.add("999")
    for order_id in range(1, 7):
        watch.follows.instead[str(order_id)] = GONE
    assert await watch.poll(3) == [DOUBTFUL]
    doubt = await watch.doubt()
    assert doubt is not None
    assert doubt.missing == 6
    watch.follows.instead.clear()
    assert await watch.poll() == []
    doubt = await watch.doubt()
    assert doubt is not None
    assert (doubt.missing, doubt.looks) == (0, 1)


# From the shell


async def follow(watch: FollowWatch, order: int) -> bool:
    now = watch.shop.clock.now()
    return await watch.store.transact(lambda tx: tx.follow("shop", str(order), now))


async def unfollow(watch: FollowWatch, order: int) -> bool:
    return await watch.store.transact(lambda tx: tx.unfollow("shop", str(order)))


async def known(watch: FollowWatch) -> set[str]:
    return {known.order.id for _, known in await watch.store.read(lambda tx: list(tx.orders("shop")))}


async def test_ids_from_the_shell_are_read_from_the_next_poll_on(watch: FollowWatch) -> None:
    await follow(watch, 15)
    assert await watch.poll() == []
    assert watch.result.requests == 13
    watch.shop.world.set_status(15, "active")
    assert await watch.poll() == [moved(15, "pending", "active")]
    watch.restart()
    assert await watch.poll() == []
    assert watch.result.requests == 13


async def test_unfollowing_forgets_so_that_following_again_announces_nothing_old(watch: FollowWatch) -> None:
    """Also where the daemon's memory has seen nothing of it."""
    await follow(watch, 15)
    await watch.poll()
    await unfollow(watch, 15)
    assert "15" not in await known(watch)
    watch.shop.world.set_status(15, "active")
    await follow(watch, 15)
    assert await watch.poll() == []
    watch.shop.world.set_status(15, "fraud")
    assert await watch.poll() == [moved(15, "active", "fraud")]


async def test_an_order_followed_again_unchanged_is_known_again(watch: FollowWatch) -> None:
    await follow(watch, 15)
    await watch.poll()
    await unfollow(watch, 15)
    await follow(watch, 15)
    await watch.poll()
    assert "15" in await known(watch)


async def test_an_unfollowing_during_a_poll_is_not_undone_by_it(watch: FollowWatch) -> None:
    await follow(watch, 15)
    await watch.poll()

    async def meanwhile(call: Call) -> None:
        watch.shop.before_answer = None
        await unfollow(watch, 15)

    watch.shop.before_answer = meanwhile
    watch.shop.world.set_status(15, "active")
    watch.shop.world.set_status(3, "active")
    with pytest.raises(ClaimLost):
        await watch.poll()
    assert "15" not in await known(watch)
    assert await watch.poll() == [moved(3, "pending", "active")]
    assert "15" not in await known(watch)


async def test_an_id_that_is_taken_out_of_the_file_is_forgotten_at_the_next_poll(watch: FollowWatch) -> None:
    watch.followed -= {"3"}
    await watch.poll()
    assert await known(watch) == {str(i) for i in range(1, 13)} - {"3"}
    watch.shop.world.set_status(3, "active")
    watch.followed |= {"3"}
    assert await watch.poll() == []
    watch.shop.world.set_status(3, "fraud")
    assert await watch.poll() == [moved(3, "active", "fraud")]


async def test_an_id_that_was_taken_out_is_known_again_once_it_is_put_in_unchanged(watch: FollowWatch) -> None:
    watch.followed -= {"3"}
    await watch.poll()
    watch.followed |= {"3"}
    assert await watch.poll() == []
    assert "3" in await known(watch)


async def test_an_id_is_forgotten_although_the_source_is_down(watch: FollowWatch) -> None:
    watch.followed -= {"3"}
    for order_id in watch.followed:
        watch.follows.instead[order_id] = Unreachable("no connection")
    await watch.poll()
    assert "3" not in await known(watch)


async def test_a_vanished_order_that_is_taken_out_and_put_in_again_does_not_reappear(watch: FollowWatch) -> None:
    watch.follows.instead["3"] = GONE
    assert await watch.poll(2) == [vanished(3)]
    watch.followed -= {"3"}
    await watch.poll()
    watch.follows.instead.clear()
    watch.followed |= {"3"}
    assert await watch.poll() == []


async def test_what_the_file_names_too_is_still_followed(watch: FollowWatch) -> None:
    await follow(watch, 3)
    await watch.poll()
    await unfollow(watch, 3)
    assert await watch.poll() == []
    watch.shop.world.set_status(3, "active")
    assert await watch.poll() == [moved(3, "pending", "active")]


# Failures


@pytest.mark.parametrize("error", [Rejected("400"), ServerFailed("500"), ELSEWHERE, b"{}", b'{"data":{"id":"4"}}'])
async def test_one_order_that_cannot_be_read_is_a_doubt_and_stops_no_other(
    watch: FollowWatch, error: Rejected | bytes
) -> None:
    watch.follows.instead["3"] = error
    watch.shop.world.set_status(12, "active")
    watch.shop.world.delete(11)
    assert await watch.poll() == [moved(12, "pending", "active")]
    assert await watch.poll() == [vanished(11)]
    assert await watch.poll() == [DOUBTFUL]
    assert (await watch.state()).failures == 0
    assert watch.result.snapshot.reason.startswith("1 of 12 followed orders cannot be read: ")


async def test_an_answer_that_shows_another_order_is_believed_of_neither(watch: FollowWatch) -> None:
    watch.shop.world.set_status(15, "fraud")
    watch.follows.instead["3"] = watch.follows.body_of(15)
    assert await watch.poll(2) == []


async def test_a_source_that_answers_for_no_order_is_down(watch: FollowWatch) -> None:
    for order_id in watch.followed:
        watch.follows.instead[order_id] = ServerFailed("503")
    assert await watch.poll(3) == [DOWN]
    watch.follows.instead.clear()
    assert await watch.poll() == [UP]


@pytest.mark.parametrize("error", [Unreachable("no connection"), RateLimited("429")])
async def test_what_is_no_answer_about_an_order_is_about_the_source(
    watch: FollowWatch, error: Unreachable | RateLimited
) -> None:
    """The rest is not asked for; what was read before is told."""
    watch.follows.instead["2"] = error
    watch.shop.world.set_status(1, "active")
    watch.shop.world.delete(3)
    assert await watch.poll() == [moved(1, "pending", "active")]
    assert watch.result.requests < 12
    assert await watch.poll(2) == [DOWN]
    watch.follows.instead.clear()
    assert await watch.poll(2) == [UP, vanished(3)]


async def test_a_baseline_is_complete_only_with_each_order(shop: FollowShop, store: SqliteStore) -> None:
    shop.instead["3"] = ServerFailed("500")
    watch = FollowWatch(shop, store, range(1, 13))
    assert await watch.poll() == []
    assert not watch.result.committed.baseline
    shop.instead.clear()
    shop.world.set_status(4, "active")
    assert await watch.poll() == [moved(4, "pending", "active")]
    assert watch.result.committed.baseline


# Returns


async def test_a_return_to_the_previous_status_is_confirmed_by_a_second_read(watch: FollowWatch) -> None:
    stale = watch.follows.body_of(3)
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    watch.follows.instead["3"], watch.follows.second["3"] = stale, watch.follows.body_of(3)
    assert await watch.poll() == []
    watch.follows.instead.clear()
    watch.shop.world.set_status(3, "pending")
    assert await watch.poll() == [moved(3, "active", "pending")]
    assert watch.result.requests == 13


async def test_a_return_whose_second_read_says_gone_is_neither(watch: FollowWatch) -> None:
    stale = watch.follows.body_of(3)
    watch.shop.world.set_status(3, "active")
    await watch.poll()
    watch.shop.world.delete(3)
    watch.follows.instead["3"], watch.follows.second["3"] = stale, GONE
    assert await watch.poll() == []
    assert (await watch.state()).failures == 0
    assert await watch.poll(2) == [vanished(3, "active")]


async def test_following_nothing_is_no_failure(shop: FollowShop, store: SqliteStore) -> None:
    watch = FollowWatch(shop, store, [])
    assert await watch.poll(2) == []
    assert (await watch.state()).failures == 0
    assert isinstance(watch.poller._strategy, FollowedStrategy)
