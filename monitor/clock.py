"""Time as a parameter: what reads the clock, waits or draws lots takes a ``Clock``, so that a test can hold it."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time for people and rows, monotonic seconds for intervals, sleep, and chance for jitter."""

    def now(self) -> datetime:
        """The wall time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that nobody sets."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...

    def random(self) -> float:
        """A number from 0 up to, but not including, 1."""
        ...


class SystemClock:
    """The machine's own."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def random(self) -> float:
        return random.random()  # noqa: S311  # jitter is no secret


class SharedClock:
    """A clock that several machines share: its own, corrected by how far another one is ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return self._clock.now() + self.ahead

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def random(self) -> float:
        return self._clock.random()
