"""How many requests were made in the last minute: counted by the second, on the time it is given."""

from __future__ import annotations

from collections import deque

_MINUTE = 60


class Meter:
    """At most sixty pairs, however many requests."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()

    def count(self, now: float) -> None:
        """A request is made."""
        second, before = int(now), 0
        if self._seconds and self._seconds[-1][0] == second:
            before = self._seconds.pop()[1]
        self._seconds.append((second, before + 1))
        self._drop(second)

    def last_minute(self, now: float) -> int:
        """How many there were in the last sixty seconds."""
        self._drop(int(now))
        return sum(count for _, count in self._seconds)

    def _drop(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - _MINUTE:
            self._seconds.popleft()
