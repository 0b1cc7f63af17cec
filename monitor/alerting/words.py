"""Amounts, times and durations as people of a locale write them. Pure: the same values give the same words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import parse_pattern
from babel.units import format_unit
from iso4217 import Currency

from monitor.model import Meanings

_MOST_DIGITS = 40
"""An amount with more digits before or behind the point is shown in scientific notation: 1E+999999999 fills no disk."""

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_ENGLISH_UNITS = {"hour": "h", "second": "s"}
"""CLDR's English says ``2 hr``; the symbols are shorter, and need no plural."""


def known_time_zone(name: str) -> ZoneInfo:
    """The time zone with this IANA name; ValueError, in words for people, if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a folder of the database, or a name too long for a file
        raise ValueError(f"unknown time zone {name!r}: expected a name such as Europe/Stockholm or UTC") from None


def known_locale(name: str) -> Locale:
    """The locale with this name (``en``, ``pt_BR``, ``pt-BR``); ValueError, in words for people, if there is none."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        raise ValueError(f"unknown locale {name!r}: expected a name such as en, de or pt_BR") from None


class Words:
    """The spelling of one locale and time zone, and what the sources' statuses mean, by source."""

    def __init__(self, time_zone: str, locale: str, meanings: Mapping[str, Meanings] | None = None) -> None:
        self._meanings = meanings or {}
        self.zone = known_time_zone(time_zone)
        self.locale = known_locale(locale)
        self._money = self.locale.currency_formats["standard"].pattern
        self._number = self.locale.decimal_formats[None].pattern

    def meanings(self, source: str) -> Meanings:
        """What the statuses of this source's orders and services mean."""
        return self._meanings.get(source, {})

    def money(self, amount: Decimal, currency: str | None = None) -> str:
        """``$49.00``. Never rounded; at least as many digits as ISO 4217 gives the currency; without one, a number."""
        if not amount.is_finite() or max(abs(amount.adjusted()), -_exponent(amount)) > _MOST_DIGITS:
            return f"{amount:.6E} {currency or ''}".strip()
        code = (currency or "").upper()
        if not re.fullmatch("[A-Z]{3}", code):
            return f"{self._format(self._number, amount, _written_digits(amount))} {currency or ''}".strip()
        text = self._format(self._money, amount, _digits(amount, code), code)
        return re.sub(r"(?<=[^\W\d_])(?=\d)", "\u00a0", text)  # CLDR's space in ``KWD 1.000``, which Babel leaves out

    def _format(self, pattern: str, amount: Decimal, digits: int, code: str | None = None) -> str:
        return _formatted(self.locale, pattern, amount, digits, code)

    def time(self, when: datetime, now: datetime, beside: datetime | None = None) -> str:
        """``14:22 CEST``, with its date where that is not ``now``'s.

        Where the reader has just read ``beside``, what it has in common with that is left out.
        """
        local = when.astimezone(self.zone)
        read = (beside or now).astimezone(self.zone)
        day = "" if local.date() == read.date() else f"{self.date(when)}, "
        zone = "" if beside and _zone(local) == _zone(read) else f" {_zone(local)}"
        return f"{day}{format_skeleton('Hm', local, tzinfo=self.zone, locale=self.locale)}{zone}"

    def date(self, when: datetime) -> str:
        """``Nov 21, 2025``."""
        return format_date(when.astimezone(self.zone).date(), "medium", self.locale)

    def duration(self, span: timedelta) -> str:
        """``2 h 13 min``: the two largest units, rounded down."""
        rest = max(0, int(span.total_seconds()))
        parts = []
        for unit, size in _UNITS:
            count, rest = divmod(rest, size)
            parts.append((count, unit))
        first = next((place for place, (count, _) in enumerate(parts) if count), len(parts) - 1)
        shown = [part for part in parts[first : first + 2] if part[0]] or [parts[-1]]
        return " ".join(self._unit(count, unit) for count, unit in shown)

    def _unit(self, count: int, unit: str) -> str:
        if self.locale.language == "en" and unit in _ENGLISH_UNITS:
            return f"{count} {_ENGLISH_UNITS[unit]}"
        return format_unit(count, f"duration-{unit}", "short", locale=self.locale)


def _digits(amount: Decimal, code: str) -> int:
    """ISO's digits, as the amount was made with them: CLDR's differ for RSD, IQD and a dozen others."""
    try:
        digits = Currency(code).exponent
    except ValueError:
        digits = None
    return _written_digits(amount) if digits is None else max(digits, _needed_digits(amount))


def _written_digits(amount: Decimal) -> int:
    return max(0, -_exponent(amount))


def _needed_digits(amount: Decimal) -> int:
    fraction = f"{amount:f}".partition(".")[2]
    return len(fraction.rstrip("0"))


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _zone(local: datetime) -> str:
    """``CEST``; zones without an abbreviation call themselves ``+03``, which alone would read as a calculation."""
    name = local.tzname() or ""
    return f"UTC{name}" if name.startswith(("+", "-")) else name


@lru_cache(maxsize=1024)
def _formatted(locale: Locale, pattern: str, amount: Decimal, digits: int, code: str | None) -> str:
    """Kept, as a message shows the same amounts in several places, and many orders cost the same."""
    number = parse_pattern(pattern)
    number.frac_prec = (digits, digits)
    with localcontext(prec=4 * _MOST_DIGITS):
        return str(number.apply(amount, locale, currency=code, currency_digits=False))
