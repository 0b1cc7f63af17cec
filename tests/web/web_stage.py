"""A daemon that serves its page, a simulated billing system and a receiver, in the test's own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.clock import Clock, SystemClock
from monitor.config import Settings, load
from monitor.simulator.server import Simulator
from monitor.simulator.world import World
from monitor.web.server import WebServer

TOKEN = "token-of-the-simulated-shop"


class Receiver:
    """Takes JSON messages, or answers with ``status`` instead."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[dict[str, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        if self.status == 200:
            self.received.append(await request.json())
        return web.Response(status=self.status)


class WebStage:
    """What a test asks and changes. ``url`` is where the page is; ``http`` a client that keeps cookies."""

    def __init__(
        self, app: App, world: World, system: Simulator, receiver: Receiver, http: aiohttp.ClientSession
    ) -> None:
        self.app = app
        self.world = world
        self.system = system
        self.receiver = receiver
        self.http = http

    @property
    def server(self) -> WebServer:
        assert self.app.serving.server is not None
        return self.app.serving.server

    @property
    def url(self) -> str:
        return self.server.url

    async def poll(self) -> None:
        """Look at the source now; the daemon that runs sends what is due, which is over when this returns."""
        await self.app.poll_all()
        self.app.deliveries.wake()
        async with asyncio.timeout(20):
            while await self._is_sending():  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)

    async def _is_sending(self) -> bool:
        """Whether something is under way or due; an endpoint that fails may rest for longer than a test waits."""
        now = SystemClock().now()
        outbox = await self.app.store.read(lambda tx: tx.outbox(now))
        return bool(outbox.sending) or (outbox.overdue_since is not None and not outbox.retried)

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for a condition."""
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)


def client() -> aiohttp.ClientSession:
    """A client that keeps cookies, of addresses too."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


def configured(
    folder: Path, source: str, receiver: str, more: dict[str, Any], web_: dict[str, Any], shop: dict[str, Any]
) -> Settings:
    """The settings of a shop and a receiver, with ``more`` at the top level and ``web_`` as the section of the page."""
    document: dict[str, Any] = {
        "sources": {"shop": {"type": "opterius", "url": source, "token": TOKEN, "every": "1h", **shop}},
        "channels": {"ops": {"url": receiver}},
        "routes": [
            {"name": "status", "channels": ["ops"]},
            {"name": "new", "when": {"event": "appeared"}, "channels": ["ops"]},
        ],
        "web": {"listen": "127.0.0.1:0", **web_},
    } | more
    file = folder / "monitor.yaml"
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load(file, {}, CHECKS)


@asynccontextmanager
async def served(
    folder: Path,
    *,
    orders: int = 30,
    more: dict[str, Any] | None = None,
    shop: dict[str, Any] | None = None,
    clock: Clock | None = None,
    **web_: Any,
) -> AsyncIterator[WebStage]:
    """A running daemon whose baseline is known; its source is polled once an hour unless ``poll`` is called.

    ``more`` stands at the top level of the configuration, ``shop`` below its source, ``web_`` in its section ``web``.
    """
    world, receiver, stop = World.seeded(7, orders), Receiver(), asyncio.Event()
    receivers = web.Application()
    receivers.router.add_post("/alerts", receiver.take)
    runner = web.AppRunner(receivers, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        async with Simulator(world, token=TOKEN) as system, client() as http:
            settings = configured(folder, system.url, f"json://{host}:{port}/alerts", more or {}, web_, shop or {})
            async with open_app(settings, clock or SystemClock()) as app:
                await app.poll_all()
                running = asyncio.create_task(app.run(stop))
                try:
                    stage = WebStage(app, world, system, receiver, http)
                    await stage.until(lambda: app.serving.server is not None or running.done())
                    if running.done():
                        running.result()
                    yield stage
                finally:
                    stop.set()
                    with suppress(asyncio.CancelledError):
                        await running
    finally:
        await runner.cleanup()
