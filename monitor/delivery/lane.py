"""One URL's queue, and how long it rests after failures."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec

from monitor.delivery.verdicts import RetryIn, backoff


class Lane(msgspec.Struct):
    """The task that empties it; its failures in a row; whether it has answered since the start. Monotonic seconds."""

    name: str
    task: asyncio.Task[None] | None = None
    failures: int = 0
    answered: bool = False
    failing_since: float = 0.0
    rests_until: float = 0.0

    def rest(self, verdict: RetryIn, now: float, chance: float) -> None:
        """A failure that may pass is the URL's rather than the message's: nothing else is tried there for a while.

        The rest grows with the lane's failures in a row, not the message's, so that one bad message holds up no other.
        """
        if not self.failures:
            self.failing_since = now
        age = timedelta(seconds=now - self.failing_since)
        self.rests_until = now + max(backoff(self.failures, age, chance), verdict.wish)
        self.failures += 1

    def refit(self, now: float) -> None:
        """Try the next due message at once, with short rests after it. An outage goes on being one until it ends."""
        self.failing_since, self.rests_until = now, 0.0

    @property
    def recovers(self) -> bool:
        """Whether a success now ends an outage; the first since the start may, for what was before is not known."""
        return self.failures > 1 or not self.answered

    @property
    def explains(self) -> int | None:
        """How many attempts at one message this outage explains; None: any number."""
        return self.failures if self.answered else None

    def answers(self) -> None:
        """A message has arrived."""
        self.failures, self.answered = 0, True
