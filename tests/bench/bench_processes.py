"""Scenes of whole processes: a one-shot beside a cron script, the memory of a daemon, and ``--help``."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench_client import HERE, World
from bench_goals import Measured
from bench_ours import write_config
from bench_place import Place, say

_CHANGES = 10
_MB = 1_000_000
_HEAVY = (
    "aiohttp",
    "alembic",
    "apprise",
    "apscheduler",
    "babel",
    "jinja2",
    "pydantic",
    "requests",
    "rich",
    "sqlalchemy",
)


async def cold(place: Place, count: int = 100_000) -> list[Measured]:
    """A cron script, and `order-monitor poll` where a sweep is due, or a settle: each from its start to its end."""
    world = place.world
    world.begin(count)
    cron = [str(HERE / "bench_cron.py"), world.url, str(place.folder / "cron.db"), world.channel_url]
    sweep = _one_shot(world, place.known_state(count), ", settle_every: 1s, sweep_every: 1s")
    settle = _one_shot(world, place.known_state(count), ", settle_every: 1s, sweep_every: 30d")
    _run(cron)
    rounds = []
    for _ in range(4):
        world.control("change", count=_CHANGES)
        rounds.append([_timed(world, command) for command in (cron, sweep, settle)])
    del rounds[0]  # each process has its files in the machine's memory now
    return [
        _faster("cold_sweep", [(row[0], row[1]) for row in rounds]),
        _faster("cold_settle", [(row[0], row[2]) for row in rounds]),
    ]


def _one_shot(world: World, state: Path, due: str) -> list[str]:
    return ["-m", "monitor", "poll", "-c", str(write_config(world, state, due))]


def _timed(world: World, command: Sequence[str]) -> float:
    """Seconds that the process takes; it must have told of each of the round's changes."""
    world.control("reset")
    started = time.perf_counter()
    _run(command)
    seconds = time.perf_counter() - started
    arrived = len(world.arrivals())
    say(f"{Path(command[0]).name} {command[1]}: {seconds:.2f} s, {arrived} alerts")
    if arrived != _CHANGES:
        raise RuntimeError(f"{command}: {arrived} alerts arrived, not {_CHANGES}")
    return seconds


def _faster(key: str, rounds: Sequence[tuple[float, float]]) -> Measured:
    ratio = median(cron / ours for cron, ours in rounds)
    cron, ours = (median(side) for side in zip(*rounds, strict=True))
    return Measured(key, ratio, f"{ours:.2f} s; cron script {cron:.2f} s", ratio)


async def memory(place: Place, counts: tuple[int, int] = (100_000, 1_000_000)) -> list[Measured]:
    """What a daemon holds that was started with a known state, has swept, sent an alert, and watches."""
    few, many = (_held(place, count) for count in counts)
    each = (many["rss"] - few["rss"]) / (counts[1] - counts[0])
    return [
        Measured("memory_order", each, f"{each:.0f} bytes", each / 100),
        _megabytes("memory", few, 140),
        _megabytes("memory_million", many, 310),
    ]


def _held(place: Place, count: int) -> dict[str, int]:
    place.world.begin(count)
    held: dict[str, int] = json.loads(
        _run([str(HERE / "bench_hold.py"), str(place.world.port), str(place.known_state(count))])
    )
    say(f"{count:,} orders: {held}")
    return held


def _megabytes(key: str, held: dict[str, int], goal: int) -> Measured:
    megabytes = held["rss"] / _MB
    return Measured(key, megabytes, f"{megabytes:.0f} MB; peak {held['peak'] / _MB:.0f} MB", megabytes / goal, {**held})


async def usage(place: Place) -> list[Measured]:
    """``--help`` beside an interpreter that does nothing."""
    rounds = [(_cpu(["-m", "monitor", "--help"]), _cpu(["-c", "pass"])) for _ in range(9)]
    ours, floor = (median(side) for side in zip(*rounds, strict=True))
    heavy = json.loads(_run(["-c", _IMPORTED.format(heavy=_HEAVY)]))
    figure = f"{ours * 1000:.0f} ms CPU; bare Python {floor * 1000:.0f} ms"
    return [
        Measured("help", ours, figure, ours / floor),
        Measured("help_imports", len(heavy), " ".join(heavy) or f"0 of {len(_HEAVY)}", float(len(heavy))),
    ]


_IMPORTED = """
import contextlib, io, json, sys
from monitor.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main(["--help"])
print(json.dumps([name for name in {heavy!r} if name in sys.modules]))
"""


def _cpu(arguments: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(arguments: Sequence[str]) -> str:
    """What this Python prints, run with these arguments; it must end well."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-3000:]}")
    return done.stdout
