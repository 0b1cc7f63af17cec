"""Thousands of sources in one process: what a minute of them costs, beside the bare requests; memory; wake-ups."""

from __future__ import annotations

import asyncio
import gc
import io
import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median

import aiohttp
from bench_client import World
from bench_floor import decoder
from bench_goals import Measured
from bench_ours import CountingSender, MovedClock
from bench_place import Place, say
from bench_shops import shops_process
from bench_stats import spent

from monitor.app import App, open_app
from monitor.checks import CHECKS
from monitor.config import load
from monitor.logs import configure_logs
from monitor.redact import Redactor
from monitor.scheduler import Scheduler

_AT_ONCE = 200
_SECONDS = 10.0
_PARTS = 4
_MINUTE = timedelta(minutes=1)
_IN_A_FILE = 20_000


def write_many(shops: World, folder: Path, count: int, state: str, every: str = "60s", name: str = "many") -> Path:
    """A configuration of so many sources, in files of no more than one may have."""
    for first in range(0, count, _IN_A_FILE):
        numbers = range(first, min(first + _IN_A_FILE, count))
        sources = "\n".join(f"  s{n}: {{url: '{shops.url}/s{n}', token: example-token-{n}}}" for n in numbers)
        (folder / f"{name}-{first:06}.yaml").write_text(f"sources:\n{sources}\n", encoding="utf-8")
    path = folder / f"{name}.yaml"
    path.write_text(
        f"state: {state}\ndefaults: {{source: {{type: opterius, every: {every}}}}}\n"
        f"channels: {{ops: {{url: '{shops.channel_url}'}}}}\nlog: {{format: json}}\ninclude: {name}-*.yaml\n",
        encoding="utf-8",
    )
    return path


async def many(place: Place, count: int = 10_000) -> list[Measured]:
    """A cycle of ten thousand sources, in process; the scheduler's part with jobs that do nothing."""
    with shops_process() as shops:
        config = write_many(shops, place.folder, count, f"sqlite:///{(place.folder / 'many.db').absolute()}")
        settings = load(config, os.environ, CHECKS)
        # As in a daemon: every poll is a line of the log, without the secrets of all sources.
        configure_logs("info", "json", redactor=Redactor(settings.secrets()), stream=_Nowhere())
        gc.set_threshold(20_000)
        before = _resident()
        async with open_app(settings, clock := MovedClock(), CountingSender()) as app:
            names = list(settings.sources)
            await _cycle(app, names)  # the baseline
            clock.pass_(_MINUTE)
            rounds = []
            for part in (names[start::_PARTS] for start in range(_PARTS)):
                floor = (await spent(lambda part=part: _bare(shops, part)))[1]  # type: ignore[misc]  # a default binds it
                rounds.append(((await spent(lambda part=part: _cycle(app, part)))[1], floor))  # type: ignore[misc]  # as above
            gc.collect()
            held = (_resident() - before) / count
    ours, floor_cpu = (sum(side.cpu for side in column) for column in zip(*rounds, strict=True))
    ticks, idle = await _ticking(count)
    say(f"{count:,} sources: {ours:.2f} s a cycle, bare {floor_cpu:.2f} s, {held:.0f} bytes a source")
    ratio = median(mine.cpu / bare.cpu for mine, bare in rounds)
    total = ours + idle
    figure = f"{total:.2f} s CPU ({total / count * 1e3:.2f} ms a poll; bare requests {floor_cpu / count * 1e3:.2f} ms)"
    share = 1 - floor_cpu / total
    return [
        Measured("many", total, figure, total / 5, {"polls": ours, "scheduler": idle, "bare": floor_cpu}),
        Measured("many_floor", ratio, f"{share:.0%} of it is ours", ratio),
        Measured("many_wakes", ticks, f"{ticks:.0f} a minute", ticks / 60),
        Measured("many_memory", held, f"{held / 1000:.1f} kB a source", held / 20_000),
    ]


async def _cycle(app: App, names: Sequence[str]) -> None:
    """Each source once, so many at a time as a second of them is."""
    results: list[bool] = []

    async def one(name: str) -> None:
        result = await app._poll(name, at_once=True)
        results.append(result is not None and result.snapshot.error is None)

    await _few_at_once([lambda name=name: one(name) for name in names], _AT_ONCE)  # type: ignore[misc]  # a default binds it
    if not all(results):
        raise RuntimeError(f"{results.count(False)} polls failed")


async def _bare(shops: World, names: Sequence[str]) -> None:
    """The same requests: aiohttp with as many connections as we open to one host, and msgspec."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8)) as session:

        async def one(name: str) -> None:
            async with session.get(f"{shops.url}/{name}/api/v1/orders?page=1&per_page=100") as response:
                decoder.decode(await response.read())

        await _few_at_once([lambda name=name: one(name) for name in names], 8)  # type: ignore[misc]  # as above


async def _few_at_once(works: list[Callable[[], Awaitable[None]]], most: int) -> None:
    queue = iter(works)

    async def worker(queue: Iterator[Callable[[], Awaitable[None]]]) -> None:
        for work in queue:
            await work()

    await asyncio.gather(*(worker(queue) for _ in range(most)))


class _Ticking(Scheduler):
    """Counts how often it wakes up for many."""

    ticks = 0

    async def _tick(self) -> None:
        self.ticks += 1
        await super()._tick()


async def _ticking(count: int) -> tuple[float, float]:
    """Wake-ups a minute, and seconds of CPU, of jobs that do nothing."""
    ran = 0

    async def job() -> None:
        nonlocal ran
        ran += 1

    scheduler = _Ticking()
    scheduler.start()
    for number in range(count):
        scheduler.every(_MINUTE, f"poll {number}", job, first_in=_MINUTE / count * number)
    ticks, began = scheduler.ticks, ran
    _, cost = await spent(lambda: asyncio.sleep(_SECONDS))
    woke = scheduler.ticks - ticks - 1  # both ends of the time may fall on one
    share = (ran - began) / count  # of a minute
    await scheduler.stop(1)
    return woke * 60 / cost.wall, cost.cpu / share


class _Nowhere(io.StringIO):
    """Lines are made, and kept nowhere."""

    def write(self, text: str) -> int:
        return len(text)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
