"""The transaction in SQL that SQLite and PostgreSQL both understand, over a driver for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Driver(Protocol):
    """One connection inside a transaction. Parameters are named (``:name``)."""

    json_list: str
    """The function that makes rows with a column ``value`` of a JSON array."""

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query; all of its rows."""
        ...

    def stream(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        """Run a query; its rows as they come, not all at once."""
        ...

    def run(self, sql: str, **parameters: Any) -> int:
        """Run a statement; how many rows it touched."""
        ...

    def run_many(self, sql: str, parameters: list[dict[str, Any]]) -> int:
        """Run a statement for each of these; how many rows they touched in all."""
        ...


class Rows:
    """What every group of operations starts from: the driver."""

    def __init__(self, driver: Driver) -> None:
        self._db = driver


def to_us(at: datetime) -> int:
    """An aware time as microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def to_us_interval(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * 1_000_000)


def from_us(value: int) -> datetime:
    """The aware UTC time of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def from_us_or_none(value: int | None) -> datetime | None:
    """``from_us``, and None for None."""
    return None if value is None else from_us(value)
