"""What pages ask of every store: whole lists, a page at a time, by an index, and what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_examples import (
    HOUR,
    KINDS,
    REFUSED,
    SENT,
    T0,
    certainly_claimed,
    opened,
    order_event,
    planned,
    settled,
)
from walking import SOURCES, often, undone, walked

from monitor.model import DeliveryState, Destination, EventKind, SourceEvent
from monitor.store import paging
from monitor.store.base import Store, Transaction
from monitor.store.listings import (
    DeliveriesWanted,
    EventsWanted,
)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The same for examples that are made up: they run outside the test's loop."""
    with KINDS[request.param](tmp_path) as made:
        yield made
        asyncio.run(made.aclose())


EVENT_KINDS = (EventKind.APPEARED, EventKind.STATUS_CHANGED, EventKind.CHANGED)


# Events

events_made = st.lists(
    st.tuples(st.sampled_from(SOURCES), st.integers(1, 4).map(str), st.sampled_from(EVENT_KINDS)), max_size=40
)


@given(
    made=events_made,
    source=st.sampled_from((None, *SOURCES)),
    kinds=st.lists(st.sampled_from(EVENT_KINDS), unique=True).map(tuple),
    order_id=st.sampled_from((None, "1", "2")),
    text=st.sampled_from(("", "ord-3", 'SHOP"', "%")),
    limit=st.integers(1, 7),
    looked_at=st.sampled_from((3, 20_000)),
)
@often
def test_pages_of_events_show_each_event_once_the_newest_first(  # all that a page is of
    bench: Store,
    *,
    made: list[tuple[str, str, EventKind]],
    source: str | None,
    kinds: tuple[EventKind, ...],
    order_id: str | None,
    text: str,
    limit: int,
    looked_at: int,
) -> None:
    wanted = EventsWanted(source, kinds, order_id, text)
    naive = [
        number
        for number, (name, order, kind) in reversed(list(enumerate(made)))
        if source in (None, name)
        and (not kinds or kind in kinds)
        and order_id in (None, order)
        and {"": True, "ord-3": order == "3"}.get(text, False)
    ]

    def work(tx: Transaction) -> None:
        ids = [tx.add_event(order_event(order, n + 1, kind, name), "{}") for n, (name, order, kind) in enumerate(made)]
        pages = walked(lambda before: tx.event_page(wanted, before, limit))
        assert [event.id for page in pages for event in page.rows] == [ids[n] for n in naive]
        assert all(len(page.rows) <= limit for page in pages)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "LOOKED_AT", looked_at)
        undone(bench, work)


async def test_text_is_sought_in_any_case_and_with_any_sign(store: Store) -> None:
    def work(tx: Transaction) -> list[bool]:
        event = SourceEvent("shop", EventKind.SOURCE_DOWN, T0, 'It said "100 % off", a\\b and no_thing!')
        tx.add_event(event, "{}")
        texts = ('"100 % OFF"', "a\\B", "NO_THING!", "noXthing", "100 off")
        return [bool(tx.event_page(EventsWanted(text=text), None, 1).rows) for text in texts]

    assert await store.transact(work) == [True, True, True, False, False]


async def test_a_page_skips_what_was_deleted(store: Store) -> None:
    await store.transact(lambda tx: [tx.add_event(order_event(revision=n), "{}") for n in range(1, 31)])
    await store.transact(lambda tx: tx._db.run("DELETE FROM events WHERE id BETWEEN 3 AND 28"))  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "LOOKED_AT", 5)
        wanted = EventsWanted(text="ord-88")
        pages = await store.read(lambda tx: walked(lambda before: tx.event_page(wanted, before, 10)))
    assert [[event.id for event in page.rows] for page in pages] == [[30, 29], [2, 1]]


async def test_events_after_one_come_oldest_first(store: Store) -> None:
    def work(tx: Transaction) -> list[int]:
        ids = [tx.add_event(order_event(revision=n), "{}") for n in range(1, 9)]
        return [event.id - ids[0] for event in tx.events_after(ids[2], 3)]

    assert await store.transact(work) == [3, 4, 5]


# Deliveries

deliveries_made = st.lists(
    st.tuples(
        st.sampled_from(("paid", "fraud")),
        st.sampled_from(("ops", "mail")),
        st.sampled_from(SOURCES),
        st.sampled_from((DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.DEAD)),
    ),
    max_size=25,
)


def deliver(tx: Transaction, number: int, made: tuple[str, str, str, DeliveryState]) -> int:
    """A delivery that has come to this state; each has a URL of its own."""
    route, channel, source, state = made
    to = Destination(channel, 1, f"url {number}")
    event = order_event(revision=number + 1, source=source)
    delivery_id = tx.add_delivery(route, to, event, tx.add_event(event, "{}"), T0)
    if state is not DeliveryState.WAITING:
        delivery = tx.claim_delivery([to], "one", T0)
        assert delivery is not None
        if state is not DeliveryState.SENDING:
            tx.settle(delivery, T0, SENT if state is DeliveryState.SENT else REFUSED, "Order 88", "It is active.")
    return delivery_id


@given(
    made=deliveries_made,
    states=st.lists(st.sampled_from(DeliveryState), unique=True).map(tuple),
    route=st.sampled_from(("", "paid")),
    channel=st.sampled_from(("", "mail")),
    source=st.sampled_from(("", "zoo")),
    limit=st.integers(1, 7),
    looked_at=st.sampled_from((3, 20_000)),
)
@often
def test_pages_of_deliveries_show_each_delivery_once_the_newest_first(  # all that a page is of
    bench: Store,
    *,
    made: list[tuple[str, str, str, DeliveryState]],
    states: tuple[DeliveryState, ...],
    route: str,
    channel: str,
    source: str,
    limit: int,
    looked_at: int,
) -> None:
    wanted = DeliveriesWanted(states, route, channel, source)
    naive = [
        number
        for number, (its_route, its_channel, its_source, state) in reversed(list(enumerate(made)))
        if route in ("", its_route)
        and channel in ("", its_channel)
        and source in ("", its_source)
        and (not states or state in states)
    ]

    def work(tx: Transaction) -> None:
        ids = [deliver(tx, number, one) for number, one in enumerate(made)]
        pages = walked(lambda before: tx.delivery_page(wanted, before, limit))
        assert [delivery.id for page in pages for delivery in page.rows] == [ids[n] for n in naive]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "LOOKED_AT", looked_at)
        undone(bench, work)


async def test_one_delivery_and_its_text_while_it_is_kept(store: Store) -> None:
    [delivery_id] = await planned(store, "88")
    assert await store.read(lambda tx: (tx.delivery(delivery_id), tx.delivery_text(delivery_id)))
    assert await store.read(lambda tx: tx.delivery_text(delivery_id)) is None
    await settled(store, await certainly_claimed(store))
    assert await store.read(lambda tx: tx.delivery_text(delivery_id)) == ("Order 88", "It is active.")
    delivery = await store.read(lambda tx: tx.delivery(delivery_id))
    assert delivery is not None
    assert delivery.state is DeliveryState.SENT
    await store.transact(lambda tx: tx.drop_bodies(T0 + HOUR))
    assert await store.read(lambda tx: tx.delivery_text(delivery_id)) is None
    assert await store.read(lambda tx: tx.delivery(delivery_id + 1)) is None
