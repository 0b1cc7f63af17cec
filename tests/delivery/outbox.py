"""What the delivery tests stand on: a real state, a clock in the hand, an endpoint that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from monitor.alerting.gathering import Gathered
from monitor.alerting.news import News
from monitor.alerting.render import Renderer
from monitor.delivery.loop import DeliveryLoop, Outfit, Render
from monitor.errors import ChannelError, StateUnreachable
from monitor.model import Delivery, Destination, Event, EventKind, Message, Order, OrderEvent, Outcome, Severity
from monitor.store.base import Store, Transaction
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")
START = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
OPS, MAIL = Destination("ops", 1, "a0"), Destination("mail", 1, "b0")
SENT = Outcome(delivered=True, status=200)
FAILED = Outcome(delivered=False, reason="503 Service Unavailable", status=503)
REFUSED = Outcome(delivered=False, reason="404 Not Found", status=404, permanent=True)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


class HandClock:
    """Time that only ``move_to`` moves; whoever sleeps until then wakes."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.set_back = timedelta(0)
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed) - self.set_back

    def monotonic(self) -> float:
        return self.passed

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.passed + seconds, woken))
        await woken

    @property
    def next_wake(self) -> float:
        """When somebody wakes next; infinity if nobody sleeps."""
        self._sleepers = [(at, woken) for at, woken in self._sleepers if not woken.done()]
        return min((at for at, _ in self._sleepers), default=float("inf"))

    def move_to(self, passed: float) -> None:
        self.passed = passed
        for at, woken in self._sleepers:
            if at <= passed and not woken.done():
                woken.set_result(None)


class WatchedStore:
    """A state that counts its transactions, and cannot be used while ``broken``."""

    def __init__(self, inner: SqliteStore) -> None:
        self.inner = inner
        self.busy = self.transactions = self.failures = 0
        self.broken = self.closed = False

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        self.transactions += 1
        if self.broken:
            raise StateUnreachable("the disk is full")
        self.busy += 1
        try:
            return await self.inner.transact(work)
        finally:
            self.busy -= 1

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self.inner.read(work)

    async def aclose(self) -> None:
        if not self.closed:
            self.closed = True
            await self.inner.aclose()


class Copy(NamedTuple):
    """One message at an endpoint; ``at`` in seconds since the start."""

    at: float
    to: Destination
    order: str
    ref: str


class Endpoints:
    """A Sender. ``answer`` says what becomes of a message; ``held`` destinations keep it until they are let go.

    ``hung`` are those where a send that was given up on still runs.
    """

    def __init__(self, clock: HandClock, destinations: Collection[Destination] = (OPS, MAIL)) -> None:
        self._clock = clock
        self.destinations = set(destinations)
        self.answer: Callable[[Copy], Outcome] = lambda copy: SENT
        self.tried: list[Copy] = []
        self.arrived: list[Copy] = []
        self.held: dict[Destination, asyncio.Event] = {}
        self.hung: dict[Destination, asyncio.Event] = {}
        self.running = 0

    async def send(self, destination: Destination, message: Message) -> Outcome:
        if destination not in self.destinations:
            raise ChannelError(f"{destination} is no channel of this configuration")
        copy = Copy(self._clock.passed, destination, message.title, message.ref)
        self.tried.append(copy)
        self.running += 1
        try:
            await self._hold(destination)
        finally:
            self.running -= 1
        outcome = self.answer(copy)
        if outcome.delivered:
            self.arrived.append(copy)
        return outcome

    async def idle(self, destination: Destination) -> None:
        if destination in self.hung:
            await self.hung[destination].wait()

    def orders(self, to: Destination = OPS) -> list[str]:
        """The orders whose messages have arrived there, in this order."""
        return [copy.order for copy in self.arrived if copy.to == to]

    def hold(self, destination: Destination) -> asyncio.Event:
        """Keep every message to this destination until the returned event is set."""
        return self.held.setdefault(destination, asyncio.Event())

    async def _hold(self, destination: Destination) -> None:
        if destination in self.held:
            await self.held[destination].wait()


def poison(*orders: str, outcome: Outcome = FAILED) -> Callable[[Copy], Outcome]:
    """An endpoint that chokes on messages about these orders, and on no others."""
    return lambda copy: outcome if copy.order in orders else SENT


def down_until(second: float, to: Destination = OPS) -> Callable[[Copy], Outcome]:
    """An endpoint that fails until then."""
    return lambda copy: FAILED if copy.to == to and copy.at < second else SENT


def title_only(delivery: Delivery, event: Event, _: object = ()) -> Message:
    """A message whose title is the order's id."""
    assert isinstance(event, OrderEvent)
    return Message(event.order.id, f"revision {event.revision}", Severity.INFO, delivery.ref)


class Outbox:
    """A delivery loop over a real state; ``pass_`` lets time pass, and all happen that happens meanwhile."""

    def __init__(self, store: SqliteStore) -> None:
        self.clock = HandClock()
        self.store = WatchedStore(store)
        self.endpoints = Endpoints(self.clock)
        self.fallbacks: dict[str, str] = {}
        self.loop = self.new_loop()
        self._revision = 0
        self._running: list[asyncio.Task[None]] = []

    def new_loop(self) -> DeliveryLoop:
        """A loop as a fresh process has it."""
        store: Store = self.store
        return DeliveryLoop(store, self.outfit(), self.clock, "tests")

    def serve(self, *destinations: Destination) -> None:
        """Reload: these are the channels' URLs now."""
        self.endpoints.destinations = set(destinations)
        self.loop.refit(self.outfit())

    def outfit(self, render: Render = title_only, sender: Endpoints | None = None) -> Outfit:
        sender = sender or self.endpoints
        many = Renderer([])

        def render_many(delivery: Delivery, found: Gathered | News) -> Message:
            return many.render_many(delivery.route, found, delivery.ref, now=self.clock.now())

        return Outfit(frozenset(sender.destinations), sender, render, many.gather, render_many, self.fallbacks)

    async def add(self, *orders: str, to: Destination = OPS, hold_s: float = 0.0) -> list[int]:
        """Put a message about each of these orders into the outbox, in one transaction; the deliveries' ids."""

        def write(tx: Transaction) -> list[int]:
            ids = []
            for order in orders:
                self._revision += 1
                event = OrderEvent(
                    "shop", EventKind.STATUS_CHANGED, self.clock.now(), Order(order, "active"), self._revision
                )
                event_id = tx.add_event(event, "{}")
                ids.append(tx.add_delivery("default", to, event, event_id, self.clock.now(), hold_s))
            return ids

        return await self.store.inner.transact(write)

    async def let_go(self, ids: list[int]) -> int:
        """What an enrichment does when there is nothing more to wait for."""
        now = self.clock.now()
        count = await self.store.inner.transact(lambda tx: tx.let_go(ids, now))
        self.loop.wake()
        await self.pass_(0)
        return count

    def start(self) -> None:
        self._running.append(asyncio.create_task(self.loop.run()))

    async def deliver(self, *orders: str, to: Destination = OPS) -> None:
        """Put messages into the outbox and tell the loop, as a poll does."""
        await self.add(*orders, to=to)
        self.loop.wake()
        await self.pass_(0)

    async def pass_(self, seconds: float) -> None:
        """So much time passes."""
        end = self.clock.passed + seconds
        await self._rest()
        while self.clock.next_wake <= end:
            self.clock.move_to(self.clock.next_wake)
            await self._rest()
        self.clock.move_to(end)
        await self._rest()

    async def _rest(self) -> None:
        """Until nothing happens any more unless time passes: no transaction runs, and nobody starts one."""
        calm = 0
        async with asyncio.timeout(30):  # a loop that spins never rests
            while calm < 20:
                await asyncio.sleep(0)
                calm = 0 if self.store.busy else calm + 1

    async def deliveries(self) -> list[Delivery]:
        self.store.busy += 1
        try:
            return await self.store.inner.transact(lambda tx: tx.deliveries())
        finally:
            self.store.busy -= 1

    async def states(self) -> dict[str, str]:
        """Each order's latest delivery's state."""
        return {str(row.order_id): str(row.state) for row in await self.deliveries()}

    async def close(self) -> None:
        await self.loop.stop(0)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.store.aclose()
