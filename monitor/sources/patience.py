"""How long one poll goes on trying: decided on the clock it is given."""

from __future__ import annotations

from monitor.clock import Clock
from monitor.errors import SourceError

PATIENCE = 15.0
LONGEST_WAIT = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0
_SHORTEST_TIMEOUT = 1.0


class Patience:
    """A poll fails after 15 s without a good answer; where the server says Retry-After, after that, up to 60 s.

    Time counts only while a request is running: what we wait for of our own accord is no fault of the server's.
    ``seconds`` and ``longest_wait``: in place of the 15 and the 60.
    """

    def __init__(self, clock: Clock, seconds: float = PATIENCE, longest_wait: float = LONGEST_WAIT) -> None:
        self._clock = clock
        self._seconds = seconds
        self._longest_wait = longest_wait
        self._good_at = self._stopped_at = clock.monotonic()
        self._running = 0

    def begin(self) -> None:
        """A request is on its way, or pauses after a failure, until ``end``. They may overlap."""
        if not self._running:
            self._good_at += self._clock.monotonic() - self._stopped_at
        self._running += 1

    def end(self) -> None:
        """One of them is over."""
        self._running -= 1
        if not self._running:
            self._stopped_at = self._clock.monotonic()

    def good(self, received: float) -> None:
        """A good answer came: patience starts anew."""
        self._good_at = max(self._good_at, received)

    def pause(self, error: SourceError, attempt: int) -> float | None:
        """Seconds until the next attempt after this error, ``attempt`` from 0; None when patience has ended."""
        waited = self._clock.monotonic() - self._good_at
        wish = min(error.retry_after or 0.0, LONGEST_WAIT)
        left = max(self._seconds, wish) - waited
        if not error.passing or left <= 0 or waited + wish > self._seconds + self._longest_wait:
            return None
        back_off = min(_FIRST_PAUSE * 2.0 ** min(attempt, 8), _LONGEST_PAUSE) * (0.5 + self._clock.random() / 2)
        return max(wish, min(back_off, left))

    def timeout(self, seconds: float, attempt: int) -> float:
        """How long this attempt may take: the first one all of ``seconds``, a later one no longer than patience."""
        left = self._good_at + self._seconds - self._clock.monotonic()
        if attempt == 0 or left <= 0:
            return seconds
        return min(seconds, max(left, _SHORTEST_TIMEOUT))
