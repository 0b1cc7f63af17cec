"""A budget of requests: decided on the time it is given."""

from __future__ import annotations

_WINDOW = 61.0
"""Seconds: one more than the minute promised, for what the way to the server squeezes together."""
_ROUNDING = 1e-6


class Budget:
    """A token bucket: never more than ``limit`` requests in any minute, and so few at once that some are always near.

    With ``burst`` tokens in the bucket and ``rate`` a second flowing in, n requests need (n - burst) / rate seconds.
    ``rate`` is such that ``limit`` + 1 need a whole window. A sixth of the limit may be sent at once; what can be sent
    in the long run is 82 % of it and more (all of it below 12).
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._burst = max(1, limit // 6)
        self._interval = _WINDOW / (limit + 1 - self._burst)
        self._full_at = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until a request may be sent; 0 for now."""
        seconds = self._full_at - (self._burst - 1) * self._interval - now
        return seconds if seconds > _ROUNDING else 0.0

    def spend(self, now: float) -> None:
        """A request is sent."""
        self._full_at = max(self._full_at, now) + self._interval

    def empty(self, now: float) -> None:
        """Whatever is left is spent. So who goes on with another process's budget stays in it, together with that one:
        a bucket that is empty is no fuller than the other one was."""
        self._full_at = max(self._full_at, now + self._burst * self._interval)

    def changed(self, limit: int, now: float) -> Budget:
        """A budget of another limit, with no more in it than is in this one."""
        other = Budget(limit)
        level = min(float(other._burst), self._level(now))
        other._full_at = now + (other._burst - level) * other._interval
        return other

    def _level(self, now: float) -> float:
        return self._burst - max(0.0, self._full_at - now) / self._interval
