from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.words import Words, known_locale, known_time_zone

ENGLISH = Words("Europe/Stockholm", "en")
SWEDISH = Words("Europe/Stockholm", "sv")
NOON = datetime(2025, 7, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("49", "USD", "$49.00"),
        ("1234.5", "EUR", "€1,234.50"),
        ("-3", "USD", "-$3.00"),
        ("1500", "JPY", "¥1,500"),
        ("1.5", "KWD", "KWD\u00a01.500"),
        ("10", "HUF", "HUF\u00a010.00"),
        ("10", "RSD", "RSD\u00a010.00"),
        ("49.005", "USD", "$49.005"),
        ("1500.5", "JPY", "¥1,500.5"),
        ("22.50000000", "USD", "$22.50"),
        ("5", "usd", "$5.00"),
        ("22.50", None, "22.50"),
        ("1234.5", None, "1,234.5"),
        ("22.500", "ABC", "ABC\u00a022.500"),
        ("22.5", "points", "22.5 points"),
        ("12345678901234567890123456789.25", "EUR", "€12,345,678,901,234,567,890,123,456,789.25"),
        ("1E+999999999", "USD", "1.000000E+999999999 USD"),
        ("NaN", "USD", "NaN USD"),
    ],
)
def test_an_amount_is_written_as_people_write_it_and_never_rounded(
    amount: str, currency: str | None, expected: str
) -> None:
    assert ENGLISH.money(Decimal(amount), currency) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [("1234.5", "SEK", "1\u00a0234,50\u00a0kr"), ("1.5", "KWD", "1,500\u00a0KWD"), ("1234.5", None, "1\u00a0234,5")],
)
def test_an_amount_follows_the_locale(amount: str, currency: str | None, expected: str) -> None:
    assert SWEDISH.money(Decimal(amount), currency) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18))
def test_no_digit_of_an_amount_is_lost(amount: Decimal) -> None:
    text = ENGLISH.money(amount)
    read = Decimal(text.replace(",", ""))
    assert read == amount or "E" in text


def test_a_moment_of_today_has_its_time_zone_and_no_date() -> None:
    assert ENGLISH.time(NOON, NOON) == "14:00 CEST"


def test_a_moment_of_another_day_has_its_date() -> None:
    assert ENGLISH.time(NOON, NOON + timedelta(days=1)) == "Jul 1, 2025, 14:00 CEST"
    assert SWEDISH.time(NOON, NOON + timedelta(days=1)) == "1 juli 2025, 14:00 CEST"


def test_the_day_is_the_time_zones_own() -> None:
    late = datetime(2025, 7, 1, 22, 30, tzinfo=UTC)
    assert ENGLISH.time(late, NOON) == "Jul 2, 2025, 00:30 CEST"


def test_beside_another_moment_only_the_difference_is_written() -> None:
    assert ENGLISH.time(NOON - timedelta(minutes=1), NOON, beside=NOON) == "13:59"
    assert ENGLISH.time(NOON - timedelta(days=1), NOON, beside=NOON) == "Jun 30, 2025, 14:00"


def test_the_hour_that_comes_twice_is_told_apart() -> None:
    second = datetime(2025, 10, 26, 1, 10, tzinfo=UTC)
    assert ENGLISH.time(second, second) == "02:10 CET"
    assert ENGLISH.time(second - timedelta(hours=1), second, beside=second) == "02:10 CEST"


def test_a_zone_without_a_name_reads_as_a_zone() -> None:
    assert Words("America/Sao_Paulo", "en").time(NOON, NOON) == "09:00 UTC-03"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (2 * 3600 + 13 * 60 + 59, "2 h 13 min"),
        (86_400 + 59, "1 day"),
        (2 * 86_400 + 3 * 3600 + 59, "2 days 3 h"),
    ],
)
def test_a_duration_is_its_two_largest_units(seconds: int, expected: str) -> None:
    assert ENGLISH.duration(timedelta(seconds=seconds)) == expected


def test_a_duration_follows_the_locale() -> None:
    assert Words("UTC", "ja").duration(timedelta(hours=2, minutes=13)) == "2 時間 13 分"


@pytest.mark.parametrize("name", ["Nowhere/City", "../etc/passwd", "", "America", "a\0b"])
def test_an_unknown_time_zone_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown time zone .*: expected a name such as Europe/Stockholm or UTC"):
        known_time_zone(name)


@pytest.mark.parametrize("name", ["xx_YY", "", "..", "en_"])
def test_an_unknown_locale_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown locale .*: expected a name such as en"):
        known_locale(name)


@pytest.mark.parametrize("name", ["pt_BR", "pt-BR"])
def test_a_locale_is_known_by_both_spellings(name: str) -> None:
    assert str(known_locale(name)) == "pt_BR"
