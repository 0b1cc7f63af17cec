"""Order Monitor in this process, as ``order-monitor run`` makes it, with a clock that can be moved on."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench_client import World

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.config import load
from monitor.delivery.outfit import Sender
from monitor.logs import configure_logs
from monitor.model import Destination, EventKind, Message, Outcome
from monitor.polling.poller import PollResult
from monitor.redact import Redactor

WATCH = timedelta(minutes=1, seconds=1)
SETTLE = timedelta(minutes=10, seconds=1)
SWEEP = timedelta(days=1, hours=1)
ALONE = "[{name: all, channels: [ops], storm: {over: 1000000}}]"
"""Each change is a message of its own, however many there are."""


class MovedClock:
    """The machine's clock, moved on by ``pass_``: then a look is due that would else have to be waited for."""

    def __init__(self) -> None:
        self._passed = timedelta()
        self._seconds = 0.0

    def pass_(self, span: timedelta) -> None:
        """So long has passed."""
        self._passed += span
        self._seconds = self._passed.total_seconds()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._passed

    def monotonic(self) -> float:
        return time.monotonic() + self._seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def random(self) -> float:
        return random.random()


class CountingSender:
    """Sends nothing: for rows that are about reading."""

    async def send(self, destination: Destination, message: Message) -> Outcome:
        return Outcome(delivered=True)

    async def idle(self, destination: Destination) -> None:
        return


class Ours:
    """The monitor, watching the world's billing system as ``shop``."""

    def __init__(self, app: App, clock: MovedClock) -> None:
        self.app = app
        self._clock = clock

    async def poll(self, after: timedelta = WATCH) -> PollResult:
        """The poll that is due so much later."""
        self._clock.pass_(after)
        result = (await self.app.poll_all())["shop"]
        if result is None or result.snapshot.error is not None:
            raise RuntimeError(f"the poll failed: {result and result.snapshot.error}")
        return result

    async def known(self) -> set[int]:
        """The ids of the orders that the state holds."""
        return {int(row[0]) for row in await self.app.store.read(lambda tx: list(tx.marks("shop")))}


def quiet_logs() -> None:
    """Only what goes wrong is written."""
    configure_logs("error", "text", redactor=Redactor(frozenset()))


def changes_told(result: PollResult) -> int:
    """How many changes of status a poll has found."""
    return result.committed.events[EventKind.STATUS_CHANGED]


def write_config(world: World, state: Path, source: str = "", routes: str = ALONE, more: str = "") -> Path:
    """A configuration beside the state; ``source``: more settings of the source, as YAML within braces.

    ``more`` stands at the top level.
    """
    text = f"""
        state: sqlite:///{state.absolute()}
        sources: {{shop: {{type: opterius, url: "{world.url}", token: example-token{source}}}}}
        channels: {{ops: {{url: "{world.channel_url}"}}}}
        routes: {routes}
        log: {{format: json}}
        {more}
    """
    path = state.with_suffix(".yaml")
    path.write_text(text, encoding="utf-8")
    return path


@asynccontextmanager
async def monitor(world: World, state: Path, *, sends: bool = False, routes: str = ALONE) -> AsyncIterator[Ours]:
    """The monitor on this state; ``sends``: through Apprise to the world's endpoint."""
    settings = load(write_config(world, state, routes=routes), os.environ, CHECKS)
    clock = MovedClock()
    sender: Sender | None = None if sends else CountingSender()
    async with open_app(settings, clock, sender) as app:
        yield Ours(app, clock)
