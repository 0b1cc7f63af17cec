"""Scenes of telling: how soon an alert follows the answer that shows a change, and whether any is ever lost."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
from bench_client import World, until
from bench_floor import bare_post
from bench_goals import Measured
from bench_ours import WATCH, Ours, monitor, write_config
from bench_place import Place, say
from bench_stats import percentile

_SINGLE = 120
_AT_ONCE = 100
_WARM_UP = 4
_MOVES = (("pending", "active"), ("active", "fraud"), ("fraud", "cancelled"), ("active", "pending"))
_OUTAGE_ORDERS = 500
_PATIENCE_S = 90.0


async def alerts(place: Place, count: int = 10_000) -> list[Measured]:
    """Single changes of all sorts, then many at once; between them bare posts to the same endpoint."""
    world = place.world
    world.begin(count)
    async with monitor(world, place.known_state(count), sends=True) as ours, aiohttp.ClientSession() as session:
        delivering = asyncio.create_task(ours.app.deliveries.run())
        await ours.poll()
        single: list[float] = []
        bare: list[float] = []
        for number in range(_WARM_UP + _SINGLE):
            single.append(await _alert(ours, world, *_MOVES[number % len(_MOVES)], 1))
            bare.append(await bare_post(session, world.alerts_url))
        many = [await _alert(ours, world, "active", "fraud", _AT_ONCE) for _ in range(3)]
        bare_many = [sum([await bare_post(session, world.alerts_url) for _ in range(_AT_ONCE)]) for _ in range(3)]
        await ours.app.deliveries.stop(5)
        await delivering
    single, bare = single[_WARM_UP:], bare[_WARM_UP:]
    return [
        _beside("alert", percentile(single, 0.95), percentile(bare, 0.95), {"median": median(single)}),
        _beside("alerts", median(many), median(bare_many), {"rounds": many}),
    ]


async def _alert(ours: Ours, world: World, before: str, after: str, count: int) -> float:
    """Seconds from the end of the answer that shows a change to its alert's arrival; of several the longest."""
    world.control("reset")
    moved = world.move(before, after, count)
    await ours.poll(WATCH)
    for _ in range(200):
        # Asking costs time of the loop that sends: seldom, and the first time when a good alert has arrived.
        await asyncio.sleep(0.1)
        arrived = world.arrivals()
        if moved <= arrived.keys():
            break
    else:
        raise RuntimeError(f"{len(moved - arrived.keys())} of {count} alerts ({before} → {after}) did not arrive")
    shown = world.shown()
    longest = max(arrived[order] - shown[order] for order in moved)
    say(f"{count} × {before} → {after}: {longest * 1000:.0f} ms")
    return longest


def _beside(key: str, seconds: float, floor: float, details: dict[str, Any]) -> Measured:
    figure = f"{seconds * 1000:.0f} ms; bare POST {floor * 1000:.1f} ms"
    return Measured(key, seconds, figure, seconds / floor, details)


async def losses(place: Place) -> list[Measured]:
    """The daemon, as a process: its endpoint says 503 for a while; it is killed again and again."""
    world = place.world
    world.begin(_OUTAGE_ORDERS)
    daemon = _Daemon(write_config(world, place.folder / "daemon.db", ", every: 1s"), place.folder / "daemon.log")
    with daemon.running():
        if not until(lambda: '"poll_baseline"' in daemon.log(), 30):
            raise RuntimeError(f"the daemon made no baseline: {daemon.log()[-2000:]}")
        lost = _outage(world)
    killed = [_kill(world, daemon, instant) for instant in _INSTANTS * 2]
    return [_lost("outage", lost, 20), _lost("kill", sum(killed), 10 * len(killed))]


def _outage(world: World) -> int:
    """Changes while the endpoint answers 503; how many alerts have not arrived after it."""
    world.control("reset")
    world.control("set", answer=503)
    moved = world.move("active", "fraud", 20)
    if not until(lambda: len(world.control("alerts")) >= 3, 30):
        raise RuntimeError("the daemon tried nothing while the endpoint was out of order")
    world.control("set", answer=200)
    return _not_arrived(world, moved)


def _kill(world: World, daemon: _Daemon, instant: Callable[[World], bool]) -> int:
    """A SIGKILL at this instant after a change; how many alerts do not arrive from its successor either."""
    world.control("reset")
    with daemon.running():
        if not until(lambda: world.control("seen")["requests"] > _OUTAGE_ORDERS // 100, 30):
            raise RuntimeError("the daemon does not poll")
        moved = world.move("active", "fraud", 10)
        if not until(lambda: instant(world), 30):
            raise RuntimeError("the daemon did not come so far that it could be killed")
    with daemon.running():
        return _not_arrived(world, moved)


def _not_arrived(world: World, moved: set[int]) -> int:
    until(lambda: moved <= world.arrivals().keys(), _PATIENCE_S)
    lost = len(moved - world.arrivals().keys())
    say(f"{len(moved)} alerts, {lost} lost")
    return lost


_INSTANTS: tuple[Callable[[World], bool], ...] = (
    lambda world: bool(world.shown()),
    lambda world: bool(world.arrivals()),
    lambda world: len(world.arrivals()) >= 5,
)


class _Daemon:
    """``order-monitor run`` as a process, which ends by SIGKILL."""

    def __init__(self, config: Path, log: Path) -> None:
        self._command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
        self._log = log

    @contextmanager
    def running(self) -> Iterator[None]:
        with self._log.open("ab") as log, subprocess.Popen(self._command, stdout=log, stderr=log) as process:
            try:
                yield
            finally:
                process.kill()

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")


def _lost(key: str, lost: int, owed: int) -> Measured:
    return Measured(key, lost, f"{lost} of {owed}", (owed - lost) / owed)
