"""Several daemons in one process that share one real PostgreSQL database, each with a clock of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import psycopg
from postgres_server import database, server

from monitor.app import App, open_app
from monitor.clock import SystemClock
from monitor.config.settings import Settings
from monitor.model import Destination, Message, Outcome
from monitor.polling.poller import PollResult
from monitor.roster import Roster
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

TOKEN = "made-up-token-of-the-tests"
SENT = Outcome(delivered=True, status=200)
FAILED = Outcome(delivered=False, reason="503 Service Unavailable", status=503)


class Wrist(SystemClock):
    """The machine's clock, as one daemon wears it: set wrong by ``skew``, and ``fast`` times as quick to sleep.

    ``stopped`` are seconds that the process has spent stopped: the monotonic clock went on meanwhile.
    """

    def __init__(self, skew: timedelta = timedelta(), fast: float = 1.0) -> None:
        self.skew = skew
        self.fast = fast
        self.stopped = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def monotonic(self) -> float:
        return super().monotonic() + self.stopped

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.fast)


class Copy(NamedTuple):
    """A message that a daemon has sent."""

    daemon: str
    to: Destination
    title: str
    body: str
    ref: str


class Sent:
    """A Sender of one daemon. ``answer`` says what becomes of a message; while ``gate`` is closed none arrives."""

    def __init__(self, fleet: Fleet, daemon: str) -> None:
        self._fleet = fleet
        self._daemon = daemon
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, destination: Destination, message: Message) -> Outcome:
        copy = Copy(self._daemon, destination, message.title, message.body, message.ref)
        self._fleet.tried.append(copy)
        self._fleet.sending[destination.url] = self._fleet.sending.get(destination.url, 0) + 1
        self._fleet.most = max(self._fleet.most, self._fleet.sending[destination.url])
        await self.gate.wait()
        await asyncio.sleep(self._fleet.takes_s)
        self._fleet.sending[destination.url] -= 1
        outcome = self._fleet.answer(copy)
        if outcome.delivered:
            self._fleet.sent.append(copy)
        return outcome

    async def idle(self, destination: Destination) -> None:
        return


class Daemon:
    """One of them."""

    def __init__(self, name: str, app: App, clock: Wrist, sender: Sent) -> None:
        self.name = name
        self.app = app
        self.clock = clock
        self.sender = sender
        self._stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    @property
    def roster(self) -> Roster:
        assert self.app.sharing
        return self.app.sharing.roster

    @property
    def held(self) -> set[str]:
        return set(self.roster.held_sources())

    async def beat(self) -> None:
        assert self.app.sharing
        await self.app.sharing.beat()

    async def join(self) -> None:
        """Attend as a daemon that polls and sends only when it is told to."""
        await self.roster.beat()

    async def poll(self, source: str) -> PollResult | None:
        """As the scheduler has it polled: if it is this daemon's."""
        if not self.roster.holds(source):
            return None
        return await self.app._poll(source, at_once=True)

    def run(self) -> None:
        """As the command does."""
        self._running = asyncio.create_task(self.app.run(self._stop))

    async def stop(self) -> None:
        if self._running:
            self._stop.set()
            await self._running
            self._running = None


class Fleet:
    """``sent`` are the messages that arrived, ``tried`` all attempts; ``most`` were sent to one URL at one time."""

    def __init__(self, url: str, shop: Simulator, stack: AsyncExitStack) -> None:
        self.url = url
        self.shop = shop
        self.daemons: list[Daemon] = []
        self.sent: list[Copy] = []
        self.tried: list[Copy] = []
        self.sending: dict[str, int] = {}
        self.most = 0
        self.takes_s = 0.0
        self.answer: Callable[[Copy], Outcome] = lambda copy: SENT
        self._stack = stack

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Fleet]:
        """With no daemon yet, and a shop of three pending orders."""
        world = World()
        for _ in range(3):
            world.place()
        with database() as url:
            async with Simulator(world, token=TOKEN) as shop, AsyncExitStack() as stack:
                fleet = cls(url, shop, stack)
                yield fleet
                for daemon in fleet.daemons:
                    await daemon.stop()

    def settings(self, *sources: str, **top: Any) -> Settings:
        """Settings of these sources, all of them at one shop."""
        one = {"type": "opterius", "url": self.shop.url, "token": TOKEN}
        data: dict[str, Any] = {
            "state": self.url,
            "sources": {name: one | top.pop(name, {}) for name in sources},
            "channels": {"ops": {"url": "json://alerts.example.com"}},
        }
        settings: Settings = Settings.model_validate(data | top)
        return settings

    async def daemon(self, settings: Settings, clock: Wrist | None = None) -> Daemon:
        """One more; it does nothing yet."""
        name, clock = f"d{len(self.daemons) + 1}", clock or Wrist()
        sender = Sent(self, name)
        app = await self._stack.enter_async_context(open_app(settings, clock, sender))
        self.daemons.append(Daemon(name, app, clock, sender))
        return self.daemons[-1]

    async def several(self, count: int, settings: Settings) -> list[Daemon]:
        """So many more, among whom the work is divided."""
        made = [await self.daemon(settings) for _ in range(count)]
        for one in made:
            await one.join()
        await self.beats(3)
        return made

    async def beats(self, rounds: int = 1) -> None:
        """Each daemon that attends renews, in turn."""
        for _ in range(rounds):
            for one in self.daemons:
                if one.roster.is_valid:
                    await one.beat()

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the database holds."""

        def ask() -> list[tuple[Any, ...]]:
            with psycopg.connect(self.url) as connection:
                return connection.execute(sql.encode()).fetchall()

        return await asyncio.to_thread(ask)

    async def run_out(self, one: Daemon) -> None:
        """The lease of this daemon runs out, as if a quarter of a minute had passed in which it has said nothing."""
        assert one.app.sharing
        await self.rows(
            f"UPDATE leases SET until = 1 WHERE owner = '{one.app.sharing.name}' AND until < 2^62 RETURNING 1"
        )

    @contextmanager
    def away(self) -> Iterator[None]:
        """Inside, the database lets nobody in, and whoever was in is out."""
        name = urlsplit(self.url).path.removeprefix("/")
        server_url = server()
        assert server_url
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            try:
                yield
            finally:
                connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())

    def change(self, order: int, status: str = "fraud") -> None:
        self.shop.world.set_status(order, status)


async def until(true: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  # whatever it is, nobody says when
            await asyncio.sleep(0.01)
