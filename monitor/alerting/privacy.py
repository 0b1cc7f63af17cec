"""Who an order is from, as far as a channel may know it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from monitor.alerting.views import plain
from monitor.model import Customer

Privacy = Literal["full", "masked", "none"]
_LENGTH = 300
_DOTS = 3
"""No more, whatever was there: how long a name is tells something too."""


def describe(customer: Customer | None, privacy: Privacy) -> tuple[str, ...]:
    """Lines about the customer: everything, ``Customer: J··· D··``, or nothing."""
    if customer is None or privacy == "none":
        return ()
    return tuple(_lines(customer, masked=privacy != "full"))


def mask(text: str) -> str:
    """``J··· D··`` for John Doe: of each word its first letter, and that there is more."""
    return " ".join(_mask_word(word) for word in text.split())


def _lines(customer: Customer, *, masked: bool) -> Iterator[str]:
    shown = mask if masked else str
    parties = [shown(said) for said in (_said(customer.name), _said(customer.company)) if said]
    if parties:
        yield f"Customer: {', '.join(parties)}"
    if address := _said(customer.address):
        yield f"Address: {shown(address)}"
    if notes := _said(customer.notes):
        # Masked, a note would be a line of dots. That there is one is worth knowing.
        yield "Notes: not shown here" if masked else f"Notes: {notes}"


def _said(text: str | None) -> str:
    """The text on one visible line; empty if there is nothing to see."""
    said = plain(", ".join(filter(None, map(str.strip, (text or "").splitlines()))), _LENGTH)
    return "" if said == "?" else said


def _mask_word(word: str) -> str:
    if len(word) == 1:
        return "·" if word.isalnum() else word
    return word[0] + "·" * min(_DOTS, len(word) - 1)
