"""Why a condition does not hold, in words: its key, what it wanted, what was found. Pure.

A condition that has no entry in ``FOUND`` is refused without saying what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from monitor.alerting.views import NAME_LENGTH, plain

if TYPE_CHECKING:
    from monitor.alerting.conditions import Subject

_NAMED = 3
"""So many items, or labels, are named; the rest are counted."""


class Refusal(msgspec.Struct, frozen=True):
    """``to: fraud — it became active`` in its parts. ``wanted`` is the setting as the file writes it."""

    key: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.key}: {self.wanted} — {self.found}"


def refuse(name: str, wanted: Any, subject: Subject) -> Refusal:
    """The refusal of the condition with this field's name, which ``subject`` does not fulfil."""
    found = FOUND.get(name)
    return Refusal(name.removesuffix("_"), said(wanted), found(subject) if found else "it does not hold")


def except_(unwanted: Mapping[str, Any]) -> Refusal:
    """The refusal of a route whose exceptions all hold."""
    wanted = ", ".join(f"{name.removesuffix('_')}: {said(value)}" for name, value in unwanted.items())
    return Refusal("not", wanted, "that is so")


def said(value: Any) -> str:
    """A setting's value (plain data) on one line: ``fraud or active``, ``USD 50, EUR 45``."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {said(part)}" for key, part in value.items())
    if isinstance(value, bool):
        return str(value).lower()
    return " or ".join(map(said, value)) if isinstance(value, list) else str(value)


def _labels(subject: Subject) -> str:
    labels = _some(f"{name} {value}" for name, value in subject.labels.items())
    return f"its source has {labels}" if labels else "its source has no labels"


def _items(subject: Subject) -> str:
    items = _some(item.name for item in subject.event.order.items or ())
    return f"it has {items}" if items else "its items are not known"


def _currency(subject: Subject) -> str:
    total = subject.event.order.total
    return f"it is {plain(total.currency, NAME_LENGTH)}" if total and total.currency else "it is not known"


def _total(subject: Subject) -> str:
    total = subject.event.order.total
    return f"it is {plain(total.currency or '', NAME_LENGTH)} {total.amount}" if total else "it is not known"


def _some(texts: Iterable[str]) -> str:
    shown = [plain(text, NAME_LENGTH) for text in texts]
    more = len(shown) - _NAMED
    return ", ".join([*shown[:_NAMED], f"{more} more"] if more > 0 else shown)


def _status(names: Iterable[str], verb: str, nothing: str) -> str:
    """A status by its own spelling and its meaning."""
    called = "/".join(plain(name, NAME_LENGTH) for name in sorted(names))
    return f"{verb} {called}" if called else nothing


FOUND: Mapping[str, Callable[[Subject], str]] = {
    "event": lambda subject: f"it is {subject.event.kind}",
    "from_": lambda subject: _status(subject.left, "it was", "there was no status before"),
    "to": lambda subject: _status(subject.entered, "it became", "there is no status any more"),
    "source": lambda subject: f"it is {subject.event.source}",
    "labels": _labels,
    "product": _items,
    "currency": _currency,
    "min_total": _total,
    "unusual": lambda subject: "it is unusual" if subject.unusual else "it is not unusual",
}
"""What is found where a condition looks, by its field's name."""
