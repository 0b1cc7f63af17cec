"""What `run` and `check --connect` say alike: orders by status, and conditions in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from monitor.alerting.settings import WhenSettings
from monitor.alerting.views import readable
from monitor.model import Meanings


def counted(count: int, word: str) -> str:
    """``1 order``, ``3,000 orders``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def by_status(counts: Mapping[str, int], meanings: Meanings) -> str:
    """``2,904 active · 36 fraud``, the most first; empty where there is nothing to tell."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return " · ".join(f"{count:,} {readable(status, meanings)}" for status, count in ordered if count)


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
