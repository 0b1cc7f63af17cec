"""What all requests to one server share, from whichever source: places, a budget, quiet, and what was learnt of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from monitor.clock import Clock
from monitor.sources.budget import Budget
from monitor.sources.headers import Headers, age, http_date
from monitor.sources.meter import Meter
from monitor.sources.patience import LONGEST_WAIT
from monitor.sources.ratelimit import Allowance

OLDEST_ANSWER = 60.0


class Host:
    """One server: scheme, host and port. Requests are let through first come, first served.

    ``concurrency``: requests on their way at one time. Times are monotonic seconds.
    """

    def __init__(self, concurrency: int) -> None:
        self._places = asyncio.Semaphore(concurrency)
        self._line = asyncio.Lock()
        self._budget: Budget | None = None
        self._meter = Meter()
        self._quiet_until = float("-inf")
        self._newest: datetime | None = None

    @property
    def per_minute(self) -> int | None:
        """How many requests a minute it may be sent; None: no limit of ours."""
        return self._budget.limit if self._budget else None

    def used(self, now: float) -> int:
        """How many requests it was sent in the last minute."""
        return self._meter.last_minute(now)

    def limit(self, per_minute: int | None, now: float) -> None:
        """At most so many requests a minute from now on. Who waits already does so for a minute more at most."""
        if per_minute is None:
            self._budget = None
        elif self._budget is None:
            self._budget = Budget(per_minute)
        else:
            self._budget = self._budget.changed(per_minute, now)

    def empty(self, now: float) -> None:
        """Its budget is spent: another process may have done that."""
        if self._budget:
            self._budget.empty(now)

    async def enter(self, clock: Clock) -> None:
        """Waits until a request may be sent, and takes its place; ``leave`` gives it back."""
        await self._places.acquire()
        try:
            await self._let_through(clock)
            self._meter.count(clock.monotonic())
        except BaseException:
            self._places.release()
            raise

    def leave(self) -> None:
        """The request is no longer on its way."""
        self._places.release()

    def be_quiet(self, seconds: float, now: float) -> None:
        """The server wants no request for so long; a minute of it is granted."""
        self._quiet_until = max(self._quiet_until, now + min(seconds, LONGEST_WAIT))

    def heed(self, granted: Allowance, now: float) -> None:
        """A server that grants nothing more is left in peace until it does."""
        if granted.left == 0 and granted.reset:
            self.be_quiet(granted.reset, now)

    def staleness(self, headers: Headers, now: datetime) -> str | None:
        """In what way this answer is too old to be believed; None if it is not. The newest Date is remembered."""
        kept = age(headers)
        if kept > OLDEST_ANSWER:
            return f"{kept:.0f} s old (Age): a cache in front of it must not keep it"
        date = http_date(headers.get("date", ""))
        behind = self._seconds_behind(date, now) if date else 0.0
        if behind > OLDEST_ANSWER:
            return f"{behind:.0f} s older (Date) than an earlier one: is it cached?"
        return None

    def _seconds_behind(self, date: datetime, now: datetime) -> float:
        # No further ahead of our own clock than is tolerated anyway: one machine of theirs with a wrong clock must not
        # make all others look stale until that time has come.
        believed = min(date, now + timedelta(seconds=OLDEST_ANSWER))
        self._newest = max(believed, self._newest or believed)
        return (self._newest - date).total_seconds()

    async def _let_through(self, clock: Clock) -> None:
        if self._unlimited(clock.monotonic()):
            return
        async with self._line:
            while (seconds := self._seconds_to_wait(clock.monotonic())) > 0:
                await clock.sleep(seconds)
            if self._budget:
                self._budget.spend(clock.monotonic())

    def _unlimited(self, now: float) -> bool:
        """Whether nothing limits a request and nobody waits: most go through at once."""
        return self._budget is None and now >= self._quiet_until and not self._line.locked()

    def _seconds_to_wait(self, now: float) -> float:
        budget = self._budget.wait(now) if self._budget else 0.0
        return max(0.0, self._quiet_until - now, budget)
