"""Amounts are exact, and their exponents are those of ISO 4217."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model import Money
from monitor.sources.money import as_written, exponent, from_minor_units, parse_amount


@pytest.mark.parametrize(
    ("currency", "places"),
    [
        ("USD", 2),
        ("JPY", 0),
        ("KWD", 3),
        ("CLF", 4),
        ("HUF", 2),  # CLDR, and Babel with it, say 0 for what people write
        ("IDR", 2),
        ("UGX", 0),
        ("XAU", 2),  # has none: assumed
        ("ZZZ", 2),
        ("", 2),
        (None, 2),
    ],
)
def test_exponents_are_those_of_iso_4217(currency: str | None, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("2200", "USD", "22.00"),
        ("2200", "JPY", "2200"),
        ("2200", "KWD", "2.200"),
        ("-5", "EUR", "-0.05"),
        ("0", "EUR", "0.00"),
        ("2200.5", "USD", "22.005"),
        ("2200", "ZZZ", "22.00"),
    ],
)
def test_minor_units_become_major_ones(text: str, currency: str, amount: str) -> None:
    money = from_minor_units(text, currency)
    assert money == Money(Decimal(amount), currency)
    assert str(money.amount) == amount


@pytest.mark.parametrize("text", ["22", "22.5", "22.50", "0.1", "11.941", "123456789012345678901234567890.12"])
def test_an_amount_as_written_keeps_each_digit(text: str) -> None:
    money = as_written(text, "USD")
    assert money is not None
    assert str(money.amount) == text


@pytest.mark.parametrize(
    "text", ["", "abc", "1,5", "1 000", "1_0", "NaN", "Infinity", "٣", "1e999999999", "1" * 41, "--1", "."]
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert parse_amount(text) is None
    assert as_written(text, "USD") is None
    assert from_minor_units(text, "USD") is None


@given(st.integers(min_value=-(10**38), max_value=10**38), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_no_digit_of_minor_units_is_ever_lost(units: int, currency: str) -> None:
    money = from_minor_units(str(units), currency)
    assert money is not None
    sign, digits, power = money.amount.as_tuple()
    assert power == -exponent(currency)
    assert int("".join(map(str, digits))) * (-1 if sign else 1) == units
