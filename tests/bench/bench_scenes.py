"""Every scene: what it measures, which states it needs; and the process in which one is measured.

``bench_scenes.py SCENE PORT FOLDER`` measures one and prints its rows as JSON; ``prepare-COUNT`` makes a state. Each
has a process of its own, so that none pays for what another left in memory.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from bench_client import World
from bench_daemons import daemons, hundred_thousand
from bench_goals import Measured
from bench_many import many
from bench_ours import quiet_logs
from bench_page import page
from bench_place import Place
from bench_processes import cold, memory, usage
from bench_reading import drift, million, reading
from bench_storm import storm
from bench_telling import alerts, losses


class Scene(NamedTuple):
    """``rows`` are the keys of its goals, ``states`` the known states that it needs, by their numbers of orders.

    ``only_named``: it takes minutes, and is measured only where it is asked for.
    """

    name: str
    play: Callable[[Place], Awaitable[list[Measured]]]
    rows: Sequence[str]
    states: Sequence[int] = ()
    only_named: bool = False


SCENES = (
    Scene(
        "reading", reading, ("sweep", "sweep_20ms", "sweep_100ms", "watch", "settle", "settle_cpu"), states=(100_000,)
    ),
    Scene("cold", cold, ("cold_sweep", "cold_settle"), states=(100_000,)),
    Scene("alerts", alerts, ("alert", "alerts"), states=(10_000,)),
    Scene("storm", storm, ("storm", "storm_memory", "storm_messages"), states=(20_000,)),
    Scene("losses", losses, ("outage", "kill")),
    Scene("many", many, ("many", "many_floor", "many_wakes", "many_memory")),
    Scene("daemons", daemons, ("daemons", "claims", "takeover")),
    Scene("hundred_thousand", hundred_thousand, ("hundred_thousand",), only_named=True),
    Scene("drift", drift, ("drift", "drift_requests"), states=(20_000,)),
    Scene("usage", usage, ("help", "help_imports")),
    Scene(
        "million",
        million,
        ("watch_million", "sweep_million", "settle_million", "settle_million_cpu"),
        states=(1_000_000,),
    ),
    Scene(
        "page",
        page,
        (
            "page_overview",
            "page_orders",
            "page_deep",
            "page_filtered",
            "page_search",
            "page_events",
            "page_events_search",
            "page_story",
            "page_row",
            "page_load",
            "page_memory",
            "page_idle",
        ),
        states=(1_000_000,),
    ),
    Scene("memory", memory, ("memory_order", "memory", "memory_million"), states=(100_000, 1_000_000)),
)


async def _play(name: str, place: Place) -> list[Measured]:
    if name.startswith("prepare-"):
        await place.prepare(int(name.removeprefix("prepare-")))
        return []
    (scene,) = (scene for scene in SCENES if scene.name == name)
    return await scene.play(place)


if __name__ == "__main__":
    quiet_logs()
    rows = asyncio.run(_play(sys.argv[1], Place(World(int(sys.argv[2])), Path(sys.argv[3]))))
    sys.stdout.write(msgspec.json.encode(rows).decode())
