"""What becomes of a delivery after an attempt to send it. Pure: the loop only carries it out."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from monitor.model import Delivery, Outcome

_FIRST_S = 2.0
_EARLY_CAP_S = 45.0
_LATE_CAP_S = 900.0
_EARLY = timedelta(minutes=10)
_LONGEST_WISH_S = 6 * 3600.0
_DAY = timedelta(days=1)
_LEAST_ATTEMPTS = 12
"""A delivery whose day went by while nothing ran is still tried as often as in its first minutes."""


class Sent(msgspec.Struct, frozen=True):
    """It has arrived."""


class RetryIn(msgspec.Struct, frozen=True):
    """Another attempt, so many seconds from now. ``wish`` is what of that the endpoint asked for."""

    seconds: float
    wish: float = 0.0


class Dead(msgspec.Struct, frozen=True):
    """A dead letter: another attempt cannot help, or its day is over."""


Verdict = Sent | RetryIn | Dead


def judge(outcome: Outcome, delivery: Delivery, now: datetime, chance: float, lane_failures: int = 0) -> Verdict:
    """The verdict on ``delivery``, whose attempts do not yet count this one; ``chance`` is from 0 to 1.

    ``lane_failures``: how often its URL has failed in a row. With many waiting, each is tried a few times only.
    """
    if outcome.delivered:
        return Sent()
    over = now >= delivery.expires_at and max(delivery.attempts + 1, lane_failures) >= _LEAST_ATTEMPTS
    if outcome.permanent or over:
        return Dead()
    # Its day began when it was due, not when it began to wait for that.
    wait = backoff(delivery.attempts, now - (delivery.expires_at - _DAY), chance)
    wish = min(outcome.retry_after or 0.0, _LONGEST_WISH_S)
    return RetryIn(max(wait, wish), wish)


def backoff(attempts: int, age: timedelta, chance: float) -> float:
    """Seconds until the next attempt: 2, 4, 8 … below a minute at first, then a tenth of its age; ± 20 %."""
    cap = _EARLY_CAP_S if age < _EARLY else min(max(age.total_seconds() / 10, _EARLY_CAP_S), _LATE_CAP_S)
    return min(_FIRST_S * float(1 << min(attempts, 30)), cap) * (0.8 + 0.4 * chance)
