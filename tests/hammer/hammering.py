"""The hammer: a real poller and a real state against a hostile shop. ``python hammering.py SEED POLLS`` replays one."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from hammer_bounds import Bounds, Punctual, unlike
from hammer_changes import Changes
from hammer_manners import Manners, draw
from hammer_oracle import FalseNews, Oracle, Poll
from hammer_shop import URL, Clock, HammerShop
from hammer_world import World
from pydantic import SecretStr

from monitor.alerting.routes import Router
from monitor.errors import OurFault
from monitor.model import EventKind, Known, OrderEvent, SourceState
from monitor.polling.poller import Poller, PollResult
from monitor.polling.settings import PollSettings
from monitor.sources.opterius import Opterius
from monitor.store.base import Transaction
from monitor.store.schema import ensure_schema
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")
SHOP = "shop"
START = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
BOUNDS = Bounds(every=60.0, settle_every=300.0, sweep_every=1200.0)
QUIET_POLLS = 60
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


class HammerClock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.pass_(seconds)
        await asyncio.sleep(0)

    def random(self) -> float:
        return 0.5

    def pass_(self, seconds: float) -> None:
        self.passed += seconds


class StillStore:
    """The SQLite state without its thread: what is under way in the loop waits, so that a seed replays exactly."""

    def __init__(self, inner: SqliteStore) -> None:
        self.failures = 0
        self._inner = inner

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        return self._run(work, write=True)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return self._run(work, write=False)

    def _run(self, work: Callable[[Transaction], T], *, write: bool) -> T:
        session = self._inner._session
        try:
            result = work(session.begin(write=write))
            session.commit()
        except BaseException as error:
            session.rollback()
            raise session.mapped(error) from error
        return result

    async def aclose(self) -> None:
        await self._inner.aclose()


@cache
def _empty_state() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        ensure_schema(path)
        return path.read_bytes()


@asynccontextmanager
async def state() -> AsyncIterator[StillStore]:
    """An empty state of its own, in memory where there is such a folder."""
    with TemporaryDirectory(dir=_MEMORY) as folder:
        path = Path(folder) / "state.db"
        path.write_bytes(_empty_state())
        store = StillStore(SqliteStore.open(path))
        try:
            yield store
        finally:
            await store.aclose()


class Hammer:
    """One shop, watched through ``polls`` polls under fire, and then until it is quiet. ``rounds`` counts them all."""

    def __init__(self, seed: int, store: StillStore, manners: Manners | None = None) -> None:
        self.chance = random.Random(seed)
        self.manners = manners or draw(self.chance)
        self.rounds = 0
        self.clock = HammerClock()
        self.world = World(self.clock.monotonic)
        self.changes = Changes(self.manners, self.world, self.chance)
        self.changes.fill()
        self.clock.pass_(3600)
        ours = Clock(self.clock.monotonic, self.clock.pass_)
        self.shop = HammerShop(self.manners, self.world, ours, self.changes, self.chance)
        self.oracle = Oracle(self.world, self.manners)
        self.told: list[OrderEvent] = []
        self._punctual = Punctual(self.world, self.manners, BOUNDS)
        self._store = store
        self._outcomes: list[tuple[float, str]] = []
        self._seen = 0
        self._begun = 0.0
        self._poller = self._new_poller()

    def _new_poller(self) -> Poller:
        """As a new process would begin."""
        bounds = {"every": BOUNDS.every, "settle_every": BOUNDS.settle_every, "sweep_every": BOUNDS.sweep_every}
        known = {key: timedelta(seconds=value) for key, value in bounds.items() if key in PollSettings.model_fields}
        return Poller(
            name=SHOP,
            source=Opterius(URL, SecretStr("made-up")),
            settings=PollSettings.model_validate(known),
            reading=lambda: self.shop,
            store=self._store,
            router=Router([], {}, {}, []),
            clock=self.clock,
            owner="hammer",
        )

    async def fire(self, polls: int) -> None:
        """Poll while everything changes."""
        for _ in range(polls):
            for _ in range(_often(self.chance, self.manners.between)):
                self.clock.pass_(self.chance.uniform(0, 10))
                self.changes.happen()
            if self.chance.random() < 0.03:
                self._poller = self._new_poller()
            await self.poll(BOUNDS.every)

    async def calm_down(self) -> None:
        """Nothing changes and nothing fails any more: the state becomes the truth, and nothing more is told."""
        self.changes.calm = True
        self.shop.calm = True
        self.clock.pass_(self.manners.kept_s)
        for number in range(QUIET_POLLS):
            differing = unlike(self.world, self.manners, await self._saved())
            if number >= 2 and not differing:
                break
            await self.poll((BOUNDS.every, BOUNDS.every, BOUNDS.settle_every, BOUNDS.sweep_every)[number % 4])
        else:
            raise FalseNews("after quiet: " + "; ".join(differing[:5]))
        await self._stay_calm()

    async def _stay_calm(self) -> None:
        told = len(self.told)
        for pause in (BOUNDS.every, BOUNDS.settle_every, BOUNDS.sweep_every):
            await self.poll(pause)
        differing = unlike(self.world, self.manners, await self._saved())
        # Where a list cannot be known to be whole, what is gone is found by luck, at any time.
        news = [e for e in self.told[told:] if self.manners.tells_all or e.kind is not EventKind.VANISHED]
        if differing or news:
            raise FalseNews(f"nothing happened, but {news} {differing}")

    async def poll(self, every: float) -> None:
        """One poll, ``every`` after the one before, and the judgement on it."""
        self.rounds += 1
        self.clock.passed = max(self.clock.passed, self._begun + every)
        self._begun, deleted = self.clock.passed, self.changes.deleted
        before = await self._state()
        result = await self._poller.poll()
        assert result is not None
        after = await self._state()
        assert after is not None
        outcome = f"{result.snapshot.coverage} {result.snapshot.reason} {after.error or after.doubt or ''}"
        self._outcomes.append((self.clock.passed, f"── after the poll: {outcome}"))
        _no_bug(after, result)
        self.shop.is_known = after.baseline_at is not None
        poll = Poll(
            begin=self._begun,
            end=self.clock.passed,
            saved=await self._saved(),
            has_baseline=after.baseline_at is not None,
            doubted=after.doubt is not None,
            disturbed=self.changes.deleted > deleted or after.error is not None or self._is_pushed_about(after),
        )
        events = await self._news()
        self.told += events
        self.oracle.judge(poll, events)
        self._punctual.judge(poll, had_baseline=before is not None and before.baseline_at is not None)

    def _is_pushed_about(self, after: SourceState) -> bool:
        """Orders that are placed anywhere in a list move others too; a reader that has missed one must say so."""
        anywhere = self.manners.order == "shuffled" or self.manners.ids == "words"
        return anywhere and after.doubt is not None and not self.changes.calm

    async def _state(self) -> SourceState | None:
        return await self._store.read(lambda tx: tx.source(SHOP))

    async def _saved(self) -> dict[str, Known]:
        return {known.order.id: known for _, known in await self._store.read(lambda tx: list(tx.orders(SHOP)))}

    async def _news(self) -> list[OrderEvent]:
        stored = await self._store.read(lambda tx: tx.events(SHOP))
        new = [one.event for one in stored if one.id > self._seen]
        self._seen = max((one.id for one in stored), default=0)
        return [event for event in new if isinstance(event, OrderEvent)]

    def story(self, last: int = 60) -> str:
        """What happened last: in the world, in the requests, in the polls."""
        lines = [*self.world.story, *((at, f"  GET {text}") for at, text in self.shop.asked)]
        lines += [*self._outcomes, *((poll.begin, "── poll") for poll in self.oracle.polls)]
        told = [f"{e.at:%H:%M:%S} {e.kind} {e.order.id} {e.order.status}" for e in self.told[-10:]]
        happened = [f"{at:9.2f} {text}" for at, text in sorted(lines)[-last:]]
        return "\n".join([*happened, "told last:", *told])


def _often(chance: random.Random, mean: float) -> int:
    return int(chance.expovariate(1 / mean)) if mean else 0


def _no_bug(state: SourceState, result: PollResult) -> None:
    if state.error and state.error.startswith("a fault of Order Monitor's own"):
        error = result.snapshot.error
        raise FalseNews(state.error) from (error.__cause__ if isinstance(error, OurFault) else error)


async def hammer(seed: int, polls: int = 12, manners: Manners | None = None) -> int:
    """Hammer one shop; how many rounds it took. FalseNews tells the whole story."""
    async with state() as store:
        one = Hammer(seed, store, manners)
        try:
            await one.fire(polls)
            await one.calm_down()
        except FalseNews as error:
            replay = f"replay: python tests/hammer/hammering.py {seed} {polls}"
            story = f"seed {seed}: {error}\nthe shop: {one.manners}\n{one.story()}\n{replay}"
            raise FalseNews(story) from error.__cause__
        return one.rounds


if __name__ == "__main__":
    asyncio.run(hammer(int(sys.argv[1]), int(sys.argv[2])))
