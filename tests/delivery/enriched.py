"""A shop whose messages carry what another system says of its orders: all real, but for the clock and the inbox."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.clock import SystemClock
from monitor.config import Settings, load
from monitor.logs import configure_logs
from monitor.model import Delivery, Destination, Message, Outcome
from monitor.redact import Redactor
from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.truth import TrueCustomer, TrueItem, TrueService
from monitor.simulator.world import World
from monitor.store.base import Transaction

T = TypeVar("T")
CUSTOMER = TrueCustomer("Quilla Customer", "Quillaworks Ltd", "7 Quilla Lane, Springfield", "quilla@example.com")
"""From whom the orders are. Nothing else in these tests has this name."""
_CONFIG = """
state: sqlite:///state.db
sources:
  shop: {type: opterius, url: "%(shop)s", token: %(token)s, detail: %(detail)s, every: 1h}
  hosting: {type: hostup, url: "%(hosting)s", api_key: %(token)s, every: 1h}
  other: {type: hostup, url: "%(other)s", api_key: %(token)s, every: 1h}
  blog: {type: opterius, url: "%(blog)s", token: %(token)s, every: 1h}
  store: {type: woocommerce, url: "%(store)s", consumer_key: %(token)s, consumer_secret: %(token)s, every: 1h}
channels:
  ops: {url: "json://127.0.0.1:9/ops", privacy: masked}
  mail: {url: "json://127.0.0.1:9/mail", privacy: full}
routes:
  - {name: news, when: {event: [appeared, status_changed, invoice_changed, vanished]}, channels: [ops, mail]}
"""


class StageClock(SystemClock):
    """The machine's time and ``ahead`` of it. With ``skips``, who sleeps puts it ahead, and nobody waits."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self.skips = False

    async def sleep(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds if self.skips else 0)
        await asyncio.sleep(0 if self.skips else seconds)

    def now(self) -> datetime:
        return super().now() + self.ahead

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead.total_seconds()


class Sent(NamedTuple):
    """A message, and to which channel."""

    channel: str
    message: Message


class Inbox:
    """Where all messages arrive."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self._changed = asyncio.Condition()

    async def send(self, destination: Destination, message: Message) -> Outcome:
        self.sent.append(Sent(destination.channel, message))
        async with self._changed:
            self._changed.notify_all()
        return Outcome(delivered=True, status=200)

    async def idle(self, destination: Destination) -> None:
        """No send is ever under way here."""

    async def wait_for(self, what: str, count: int = 1) -> list[Message]:
        """The messages with this in their titles, as soon as there are so many."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: len(self.about(what)) >= count)
        return self.about(what)

    def about(self, what: str, channel: str = "ops") -> list[Message]:
        """The messages to a channel with this in their titles."""
        return [sent.message for sent in self.sent if sent.channel == channel and what in sent.message.title]


class Stage:
    """``async with Stage(folder) as stage``: systems that answer, and a monitor that has their baseline."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world, self.store_world, self.blog_world = World(), World(), World()
        self.shop = Simulator(self.world)
        self.hosting, self.other = Simulator(self.world, "hostup"), Simulator(self.world, "hostup")
        self.store = Simulator(self.store_world, "woocommerce")
        self.blog = Simulator(self.blog_world)
        self.inbox = Inbox()
        self.logs = io.StringIO()
        self.clock = StageClock()
        self.app: App
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Stage:
        for world in (self.world, self.store_world, self.blog_world):
            self.place(3, world)
        for system in (self.shop, self.hosting, self.other, self.store, self.blog):
            await self._open.enter_async_context(system)
        settings = self.settings()
        configure_logs("debug", "json", redactor=Redactor(settings.secrets()), stream=self.logs)
        await self.start()
        await self.poll()
        assert self.inbox.sent == []
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def follow(self, *orders: str) -> None:
        """Watch these orders through the source that shows them one by one, and nothing else."""
        settings = self.settings()
        followed = settings.sources["hosting"].model_copy(update={"orders": list(orders)})
        await self.app.reload(settings.model_copy(update={"sources": {"hosting": followed}}))
        await self.poll()

    def settings(self, detail: str = "hosting") -> Settings:
        """The configuration, with this source for the shop's details."""
        names = ("shop", "hosting", "other", "blog", "store")
        urls = {name: getattr(self, name).url for name in names}
        file = self.folder / "monitor.yaml"
        file.write_text(_CONFIG % (urls | {"token": TOKEN, "detail": detail}), encoding="utf-8")
        return load(file, {}, CHECKS)

    async def start(self) -> None:
        """A monitor as a new process has it."""
        self._monitor = AsyncExitStack()
        self.app = await self._monitor.enter_async_context(open_app(self.settings(), self.clock, self.inbox))
        self._open.push_async_callback(self._monitor.aclose)

    async def stop(self) -> None:
        """End the monitor."""
        await self._monitor.aclose()

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Meanwhile the delivery loop runs, as in the daemon."""
        running = asyncio.create_task(self.app.deliveries.run())
        try:
            yield
        finally:
            await self.app.deliveries.stop(1)
            await running

    async def poll(self) -> None:
        """What ``order-monitor poll`` does."""
        await self.app.poll_all()
        await self.app.deliveries.drain()

    def place(self, count: int = 1, world: World | None = None) -> None:
        """New orders, with all that an order can have."""
        world = self.world if world is None else world
        for _ in range(count):
            number = len(world) + 1
            world.place(
                items=(TrueItem("VPS 2 GB", price=990),),
                invoice_status="Unpaid",
                services=[TrueService(1000 + number, "VPS 2 GB", "Pending", "vps.example.com")],
                payment="Stripe",
                customer=CUSTOMER,
                created_at=self.clock.now() - timedelta(days=3, hours=4, minutes=1),
            )

    async def deliveries(self) -> list[Delivery]:
        """The outbox."""
        return await self.app.store.read(lambda tx: tx.deliveries())

    def state(self) -> bytes:
        """All bytes of the state."""
        return b"".join(file.read_bytes() for file in sorted(self.folder.glob("state.db*")))


class CountingStore:
    """A state that counts its transactions."""

    def __init__(self, app: App) -> None:
        self.transactions = 0
        self._transact = app.store.transact
        app.store.transact = self.transact  # type: ignore[method-assign]  # counted, and done

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        self.transactions += 1
        return await self._transact(work)
