"""The sweep: every page of the list, and a proof that nothing was missed, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from itertools import chain

from monitor.diff import Coverage
from monitor.errors import SourceError
from monitor.polling.habits import Direction, Habits
from monitor.polling.listing import IN_FLIGHT, MAX_PAGES, Listing
from monitor.polling.plan import pages_of
from monitor.polling.seek import Seeker
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth, Snapshot
from monitor.sources.base import Page

REPAIRS = 6
"""How often a list that changed while it was read is read on where it was not seen."""
READINGS = 3
"""How often a list that does not say how many orders it holds is read anew, to prove that none was missed."""
SHORT = 100
"""A list that is sorted in no way is read anew to find what was missed, if it has no more pages than these."""
PART = 5000
"""So many orders that may have changed are held at a time: a baseline of a million is committed in parts."""
MOST_SOUGHT = 500
"""So many orders that a sweep has missed are looked up; more of them are a doubt."""


class Sweep:
    """One reading of the whole list; in slices, where it is given until when to read.

    ``look_up``: orders that were not seen, because the list lost others while it was read, are looked up.
    """

    def __init__(self, sight: Sight, habits: Habits, *, look_up: bool = False) -> None:
        self.done = False
        self.listing = sight.whole_list(sight.snapshot(Depth.SWEEP))
        self._since = sight.look
        self._began = math.inf
        self._habits = habits
        self._look_up = look_up
        self._left: _Pages | _Chain | None = None

    async def go_on(self, sight: Sight) -> AsyncIterator[Snapshot]:
        """Read on, to the end or until it is late, and yield what was seen: in parts where much of it is new.

        The last snapshot has the verdict. A failure ends the sweep but keeps what was read: a valid row is proof.
        """
        snapshot = sight.snapshot(Depth.SWEEP)
        snapshot.since = self._since
        self.listing.resume(sight.get, snapshot)
        try:
            async for _ in self._read(sight):
                snapshot.total, snapshot.more = self.listing.total, True
                yield snapshot
                snapshot.more = False
            self.done = not self._left
            snapshot.unfinished = not self.done
            self._began = min(self._began, snapshot.began)
            if self.done:
                await self._conclude(sight, snapshot)
        except SourceError as error:
            self.done, snapshot.error, snapshot.reason = True, error, str(error)
            snapshot.total = self.listing.total
        yield snapshot

    async def _read(self, sight: Sight) -> AsyncIterator[None]:
        """Read pages; it pauses, with no request under way, whenever enough was seen to be committed."""
        listing = self.listing
        if self._left is None:
            first = await listing.read(1)
            if first.last_page is None and not listing.chained:
                if not _claims_more(first):
                    await _read_unpaged(listing, self._since)
                    return
                listing.last_page = pages_of(first.total or 0, len(first.marks))
            self._left = _Chain(listing) if listing.chained else _Pages(_outside_in(min(listing.last_page, MAX_PAGES)))
        enough = listing.pages + IN_FLIGHT
        async for _ in _in_parts(listing, self._left, lambda: sight.late and listing.pages >= enough):
            yield
        if self._left or listing.shows_nothing_new:
            return
        if not listing.chained:
            await _read_past_the_end(listing, self._since)
            await _repair(listing, self._since)
        if listing.total is None and listing.last_page > 1 and self._must_be_whole(sight):
            await self._read_anew(sight)

    def _must_be_whole(self, sight: Sight) -> bool:
        """Whether anything follows from this reading being whole: a baseline, or that somebody is gone."""
        has_baseline = sight.state is not None and sight.state.baseline_at is not None
        return not has_baseline or sight.ledger.count_seen(self._since) < len(sight.ledger)

    async def _read_anew(self, sight: Sight) -> None:
        """Without totals a list is whole if all that one reading showed is there in the next: none was removed.

        What is removed while a list is read draws others over the edge of a page that was read already.
        """
        listing, snapshot = self.listing, self.listing.snapshot
        before, began = self._since, -math.inf
        for _ in range(READINGS):
            anew, since = sight.monotonic(), sight.look + 1
            snapshot.look = sight.look = since
            await listing.read_all(_all_pages(listing), lambda: listing.shows_nothing_new)
            if not _lost(snapshot, before, since) and all(
                not began <= s.sent < anew for s in snapshot.sightings.values()
            ):
                return
            before, began = since, anew
        listing.flaws.append("the list does not say how many orders it holds, and changed whenever it was read")

    async def _conclude(self, sight: Sight, snapshot: Snapshot) -> None:
        """The verdict on all slices together."""
        listing, seen = self.listing, snapshot.seen(self._since)
        snapshot.began = self._began
        snapshot.total = seen if listing.total is None else listing.total
        snapshot.reason = _why_partial(listing, seen)
        unseen = snapshot.ledger.unseen(self._since)
        if snapshot.reason and self._look_up and not listing.flaws and 0 < len(unseen) <= MOST_SOUGHT:
            await self._seek(sight, snapshot, unseen)
        elif not snapshot.reason:
            snapshot.coverage, snapshot.absent = Coverage.COMPLETE, unseen

    async def _seek(self, sight: Sight, snapshot: Snapshot, unseen: list[str]) -> None:
        """What could not be proven as a whole is proven one by one."""
        sought = await Seeker(sight, snapshot, self._habits).find(unseen)
        snapshot.absent = sought.absent
        if not sought.lost and snapshot.seen(self._since) == self.listing.newest_total:
            snapshot.coverage, snapshot.reason, snapshot.total = Coverage.COMPLETE, "", self.listing.newest_total


async def _in_parts(listing: Listing, left: _Pages | _Chain, stop: Callable[[], bool]) -> AsyncIterator[None]:
    """Read these pages until ``stop``, in parts between which no request is under way: later ones are later reads."""
    while left and not stop():
        await listing.read_all(left, lambda: _has_enough(listing) or stop())
        if listing.shows_nothing_new:
            left.clear()
        if left and _has_enough(listing):
            yield


def _has_enough(listing: Listing) -> bool:
    return len(listing.snapshot.sightings) >= PART or listing.shows_nothing_new


class _Pages(Iterator[int]):
    """Numbers of pages that are still to be read."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = list(numbers)[::-1]

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def __next__(self) -> int:
        if not self._numbers:
            raise StopIteration
        return self._numbers.pop()

    def clear(self) -> None:
        self._numbers.clear()


class _Chain(Iterator[int]):
    """Numbers of pages of which each is known only once the one before has been read."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._number = 1

    def __bool__(self) -> bool:
        return self._listing.leads_on(self._number)

    def __next__(self) -> int:
        if not self:
            raise StopIteration
        self._number += 1
        return self._number

    def clear(self) -> None:
        self._number = MAX_PAGES


def _all_pages(listing: Listing) -> Iterable[int]:
    """The numbers of all pages, in their order, for reading the list anew."""
    if listing.chained:
        return chain([1], _Chain(listing))
    return range(1, min(listing.last_page, MAX_PAGES) + 1)


def _outside_in(last: int) -> Iterator[int]:
    """All pages but the first, the last one first: with both ends known, a list that has gone back shows at once."""
    if last > 1:
        yield last
        yield from range(2, last)


async def _read_unpaged(listing: Listing, since: int) -> None:
    """A list without paging information is whole, unless it ends just where a page would."""
    snapshot, size = listing.snapshot, listing.fits
    number, seen = 1, snapshot.seen(since)
    while seen and seen == number * size and number < MAX_PAGES:
        number += 1
        await listing.read(number)
        if snapshot.seen(since) == seen:
            return
        listing.flaws.append("the list comes in pages but does not say how many")
        seen = snapshot.seen(since)


def _claims_more(first: Page) -> bool:
    return len(first.marks) > 0 and (first.total or 0) > len(first.marks)


async def _read_past_the_end(listing: Listing, since: int) -> None:
    """A list whose last page is full, or that has not shown all that it claims, may go on, whatever it says."""
    number = listing.last_page
    while number < MAX_PAGES and _may_go_on(listing, since):
        seen = listing.snapshot.seen(since)
        number += 1
        await listing.read(number)
        if listing.snapshot.seen(since) == seen:
            return


def _may_go_on(listing: Listing, since: int) -> bool:
    seen = listing.snapshot.seen(since)
    return seen > 0 and (seen < (listing.newest_total or 0) or listing.ends_full)


async def _repair(listing: Listing, since: int) -> None:
    """Read again where orders that were placed or moved meanwhile stand, until all are seen, or no more can be had."""
    before, anywhere = None, False
    for _ in range(REPAIRS):
        seen = listing.snapshot.seen(since)
        missing = listing.pages_of_gaps() or _ends(listing, seen)
        if not missing or listing.shrank:
            return
        if (seen, listing.total) == before:
            if anywhere or listing.direction is not Direction.NEITHER or listing.last_page > SHORT:
                return
            anywhere = True
        before = seen, listing.total
        pages = range(1, listing.last_page + 1) if anywhere else missing
        await listing.read_all(pages, lambda: listing.shows_nothing_new)


def _ends(listing: Listing, seen: int) -> list[int]:
    """The pages at both ends of a list that holds more than was seen: where new orders stand."""
    behind = (listing.total or 0) - seen
    if behind <= 0:
        return []
    last = min(listing.last_page, MAX_PAGES)
    return sorted({*range(1, min(behind // listing.fits + 1, last) + 1), last})


def _lost(snapshot: Snapshot, before: int, since: int) -> bool:
    """Whether the looks from ``since`` on lack a known order that those from ``before`` on have shown."""
    return snapshot.ledger.count_seen(before) > snapshot.ledger.count_seen(since)


def _why_partial(listing: Listing, seen: int) -> str:
    """Why this reading proves no absence; empty if it does."""
    if listing.flaws:
        return listing.flaws[0]
    if listing.last_page > MAX_PAGES:
        return f"the list has more than {MAX_PAGES:,} pages"
    if listing.shrank:
        return "orders were removed from the list while it was read"
    if listing.total is None and listing.goes_on_empty:
        return "the list claims more pages than it has"
    if listing.total is None or listing.total == seen:
        return ""
    said = f"the list says that it holds {listing.total:,} orders, but shows"
    return f"{said} the same {seen:,} on each page" if listing.repeats_first_page else f"{said} {seen:,}"
