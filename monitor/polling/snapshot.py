"""What one look saw, and how much its silence about an order means."""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from monitor.diff import Coverage
from monitor.errors import SourceError
from monitor.model import Order, Routine
from monitor.polling.ledger import Ledger
from monitor.polling.shelf import number_of
from monitor.sources.base import Answer, ListQuery, Page

_FEW = 50


class Depth(StrEnum):
    """How much a look reads (DESIGN.md §7)."""

    WATCH = "watch"
    """The open orders, the newest ones, and how many there are of each status."""
    SETTLE = "settle"
    """The status of each order, most of them by elimination."""
    SWEEP = "sweep"
    """Each order."""
    CHANGES = "changes"
    """The orders that were modified since the last look."""


class Sighting(NamedTuple):
    """One order as one answer showed it; monotonic seconds.

    ``number`` is the page on which it stood, 0 if it was read alone.
    """

    page: Page
    sent: float
    received: float
    number: int
    status: str | None
    """Of which status the list was, as it was asked for; None for the list of all orders."""
    since: datetime | None = None
    """Since when the orders of the list were modified, as it was asked for."""
    after: str | None = None
    """Where the page begins, of a list whose pages are read one after the other."""

    def proves_later_than(self, other: Sighting) -> bool:
        """Whether this was asked after the other was answered. Else nobody can say which state came first."""
        return self.sent >= other.received


ALONE = ListQuery(page=0)
"""What is asked for where an order is read alone."""


def sighting_of(page: Page, answer: Answer, query: ListQuery = ALONE) -> Sighting:
    """What this answer to that query shows of each order on its page."""
    asked = (query.page, query.status, query.modified_since, query.after)
    return Sighting(page, answer.sent, answer.received, *asked)


class Snapshot:
    """What a look saw of a source whose known orders are in ``ledger``; ``look`` is the look's number there.

    ``sightings`` has the orders that may differ from what is known, by id, each where it was seen last; all others that
    were seen are noted in the ledger. ``absent`` are known orders that the look proves not to be there. COMPLETE: every
    order there is was seen. ``reason`` says why a sweep is PARTIAL, or what a smaller look could not explain.
    ``error`` ended the reading early; what was read before stands. ``began`` is when the first request was sent, in
    monotonic seconds. ``whole`` are the statuses (normalised) of which each order was seen to have it still.
    ``confirmed`` are the ids whose return to a previous status a second read has shown, ``doubted`` those it has not.
    ``more`` says that the same look goes on after this part of it, ``unfinished`` that a later one will;
    ``since`` is the number of the first look of the sweep that it is a part of. ``routine`` is what the source's
    strategy is to remember; ``known_difference`` is what the totals say otherwise, but no sweep could explain.
    ``cursor``, where it is set, is the source's own time up to which it has shown all that was modified.
    ``known`` is how many known orders it could see, None for all. ``introduces``: orders that were not known before
    were not watched before either, and are no news. ``followed``: all others are to be forgotten; None: none is.
    ``strangers`` of them are not there, and were not when they were looked for before.
    """

    def __init__(self, ledger: Ledger, look: int, depth: Depth = Depth.SWEEP, error: SourceError | None = None) -> None:
        self.ledger = ledger
        self.look = look
        self.depth = depth
        self.error = error
        self.sightings: dict[str, Sighting] = {}
        self.absent: list[str] = []
        self.coverage = Coverage.PARTIAL
        self.reason = ""
        self.total: int | None = None
        self.began = math.inf
        self.whole: frozenset[str] = frozenset()
        self.confirmed: set[str] = set()
        self.doubted: set[str] = set()
        self.more = False
        self.unfinished = False
        self.since: int | None = None
        self.routine: Routine | None = None
        self.known_difference = ""
        self.cursor: datetime | None = None
        self.known: int | None = None
        self.introduces = False
        self.followed: Collection[str] | None = None
        self.strangers: list[str] = []

    def add(self, page: Page, answer: Answer, query: ListQuery = ALONE) -> bool:
        """Take in a page's orders; whether any may differ from what is known. ``query``: what was asked for.

        Of two sightings the one that proves to be later stands, else the first.
        """
        self.began = min(self.began, answer.sent)
        differing = self.ledger.see(page, self.look)
        if not differing and not self.sightings:
            return False
        sighting = sighting_of(page, answer, query)
        rows = {page.ids[row] for row in differing}
        for order_id in rows.union(self._sighted_before(page)):
            before = self.sightings.get(order_id) if order_id else None
            if order_id and (before is None or sighting.proves_later_than(before)):
                self.sightings[order_id] = sighting
        return bool(differing)

    def _sighted_before(self, page: Page) -> set[str]:
        """Which of the page's orders have been sighted in this look."""
        if not self.ledger.saw_run or len(self.sightings) > _FEW:
            return self.sightings.keys() & set(page.ids)
        # Nothing of a page of known orders is decoded for the few that were sighted on others: its ends tell.
        ends = [number_of(page.id_at(row) or "") or 0 for row in (0, len(page.marks) - 1)]
        low, high = min(ends), max(ends)
        # A new order whose place is among them was sighted elsewhere: this page lacks it.
        return {i for i in self.sightings if low <= (number_of(i) or -1) <= high and i in self.ledger}

    def reject(self, error: SourceError) -> None:
        """Believe nothing of it."""
        self.error = error
        self.sightings.clear()
        self.absent.clear()

    def changed(self) -> list[str]:
        """The ids of the orders that may differ from what is known."""
        return list(self.sightings)

    def part_is_committed(self) -> None:
        """What was seen so far is in the state and in the ledger; the look may go on."""
        self.sightings.clear()
        self.confirmed.clear()
        self.doubted.clear()

    def order(self, order_id: str) -> Order:
        """The order as it was seen last."""
        return self.sightings[order_id].page.order(order_id)

    def mark(self, order_id: str) -> int:
        """The mark of the order as it was seen last."""
        page = self.sightings[order_id].page
        return page.marks[page.ids.index(order_id)]

    def shows(self, order_id: str) -> bool:
        """Whether this look has seen the order."""
        return order_id in self.sightings or self.ledger.seen(order_id, self.look)

    def seen(self, since: int | None = None) -> int:
        """How many orders this look, or those from ``since`` on, have seen, each counted once."""
        new = sum(order_id not in self.ledger for order_id in self.sightings)
        return self.ledger.count_seen(self.look if since is None else since) + new

    @property
    def shows_none(self) -> bool:
        """Whether no order is known, and none was seen."""
        return not self.sightings and not len(self.ledger)

    def newest_id(self) -> int | None:
        """The highest numeric id that was seen, None if there is none."""
        ids = [number for i in self.sightings if (number := number_of(i)) is not None]
        known = self.ledger.newest(self.look if self.since is None else self.since)
        return max([*ids, *([] if known is None else [known])], default=None)
