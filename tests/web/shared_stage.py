"""Daemons that share a PostgreSQL, each with its page, in the test's own process."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from web_stage import TOKEN, Receiver, WebStage, client, configured

from monitor.app import App, open_app
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.serving import job_of
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

SOURCES = ("blog", "shop")
HOOK_SECRET = "made-up-secret-of-a-hook"


class SharedStage:
    """The daemons, in the order of their start, and what they watch."""

    def __init__(self, daemons: Sequence[WebStage]) -> None:
        self.daemons = daemons

    def holder(self, source: str) -> WebStage:
        """The daemon that polls this source."""
        [found] = [one for one in self.daemons if self._holds(one, source)]
        return found

    def other(self, source: str) -> WebStage:
        """One that does not."""
        return next(one for one in self.daemons if not self._holds(one, source))

    @staticmethod
    def _holds(one: WebStage, source: str) -> bool:
        return one.app.sharing is not None and one.app.sharing.roster.holds(source)

    async def balance(self) -> None:
        """Let each take its share, and give up what is too much, without the seconds between two renewals."""
        async with asyncio.timeout(20):
            while not self._is_balanced():
                for one in self.daemons:
                    assert one.app.sharing
                    await one.app.sharing.beat()
                await asyncio.sleep(0.02)

    def _is_balanced(self) -> bool:
        held = [len(one.app.sharing.roster.held_sources()) for one in self.daemons if one.app.sharing]
        return sum(held) == len(SOURCES) and max(held) - min(held) <= 1


def settings_of(folder: Path, state: str, system: str, receiver: str, **web_: Any) -> Settings:
    """Two sources of one billing system, on this state."""
    shop = {"type": "opterius", "url": system, "token": TOKEN, "every": "1h"}
    hooked = {**shop, "hook": {"secret": HOOK_SECRET}}
    return configured(folder, system, receiver, {"state": state, "sources": dict.fromkeys(SOURCES, hooked)}, web_, {})


@asynccontextmanager
async def sharing(
    folder: Path, state: str, patch: pytest.MonkeyPatch, *, daemons: int = 2, orders: int = 8, **web_: Any
) -> AsyncIterator[SharedStage]:
    """Daemons that run, and have divided the sources; both are polled once an hour unless somebody wants it."""
    world, receiver = World.seeded(7, orders), Receiver()
    async with AsyncExitStack() as stack:
        system = await stack.enter_async_context(Simulator(world, token=TOKEN))
        http = await stack.enter_async_context(client())
        address = await stack.enter_async_context(_received(receiver))
        settings = settings_of(folder, state, system.url, address, **web_)
        stages: list[WebStage] = []
        for number in range(1, daemons + 1):
            patch.setattr(socket, "gethostname", lambda number=number: f"host{number}")
            app = await stack.enter_async_context(open_app(settings, SystemClock()))
            if not stages:
                await app.poll_all()
            await stack.enter_async_context(_running(app))
            stages.append(WebStage(app, world, system, receiver, http))
        stage = SharedStage(stages)
        await stage.balance()
        await quiet(stage)
        yield stage


@asynccontextmanager
async def _received(receiver: Receiver) -> AsyncIterator[str]:
    receivers = web.Application()
    receivers.router.add_post("/alerts", receiver.take)
    runner = web.AppRunner(receivers, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"json://{host}:{port}/alerts"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _running(app: App) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(app.run(stop))
    try:
        async with asyncio.timeout(20):
            while not (app.serving.server or running.done()):  # noqa: ASYNC110  # nobody tells of it
                await asyncio.sleep(0.01)
        if running.done():
            running.result()
        yield
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await running


async def quiet(stage: SharedStage) -> None:
    """Wait until the daemons' own first polls have ended."""
    for _ in range(2):  # one may just be on its way from the scheduler to its task
        await until(lambda: all(_is_quiet(one) for one in stage.daemons))
        await asyncio.sleep(0.05)


def _is_quiet(one: WebStage) -> bool:
    soon = datetime.now(UTC) + timedelta(minutes=30)
    times = [one.app._scheduler.next_at(job_of(source)) for source in SOURCES]
    return not one.app.polling() and all(at is not None and at > soon for at in times)


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> float:
    """Wait for a condition; how many seconds that took."""
    begun = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.005)
    return time.monotonic() - begun
