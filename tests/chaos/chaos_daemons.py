"""The daemons of a chaos: processes, each with its own wall clock and its own line to the database."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import NamedTuple

from chaos_shops import SENDER_HEADER, Shops
from daemons import TOKEN, Daemon, daemon
from dying_daemon import BOUNDARIES
from private_postgres import PrivatePostgres
from recorder import Recorder
from wire import Wire

DRIVER = str(Path(__file__).parents[1] / "daemon" / "dying_daemon.py")
CHANNELS = ("ops", "audit", "table")
_MINUTES_APART = 10
_EVENTS = "when: {event: [status_changed, appeared, vanished]}"
_ROUTES = f"""\
routes:
- {{name: all, {_EVENTS}, channels: [ops, audit], storm: {{over: 1000000}}}}
- name: grouped
  {_EVENTS}
  channels: [table]
  group: {{by: [], wait: 1s, every: 1s}}
  storm: {{over: 1000000}}
log: {{format: json}}
"""


class Trouble(NamedTuple):
    """What befell a daemon's life, and when: such as may leave open whether a message has been sent."""

    life: str
    began: float
    ended: float


class Slot:
    """A place for a daemon, which lives several lives there; each is a process with a name of its own."""

    def __init__(self, number: int, folder: Path, wire: Wire, chance: Random) -> None:
        self.name = f"d{number}"
        self.wire = wire
        self.life = ""
        self.lives: list[tuple[str, Daemon]] = []
        self.is_free = asyncio.Lock()
        self._folder = folder / self.name
        self._folder.mkdir(parents=True)
        self._chance = chance
        self._stack = AsyncExitStack()

    @property
    def process(self) -> Daemon:
        """The life that it lives now."""
        return self.lives[-1][1]

    async def begin(self, postgres: PrivatePostgres, shops: Shops, recorder: Recorder) -> None:
        """Another life, by another clock."""
        self.life = f"{self.name}-{len(self.lives)}"
        config = self._configure(postgres, shops, recorder)
        ahead = self._chance.uniform(-_MINUTES_APART, _MINUTES_APART) * 60
        call = (DRIVER, BOUNDARIES[0], "0", "--ahead", str(ahead))
        while True:
            process = await self._stack.enter_async_context(daemon(config, call=call))
            if await _starts(process):
                break
            # As systemd does: it cannot start while the database is away, and says so.
            assert "order-monitor: PostgreSQL" in process.text, f"{self.life} has not started:\n{process.text}"
            await asyncio.sleep(0.5)
        self.lives.append((self.life, process))

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal; it must live."""
        assert self.process.process.returncode is None, f"{self.life} has ended by itself:\n{self.process.text}"
        self.process.signal(number)

    async def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        await self.process.end()

    async def end(self) -> None:
        """Nothing of it is left running."""
        await self._stack.aclose()

    def _configure(self, postgres: PrivatePostgres, shops: Shops, recorder: Recorder) -> Path:
        sources = "".join(
            f"  {name}: {{type: opterius, url: '{system.url}', token: {TOKEN}, every: 1s,"
            f" headers: {{{SENDER_HEADER}: {self.life}}}}}\n"
            for name, system in shops.systems.items()
        )
        channels = "".join(f"  {name}: {{url: '{recorder.url(name, self.life)}'}}\n" for name in CHANNELS)
        state = postgres.url_by(self.wire.port, self.name)
        path = self._folder / "monitor.yaml"
        path.write_text(f"state: {state}\nsources:\n{sources}channels:\n{channels}{_ROUTES}", encoding="utf-8")
        return path


async def _starts(process: Daemon) -> bool:
    """Wait until it is one of the daemons; False if it has ended instead."""
    started = asyncio.ensure_future(process.until("work_shared", seconds=60))
    ended = asyncio.ensure_future(process.process.wait())
    await asyncio.wait([started, ended], return_when=asyncio.FIRST_COMPLETED)
    has_started = started.done()
    for waiting in (started, ended):
        waiting.cancel()
    await asyncio.gather(started, ended, return_exceptions=True)
    if not has_started:
        await process.end()
    return has_started
