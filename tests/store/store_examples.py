"""Made-up rows for the tests of the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from monitor.diff import Change
from monitor.model import Delivery, Destination, Event, EventKind, Known, Order, OrderEvent, Outcome, SourceEvent
from monitor.store.base import Store, Transaction
from monitor.store.postgres import PostgresStore
from monitor.store.sqlite import SqliteStore


@contextmanager
def _sqlite(folder: Path) -> Iterator[Store]:
    yield SqliteStore.open(folder / "state.db")


@contextmanager
def _postgres(_: Path) -> Iterator[Store]:
    from postgres_server import database

    with database() as url:
        yield PostgresStore.open(url)


KINDS: Mapping[str, Callable[[Path], AbstractContextManager[Store]]] = {"sqlite": _sqlite, "postgres": _postgres}
"""Every kind of store, empty: each must pass the same tests."""


@asynccontextmanager
async def opened(kind: str, folder: Path) -> AsyncIterator[Store]:
    """An empty store of this kind, closed at the end."""
    with KINDS[kind](folder) as store:
        try:
            yield store
        finally:
            await store.aclose()


T0 = datetime(2026, 4, 11, 8, 0, 0, 123456, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
OPS, MAIL, SECOND_URL = Destination("ops", 1, "a0"), Destination("mail", 1, "b0"), Destination("ops", 2, "c0")
HOMES = (OPS, MAIL, SECOND_URL)
SENT = Outcome(delivered=True)
REFUSED = Outcome(delivered=False, reason="503 from the endpoint", status=503)


def known(order_id: str = "88", status: str = "pending", revision: int = 1, **fields: Any) -> Known:
    order = Order(order_id, status, number=fields.pop("number", f"ORD-{order_id}"))
    return Known(order, revision=revision, first_seen=T0, seen_at=T0, **fields)


def new(order_id: str = "88", status: str = "pending", **fields: Any) -> Change:
    return Change(known(order_id, status, **fields), new=True)


def changed(order_id: str = "88", status: str = "active", revision: int = 2, **fields: Any) -> Change:
    return Change(known(order_id, status, revision, **fields))


def order_event(
    order_id: str = "88",
    revision: int = 2,
    kind: EventKind = EventKind.STATUS_CHANGED,
    source: str = "shop",
    at: datetime = T0,
) -> OrderEvent:
    return OrderEvent(source, kind, at, known(order_id, "active").order, revision, before=known(order_id).order)


def source_event(at: datetime = T0, kind: EventKind = EventKind.SOURCE_DOWN) -> SourceEvent:
    return SourceEvent("shop", kind, at, "no connection")


def plan(tx: Transaction, event: Event, to: Destination = OPS, now: datetime = T0, route: str = "paid") -> int:
    """An event with its delivery; the delivery's id."""
    return tx.add_delivery(route, to, event, tx.add_event(event, "{}"), now)


def save(tx: Transaction, changes: Iterable[Change], source: str = "shop", **marks: int) -> None:
    """Write these orders; ``marks`` by id: ``_88=5``."""
    tx.save_orders(source, changes, {order_id.removeprefix("_"): mark for order_id, mark in marks.items()})


def present(tx: Transaction, source: str = "shop") -> list[str]:
    """The ids of the orders that have not vanished, shorter ones first."""
    return [order_id for order_id, _, _ in tx.marks(source)]


async def planned(store: Store, *orders: str, to: Destination = OPS, now: datetime = T0) -> list[int]:
    """A delivery about each of these orders, in this turn; an order may stand there several times."""

    def write(tx: Transaction) -> list[int]:
        first = len(tx.events()) + 1
        return [plan(tx, order_event(order, first + n), to, now) for n, order in enumerate(orders)]

    return await store.transact(write)


async def claimed(store: Store, to: Destination = OPS, now: datetime = T0) -> Delivery | None:
    return await store.transact(lambda tx: tx.claim_delivery([to], "one", now))


async def certainly_claimed(store: Store, to: Destination = OPS, now: datetime = T0) -> Delivery:
    delivery = await claimed(store, to, now)
    assert delivery is not None
    return delivery


async def settled(store: Store, delivery: Delivery, outcome: Outcome = SENT, at: datetime = T0) -> bool:
    return await store.transact(lambda tx: tx.settle(delivery, at, outcome, "Order 88", "It is active."))


async def retried(store: Store, delivery: Delivery, seconds: float, at: datetime = T0) -> bool:
    return await store.transact(lambda tx: tx.retry_at(delivery, at, seconds, REFUSED))


async def delivery_of(store: Store, delivery_id: int) -> Delivery:
    [found] = [d for d in await store.transact(lambda tx: tx.deliveries()) if d.id == delivery_id]
    return found
