"""How much there is of everything, counted seldom: it takes a third of a second where there are a million orders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from monitor.clock import Clock
from monitor.model import EventKind
from monitor.store.base import Store, Tallies, Transaction

SHARE = 100
"""A count stands for this many times as long as it took: no more than a hundredth of the time goes into counting."""
_REMEMBERED = 32
T = TypeVar("T")


class _Count(NamedTuple):
    found: Any
    stands_until: float


class Counts:
    """Counts on the connection for reading; whoever asks in the meantime shares the last count, or the one under way.

    A small state is counted for each page; of a large one the numbers are up to half a minute old.
    """

    def __init__(self, reader: Store, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._turn = asyncio.Lock()
        self._counts: dict[Hashable, _Count] = {}

    async def tallies(self) -> Tallies:
        """How much there is, as counted a short while ago."""
        return await self._counted("tallies", lambda tx: tx.tallies())

    async def events_by_time(
        self, sources: Sequence[str], since: datetime, bucket: timedelta
    ) -> Mapping[tuple[str, EventKind, datetime], int]:
        """How many events there were since then, by source, kind and time, as counted a short while ago."""
        key = (tuple(sources), since, bucket)
        return await self._counted(key, lambda tx: tx.events_by_time(sources, since, bucket))

    async def _counted(self, key: Hashable, count: Callable[[Transaction], T]) -> T:
        async with self._turn:
            last = self._counts.get(key)
            if last is None or self._clock.monotonic() >= last.stands_until:
                last = self._counts[key] = await self._count(count)
            while len(self._counts) > _REMEMBERED:
                del self._counts[next(iter(self._counts))]
            found: T = last.found
            return found

    async def _count(self, count: Callable[[Transaction], T]) -> _Count:
        def timed(tx: Transaction) -> _Count:
            """The count itself: what it waited for others to have read costs nothing."""
            begun = self._clock.monotonic()
            found = count(tx)
            ended = self._clock.monotonic()
            return _Count(found, ended + SHARE * (ended - begun))

        return await self._reader.read(timed)
