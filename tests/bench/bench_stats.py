"""How figures are made: CPU of this process, paired rounds, medians, percentiles."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from statistics import median
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Spent(NamedTuple):
    """CPU of all threads of this process, and time on the wall, in seconds."""

    cpu: float
    wall: float


class Pairs(NamedTuple):
    """Seconds of CPU of both sides of paired rounds."""

    ours: Sequence[float]
    floor: Sequence[float]

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: what slows the machine for a round slows both."""
        return median(ours / floor for ours, floor in zip(self.ours, self.floor, strict=True))


async def spent(work: Callable[[], Awaitable[T]]) -> tuple[T, Spent]:
    """What the work returns, and what it costs. Nobody pays for garbage that another has made."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = await work()
    return result, Spent(time.process_time() - cpu, time.perf_counter() - wall)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]
