"""What an answer's headers say of time, however it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

Headers = Mapping[str, str]
"""Of an answer, with lower-case names."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]*)?")
_FIRST_MOMENT = 1e9
_FIRST_IN_MILLISECONDS = 1e11


def number(text: str) -> float | None:
    """A plain decimal number; None for anything else."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


@lru_cache(maxsize=256)
def http_date(text: str) -> datetime | None:
    """An HTTP date, aware; None for anything else."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def age(headers: Headers) -> float:
    """How long a cache has kept this answer, in seconds; 0 where none says so."""
    return number(headers.get("age", "")) or 0.0


def seconds_until(text: str, headers: Headers, now: datetime) -> float | None:
    """Seconds, a moment since 1970, an HTTP date or an ISO time as seconds from the answer on, from 0 up.

    A moment is taken relative to the answer's own Date, so that a wrong clock does no harm; without one, to ``now``.
    None for nonsense.
    """
    value = number(text)
    # As seconds to wait it would be thirty years: it can only be meant as a moment.
    if value is not None and value < _FIRST_MOMENT:
        return max(0.0, value)
    moment = _moment(text, value)
    if moment is None:
        return None
    return max(0.0, moment - (http_date(headers.get("date", "")) or now).timestamp())


def _moment(text: str, value: float | None) -> float | None:
    if value is not None:
        return value / 1000 if value >= _FIRST_IN_MILLISECONDS else value
    date = http_date(text) or _iso_time(text.strip())
    return date.timestamp() if date else None


def _iso_time(text: str) -> datetime | None:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
