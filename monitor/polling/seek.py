"""Where is this order now? What is known gives its place in a sorted list: mostly one request for a page of them.

What has no place there, or is not found in it, is read alone where the source shows single orders.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

import msgspec

from monitor.errors import NotFound
from monitor.polling.details import Details
from monitor.polling.gathering import all_of
from monitor.polling.habits import Direction, Habits, strictly
from monitor.polling.listing import MAX_PAGES, OTHER_PAGE_SIZE, PAGE_SIZE, Listing
from monitor.polling.shelf import number_of
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import ListQuery, Page

ROUNDS = 6
"""How often the place is looked for anew when the list has moved."""

MOST_ALONE = 100
"""So many orders, or as many as the list has pages, are read alone; of more a sweep finds out with fewer requests."""


class Sought(msgspec.Struct):
    """What became of the orders that were looked for and not found. ``lost``: not proven absent either."""

    absent: list[str] = []
    lost: list[str] = []


class Cut(NamedTuple):
    """A page: the list cut into pages of this size, and which of them."""

    size: int
    number: int


class Place(Enum):
    """Where an order stands, as one page of a sorted list shows it."""

    HERE = "here"
    NOWHERE = "nowhere"
    BEFORE = "on a page before"
    AFTER = "on a page after"
    UNKNOWN = "unknown"


class Seeker:
    """Looks orders up in the list of all orders; those it finds are in the snapshot then.

    Absent is an order in whose place its two neighbours stand side by side, or that its source says to be gone. In a
    list that is not sorted nothing has a place.
    """

    def __init__(self, sight: Sight, snapshot: Snapshot, habits: Habits) -> None:
        # Another page size each time: what stood on an edge stands amid a page, and no cache can repeat itself.
        size = OTHER_PAGE_SIZE if snapshot.look % 2 else PAGE_SIZE
        fits = min(size, habits.page_size or size)
        self._list = Listing(sight.source, sight.get, snapshot, size=size, fits=fits)
        self._ledger = snapshot.ledger
        self._direction = habits.direction or Direction.NEITHER
        self._sight = sight
        self._read: dict[int, Page] = {}
        self._edges: dict[str, int] = {}
        self._between: dict[str, tuple[int, int]] = {}
        self._details = Details.of(sight, snapshot)

    def pages_for(self, ids: Iterable[str]) -> dict[str, int]:
        """On which page each stands, if all that is known and was just seen of the list is still true."""
        if self._list.chained:
            return {}
        snapshot = self._list.snapshot
        new = [n for i in snapshot.sightings if i not in self._ledger and (n := number_of(i)) is not None]
        total = len(self._ledger) + len(new) if snapshot.total is None else snapshot.total
        pages: dict[str, int] = {}
        for order_id in ids:
            newer = self._ledger.newer_than(order_id)
            if newer is not None and self._direction is not Direction.NEITHER:
                index = newer + sum(number > int(order_id) for number in new)
                index = index if self._direction is Direction.NEWEST_FIRST else max(total - index - 1, 0)
                pages[order_id] = index // self._list.fits + 1
        return pages

    async def find(self, ids: Iterable[str]) -> Sought:
        """Look for these, at last one by one where the source allows it; SourceError if there is no usable answer."""
        sought = await self._find_places(list(ids))
        if self._details and 0 < len(sought.lost) <= max(MOST_ALONE, len(self._ledger) // self._list.fits):
            read = await self._details.read(sought.lost)
            sought = Sought(sought.absent + read.gone, list(read.failed))
        return sought

    async def _find_places(self, ids: list[str]) -> Sought:
        sought = await self._follow_all(ids)
        await self._look_amid_pages(sought)
        shows = self._list.snapshot.shows
        return Sought(*([i for i in found if not shows(i)] for found in (sought.absent, sought.lost)))

    async def _look_amid_pages(self, sought: Sought) -> None:
        """Two pages are of two moments: what would stand between them is absent if one page shows that it does not."""
        fits = self._list.fits
        cuts = {i: cut for i, number in self._edges.items() if (cut := _page_across(number * fits, fits))}
        wanted = sorted(set(cuts.values()))
        pages = dict(zip(wanted, await all_of(map(self._page, wanted)), strict=True))
        for order_id, cut in cuts.items():
            page = pages[cut]
            if page is not None and self._place(order_id, cut, page) is Place.NOWHERE:
                sought.lost.remove(order_id)
                sought.absent.append(order_id)

    async def _page(self, cut: Cut) -> Page | None:
        """This page, for its proof alone: a second read of its orders would not know where to look for them."""
        source = self._sight.source
        with suppress(NotFound):
            return source.decode_list(await self._sight.get(source.list_request(ListQuery(cut.number, cut.size))))
        return None

    async def _follow_all(self, ids: list[str]) -> Sought:
        pages = self.pages_for(ids)
        sought = Sought(lost=[order_id for order_id in ids if order_id not in pages])
        for _ in range(ROUNDS):
            if not pages:
                break
            numbers = sorted(set(pages.values()) - self._read.keys())
            self._read |= dict(zip(numbers, await all_of(self._list.read(number) for number in numbers), strict=True))
            pages = self._judge(pages, sought)
        sought.lost += pages
        return sought

    def _judge(self, pages: dict[str, int], sought: Sought) -> dict[str, int]:
        """Where to look next, for those whose place is on another page."""
        further: dict[str, int] = {}
        for order_id, number in pages.items():
            place, following = self._follow(order_id, number)
            if following:
                further[order_id] = following
            elif place is Place.NOWHERE:
                sought.absent.append(order_id)
            elif place is not Place.HERE:
                sought.lost.append(order_id)
        return further

    def _follow(self, order_id: str, number: int) -> tuple[Place, int]:
        """Where it stands by all pages on its way that were read, and the next one to read; 0 for none."""
        low, high = self._between.get(order_id, (0, MAX_PAGES))
        while (place := self._place_on_read(order_id, number)) in (Place.BEFORE, Place.AFTER):
            low, high = (low, min(high, number)) if place is Place.BEFORE else (max(low, number), high)
            self._between[order_id] = low, high
            if high - low <= 1:
                self._edges[order_id] = low
                return Place.UNKNOWN, 0
            number = min(max(self._following(order_id, number, place), low + 1), high - 1)
            if number not in self._read:
                return place, number
        return place, 0

    def _place_on_read(self, order_id: str, number: int) -> Place:
        return self._place(order_id, Cut(self._list.fits, number), self._read[number])

    def _place(self, order_id: str, cut: Cut, page: Page) -> Place:
        number, target = cut.number, int(order_id)
        if order_id in page.ids:
            return Place.HERE
        if not page.marks:
            return Place.BEFORE if number > 1 else Place.UNKNOWN
        first, last = number_of(page.ids[0] or ""), number_of(page.ids[-1] or "")
        if first is None or last is None or (len(page.marks) > 1 and strictly(page) is not self._direction):
            return Place.UNKNOWN
        newest_first = self._direction is Direction.NEWEST_FIRST
        if target > first if newest_first else target < first:
            return Place.BEFORE if number > 1 else Place.NOWHERE
        if target < last if newest_first else target > last:
            return Place.AFTER if number < self._last_page(page, number + 1) else _beyond(page, cut)
        return Place.NOWHERE

    def _following(self, order_id: str, number: int, place: Place) -> int:
        """The page to look at next, for an order that stands before or after this one."""
        page = self._read[number]
        edge = page.ids[0 if place is Place.BEFORE else -1] if page.marks else None
        here, there = (self._ledger.newer_than(i) or 0 for i in (edge or order_id, order_id))
        step = max(abs(here - there) // self._list.fits, 1)
        if not page.marks:
            return min(page.last_page or self._list.last_page, number - 1)
        return max(number - step, 1) if place is Place.BEFORE else min(number + step, self._last_page(page, number + 1))

    def _last_page(self, page: Page, unknown: int) -> int:
        """The number of the list's last page, as this one says."""
        if page.last_page is not None:
            return page.last_page
        return unknown if page.total is None else -(-page.total // self._list.fits)


def _beyond(page: Page, cut: Cut) -> Place:
    """What stands after the last page; unknown where that says that the list holds more."""
    shown = (cut.number - 1) * cut.size + len(page.marks)
    return Place.NOWHERE if page.total is None or page.total <= shown else Place.UNKNOWN


def _page_across(index: int, fits: int) -> Cut | None:
    """A smaller page on which the order at this place and the one before it stand both; None if there is none."""
    # The next smaller ones last: second reads ask for these sizes, and a cache may have kept their answers.
    half = max(fits // 2, 1)
    sizes = (size for size in (*range(half, 1, -1), *range(half + 1, fits)) if index % size)
    return next((Cut(size, index // size + 1) for size in sizes), None)
