"""How long one poll goes on trying: decided on the clock it is given."""

from __future__ import annotations

from monitor.clock import Clock
from monitor.errors import SourceError

PATIENCE = 15.0
LONGEST_WAIT = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0
_SHORTEST_TIMEOUT = 1.0


class Patience:
    """A poll fails after 15 s without a good answer; where the server says Retry-After, after that, up to 60 s."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._good_at = clock.monotonic()
        self._quiet_until = self._good_at

    def good(self, received: float) -> None:
        """A good answer came: patience starts anew."""
        self._good_at = max(self._good_at, received)

    def pause(self, error: SourceError, attempt: int) -> float | None:
        """Seconds until the next attempt after this error, ``attempt`` from 0; None when patience has ended."""
        now = self._clock.monotonic()
        waited = now - self._good_at
        wish = min(error.retry_after or 0.0, LONGEST_WAIT)
        left = max(PATIENCE, wish) - waited
        if not error.passing or left <= 0 or waited + wish > PATIENCE + LONGEST_WAIT:
            return None
        self._quiet_until = max(self._quiet_until, now + wish)
        back_off = min(_FIRST_PAUSE * 2.0 ** min(attempt, 8), _LONGEST_PAUSE) * (0.5 + self._clock.random() / 2)
        return max(wish, min(back_off, left))

    def quiet(self) -> float:
        """Seconds for which no request of this poll should be sent: what the server says to one, all heed."""
        return max(0.0, self._quiet_until - self._clock.monotonic())

    def timeout(self, seconds: float, attempt: int) -> float:
        """How long this attempt may take: the first one all of ``seconds``, a later one no longer than patience."""
        left = self._good_at + PATIENCE - self._clock.monotonic()
        if attempt == 0 or left <= 0:
            return seconds
        return min(seconds, max(left, _SHORTEST_TIMEOUT))
