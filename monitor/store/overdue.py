"""What may be asked of a state about stuck orders. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import msgspec


class StuckOrder(msgspec.Struct, frozen=True):
    """An order that a rule has found, since when it has its status, and how often it was told, last ``told_at``.

    ``urls`` are the digests of those that were told. At ``next_at`` there is something to tell again; None: never.
    """

    order_id: str
    route: str
    status_at: datetime
    told_at: datetime | None = None
    told: int = 0
    escalated: bool = False
    urls: tuple[str, ...] = ()
    next_at: datetime | None = None


class Aged(NamedTuple):
    """An order's place among those of its status: by when it entered that, and its id."""

    status_at: datetime
    order_id: str


BEGINNING = Aged(datetime.min.replace(tzinfo=UTC), "")
"""Before all orders."""


class Looked(msgspec.Struct, frozen=True):
    """How far a rule has looked at the orders of a status, which it has done ``since``, as what it was then."""

    route: str
    status: str
    fingerprint: str
    since: datetime
    up_to: Aged


class Overdue(Protocol):
    """The part of a transaction's interface that is about stuck orders."""

    def looked(self, source: str) -> list[Looked]:
        """How far each rule has looked at this source's orders."""
        ...

    def save_looked(self, source: str, looked: Looked) -> None:
        """Write how far a rule has looked at the orders of a status."""
        ...

    def drop_rule(self, source: str, route: str) -> None:
        """Forget what a rule has looked at, found and told in a source."""
        ...

    def statuses(self, source: str) -> list[str]:
        """The statuses (normalised) that the source's orders have which are there."""
        ...

    def mend_ages(self, source: str, status: str, now: datetime) -> None:
        """Let orders count from now that a clock, set back since, says to enter this status later."""
        ...

    def overdue(self, source: str, route: str, status: str, after: Aged, until: datetime, limit: int) -> list[Aged]:
        """The first so many orders beyond ``after`` that entered this status by then, and this rule has not told of."""
        ...

    def stuck(self, source: str, route: str) -> list[StuckOrder]:
        """What a rule has found."""
        ...

    def stuck_order(self, source: str, order_id: str) -> list[StuckOrder]:
        """What the rules have found of one order."""
        ...

    def stuck_due(self, source: str, route: str, now: datetime, furthest: datetime, limit: int) -> list[StuckOrder]:
        """The first so many of which there is something to tell.

        What is further ahead than it can be was written by a clock that has been set back since.
        """
        ...

    def end_stuck(self, source: str, ids: Collection[str]) -> Iterator[StuckOrder]:
        """Forget that these orders were stuck; what was told of them."""
        ...

    def look_again(self, source: str, route: str, orders: Mapping[str, datetime], now: datetime) -> None:
        """Let a rule look at these orders, by when they entered their status, unless it has told of them."""
        ...

    def save_stuck(self, source: str, stuck: Iterable[StuckOrder]) -> None:
        """Write what a rule has found, and told."""
        ...

    def drop_stuck(self, source: str, route: str, ids: Collection[str]) -> None:
        """Forget that a rule has found these orders."""
        ...
