"""Exact money: amounts as sources write them, never through a float, and the exponents of ISO 4217."""

from __future__ import annotations

import re
from decimal import Decimal

from iso4217 import Currency

from monitor.model import Money

# No amount of money is longer; an exponent such as 1E999999999 would take all memory when it is printed.
_LONGEST = 40
_AMOUNT = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_ASSUMED_EXPONENT = 2
_EXPONENTS = {currency.value: currency.exponent for currency in Currency}


def exponent(currency: str | None) -> int:
    """How many decimals the currency's minor unit has: USD 2, JPY 0, KWD 3; 2 where ISO 4217 does not say."""
    known = _EXPONENTS.get(currency) if currency else None
    return _ASSUMED_EXPONENT if known is None else known


def parse_amount(text: str) -> Decimal | None:
    """The amount exactly as written (``"22.50"`` keeps both decimals); None if the text is no amount."""
    if len(text) > _LONGEST or not _AMOUNT.fullmatch(text):
        return None
    return Decimal(text)


def as_written(text: str, currency: str | None) -> Money | None:
    """An amount in major units; None if the text is no amount."""
    amount = parse_amount(text)
    return None if amount is None else Money(amount, currency)


def from_minor_units(text: str, currency: str | None) -> Money | None:
    """An amount in minor units: ``2200`` USD is 22.00. Fractions of the minor unit are kept; None if no amount."""
    amount = parse_amount(text)
    return None if amount is None else Money(_shifted(amount, exponent(currency)), currency)


def _shifted(amount: Decimal, places: int) -> Decimal:
    # By its parts: Decimal.scaleb() would round to the context's precision.
    sign, digits, power = amount.as_tuple()
    return Decimal((sign, digits, int(power) - places))
