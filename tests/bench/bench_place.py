"""Where a scene is measured: the world, a folder, and states that know the orders already."""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path

from bench_client import World
from bench_ours import monitor


class Place:
    """What each scene is given."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self._copies = itertools.count(1)

    def known_state(self, count: int) -> Path:
        """A copy of a state that knows so many orders as they are at first: ``prepare`` has made it."""
        copy = self.folder / f"copy-{next(self._copies)}.db"
        shutil.copyfile(self._prepared(count), copy)
        return copy

    async def prepare(self, count: int) -> None:
        """Make that state, by our own baseline."""
        self.world.begin(count)
        async with monitor(self.world, self._prepared(count)) as ours:
            result = await ours.poll()
        if not result.committed.baseline:
            raise RuntimeError(f"no baseline of {count:,} orders: {result.snapshot.reason}")

    def _prepared(self, count: int) -> Path:
        return self.folder / f"known-{count}.db"


def say(text: str) -> None:
    """Progress, for whoever waits."""
    sys.stderr.write(f"  {text}\n")
    sys.stderr.flush()
