"""Where heartbeats are tried: a real state, a real HTTP server that listens for them, a clock in the hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from connections import listening

from monitor.config.settings import Settings
from monitor.model import Destination, EventKind, SourceEvent, SourceState
from monitor.parts import router_of
from monitor.rounds import Rounds
from monitor.sources.http import HttpClient
from monitor.store.base import Transaction
from monitor.store.sqlite import SqliteStore

START = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
OPS = Destination("ops", 1, "a0")


class HandClock:
    """Time that passes only by sleeping, and by ``pass_``."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds
        await asyncio.sleep(0)

    def random(self) -> float:
        return 0.5


class Ward:
    """``asked`` are the paths that were asked for; ``statuses`` what the next ones are answered with, then 200."""

    def __init__(self, store: SqliteStore, client: HttpClient, port: int) -> None:
        self.clock = HandClock()
        self.store = store
        self.client = client
        self.port = port
        self.asked: list[str] = []
        self.agents: set[str] = set()
        self.statuses: list[int] = []
        self.woken = 0
        self.rounds = self.new_rounds()

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator[Ward]:
        """A ward, closed at the end."""
        wards: list[Ward] = []

        async def answer(request: web.Request) -> web.Response:
            return wards[0]._answer(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        store, client = SqliteStore.open(folder / "state.db"), HttpClient()
        async with listening(app) as port:
            wards.append(cls(store, client, port))
            yield wards[0]
            await client.aclose()
        await store.aclose()

    def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        self.agents.add(request.headers["User-Agent"])
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, text="<p>OK</p>", content_type="text/html")

    def new_rounds(self, *, pings: bool = True) -> Rounds:
        """As a new process makes them."""
        return Rounds(self.store, self.client, self.clock, self._wake, pings=pings)

    def _wake(self) -> None:
        self.woken += 1

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def settings(self, *sources: str, own: bool = False, **top: Any) -> Settings:
        """Settings with these sources, each with a heartbeat of its ``own`` or not, and ``top``."""
        source: dict[str, Any] = {"type": "opterius", "url": "https://billing.example.com", "token": "made-up"}
        heart = {"heartbeat": {"url": self.address("{}"), "every": "5m"}} if own else {}
        named = {name: source | _named(heart, name) for name in sources}
        data = {"sources": named, "channels": {"ops": {"url": "json://alerts.example.com"}}} | top
        settings: Settings = Settings.model_validate(data)
        return settings

    def serve(self, settings: Settings) -> None:
        """These are in force from now on."""
        self.rounds.serve(settings, router_of(settings))

    async def looked(self, source: str, *, good: bool = True, down: bool = False) -> None:
        """A poll of this source has ended now."""
        now = self.clock.now()

        def write(tx: Transaction) -> None:
            before = tx.source(source)
            tx.claim(source, "tests", now, 1)
            good_at = now if good else before.good_at if before else None
            tx.save_source(source, SourceState("one", polled_at=now, good_at=good_at, down=down))

        await self.store.transact(write)

    async def deliver(self) -> int:
        """A message is due now."""
        now = self.clock.now()
        event = SourceEvent("shop", EventKind.SOURCE_DOWN, now)
        return await self.store.transact(
            lambda tx: tx.add_delivery("health", OPS, event, tx.add_event(event, "{}"), now)
        )

    async def minutes(self, count: float, *sources: str) -> list[str]:
        """What is asked for in so many minutes, in which these sources are looked at every half minute."""
        before = len(self.asked)
        for second in range(0, round(count * 60), 10):
            if second % 30 == 0:
                for source in sources:
                    await self.looked(source)
            await self.rounds.make()
            self.clock.passed += 10
        return self.asked[before:]


def _named(heart: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value | {"url": value["url"].format(name)} for key, value in heart.items()}
