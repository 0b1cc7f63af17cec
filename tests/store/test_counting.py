"""What every store counts for pages and metrics, and by what they notice that anything is new."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from store_examples import (
    HOUR,
    KINDS,
    MAIL,
    OPS,
    REFUSED,
    SECOND,
    T0,
    certainly_claimed,
    opened,
    order_event,
    plan,
    planned,
    retried,
    settled,
    source_event,
)

from monitor.alerting.routes import Planned
from monitor.alerting.silences import Matcher
from monitor.alerting.timing import Hold, Why
from monitor.model import EventKind, SourceState
from monitor.store.base import Store, Transaction


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


def gather(tx: Transaction, minutes: int, number: int) -> int:
    """What waits so long, in a message of its own."""
    hold = Hold(Why.DIGEST, T0 + minutes * 60 * SECOND, str(number))
    event = order_event(revision=number)
    return tx.join(Planned("paid", OPS, hold), hold, event, tx.add_event(event, "{}"), T0)


async def test_what_gathers_comes_by_when_it_is_due(store: Store) -> None:
    def work(tx: Transaction) -> tuple[list[int], list[int]]:
        plan(tx, order_event(revision=90), MAIL)
        late, soon = gather(tx, 9, 2), gather(tx, 3, 3)
        return [late, soon], [delivery.id for delivery in tx.gathering(5)]

    (late, soon), gathering = await store.transact(work)
    assert gathering == [soon, late]
    assert [d.id for d in await store.read(lambda tx: tx.gathering(1))] == [soon]


async def test_the_outbox_at_a_glance(store: Store) -> None:
    await planned(store, "1", "2", to=MAIL)
    await planned(store, "3")
    await store.transact(lambda tx: gather(tx, 60, 80))
    await certainly_claimed(store)
    await retried(store, await certainly_claimed(store, MAIL), 60)
    await planned(store, "4", to=MAIL, now=T0 + SECOND)
    [dead, _] = [await certainly_claimed(store, MAIL, T0 + 2 * SECOND) for _ in range(2)]
    await settled(store, dead, REFUSED)
    outbox = await store.read(lambda tx: tx.outbox(T0 + 3 * SECOND))
    assert (outbox.waiting, outbox.gathering, outbox.sending) == (2, 1, 2)
    assert (outbox.retried, outbox.dead, outbox.overdue_since) == (1, 1, None)


async def test_overdue_is_the_first_of_a_queue_that_is_due(store: Store) -> None:
    async def overdue(after: timedelta) -> datetime | None:
        return (await store.read(lambda tx: tx.outbox(T0 + after))).overdue_since

    assert await overdue(SECOND) is None
    await planned(store, "1", "1", now=T0 + SECOND)
    assert await overdue(2 * SECOND) == T0 + SECOND
    await retried(store, await certainly_claimed(store, now=T0 + SECOND), 60, T0 + SECOND)
    assert await overdue(30 * SECOND) is None  # the second may not overtake
    assert await overdue(90 * SECOND) == T0 + 61 * SECOND
    # A clock that has been set back: what is due further ahead than it may be is due now.
    assert await overdue(-HOUR) == T0 - HOUR


async def test_events_are_counted_by_source_kind_and_hour(store: Store) -> None:
    def work(tx: Transaction) -> dict[tuple[str, EventKind, datetime], int]:
        for number, (source, minutes) in enumerate([("shop", 0), ("shop", 59), ("shop", 61), ("zoo", 0), ("shop", -9)]):
            at = T0 + minutes * 60 * SECOND
            tx.add_event(order_event(revision=number + 1, source=source, at=at), "{}")
        tx.add_event(source_event(), "{}")
        tx.add_event(order_event(source="other"), "{}")
        return dict(tx.events_by_time(("shop", "zoo"), T0, HOUR))

    hour = T0.replace(microsecond=0)
    assert await store.transact(work) == {
        ("shop", EventKind.STATUS_CHANGED, hour): 2,
        ("shop", EventKind.STATUS_CHANGED, hour + HOUR): 1,
        ("shop", EventKind.SOURCE_DOWN, hour): 1,
        ("zoo", EventKind.STATUS_CHANGED, hour): 1,
    }


def tell(tx: Transaction) -> None:
    plan(tx, order_event(revision=7))


def poll(tx: Transaction) -> None:
    tx.claim("shop", "one", T0, 15)
    tx.save_source("shop", SourceState("opterius", polled_at=T0))


def silence(tx: Transaction) -> None:
    tx.add_silence(Matcher(), T0, T0 + HOUR, "maintenance")


CHANGES: tuple[Callable[[Transaction], object], ...] = (
    tell,
    lambda tx: tx.add_event(order_event(revision=8), "{}"),
    lambda tx: tx.claim_delivery([OPS], "one", T0),
    lambda tx: tx.settle(tx.deliveries()[0], T0, REFUSED, "Order 88", "It is active."),
    lambda tx: tx.resurrect(None, T0),
    poll,
    lambda tx: tx.save_source("shop", SourceState("opterius", polled_at=T0 + SECOND)),
    silence,
    lambda tx: tx.end_silence(1, T0 + SECOND),
)


async def test_the_pulse_changes_with_whatever_is_to_be_seen(store: Store) -> None:
    pulses = [await store.read(lambda tx: tx.pulse())]
    assert await store.read(lambda tx: tx.pulse()) == pulses[0]
    for change in CHANGES:
        await store.transact(change)
        pulses.append(await store.read(lambda tx: tx.pulse()))
    assert len(set(pulses)) == len(pulses) == len(CHANGES) + 1


async def test_many_silences_of_the_far_future_overflow_no_pulse(store: Store) -> None:
    far = datetime.max.replace(tzinfo=T0.tzinfo)

    def work(tx: Transaction) -> int:
        for _ in range(3000):
            tx.add_silence(Matcher(), T0, far, "for ever")
        return tx.pulse().silences

    assert await store.transact(work) > 0
