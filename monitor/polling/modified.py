"""Modified since: a list that can be asked for what was modified since a time, and sweeps for what it does not show.

The time asked for is our own: when the last look whose every page was read was answered, by the server's clock, less
the source's overlap. No row's own stamp is used for it: a server may stamp a change before it commits it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.diff import Coverage
from monitor.errors import NotFound, Rejected, SourceError
from monitor.polling.bound import Bound
from monitor.polling.gathering import all_of
from monitor.polling.listing import Get, Listing
from monitor.polling.plan import pages_of
from monitor.polling.seek import Seeker
from monitor.polling.settings import PollSettings
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth, Snapshot
from monitor.polling.strategy import ListStrategy
from monitor.sources.base import Answer, ModifiedSource, Page, Request, Stamped
from monitor.sources.headers import http_date

READINGS = 4
"""How often a list of several pages is read in one look at most, to prove that none of it was missed: mostly twice."""
UNPROVEN_LOOKS = 3
"""So many looks in a row without that proof say that this list does not add up at all."""
MOST_SOUGHT = 500
"""So many orders that the last sweep missed are looked up; more of them wait for the next."""


class ServerTime:
    """Passes requests on, and notes what time it was by the server's clock when the first one was answered."""

    def __init__(self, get: Get) -> None:
        self.began: datetime | None = None
        self.dated = True
        self._get = get

    async def get(self, request: Request) -> Answer:
        """The answer to this request."""
        answer = await self._get(request)
        date = http_date(answer.headers.get("date", ""))
        if date is None:
            self.dated = False
            return answer
        # The Date is set once the answer is made; what it shows was read after the request was sent.
        read = date - timedelta(seconds=min(answer.received - answer.sent, date.timestamp()))
        self.began = min(self.began or read, read)
        return answer

    @property
    def cursor(self) -> datetime | None:
        """All that was modified before it and is to be seen was there for each answer; None if one bore no Date."""
        return self.began if self.dated else None


class ModifiedStrategy(ListStrategy):
    """Reads what was modified since the last look; sweeps find what is gone, and what was stamped far too early."""

    def __init__(self, source: ModifiedSource, settings: PollSettings) -> None:
        super().__init__(source, settings)
        self._overlap = source.overlap

    def forget(self) -> None:
        super().forget()
        self._unproven = self._as_many = 0

    @property
    def bound(self) -> Bound:
        return Bound(self._every, sweep=self._sweep_every) if self.by_status else Bound(self._every)

    async def look(self, sight: Sight, now: datetime) -> AsyncGenerator[Snapshot, None]:
        """Look at the source. Each snapshot is to be committed before the next one is asked for."""
        self._server = ServerTime(sight.get)
        sight.get = self._server.get
        async for snapshot in super().look(sight, now):
            yield snapshot

    def _can_watch(self, sight: Sight) -> bool:
        """Whether the source can be asked for what was modified, and whether that saves anything."""
        state = sight.state
        if state is None or state.baseline_at is None or state.cursor is None:
            return False
        return not self._refused(sight) and pages_of(len(sight.ledger), self._page_size) > 1

    def _must_probe(self, sight: Sight) -> bool:
        """Only to look up whom a sweep has missed need it be known how the list is sorted."""
        return super()._must_probe(sight) and any(sight.ledger.unmarked())

    # What was modified

    async def _watch(self, sight: Sight, now: datetime) -> AsyncIterator[Snapshot]:
        snapshot, cursor = sight.snapshot(Depth.CHANGES), _cursor(sight)
        since = cursor and (cursor - self._overlap).replace(microsecond=0)
        listing = Listing(sight.source, sight.get, snapshot, since=since)
        try:
            page = await self._first_page(listing, sight)
            if page is not None:
                self._conclude(await _read_to_the_end(page, listing), listing, sight)
                await self._find_missed(sight, snapshot)
        except SourceError as error:
            snapshot.error, snapshot.reason = error, str(error)
        snapshot.routine = self._routine
        yield snapshot

    async def _first_page(self, listing: Listing, sight: Sight) -> Page | None:
        """The first page of the list; None if the source does not do what it is asked for."""
        try:
            page = await listing.read(1)
        except Rejected:
            self._refuse("it cannot be asked for what was modified since a time", sight)
            return None
        self._judge(page, listing, sight)
        return None if self.habits.refusal else page

    def _judge(self, page: Page, listing: Listing, sight: Sight) -> None:
        """Whether the source does what it is asked for."""
        older = _shows_older(page, listing.since)
        many = not older and (listing.total or 0) >= len(sight.ledger)
        self._as_many = self._as_many + 1 if many else 0
        if older:
            self._refuse("it shows orders modified before the time that it is asked for", sight)
        elif many:
            self._refuse("asked for what was modified since a time it shows as many orders as without", sight)
        elif _hides_more(page, listing):
            self._refuse("it does not say how many orders were modified", sight)
        elif self._server.cursor is None:
            self._refuse("its answers bear no Date", sight)

    def _conclude(self, proven: bool, listing: Listing, sight: Sight) -> None:
        """What the list of modified orders proves; what is not proven is asked for again, and swept for."""
        snapshot, now = listing.snapshot, self._server.cursor
        self._unproven = 0 if proven else self._unproven + 1
        if proven:
            snapshot.cursor, snapshot.whole = now, frozenset(sight.ledger.counts())
        else:
            snapshot.reason = "the list of modified orders does not show as many as it says"
        snapshot.reason = next(iter(listing.flaws), snapshot.reason)
        before = _cursor(sight)
        # Set back, the clock stamps changes for a second time with times that were asked for already.
        set_back = now is not None and before is not None and now < before - self._overlap
        if set_back or snapshot.reason:
            self._note(sweep_wanted=True)
        if self._unproven >= UNPROVEN_LOOKS:
            self._refuse(snapshot.reason, sight)

    async def _find_missed(self, sight: Sight, snapshot: Snapshot) -> None:
        """Orders that a sweep has missed once, or that are doubted, are looked up: they need not be modified again."""
        if sight.loses_many:
            return
        left = [order_id for order_id in sight.ledger.unmarked() if not snapshot.shows(order_id)]
        if 0 < len(left) <= MOST_SOUGHT:
            sought = await Seeker(sight, snapshot, self.habits).find(left)
            snapshot.absent, left = sought.absent, sought.lost
        if left:
            self._note(sweep_wanted=True)

    def _refuse(self, why: str, sight: Sight) -> None:
        self.habits.refuse(why, sight.monotonic())

    # The whole list

    async def _read_whole(self, sight: Sight) -> AsyncIterator[Snapshot]:
        async for snapshot in super()._read_whole(sight):
            if snapshot.coverage is Coverage.COMPLETE:
                self._begin_anew(snapshot, sight)
            yield snapshot

    def _begin_anew(self, snapshot: Snapshot, sight: Sight) -> None:
        """From here on less need be asked for."""
        snapshot.cursor = self._server.cursor
        if snapshot.cursor is None:
            self._refuse("its answers bear no Date", sight)
        elif self._as_many == 1:
            # It may be true that most orders were modified, once.
            self.habits.forgive()


def _cursor(sight: Sight) -> datetime | None:
    return sight.state.cursor if sight.state else None


def _hides_more(page: Page, listing: Listing) -> bool:
    """Whether nobody can tell if there are modified orders beyond this page."""
    ends_here = listing.last_page < 2 and len(page.marks) < listing.fits
    return listing.total is None and not listing.chained and not ends_here


def _shows_older(page: Page, since: datetime | None) -> bool:
    return (
        since is not None
        and isinstance(page, Stamped)
        and any(modified is not None and modified < since for modified in page.modified)
    )


async def _read_to_the_end(first: Page, listing: Listing) -> bool:
    """Read the other pages; whether none of the list was missed.

    One page is of one moment. Over several the list changes: it is read until it has shown as many orders as it was
    said to hold at most, and then once more: if all of them are still there, there was no room for another one.
    """
    if listing.last_page < 2:
        return listing.total in (None, len(first.marks))
    if listing.chained:
        return await _read_links(first, listing)
    reading = await _read([first], 2, listing)
    for _ in range(READINGS - 1):
        before, reading = reading, await _read([], 1, listing)
        if len(before.shown) == before.most and before.shown <= reading.shown:
            return True
    return False


async def _read_links(first: Page, listing: Listing) -> bool:
    """Read on from page to page, and all of it again until two readings in a row have shown the same orders."""
    before = await _walk(first, listing)
    for _ in range(READINGS - 1):
        reading = await _walk(await listing.read(1), listing)
        if reading == before:
            return not (listing.breaks_off or listing.shows_nothing_new)
        before = reading
    return False


async def _walk(first: Page, listing: Listing) -> list[str | None]:
    ids, number = list(first.ids), 1
    while listing.leads_on(number) and not listing.shows_nothing_new:
        number += 1
        ids += (await listing.read(number)).ids
    return ids


class _Reading(NamedTuple):
    """Which orders the pages showed, and the most that one of them said there are."""

    shown: frozenset[str]
    most: int


async def _read(pages: list[Page], start: int, listing: Listing) -> _Reading:
    """These pages and those from ``start`` on, without those that are no longer there."""
    for number in range(start, listing.last_page + 1, listing.in_flight):
        numbers = range(number, min(number + listing.in_flight, listing.last_page + 1))
        with suppress(NotFound):
            pages += await all_of(listing.read(number) for number in numbers)
    shown = frozenset(order_id for page in pages for order_id in page.ids if order_id)
    return _Reading(shown, max((page.total or 0 for page in pages), default=0))
