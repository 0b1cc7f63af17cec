"""Scenes of reading: how much it costs to know 100,000 and 1,000,000 orders, beside the floor that reads them, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from statistics import median
from typing import NamedTuple

from bench_client import World
from bench_floor import PAGE, Floor
from bench_goals import FLOOR, Measured
from bench_ours import SETTLE, SWEEP, WATCH, Ours, changes_told, monitor
from bench_place import Place, say
from bench_stats import Pairs, Spent, spent

from monitor.polling.listing import IN_FLIGHT
from monitor.polling.poller import PollResult

_CHANGES = 10


class _Scene(NamedTuple):
    world: World
    ours: Ours
    floor: Floor
    pages: int


async def reading(place: Place, count: int = 100_000) -> list[Measured]:
    """A quiet poll, then sweeps in turn with the floor, complements, and sweeps of a source that is far away."""
    async with _opened(place, count) as scene:
        watch = await _requests(scene, WATCH)
        sweeps = await _paired_sweeps(scene, rounds=9)
        settles = await _settles(scene, rounds=7)
        far = [await _far_sweep(scene, milliseconds, rounds) for milliseconds, rounds in ((20, 3), (100, 1))]
    floor = median(sweeps.floor)
    settle_cpu = median(cpu for _, cpu in settles)
    return [
        Measured(
            "sweep", sweeps.ratio, _beside(median(sweeps.ours), floor), sweeps.ratio, {"rounds": sweeps._asdict()}
        ),
        *far,
        _count("watch", watch, 10),
        _count("settle", max(requests for requests, _ in settles), 40),
        Measured("settle_cpu", settle_cpu / floor, _beside(settle_cpu, floor), settle_cpu / floor),
    ]


async def million(place: Place, count: int = 1_000_000) -> list[Measured]:
    """The same of ten times as many; the floor reads all of them, too."""
    async with _opened(place, count) as scene:
        watch = await _requests(scene, WATCH)
        sweeps = await _paired_sweeps(scene, rounds=3)
        settles = await _settles(scene, rounds=5)
    ours, floor = median(sweeps.ours), median(sweeps.floor)
    cpu = median(cpu for _, cpu in settles)
    return [
        _count("watch_million", watch, 55),
        Measured("sweep_million", ours, _beside(ours, floor), sweeps.ratio, {"rounds": sweeps._asdict()}),
        _count("settle_million", max(requests for requests, _ in settles), 310),
        Measured("settle_million_cpu", cpu, _beside(cpu, floor), cpu / floor),
    ]


async def drift(place: Place, count: int = 20_000) -> list[Measured]:
    """Sweeps of a list that gets a new order with each request, beside one of a list that stays as it is."""
    quiet = await _swept(place, count)
    swept = [await _swept(place, count, insert_each=1) for _ in range(3)]
    missed, owed = sum(sweep.missed for sweep in swept), sum(sweep.owed for sweep in swept)
    most = max(sweep.requests for sweep in swept)
    figure = f"{most} requests; quiet {quiet.requests}"
    return [
        Measured("drift", missed, f"{missed} of {owed:,}", (owed - missed) / owed),
        Measured("drift_requests", most / quiet.requests, figure, most / quiet.requests),
    ]


class _Swept(NamedTuple):
    requests: int
    missed: int
    owed: int


async def _swept(place: Place, count: int, insert_each: int = 0) -> _Swept:
    """A sweep; what is owed are all orders that there were when its last request was answered."""
    place.world.begin(count)
    async with monitor(place.world, place.known_state(count)) as ours:
        await ours.poll(SWEEP)
        place.world.control("set", insert_each=insert_each)
        result = await ours.poll(SWEEP)
        place.world.control("set", insert_each=0)
        known = await ours.known()
    owed = place.world.control("seen")["last_total"]
    swept = _Swept(result.requests, sum(order not in known for order in range(1, owed + 1)), owed)
    say(f"sweep of {count:,} orders, {insert_each} inserted with each request: {swept}")
    return swept


@asynccontextmanager
async def _opened(place: Place, count: int) -> AsyncIterator[_Scene]:
    """Both sides, warm: each has read the list once."""
    place.world.begin(count)
    floor = Floor(place.world.url, count // PAGE)
    try:
        async with monitor(place.world, place.known_state(count)) as ours:
            await floor.read()
            await ours.poll(SWEEP)
            yield _Scene(place.world, ours, floor, count // PAGE)
    finally:
        await floor.aclose()


async def _requests(scene: _Scene, after: timedelta) -> int:
    """The requests of a poll of which nothing is new; the first such poll may still learn what the list is like."""
    await scene.ours.poll(after)
    result = await scene.ours.poll(after)
    say(f"quiet poll: {result.requests} requests")
    return result.requests


async def _paired_sweeps(scene: _Scene, rounds: int) -> Pairs:
    ours: list[float] = []
    floor: list[float] = []
    for number in range(rounds):
        scene.world.control("change", count=_CHANGES)
        # Whoever is second finds the server's rows made, and the caches warm.
        for side in ("ours", "floor") if number % 2 else ("floor", "ours"):
            if side == "ours":
                ours.append((await _poll(scene, SWEEP))[1].cpu)
            else:
                floor.append(await _floor_read(scene))
        say(f"full sweep {number + 1}: {ours[-1]:.3f} s CPU, floor {floor[-1]:.3f} s")
    return Pairs(ours, floor)


async def _poll(scene: _Scene, after: timedelta) -> tuple[PollResult, Spent]:
    """A poll that must find the changes, and what it costs."""
    result, cost = await spent(lambda: scene.ours.poll(after))
    if changes_told(result) != _CHANGES:
        raise RuntimeError(f"the poll told {changes_told(result)} changes, not {_CHANGES}")
    return result, cost


async def _floor_read(scene: _Scene) -> float:
    changed, cost = await spent(scene.floor.read)
    if changed != _CHANGES:
        raise RuntimeError(f"the floor saw {changed} changes, not {_CHANGES}")
    return cost.cpu


async def _settles(scene: _Scene, rounds: int) -> list[tuple[int, float]]:
    """Requests and CPU of polls that prove all statuses where nothing has changed."""
    costs = []
    for number in range(1, rounds + 1):
        result, cost = await spent(lambda: scene.ours.poll(SETTLE))
        costs.append((result.requests, cost.cpu))
        say(f"settle {number}: {result.requests} requests, {cost.cpu:.3f} s CPU")
    return costs


async def _far_sweep(scene: _Scene, milliseconds: int, rounds: int) -> Measured:
    """The wall time of a sweep against pages × round trip ÷ the requests that we have in flight."""
    ideal = scene.pages * milliseconds / 1000 / IN_FLIGHT
    scene.world.control("set", delay=milliseconds / 1000)
    walls = []
    for _ in range(rounds):
        scene.world.control("change", count=_CHANGES)
        scene.world.control("reset")
        walls.append((await _poll(scene, SWEEP))[1].wall)
    scene.world.control("set", delay=0)
    wall, in_flight = median(walls), scene.world.control("seen")["in_flight"]
    say(f"full sweep at {milliseconds} ms: {wall:.2f} s with {in_flight} requests in flight; ideal {ideal:.2f} s")
    figure = f"{wall:.2f} s; ideal {ideal:.2f} s"
    return Measured(f"sweep_{milliseconds}ms", wall / ideal, figure, wall / ideal, {"in_flight": in_flight})


def _beside(ours: float, floor: float) -> str:
    return f"{ours:.3f} s CPU; {FLOOR} {floor:.3f} s"


def _count(key: str, requests: int, goal: int) -> Measured:
    return Measured(key, requests, f"{requests:,} requests", requests / goal)
