"""Three daemons on one PostgreSQL, and what may befall them: a script that a seed writes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import psycopg
from chaos_daemons import Slot, Trouble
from chaos_shops import Shops, serving_shops
from private_postgres import How, PrivatePostgres
from recorder import Recorder, recording
from wire import Wire

DAEMONS, SOURCES = 3, 5
LONG_S = (16.0, 19.0)
"""Longer than a lease lasts."""
SHORT_S = (0.5, 4.0)
GAP_S = (0.2, 1.5)
"""Between the beginnings of two mishaps."""
_WORST = 0.6
QUIET_WITHIN_S = 90.0
_UNSETTLED = "SELECT 1 FROM deliveries WHERE state IN ('waiting', 'sending') LIMIT 1"
_HELD = "SELECT name, owner FROM leases WHERE until > extract(epoch FROM clock_timestamp()) * 1000000"


class Kill(NamedTuple):
    """A daemon's death: when, what it looked at, and when others did so next."""

    at: float
    life: str
    sources: frozenset[str]


class Chaos:
    """All that takes part."""

    def __init__(self, seed: int, chance: Random, postgres: PrivatePostgres, shops: Shops, recorder: Recorder) -> None:
        self._seed = seed
        self.postgres = postgres
        self.shops = shops
        self.recorder = recorder
        self.chance = chance
        self.slots: list[Slot] = []
        self.troubles: list[Trouble] = []
        self.kills: list[Kill] = []
        self.story: list[str] = []
        self._server_is_free = asyncio.Lock()
        self._began = self._now()

    # What befalls

    async def kill(self) -> None:
        async with self._one_of() as slot:
            await self._its_moment(slot)
            await self.kill_now(slot)
            await asyncio.sleep(self.chance.uniform(0, 2))
            await slot.begin(self.postgres, self.shops, self.recorder)

    async def kill_now(self, slot: Slot) -> None:
        """SIGKILL."""
        now = self._now()
        self.kills.append(Kill(now, slot.life, frozenset(self.shops.sources_of(slot.life, now - 5))))
        self._tell(f"kill {slot.life}")
        await slot.kill()
        self.troubles.append(Trouble(slot.life, now, now))

    async def take_over(self) -> list[float]:
        """Kill a daemon while all is well: for each source that it held, seconds until another one looks at it."""
        slot = self.chance.choice(self.slots)
        await self.kill_now(slot)
        kill = self.kills[-1]
        async with asyncio.timeout(QUIET_WITHIN_S):
            while len(took := self.takeovers()) < len(kill.sources):  # noqa: ASYNC110  # other processes make it so
                await asyncio.sleep(0.2)
        return took

    async def hang(self, seconds: float) -> None:
        async with self._one_of() as slot:
            await self._its_moment(slot)
            await self._stop_for(slot, seconds)

    async def _stop_for(self, slot: Slot, seconds: float) -> None:
        async with self._trouble(slot, "stop", seconds):
            slot.signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            slot.signal(signal.SIGCONT)

    async def swallow(self, seconds: float) -> None:
        """What is on its way arrives late, or never."""
        async with self._one_of() as slot, self._trouble(slot, "swallow", seconds):
            slot.wire.open.clear()
            await asyncio.sleep(seconds)
            if self.chance.random() < 0.5:
                slot.wire.cut()
            slot.wire.mend()

    async def cut(self, seconds: float) -> None:
        async with self._one_of() as slot, self._trouble(slot, "cut", seconds):
            slot.wire.cut()
            await asyncio.sleep(seconds)
            slot.wire.mend()

    async def _its_moment(self, slot: Slot) -> None:
        """Any, or the worst: a message of this daemon has arrived, which it does not know yet."""
        if self.chance.random() < _WORST:
            await self.recorder.sends(slot.life, 2.0)

    async def end_sessions(self) -> None:
        async with self._one_of() as slot:
            self._tell(f"end sessions of {slot.life}")
            await self.postgres.end_sessions(slot.name)

    async def restart(self, how: How) -> None:
        async with self._server_is_free:
            self._tell(f"restart PostgreSQL, {how}")
            await self.postgres.stop(how)
            await asyncio.sleep(self.chance.uniform(0, 1.5))
            await self.postgres.start()

    async def refuse(self, seconds: float) -> None:
        """The receiver says no."""
        self._tell(f"refuse messages for {seconds:.1f} s")
        self.recorder.fails = True
        await asyncio.sleep(seconds)
        self.recorder.fails = False

    def script(self, mishaps: int) -> list[Callable[[], Awaitable[None]]]:
        """So many mishaps; one that takes long comes first of each round, for the rest fits into its time."""

        def long() -> float:
            return self.chance.uniform(*LONG_S)

        def short() -> float:
            return self.chance.uniform(*SHORT_S)

        lasting = [lambda: self.hang(long()), lambda: self.swallow(long())]
        passing = [
            self.kill,
            lambda: self.hang(short()),
            lambda: self.swallow(short()),
            lambda: self.cut(short()),
            self.end_sessions,
            lambda: self.restart("fast"),
            lambda: self.restart("immediate"),
            lambda: self.refuse(short()),
            self.kill,
        ]
        script: list[Callable[[], Awaitable[None]]] = []
        for number in count(self._seed):
            self.chance.shuffle(passing)
            script += [lasting[number % len(lasting)], *passing]
            if len(script) >= mishaps:
                break
        return script[:mishaps]

    # How it goes

    async def befall(self, mishaps: int) -> None:
        """Let so many things go wrong, while orders change; then let all be well, until there is nothing left to do."""
        living = asyncio.create_task(self._live())
        try:
            under_way = []
            for mishap in self.script(mishaps):
                under_way.append(asyncio.ensure_future(mishap()))
                await asyncio.sleep(self.chance.uniform(*GAP_S))
            await asyncio.gather(*under_way)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        self._tell("all is well")
        await self._become_quiet()

    async def _live(self) -> None:
        while True:
            with suppress(psycopg.OperationalError):
                self.shops.change_some(await self._seen())
            await asyncio.sleep(0.2)

    async def _seen(self) -> dict[tuple[str, int], str]:
        found = await self.rows("SELECT source, id, status FROM orders WHERE vanished = 0")
        return {(source, int(order)): status for source, order, status in found}

    async def _become_quiet(self) -> None:
        try:
            async with asyncio.timeout(QUIET_WITHIN_S):
                while not await self._is_quiet():  # noqa: ASYNC110  # other processes make it so
                    await asyncio.sleep(0.3)
        except TimeoutError:
            raise AssertionError(f"it does not become quiet:\n{self.told()}") from None
        self._tell("nothing is left to do")

    async def _is_quiet(self) -> bool:
        """All is seen and told, and each living daemon has its leases."""
        if await self._seen() != self.shops.true_now() or await self.rows(_UNSETTLED):
            return False
        held = await self.held()
        owners = {owner for name, owner in held.items() if name.startswith("daemon ")}
        return len(owners) == DAEMONS and owners.issuperset(held.values())

    async def held(self) -> dict[str, str]:
        """Who holds what: those that are dead since a moment may not have been buried yet."""
        return dict(await self.rows(_HELD))

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return await self.postgres.rows(sql)

    def takeovers(self) -> list[float]:
        """For each source of each daemon that was killed: seconds until another one looked at it."""
        found = [
            (kill, self.shops.next_look(source, kill.at, kill.life)) for kill in self.kills for source in kill.sources
        ]
        return [at - kill.at for kill, at in found if at is not None]

    def told(self) -> str:
        """What has befallen, and the last that each daemon said."""
        last = [
            f"{life}:\n" + "".join(process.text.splitlines(keepends=True)[-12:])
            for slot in self.slots
            for life, process in slot.lives
        ]
        return "\n".join([*self.story, *last])

    @asynccontextmanager
    async def _one_of(self) -> AsyncIterator[Slot]:
        """A daemon that nothing else is happening to."""
        slot = self.chance.choice([slot for slot in self.slots if not slot.is_free.locked()] or self.slots)
        async with slot.is_free:
            yield slot

    @asynccontextmanager
    async def _trouble(self, slot: Slot, what: str, seconds: float) -> AsyncIterator[None]:
        self._tell(f"{what} {slot.life} for {seconds:.1f} s")
        began = self._now()
        yield
        self._tell(f"{what} {slot.life} is over")
        if seconds >= LONG_S[0]:
            self.troubles.append(Trouble(slot.life, began, self._now()))

    def _tell(self, what: str) -> None:
        self.story.append(f"{self._now() - self._began:6.1f} s  {what}")

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def chaos(folder: Path, postgres: PrivatePostgres, seed: int) -> AsyncIterator[Chaos]:
    """Three daemons at work, each of which has seen its sources."""
    chance = Random(seed)
    async with AsyncExitStack() as stack:
        await postgres.begin()
        shops = await stack.enter_async_context(serving_shops(SOURCES, chance))
        recorder = await stack.enter_async_context(recording(chance))
        made = Chaos(seed, chance, postgres, shops, recorder)
        for number in range(DAEMONS):
            slot = Slot(number, folder, await stack.enter_async_context(Wire(postgres.port)), chance)
            made.slots.append(slot)
            stack.push_async_callback(slot.end)
        await asyncio.gather(*(slot.begin(postgres, shops, recorder) for slot in made.slots))
        async with asyncio.timeout(60):
            while not await _is_known(made):  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.2)
        yield made


async def _is_known(made: Chaos) -> bool:
    with suppress(psycopg.errors.UndefinedTable):
        return await made._is_quiet()
    return False
