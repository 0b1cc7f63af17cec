"""Hints become polls: the first at once, those that come too soon after it all together, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum

import structlog

from monitor.clock import Clock
from monitor.errors import StateError

_SHORTEST_GAP_S, _LONGEST_GAP_S = 1.0, 5.0
_SHARE = 12
_REFUSED_A_MINUTE = 10
_MINUTE_S = 60.0
_log = structlog.get_logger("monitor.web")


class Hint(StrEnum):
    """What became of a hint; the words of the metrics."""

    TAKEN = "taken"
    JOINED = "joined"
    PING = "ping"
    REFUSED = "refused"
    TOO_LARGE = "too_large"
    STOPPING = "stopping"


def gap(every: timedelta) -> float:
    """Seconds between two polls that hints cause: a share of what the source's owner finds often enough."""
    return min(max(every.total_seconds() / _SHARE, _SHORTEST_GAP_S), _LONGEST_GAP_S)


class Hints:
    """Turns hints into polls: the first at once, those that come soon after it all together."""

    def __init__(self, poll_now: Callable[[str], Awaitable[bool]], clock: Clock) -> None:
        self._poll_now = poll_now
        self._clock = clock
        self._last: dict[str, float] = {}
        self._later: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, _Refusals] = {}

    async def take(self, source: str, every: timedelta) -> Hint:
        """Poll the source now, or as soon as it may be polled again. StateError: its daemon cannot be told."""
        if source in self._later:
            return Hint.JOINED
        wait = self._last.get(source, float("-inf")) + gap(every) - self._clock.monotonic()
        if wait <= 0:
            return Hint.TAKEN if await self._poll(source) else Hint.STOPPING
        task = asyncio.create_task(self._poll_after(source, wait), name=f"hint {source}")
        self._later[source] = task
        task.add_done_callback(lambda _: self._later.pop(source, None))
        return Hint.JOINED

    def refuse(self, source: str, reason: str) -> bool:
        """Log a refusal, but not each of many; False if there are too many."""
        return self._refused.setdefault(source, _Refusals(self._clock)).add(source, reason)

    async def aclose(self) -> None:
        """Hint at nothing more."""
        tasks = list(self._later.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self, source: str) -> bool:
        self._last[source] = self._clock.monotonic()
        return await self._poll_now(source)

    async def _poll_after(self, source: str, seconds: float) -> None:
        await self._clock.sleep(seconds)
        with suppress(StateError):  # without its state no daemon polls; the page and health say so
            await self._poll(source)


class _Refusals:
    """What was refused of a source's hints: the first of a minute is logged, with how many came since the last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = float("-inf")
        self._count = 0
        self._unsaid = 0

    def add(self, source: str, reason: str) -> bool:
        now = self._clock.monotonic()
        self._unsaid += 1
        if now - self._since >= _MINUTE_S:
            _log.warning("hint_refused", source=source, reason=reason, refused=self._unsaid)
            self._since, self._count, self._unsaid = now, 0, 0
        self._count += 1
        return self._count <= _REFUSED_A_MINUTE
