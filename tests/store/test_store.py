"""What every store does, whatever it is made of: claims, orders, events, and that all of it is one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from store_examples import (
    DAY,
    HOUR,
    KINDS,
    OPS,
    T0,
    changed,
    known,
    new,
    opened,
    order_event,
    plan,
    present,
    save,
    source_event,
)

from monitor.errors import ClaimLost
from monitor.model import Doubt, Event, EventKind, SourceState
from monitor.store.base import Claim, Store, Transaction

LEASE = 15.0


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


async def claim(store: Store, owner: str = "one", after: timedelta = timedelta(0)) -> Claim | None:
    return await store.transact(lambda tx: tx.claim("shop", owner, T0 + after, LEASE))


async def certain_claim(store: Store, owner: str = "one", after: timedelta = timedelta(0)) -> Claim:
    made = await claim(store, owner, after)
    assert made is not None
    return made


# Claims


async def test_a_source_that_was_never_polled_is_claimed_without_a_state(store: Store) -> None:
    assert await claim(store) == Claim("shop", 1, None)
    assert await store.transact(lambda tx: tx.source("shop")) is None
    assert await store.transact(lambda tx: tx.sources()) == {}


async def test_a_claim_keeps_others_away_until_its_lease_ends(store: Store) -> None:
    await certain_claim(store)
    assert await claim(store, "two", timedelta(seconds=LEASE) - timedelta(microseconds=1)) is None
    assert (await certain_claim(store, "two", timedelta(seconds=LEASE))).fence == 2


async def test_the_owner_may_claim_again_at_any_time_which_ends_its_older_claim(store: Store) -> None:
    first = await certain_claim(store)
    second = await certain_claim(store)
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: tx.check(first))
    await store.transact(lambda tx: tx.check(second))


async def test_a_released_source_may_be_claimed_at_once(store: Store) -> None:
    mine = await certain_claim(store)
    await store.transact(lambda tx: tx.release(mine))
    assert await claim(store, "two") is not None


async def test_releasing_a_superseded_claim_ends_nobody_elses_lease(store: Store) -> None:
    old = await certain_claim(store)
    await certain_claim(store, "two", timedelta(minutes=1))
    await store.transact(lambda tx: tx.release(old))
    assert await claim(store, "three", timedelta(minutes=1)) is None


async def test_a_lease_from_a_clock_that_was_set_back_does_not_last_for_ever(store: Store) -> None:
    await certain_claim(store, "one", DAY)
    assert await claim(store, "two") is not None


async def test_sources_are_claimed_apart(store: Store) -> None:
    await certain_claim(store)
    other = await store.transact(lambda tx: tx.claim("other", "two", T0, LEASE))
    assert other == Claim("other", 1, None)


async def test_what_is_known_of_a_source_comes_with_its_claim(store: Store) -> None:
    doubt = Doubt("it lacks", T0, 3, 7, "abc", agreeing=2, agreeing_since=T0, announced=True)
    state = SourceState(
        "opterius https://billing.example.com",
        baseline_at=T0,
        polled_at=T0 + HOUR,
        settled_at=T0,
        proven_at={"pending": T0, "on_hold": T0 + HOUR},
        failures=2,
        failing_since=T0,
        error="502",
        down=True,
        doubt=doubt,
    )
    await certain_claim(store)
    await store.transact(lambda tx: tx.save_source("shop", state))
    assert (await certain_claim(store)).state == state
    assert await store.transact(lambda tx: tx.sources()) == {"shop": state}


# Transactions


async def test_work_that_raises_has_done_nothing(store: Store) -> None:
    def work(tx: Transaction) -> None:
        tx.claim("shop", "one", T0, LEASE)
        save(tx, [new()])
        plan(tx, order_event())
        raise RuntimeError("the power goes off")

    with pytest.raises(RuntimeError, match="the power goes off"):
        await store.transact(work)
    assert (await certain_claim(store)).fence == 1
    assert await store.transact(lambda tx: (present(tx), tx.events(), tx.deliveries())) == ([], [], [])


async def test_a_store_serves_on_after_work_that_raised(store: Store) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await store.transact(lambda tx: 1 // len(tx.events()))
    await store.transact(lambda tx: save(tx, [new()]))
    assert await store.transact(present) == ["88"]


async def test_reading_sees_what_was_committed(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new()]))
    assert await store.read(present) == ["88"]


# Orders


async def test_an_order_is_kept_with_all_that_is_known_of_it(store: Store) -> None:
    full = known(status_since=T0, previous_status="fraud", missing=1)
    await store.transact(lambda tx: save(tx, [msgspec.structs.replace(new(), known=full)]))
    assert await store.transact(lambda tx: tx.known("shop", ["88", "unknown"])) == {"88": full}


async def test_orders_are_found_by_id_and_by_number(store: Store) -> None:
    orders = [new("88"), new("ORD-88", number="7"), new("9", number=None)]
    await store.transact(lambda tx: save(tx, orders))
    await store.transact(lambda tx: save(tx, [new("88")], "other"))
    found = await store.transact(lambda tx: tx.find_orders("shop", "ORD-88"))
    assert sorted(one.order.id for one in found) == ["88", "ORD-88"]
    assert [one.order.id for one in await store.transact(lambda tx: tx.find_orders("shop", "9"))] == ["9"]
    assert await store.transact(lambda tx: tx.find_orders("shop", "nothing")) == []


@pytest.mark.parametrize("order_id", ["'", '"', "a\\b", "Å", "💳", " ", "1" * 400, "%", "null"])
async def test_ids_of_any_shape_are_found_again(store: Store, order_id: str) -> None:
    await store.transact(lambda tx: save(tx, [new(order_id)]))
    assert list(await store.transact(lambda tx: tx.known("shop", [order_id]))) == [order_id]
    await store.transact(lambda tx: save(tx, [changed(order_id)]))
    assert await store.transact(present) == [order_id]


async def test_a_vanished_order_is_known_but_not_present(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new("1"), new("2")]))
    await store.transact(lambda tx: save(tx, [changed("1", vanished_at=T0)]))
    assert await store.transact(present) == ["2"]
    assert set(await store.transact(lambda tx: tx.known("shop", ["1", "2"]))) == {"1", "2"}
    await store.transact(lambda tx: save(tx, [changed("1", revision=3)]))
    assert sorted(await store.transact(present)) == ["1", "2"]


async def marks(store: Store, source: str = "shop") -> list[tuple[str, int, str]]:
    return await store.read(lambda tx: list(tx.marks(source)))


async def test_each_present_order_has_its_mark_and_status_shorter_ids_first(store: Store) -> None:
    orders = [new("10", "On-Hold"), new("9", "active"), new("x", "Canceled"), new("2")]
    await store.transact(lambda tx: save(tx, orders, _10=2**63 - 1, _9=-(2**63), _2=1))
    await store.transact(lambda tx: save(tx, [new("7")], "other", _7=7))
    expected = [("2", 1, "pending"), ("9", -(2**63), "active"), ("x", 0, "cancelled"), ("10", 2**63 - 1, "on_hold")]
    assert await marks(store) == expected


async def test_a_change_brings_its_own_mark_and_none_where_none_is_given(store: Store) -> None:
    """Nobody has seen the row of an order that is absent: when it is there again it must be looked at."""
    await store.transact(lambda tx: save(tx, [new("1"), new("2")], _1=11, _2=12))
    await store.transact(lambda tx: save(tx, [changed("1"), changed("2", missing=1)], _1=21))
    assert await marks(store) == [("1", 21, "active"), ("2", 0, "active")]


async def test_another_mark_is_written_without_another_revision(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new("1"), new("2")], _1=11, _2=12))
    await store.transact(lambda tx: save(tx, [new("1")], "other", _1=11))
    before = await store.read(lambda tx: tx.known("shop", ["1", "2"]))
    await store.transact(lambda tx: tx.save_marks("shop", {"1": 21, "2": 12, "unknown": 5}))
    await store.transact(lambda tx: tx.save_marks("shop", {}))
    assert await marks(store) == [("1", 21, "pending"), ("2", 12, "pending")]
    assert await marks(store, "other") == [("1", 11, "pending")]
    assert await store.read(lambda tx: tx.known("shop", ["1", "2"])) == before
    await store.transact(lambda tx: save(tx, [changed("1")]))


async def test_marks_are_read_one_at_a_time_beside_other_questions(store: Store) -> None:
    """A million of them are never a list of the store's; what is asked meanwhile does not end the reading."""
    await store.transact(lambda tx: save(tx, [new(str(number)) for number in range(2500)]))

    def read(tx: Transaction) -> int:
        return sum(order_id in tx.known("shop", [order_id]) for order_id, _, _ in tx.marks("shop"))

    assert await store.read(read) == 2500


async def test_a_change_of_what_somebody_else_has_changed_is_refused_whole(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new("1"), new("2")]))
    await store.transact(lambda tx: save(tx, [changed("2", "fraud")]))
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: save(tx, [changed("1"), changed("2"), new("3")]))
    orders = await store.transact(lambda tx: tx.known("shop", ["1", "2", "3"]))
    assert {one.order.id: one.order.status for one in orders.values()} == {"1": "pending", "2": "fraud"}


async def test_a_new_order_that_somebody_else_has_stored_is_refused(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new("1")]))
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: save(tx, [new("1", "fraud")]))


async def test_a_change_of_an_order_that_is_gone_from_the_state_is_refused(store: Store) -> None:
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: save(tx, [changed("1")]))


async def test_forgetting_a_sources_orders_leaves_its_events_and_other_sources_alone(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [new("1")]))
    await store.transact(lambda tx: save(tx, [new("1")], "other"))
    await store.transact(lambda tx: tx.add_event(order_event("1"), "{}"))
    await store.transact(lambda tx: tx.forget_orders("shop"))
    assert await store.transact(lambda tx: (present(tx), present(tx, "other"))) == ([], ["1"])
    assert len(await store.transact(lambda tx: tx.events("shop"))) == 1


async def test_orders_are_listed_by_source_and_as_numbers_go_past_a_thousand(store: Store) -> None:
    ids = [str(number) for number in range(1, 2503)]
    await store.transact(lambda tx: save(tx, [new(i) for i in reversed(ids)]))
    await store.transact(lambda tx: save(tx, [new("x", "On-Hold")], "a_shop"))
    listed = await store.transact(lambda tx: [(name, one.order.id) for name, one in tx.orders()])
    assert listed == [("a_shop", "x"), *(("shop", i) for i in ids)]
    assert len(await store.transact(lambda tx: list(tx.orders("shop", "pending")))) == 2502
    assert [name for name, _ in await store.transact(lambda tx: list(tx.orders(None, "on_hold")))] == ["a_shop"]


# Events


async def test_an_event_comes_back_as_it_was_with_what_the_routes_made_of_it(store: Store) -> None:
    first, second = order_event(), source_event()
    await store.transact(lambda tx: (tx.add_event(first, '{"a": 1}'), tx.add_event(second, "{}")))
    events = await store.transact(lambda tx: tx.events())
    assert [(stored.event, stored.routing) for stored in events] == [(first, '{"a": 1}'), (second, "{}")]


@pytest.mark.parametrize("event", [order_event(), source_event()])
async def test_one_event_is_stored_once_ever(store: Store, event: Event) -> None:
    await store.transact(lambda tx: tx.add_event(event, "{}"))
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: tx.add_event(event, "other"))
    assert len(await store.transact(lambda tx: tx.events())) == 1


@pytest.mark.parametrize(
    "other",
    [
        order_event("89"),
        order_event(revision=3),
        order_event(kind=EventKind.CHANGED),
        order_event(source="other"),
        source_event(),
    ],
)
async def test_events_that_differ_in_order_revision_kind_or_source_are_several(store: Store, other: Event) -> None:
    await store.transact(lambda tx: tx.add_event(order_event(), "{}"))
    await store.transact(lambda tx: tx.add_event(other, "{}"))
    assert len(await store.transact(lambda tx: tx.events())) == 2


async def test_the_newest_events_are_listed_oldest_first(store: Store) -> None:
    def write(tx: Transaction) -> None:
        for revision in range(1, 6):
            for order in ("1", "2"):
                tx.add_event(order_event(order, revision, at=T0 + revision * HOUR), "{}")

    await store.transact(write)
    newest = await store.transact(lambda tx: tx.events("shop", "1", 2))
    assert [stored.event.at for stored in newest] == [T0 + 4 * HOUR, T0 + 5 * HOUR]
    assert len(await store.transact(lambda tx: tx.events("shop"))) == 10
    assert await store.transact(lambda tx: tx.events("other")) == []
    assert await store.transact(lambda tx: tx.events(limit=0)) == []


async def test_a_delivery_knows_its_events(store: Store) -> None:
    event = order_event()
    delivery = await store.transact(lambda tx: plan(tx, event))
    assert [s.event for s in await store.read(lambda tx: list(tx.events_of(delivery)))] == [event]
    [row] = await store.transact(lambda tx: tx.deliveries())
    assert (row.source, row.order_id, row.route, row.channel, row.url_number) == ("shop", "88", "paid", OPS.channel, 1)
    assert (row.created_at, row.due_at, row.expires_at) == (T0, T0, T0 + DAY)
