"""How soon a change is noticed, at the latest, and that in words."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import NamedTuple

import msgspec

from monitor.alerting.views import plain
from monitor.alerting.words import Words
from monitor.polling.settings import PollSettings

_ENGLISH = Words("UTC", "en")
_NEGLIGIBLE = 0.05
"""A reading that takes less than this share of the interval adds nothing to the bound that is worth telling."""


class Bound(msgspec.Struct, frozen=True):
    """Every change within ``every``; or, where ``settle`` is set, in orders of the ``open`` statuses.

    Then any other change of status within ``settle``, and all else (totals, items, deletions) within ``sweep``.
    Where ``sweep`` is set and ``settle`` is not: every change within ``every``, deletions within ``sweep``.
    ``requests``: how many one look takes, where that is known.
    """

    every: timedelta
    open: tuple[str, ...] = ()
    settle: timedelta | None = None
    sweep: timedelta | None = None
    requests: int = 0

    @classmethod
    def by_status(
        cls, settings: PollSettings, open_statuses: tuple[str, ...], requests: int = 0, *, settles: bool = False
    ) -> Bound:
        """The bound of a source that is watched by status, each look with so many requests.

        ``settles``: each look settles all statuses, because most orders have an open one.
        """
        settle = settings.every if settles else settings.settle_every
        return cls(settings.every, open_statuses, settle, settings.sweep_every, requests)


def bound_in_words(bound: Bound, reading: float) -> str:
    """``changes in pending orders within 60 s, every other change of status within 10 min, all else within 1 d``.

    ``reading``: seconds that one look takes.
    """
    within = span(noticed_within(bound.every, reading))
    if bound.sweep is None:
        return f"changes within {within}"
    sweep = span(bound.sweep.total_seconds())
    if bound.settle is None:
        return f"changes within {within}, deletions within {sweep}"
    settle = span(max(bound.settle.total_seconds(), noticed_within(bound.every, reading)))
    if not bound.open:
        return f"changes of status within {settle}, all else within {sweep}"
    orders = " or ".join(plain(status, 40) for status in bound.open)
    if settle == within:
        return f"changes in {orders} orders and of every status within {within}, all else within {sweep}"
    others = f"every other change of status within {settle}, all else within {sweep}"
    return f"changes in {orders} orders within {within}, {others}"


class Within(NamedTuple):
    """Seconds within which is noticed: any change of an open order, a change of any status, any change at all."""

    open: float
    status: float
    other: float


def bound_in_seconds(bound: Bound, reading: float) -> Within:
    """The bound, where one look takes ``reading`` seconds."""
    within = noticed_within(bound.every, reading)
    other = bound.sweep.total_seconds() if bound.sweep else within
    status = max(bound.settle.total_seconds(), within) if bound.settle else within
    return Within(within if bound.open or not bound.settle else status, status, max(other, within))


def noticed_within(every: timedelta, reading: float) -> float:
    """Seconds after which a change is noticed at the latest, where one look at the source takes ``reading`` seconds.

    A change just behind the reader's back waits for the next look, and there for its page.
    """
    interval = every.total_seconds()
    if reading <= interval * _NEGLIGIBLE:
        return interval
    return max(interval, reading) + reading


def reading_time(requests: int, limit: int | None, seconds: float = 0.0) -> float:
    """Seconds that so many requests take at least, where no more than ``limit`` are made a minute."""
    return max(seconds, 60.0 * requests / limit) if limit else seconds


def span(seconds: float) -> str:
    """``60 s``, ``5 min``, ``1 h 30 min``; rounded up."""
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 120 else _ENGLISH.duration(timedelta(seconds=whole))
