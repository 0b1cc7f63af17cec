"""The transaction in SQL that SQLite and PostgreSQL both understand, over a driver for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

NEWS = "news"
"""What other processes are told of: that there is something to send, or to show."""
GAP = "gap"
"""What is heard of a time in which nobody listened: anything may have been told."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Driver(Protocol):
    """One connection inside a transaction. Parameters are named (``:name``)."""

    texts: str
    numbers: str
    """The functions that make rows with a column ``value`` of a JSON array of texts, and of one of numbers."""
    lock: str
    lock_d: str
    skip_locked_d: str
    """What makes a query lock its rows until the transaction ends, all or those of ``d``; and what lets it pass over
    those of ``d`` that others have locked. Empty where one transaction writes at a time."""

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Run a query; all of its rows."""
        ...

    def stream(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        """Run a query; its rows as they come, not all at once."""
        ...

    def run(self, sql: str, **parameters: Any) -> int:
        """Run a statement; how many rows it touched."""
        ...

    def now_us(self, now: int | None = None) -> int:
        """The database's own time, in microseconds; where it has none, ``now``, else this machine's."""
        ...

    def lock_all(self, name: str) -> None:
        """Until the transaction ends, nobody else gets this lock; nothing where one transaction writes at a time."""
        ...

    def notify(self, topic: str) -> None:
        """Tell other processes once this is committed, where there are any."""
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
