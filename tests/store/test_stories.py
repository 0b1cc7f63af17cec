"""What can be asked of the past: which message told what, what happened when, which order may have been meant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_examples import DAY, HOMES, HOUR, KINDS, MAIL, OPS, SENT, T0, new, opened, order_event, plan, save

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold, Why
from monitor.model import DeliveryState
from monitor.store.base import Store, Transaction
from monitor.store.sqlite import scratch


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as made:
        yield made


async def test_the_messages_of_an_event_are_found_with_how_many_others_each_tells_of(store: Store) -> None:
    def write(tx: Transaction) -> list[int]:
        ids = [tx.add_event(order_event(str(number)), "{}") for number in (1, 2, 3)]
        tx.add_delivery("one", MAIL, order_event("1"), ids[0], T0)
        hold = Hold(Why.GROUP, T0 + HOUR)
        for number, event_id in zip("12", ids, strict=False):
            tx.join(Planned("two", OPS, hold), hold, order_event(number), event_id, T0)
        return ids

    first, second, third = await store.transact(write)
    told = await store.read(lambda tx: tx.told([first, second, third]))
    assert {event: [one.route for one in deliveries] for event, deliveries in told.items()} == {
        first: ["one", "two"],
        second: ["two"],
    }
    ids = [one.id for one in told[first]]
    assert await store.read(lambda tx: tx.told_of(ids)) == {ids[0]: 1, ids[1]: 2}


async def test_what_happened_between_two_times_comes_in_the_order_in_which_it_was_found(store: Store) -> None:
    def write(tx: Transaction) -> list[int]:
        for number, at in ((1, T0), (2, T0 + DAY), (3, T0 + HOUR), (4, T0 + 2 * DAY)):
            plan(tx, order_event(str(number), at=at))
        return []

    await store.transact(write)

    def orders(tx: Transaction) -> list[str]:
        between = tx.events_between(T0 + HOUR, T0 + 2 * DAY)
        return [stored.event.order.id for stored in between]  # type: ignore[union-attr]  # all are about orders

    assert await store.read(orders) == ["2", "3"]
    told = await store.read(lambda tx: [event for event, _ in tx.told_between(T0 + HOUR)])
    assert told == [2, 3, 4]
    assert list(await store.read(lambda tx: tx.events_with([4, 1, 99]))) == [1, 4]


async def test_orders_that_may_have_been_meant(store: Store) -> None:
    orders = [new(str(number), number=f"ORD-{number:04}") for number in (1, 88, 188, 900)] + [new("77", number=None)]
    await store.transact(lambda tx: save(tx, orders))
    await store.transact(lambda tx: save(tx, [new("88", number="ORD-0088")], source="other"))

    async def near(text: str) -> list[str]:
        return sorted(await store.read(lambda tx: tx.labels_near("shop", text)))

    assert {"ORD-0088", "ORD-0188"} <= set(await near("88"))
    assert "77" in await near("0077")
    assert await near("ORD-0089") == ["ORD-0001", "ORD-0088", "ORD-0188", "ORD-0900"]
    assert await store.read(lambda tx: tx.labels_near("nosuch", "88")) == []


def test_a_scratch_state_is_whole_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch() as tx:
        plan(tx, order_event())
        assert list(tx.lanes(T0, HOMES)) == [OPS.url]
        delivery = tx.claim_delivery([OPS], "one", T0)
        assert delivery is not None
        assert tx.settle(delivery, T0, SENT, "", "")
        assert [one.state for _, one in tx.told_between(T0)] == [DeliveryState.SENT]
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
