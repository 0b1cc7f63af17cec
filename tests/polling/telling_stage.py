"""Where telling is tried: routes, a state, events of one look each, and a clock that the test sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import yaml
from polling_stage import memory_folder, new_state

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.model import Delivery, DeliveryState, Destination, EventKind, Money, Order, OrderEvent, Outcome
from monitor.polling.telling import Teller, Told
from monitor.store.base import Transaction
from monitor.store.sqlite import SqliteStore

START = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
CHANNELS = {"ops": ["a0"], "mail": ["b0"]}
HOMES = [Destination("ops", 1, "a0"), Destination("mail", 1, "b0")]
SENT = Outcome(delivered=True)
FAILED = Outcome(delivered=False, reason="503 from the endpoint", status=503)


class Copy(NamedTuple):
    """What one attempt to send told: these events, under this reference."""

    ref: str
    url: str
    events: tuple[int, ...]


class Tale:
    """A state in which looks write what they found, and from which deliveries are claimed."""

    def __init__(self, store: SqliteStore, routes: str) -> None:
        self.store = store
        self.now = START
        self.copies: list[Copy] = []
        self.revisions: Counter[str] = Counter()
        self.route(routes)

    def route(self, routes: str) -> None:
        """These routes are in force, each to ``ops`` if it names no channels."""
        settings = [RouteSettings.model_validate({"channels": ["ops"]} | entry) for entry in yaml.safe_load(routes)]
        self.router = Router(settings, CHANNELS)

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)

    def event(
        self, order: str, status: str = "fraud", kind: str = "status_changed", source: str = "shop", cents: int = 4900
    ) -> OrderEvent:
        """The next change of this order."""
        self.revisions[f"{source}/{order}"] += 1
        now = Order(order, status, number=f"ORD-{order}", total=Money(Decimal(cents) / 100, "USD"))
        return OrderEvent(source, EventKind(kind), self.now, now, self.revisions[f"{source}/{order}"])

    async def look(self, *events: OrderEvent, hold_s: float = 0.0) -> Told:
        """One look finds these."""

        def write(tx: Transaction) -> Told:
            teller = Teller(tx, self.router, self.now, hold_s)
            for event in events:
                teller.tell(event)
            teller.close()
            return teller.told

        return await self.store.transact(write)

    async def changes(self, count: int, status: str = "fraud", start: int = 1) -> Told:
        """One look finds that so many orders have changed."""
        return await self.look(*(self.event(str(number), status) for number in range(start, start + count)))

    async def claim(self, home: Destination) -> tuple[Delivery, tuple[int, ...]] | None:
        """What is to be sent next to this URL, and the events of which it tells."""

        def claim(tx: Transaction) -> tuple[Delivery, tuple[int, ...]] | None:
            delivery = tx.claim_delivery([home], "one", self.now)
            return (delivery, tuple(row.id for row in tx.events_of(delivery.id))) if delivery else None

        return await self.store.transact(claim)

    async def drain(self) -> list[list[str]]:
        """Send what is due; the orders of each message, in the order in which they went."""
        messages = []
        for home in HOMES:
            while claimed := await self.claim(home):
                await self.settle(*claimed)
                messages.append(await self.orders(claimed[0].id))
        return messages

    async def settle(self, delivery: Delivery, events: tuple[int, ...]) -> None:
        self.copies.append(Copy(delivery.ref, delivery.url, events))
        assert await self.store.transact(lambda tx: tx.settle(delivery, self.now, SENT, "title", "body"))

    async def fail(self, delivery: Delivery, wait_s: float = 5.0) -> None:
        assert await self.store.transact(lambda tx: tx.retry_at(delivery, self.now, wait_s, FAILED))

    async def orders(self, delivery_id: int) -> list[str]:
        rows = await self.store.transact(lambda tx: list(tx.events_of(delivery_id)))
        return [row.event.order.id for row in rows if isinstance(row.event, OrderEvent)]

    async def deliveries(self, *states: DeliveryState) -> list[Delivery]:
        return await self.store.transact(lambda tx: tx.deliveries(states or None))

    async def restart(self) -> None:
        """The process dies, and another one opens the state: claims are void, everything else is there."""
        path = self.store.path
        await self.store.aclose()
        self.store = SqliteStore.open(path)


@asynccontextmanager
async def tale(routes: str) -> AsyncIterator[Tale]:
    """A new state under these routes."""
    with memory_folder() as folder:
        told = Tale(SqliteStore.open(new_state(folder)), routes)
        try:
            yield told
        finally:
            await told.store.aclose()


def sizes(messages: Sequence[Sequence[str]]) -> list[int]:
    return [len(orders) for orders in messages]
