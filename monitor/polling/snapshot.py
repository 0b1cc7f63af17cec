"""What one poll saw, and how much its silence about an order means."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from monitor.diff import Coverage
from monitor.errors import SourceError
from monitor.model import Order
from monitor.sources.base import Answer, Page


class Sighting(NamedTuple):
    """One order as one answer showed it; monotonic seconds. ``number`` is the page on which it stood."""

    page: Page
    sent: float
    received: float
    number: int

    def proves_later_than(self, other: Sighting) -> bool:
        """Whether this was asked after the other was answered. Else nobody can say which state came first."""
        return self.sent >= other.received


class Snapshot(msgspec.Struct):
    """What a poll saw: for each order's id where it was seen last, and what may be made of absences.

    ``reason`` says why a PARTIAL one is not COMPLETE. ``error`` ended the reading early; what was read before stands.
    ``began`` is when the first of its requests was sent, in monotonic seconds.
    ``confirmed`` are the ids whose return to a previous status a second read has shown, ``doubted`` those it has not.
    """

    sightings: dict[str, Sighting] = {}
    coverage: Coverage = Coverage.PARTIAL
    reason: str = ""
    total: int | None = None
    error: SourceError | None = None
    began: float = math.inf
    confirmed: set[str] = set()
    doubted: set[str] = set()

    def add(self, page: Page, answer: Answer, number: int) -> None:
        """Take in a page's orders; of two sightings the one that proves to be later stands, else the first."""
        self.began = min(self.began, answer.sent)
        sighting = Sighting(page, answer.sent, answer.received, number)
        for order_id in page.marks:
            before = self.sightings.get(order_id)
            if before is None or sighting.proves_later_than(before):
                self.sightings[order_id] = sighting

    def order(self, order_id: str) -> Order:
        """The order as it was seen last."""
        return self.sightings[order_id].page.order(order_id)

    def changed_since(self, marks: dict[str, int]) -> list[str]:
        """The ids of the orders that may differ from when these marks were taken."""
        return [i for i, sighting in self.sightings.items() if marks.get(i) != sighting.page.marks[i]]

    def newest_id(self) -> int | None:
        """The highest numeric id, None if there is none."""
        # 18 digits fit where it is stored; longer ones count nothing, but are made of dates or chance.
        return max((int(i) for i in self.sightings if len(i) <= 18 and i.isdecimal()), default=None)
