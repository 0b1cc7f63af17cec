"""What every store does with messages that events join, wait with, and are dropped from."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from store_examples import (
    DAY,
    HOUR,
    KINDS,
    OPS,
    SECOND,
    SECOND_URL,
    T0,
    certainly_claimed,
    claimed,
    delivery_of,
    opened,
    order_event,
    planned,
    retried,
    settled,
)

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold, Why
from monitor.model import Delivery, DeliveryState, Destination, Event, EventKind, OrderEvent
from monitor.store.base import Store, Transaction
from monitor.store.schema import ensure_schema

MINUTE = timedelta(minutes=1)
STATUS = (EventKind.STATUS_CHANGED,)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


def group(now: datetime = T0, wait: timedelta = 30 * SECOND, every: timedelta = 5 * MINUTE, key: str = "") -> Hold:
    return Hold(Why.GROUP, now + wait, key, every.total_seconds())


async def joined(
    store: Store, *events: Event, hold: Hold | None = None, to: Destination = OPS, now: datetime = T0
) -> list[int]:
    """The deliveries that these events joined, in this turn, by route paid."""

    def join(tx: Transaction) -> list[int]:
        waits = hold or group(now)
        return [tx.join(Planned("paid", to, waits), waits, event, tx.add_event(event, "{}"), now) for event in events]

    return await store.transact(join)


async def told(store: Store, delivery_id: int) -> list[str]:
    """The orders of which it tells, as ``source/order``."""
    rows = await store.transact(lambda tx: [stored.event for stored in tx.events_of(delivery_id)])
    return [f"{event.source}/{event.order.id}" for event in rows if isinstance(event, OrderEvent)]


async def sent(store: Store, at: datetime, now: datetime | None = None) -> Delivery:
    delivery = await certainly_claimed(store, now=now or at)
    assert await settled(store, delivery, at=at)
    return delivery


# Joining


async def test_events_join_the_message_of_their_group_until_it_is_claimed(store: Store) -> None:
    first, second = await joined(store, order_event("1"), order_event("2"))
    (third,) = await joined(store, order_event("3"), now=T0 + 20 * SECOND)
    assert first == second == third
    assert await claimed(store, now=T0 + 29 * SECOND) is None
    delivery = await certainly_claimed(store, now=T0 + 30 * SECOND)
    assert await told(store, delivery.id) == ["shop/1", "shop/2", "shop/3"]
    (fourth,) = await joined(store, order_event("4"), now=T0 + 30 * SECOND)
    assert fourth != first


async def test_a_group_is_of_a_route_a_key_and_a_url(store: Store) -> None:
    (one,) = await joined(store, order_event("1"), hold=group(key="a"))
    (other_key,) = await joined(store, order_event("2"), hold=group(key="b"))
    (other_url,) = await joined(store, order_event("3"), hold=group(key="a"), to=SECOND_URL)
    digest = Hold(Why.DIGEST, T0 + HOUR, "a")
    (other_wait,) = await joined(store, order_event("4"), hold=digest)
    assert len({one, other_key, other_url, other_wait}) == 4


async def test_a_channel_of_the_same_url_has_messages_of_its_own(store: Store) -> None:
    """What waits for a channel that is gone is an orphan: nobody must join it."""
    (gone,) = await joined(store, order_event("1"))
    (new,) = await joined(store, order_event("2"), to=Destination("renamed", 1, OPS.url))
    assert gone != new


async def test_a_message_that_failed_is_joined_no_more(store: Store) -> None:
    (first,) = await joined(store, order_event("1"))
    delivery = await certainly_claimed(store, now=T0 + MINUTE)
    assert await retried(store, delivery, 10, at=T0 + MINUTE)
    assert await joined(store, order_event("2"), now=T0 + MINUTE) != [first]


async def test_a_message_that_was_ever_claimed_is_joined_no_more(store: Store) -> None:
    """Its sender may have died after sending it: the second copy must say the same."""
    (first,) = await joined(store, order_event("1"))
    delivery = await certainly_claimed(store, now=T0 + MINUTE)
    await store.transact(lambda tx: tx.unclaim(delivery))
    assert await joined(store, order_event("2"), now=T0 + MINUTE) != [first]


async def test_what_is_about_several_orders_or_sources_names_none(store: Store) -> None:
    (alone,) = await joined(store, order_event("1"))
    assert (await delivery_of(store, alone)).order_id == "1"
    await joined(store, order_event("1", 3))
    assert (await delivery_of(store, alone)).order_id == "1"
    await joined(store, order_event("2"))
    row = await delivery_of(store, alone)
    assert (row.source, row.order_id, row.gathers) == ("shop", None, "group")
    await joined(store, order_event("1", source="blog"))
    assert (await delivery_of(store, alone)).source == ""
    await joined(store, order_event("3"))
    assert (await delivery_of(store, alone)).source == ""


async def test_an_event_joins_a_message_once(store: Store) -> None:
    def twice(tx: Transaction) -> int:
        event = order_event("1")
        number = tx.add_event(event, "{}")
        return len({tx.join(Planned("paid", OPS), group(), event, number, T0) for _ in range(2)})

    assert await store.transact(twice) == 1
    assert await told(store, 1) == ["shop/1"]


async def test_two_orders_can_be_called_as_a_group_is(store: Store) -> None:
    """A route may have any name, an order any id: their queues are never the same."""
    event = order_event("", source="group")
    (alone,) = await planned(store, "1")
    await store.transact(lambda tx: tx.add_delivery("order", OPS, event, tx.add_event(event, "{}"), T0))
    (grouped,) = await joined(store, order_event("2"))
    assert grouped != alone


# How soon


async def test_the_next_message_of_a_group_goes_no_sooner_than_every(store: Store) -> None:
    await joined(store, order_event("1"))
    await sent(store, T0 + 31 * SECOND)
    (second,) = await joined(store, order_event("2"), now=T0 + 40 * SECOND)
    assert (await delivery_of(store, second)).due_at == T0 + 31 * SECOND + 5 * MINUTE
    await sent(store, T0 + 6 * MINUTE)
    (late,) = await joined(store, order_event("3"), now=T0 + HOUR)
    assert (await delivery_of(store, late)).due_at == T0 + HOUR + 30 * SECOND


async def test_other_groups_keep_their_own_pace(store: Store) -> None:
    await joined(store, order_event("1"), hold=group(key="a"))
    await sent(store, T0 + 31 * SECOND)
    (other,) = await joined(store, order_event("2"), hold=group(T0 + MINUTE, key="b"), now=T0 + MINUTE)
    assert (await delivery_of(store, other)).due_at == T0 + 90 * SECOND


async def test_the_next_message_of_a_group_that_is_being_sent_waits_too(store: Store) -> None:
    await joined(store, order_event("1"))
    await certainly_claimed(store, now=T0 + 30 * SECOND)
    (second,) = await joined(store, order_event("2"), now=T0 + 30 * SECOND)
    assert (await delivery_of(store, second)).due_at == T0 + 30 * SECOND + 5 * MINUTE


async def test_every_never_leads_into_quiet_hours(store: Store) -> None:
    quiet = (T0 + 4 * MINUTE, T0 + 9 * HOUR)
    hold = Hold(Why.GROUP, T0 + 30 * SECOND, "", 300.0, quiet)
    await joined(store, order_event("1"), hold=hold)
    await sent(store, T0 + 30 * SECOND)
    (second,) = await joined(store, order_event("2"), hold=hold, now=T0 + MINUTE)
    assert (await delivery_of(store, second)).due_at == quiet[1]


async def test_a_last_message_that_was_sent_in_the_future_holds_nothing_up(store: Store) -> None:
    """The clock has been set back by hours since."""
    await joined(store, order_event("1"), now=T0 + 3 * HOUR)
    await sent(store, T0 + 3 * HOUR + MINUTE)
    (second,) = await joined(store, order_event("2"), now=T0)
    assert (await delivery_of(store, second)).due_at == T0 + 30 * SECOND


async def test_what_waits_is_due_after_its_own_interval_whatever_the_clock_says(store: Store) -> None:
    await joined(store, order_event("1"), hold=Hold(Why.DIGEST, T0 + 10 * HOUR))
    assert await claimed(store, now=T0 + 9 * HOUR) is None
    assert await claimed(store, now=T0 - 1 * HOUR) is not None


async def test_a_message_expires_a_day_after_it_was_due(store: Store) -> None:
    (weekly,) = await joined(store, order_event("1"), hold=Hold(Why.DIGEST, T0 + 7 * DAY))
    assert (await delivery_of(store, weekly)).expires_at == T0 + 8 * DAY


# Order


async def test_messages_of_a_group_keep_their_order_while_its_url_is_down(store: Store) -> None:
    (first,) = await joined(store, order_event("1"))
    delivery = await certainly_claimed(store, now=T0 + MINUTE)
    await retried(store, delivery, HOUR.total_seconds(), at=T0 + MINUTE)
    (second,) = await joined(store, order_event("2"), now=T0 + MINUTE)
    assert first < second
    assert await claimed(store, now=T0 + 10 * MINUTE) is None
    assert (await sent(store, T0 + 2 * HOUR)).id == first
    assert (await sent(store, T0 + 2 * HOUR)).id == second


async def test_a_digest_that_waits_blocks_nobody(store: Store) -> None:
    await joined(store, order_event("1", 9), hold=Hold(Why.DIGEST, T0 + 10 * HOUR))
    alone = await planned(store, "1", "2")
    assert [(await sent(store, T0)).id, (await sent(store, T0)).id] == alone


# Storms


async def test_what_was_merged_is_told_once_and_has_no_other_delivery(store: Store) -> None:
    alone = await planned(store, "1", "2", "3")
    (summary,) = await joined(store, order_event("4", 9), hold=Hold(Why.STORM, T0))
    await store.transact(lambda tx: tx.merge(alone, summary))
    assert await told(store, summary) == ["shop/1", "shop/2", "shop/3", "shop/4"]
    row = await delivery_of(store, summary)
    assert (row.source, row.order_id) == ("shop", None)
    assert await store.transact(lambda tx: [delivery.id for delivery in tx.deliveries()]) == [summary]
    assert (await certainly_claimed(store)).id == summary
    assert await claimed(store) is None


async def test_a_merged_delivery_of_another_source_is_news_of_both(store: Store) -> None:
    (alone,) = await planned(store, "1")
    (summary,) = await joined(store, order_event("1", source="blog"), hold=Hold(Why.STORM, T0))
    await store.transact(lambda tx: tx.merge([alone], summary))
    assert (await delivery_of(store, summary)).source == ""


async def test_events_are_counted_as_long_as_a_storm_looks_back_and_not_ahead(store: Store) -> None:
    def count(tx: Transaction) -> list[int]:
        tx.count_events("paid", T0, 60)
        tx.count_events("paid", T0, 3)
        tx.count_events("paid", T0 + MINUTE, 7)
        tx.count_events("fraud", T0, 1)
        spans = [(-SECOND, MINUTE), (timedelta(0), MINUTE), (-SECOND, timedelta(0)), (MINUTE, HOUR), (-HOUR, -MINUTE)]
        return [tx.events_counted("paid", T0 + since, T0 + now) for since, now in spans]

    assert await store.transact(count) == [70, 7, 63, 0, 0]


async def test_counts_are_forgotten_by_route(store: Store) -> None:
    def forget(tx: Transaction) -> list[int]:
        for route in ("paid", "fraud"):
            tx.count_events(route, T0, 1)
            tx.count_events(route, T0 + SECOND, 1)
        tx.forget_counts("paid", T0)
        return [tx.events_counted(route, T0 - DAY, T0 + DAY) for route in ("paid", "fraud")]

    assert await store.transact(forget) == [1, 2]


# For


async def dropped(store: Store, event: OrderEvent, kinds: Collection[EventKind] = STATUS, now: datetime = T0) -> int:
    return await store.transact(lambda tx: tx.drop_held(event, kinds, now, "the order became active"))


def waits(key: str = "") -> Hold:
    return Hold(Why.FOR, T0 + 2 * MINUTE, key)


async def test_what_waits_for_an_order_waits_alone_and_is_dropped_with_the_reason(store: Store) -> None:
    one, two = await joined(store, order_event("1"), order_event("2"), hold=waits())
    assert one != two
    assert await dropped(store, order_event("1", 3), now=T0 + MINUTE) == 1
    row = await delivery_of(store, one)
    assert (row.state, row.last_error, row.settled_at) == (
        DeliveryState.DROPPED,
        "the order became active",
        T0 + MINUTE,
    )
    assert (await sent(store, T0 + 2 * MINUTE)).id == two
    assert await claimed(store, now=T0 + DAY) is None


async def test_only_an_earlier_event_of_that_order_and_kind_is_dropped(store: Store) -> None:
    await joined(store, order_event("1"), order_event("1", kind=EventKind.CHANGED), hold=waits())
    for other in (order_event("1"), order_event("2", 3), order_event("1", 3, source="blog")):
        assert await dropped(store, other) == 0
    assert await dropped(store, order_event("1", 3)) == 1
    assert await dropped(store, order_event("1", 3), tuple(EventKind)) == 1


async def test_an_order_leaves_a_message_that_waits_for_others_too(store: Store) -> None:
    one, two, three = await joined(store, order_event("1"), order_event("2"), order_event("3"), hold=waits("together"))
    assert one == two == three
    assert await dropped(store, order_event("2", 3)) == 1
    assert await told(store, one) == ["shop/1", "shop/3"]
    rows = await store.transact(lambda tx: tx.deliveries([DeliveryState.DROPPED]))
    assert [(row.order_id, row.source, row.last_error) for row in rows] == [("2", "shop", "the order became active")]
    assert await told(store, rows[0].id) == ["shop/2"]
    assert await dropped(store, order_event("1", 3)) + await dropped(store, order_event("3", 3)) == 2
    assert await claimed(store, now=T0 + DAY) is None
    rows = await store.transact(lambda tx: tx.deliveries([DeliveryState.DROPPED]))
    assert {row.order_id for row in rows} == {"1", "2", "3"}, "each says of which order it was"


async def test_what_left_a_message_was_not_made_before_it_happened(store: Store) -> None:
    await joined(store, order_event("1"), hold=waits("together"))
    later = T0 + MINUTE
    await joined(store, order_event("2", at=later), hold=waits("together"), now=later)
    await dropped(store, order_event("2", 3), now=later + SECOND)
    (row,) = await store.transact(lambda tx: tx.deliveries([DeliveryState.DROPPED]))
    assert row.created_at == later


async def test_what_was_claimed_is_dropped_no_more(store: Store) -> None:
    await joined(store, order_event("1"), hold=waits())
    delivery = await certainly_claimed(store, now=T0 + 2 * MINUTE)
    assert await dropped(store, order_event("1", 3)) == 0
    await store.transact(lambda tx: tx.unclaim(delivery))
    assert await dropped(store, order_event("1", 3)) == 0


async def test_only_what_waits_for_an_order_is_dropped(store: Store) -> None:
    await joined(store, order_event("1"))
    await planned(store, "2")
    assert await dropped(store, order_event("1", 3)) + await dropped(store, order_event("2", 3)) == 0


# At any age


async def test_joining_and_dropping_read_no_history(tmp_path: Path) -> None:
    """A year of groups lies below the one that is joined."""
    ensure_schema(tmp_path / "state.db")
    queries = {
        "deliveries_unsettled": "SELECT d.id FROM deliveries d WHERE d.url = 'a' AND d.queue = 'q' AND d.channel = 'c'"
        " AND d.state IN ('waiting', 'sending') AND d.state = 'waiting' AND d.attempts + d.fence = 0"
        " ORDER BY d.id DESC LIMIT 1",
        "deliveries_gathering": "SELECT COALESCE(settled_at, due_at) FROM deliveries"
        " WHERE gathers <> '' AND queue = 'q' AND url = 'a' ORDER BY id DESC LIMIT 1",
    }
    with closing(sqlite3.connect(tmp_path / "state.db")) as database:
        for index, query in queries.items():
            plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert index in plan
            assert "TEMP B-TREE" not in plan
