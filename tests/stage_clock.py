"""A clock for whole daemons in tests: nobody waits for it, and it never stands still."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
_TICK = timedelta(milliseconds=1)


class StageClock:
    """Time that passes by sleeping and by ``pass_``, at once; each look at it takes a millisecond."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        self.passed += _TICK
        return START + self.passed

    def monotonic(self) -> float:
        self.passed += _TICK
        return self.passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.pass_(timedelta(seconds=seconds))
        await asyncio.sleep(0)

    def random(self) -> float:
        return 0.5

    def pass_(self, span: timedelta) -> None:
        """So long has passed."""
        self.passed += span
