"""What `run` and `check --connect` say alike: orders by status, spans, bounds and conditions in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from monitor.alerting.settings import WhenSettings
from monitor.alerting.views import plain
from monitor.alerting.words import Words
from monitor.polling.bound import Bound

_ENGLISH = Words("UTC", "en")
_NEGLIGIBLE = 0.05
"""A reading that takes less than this share of the interval adds nothing to the bound that is worth telling."""


def reading_time(requests: int, limit: int | None, seconds: float = 0.0) -> float:
    """Seconds that so many requests take at least, where no more than ``limit`` are made a minute."""
    return max(seconds, 60.0 * requests / limit) if limit else seconds


def counted(count: int, word: str) -> str:
    """``1 order``, ``3,000 orders``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def by_status(counts: Mapping[str, int]) -> str:
    """``2,904 active · 36 fraud``, the most first; empty where there is nothing to tell."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return " · ".join(f"{count:,} {plain(status, 40)}" for status, count in ordered if count)


def span(seconds: float) -> str:
    """``60 s``, ``5 min``, ``1 h 30 min``; rounded up."""
    whole = math.ceil(seconds)
    return f"{whole} s" if whole < 120 else _ENGLISH.duration(timedelta(seconds=whole))


def noticed_within(every: timedelta, reading: float) -> float:
    """Seconds after which a change is noticed at the latest, where one look at the source takes ``reading`` seconds.

    A change just behind the reader's back waits for the next look, and there for its page.
    """
    interval = every.total_seconds()
    if reading <= interval * _NEGLIGIBLE:
        return interval
    return max(interval, reading) + reading


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


def conditions(when: WhenSettings) -> str:
    """A route's conditions on one line: ``from pending, to active``."""
    given = when.model_dump(mode="json", by_alias=True, exclude_none=True)
    unless = given.pop("not", {})
    words = list(_conditions(given)) or ["every change of status"]
    return ", ".join(words) + (f", not {{{', '.join(_conditions(unless))}}}" if unless else "")


def _conditions(given: Mapping[str, Any]) -> Iterable[str]:
    return (_value(value) if key == "event" else f"{key} {_value(value)}" for key, value in given.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key} {_value(part)}" for key, part in value.items())
    return " or ".join(map(str, value)) if isinstance(value, list) else str(value)
