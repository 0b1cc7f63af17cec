"""Which known orders are gone from a sorted list? Found by halving: a few pages where a sweep would read them all."""

from __future__ import annotations

from typing import NamedTuple

from monitor.polling.habits import Direction, Habits
from monitor.polling.listing import Listing
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Snapshot

MOST_LOST = 10
"""Of more lost orders than this, a sweep finds them with fewer requests."""


class _Edge(NamedTuple):
    """Where a page begins: its first order, and how many known orders that stood before it are gone."""

    number: int
    first: str
    lost: int


async def find_losses(sight: Sight, snapshot: Snapshot, habits: Habits) -> list[str]:
    """Known orders that the list of all orders lacks; SourceError if there is no usable answer.

    Each page that it reads is in the snapshot; that an order is absent still is to be proven in its own place. All new
    orders must be known already.
    """
    search = _Search(sight, snapshot, habits)
    return await search.run() if search.possible else []


class _Search:
    def __init__(self, sight: Sight, snapshot: Snapshot, habits: Habits) -> None:
        self._list = Listing(sight.source, sight.get, snapshot, fits=habits.page_size or None)
        self._ledger = snapshot.ledger
        self._direction = habits.direction
        self._edges: dict[int, _Edge | None] = {}
        self.possible = self._direction in (Direction.NEWEST_FIRST, Direction.OLDEST_FIRST)

    async def run(self) -> list[str]:
        first = await self._edge(1)
        total = self._list.newest_total
        if first is None or total is None or not 0 < len(self._ledger) - total <= MOST_LOST:
            return []
        last = await self._edge(self._list.last_page)
        behind = self._unseen_from(last, None) if last else []
        return [*self._unseen_before(first), *await self._between(first, last), *behind]

    async def _between(self, before: _Edge, after: _Edge | None) -> list[str]:
        """The losses from where one page begins to where another does; None: to the end of the list."""
        if after is not None and before.lost == after.lost:
            return []
        if after is None or after.number <= before.number:
            return self._unseen_from(before, None)
        if after.number - before.number == 1:
            return self._unseen_from(before, after)
        middle = await self._edge((before.number + after.number) // 2)
        if middle is None:
            return []
        return [*await self._between(before, middle), *await self._between(middle, after)]

    async def _edge(self, number: int) -> _Edge | None:
        """Where this page begins; None where that cannot be told."""
        if number not in self._edges:
            page = await self._list.read(number)
            first = page.id_at(0) if page.marks else None
            place = self._place(first) if first else None
            index = (number - 1) * self._list.fits
            self._edges[number] = None if first is None or place is None else _Edge(number, first, place - index)
        return self._edges[number]

    def _place(self, order_id: str) -> int | None:
        """How many known orders stand before this one."""
        newer = self._ledger.newer_than(order_id)
        if newer is None or self._direction is Direction.NEWEST_FIRST:
            return newer
        return len(self._ledger) - 1 - newer

    def _unseen_from(self, before: _Edge, after: _Edge | None) -> list[str]:
        """The known orders between two edges that this look has not seen."""
        return self._unseen(before.first, after and after.first, at_start=False)

    def _unseen_before(self, first: _Edge) -> list[str]:
        """The known orders that would stand before the list's first one."""
        return self._unseen(first.first, None, at_start=True) if first.lost else []

    def _unseen(self, one: str, other: str | None, *, at_start: bool) -> list[str]:
        """The known orders between these two that this look has not seen; None: to that end of the list."""
        rank = self._ledger.newer_than(one) or 0
        end = None if other is None else self._ledger.newer_than(other)
        if end is None:
            newest_end = at_start is (self._direction is Direction.NEWEST_FIRST)
            end = 0 if newest_end else len(self._ledger)
        ids = self._ledger.by_rank(min(rank, end), max(rank, end))
        return [i for i in ids if not self._list.snapshot.shows(i)]
