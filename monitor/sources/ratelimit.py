"""How often a server may be asked, as its answers say it: Retry-After, X-RateLimit-… and RateLimit in their forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from monitor.sources.headers import Headers, number, seconds_until

_FAMILIES = ("x-ratelimit-", "ratelimit-", "x-rate-limit-")
_NAMES = {"ratelimit", *(family + part for family in _FAMILIES for part in ("limit", "remaining", "reset"))}
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_PAIR = re.compile(r"([a-z]+)\s*=\s*([0-9]{1,18})(?![0-9.])", re.IGNORECASE)


class Allowance(NamedTuple):
    """``left``: how many more requests the server grants; ``reset``: seconds until it grants more, None if unsaid."""

    left: int
    reset: float | None


def retry_after(headers: Headers, now: datetime) -> float | None:
    """The server's wish in seconds, from 0 up, however it is written; None for no wish or nonsense."""
    return seconds_until(headers.get("retry-after", ""), headers, now)


def allowance(headers: Headers, now: datetime, *, refused: bool = False) -> Allowance | None:
    """The tightest of what the headers grant; None where they say nothing, or nonsense.

    ``refused``: the answer says that there were too many requests, so that nothing is left where nothing is said.
    """
    if _NAMES.isdisjoint(headers):  # as most do: a sweep asks a thousand times
        return None
    granted = [*_header_each(headers, now, refused), *_one_header(headers.get("ratelimit", ""))]
    return min(granted, key=lambda one: (one.left, -(one.reset or 0.0)), default=None)


def wish(headers: Headers, now: datetime, *, refused: bool = False) -> float | None:
    """For how many seconds the server wants not to be asked: Retry-After, else the reset of a limit used up."""
    after = retry_after(headers, now)
    if after is not None:
        return after
    granted = allowance(headers, now, refused=refused)
    return granted.reset if granted and granted.left == 0 else None


def _header_each(headers: Headers, now: datetime, refused: bool) -> Iterator[Allowance]:
    """``X-RateLimit-Limit``, ``-Remaining`` and ``-Reset``, the last in seconds, as a moment or as a time."""
    for family in _FAMILIES:
        reset = seconds_until(headers.get(f"{family}reset", ""), headers, now)
        left = _count(headers.get(f"{family}remaining", ""))
        if left is None and refused and reset is not None:
            left = 0
        # A limit of nothing is how some say that there is none.
        if left is not None and _count(headers.get(f"{family}limit", "")) != 0:
            yield Allowance(left, reset)


def _count(text: str) -> int | None:
    value = number(re.split("[,;]", text)[0])
    return int(value) if value is not None and value >= 0 else None


def _one_header(text: str) -> Iterator[Allowance]:
    """``limit=100, remaining=0, reset=5``, or a list of limits by name: ``"burst";r=0;t=5, "daily";r=900;t=3600``."""
    text = _QUOTED.sub("", text)
    said = _pairs(text)
    if "remaining" in said and said.get("limit") != 0:
        yield Allowance(said["remaining"], said.get("reset"))
    for item in text.split(","):
        said = _pairs(item)
        if "r" in said:
            yield Allowance(said["r"], said.get("t"))


def _pairs(text: str) -> dict[str, int]:
    return {name.lower(): int(value) for name, value in _PAIR.findall(text)}
