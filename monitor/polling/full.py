"""The full snapshot: every page of the list, and a proof that nothing was missed, or the reason why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from monitor.diff import Coverage
from monitor.errors import NotFound, SourceError
from monitor.model import normalise_status
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import Answer, ListQuery, ListSource, Page, Request

Get = Callable[[Request], Awaitable[Answer]]
OnPage = Callable[[int, int | None], None]
"""Called after each page of a reading: how many were read, and of how many, where the list says so."""

PAGE_SIZE = 100
SECOND_PAGE_SIZE = 99
"""A second read asks for other pages, so that a cache in front cannot repeat its first answer."""
MAX_PAGES = 20_000
REPAIRS = 3
"""How often a list that grew while it was read is read on at its ends."""


class _Claim(NamedTuple):
    """What an answer said that the list holds, and when it was asked for and came, in monotonic seconds."""

    sent: float
    received: float
    total: int


class _Reading:
    """One pass over the list: the snapshot so far, and what its answers claimed."""

    def __init__(self) -> None:
        self.snapshot = Snapshot()
        self.claims: list[_Claim] = []
        self.flaws: list[str] = []
        self.last_page = 1
        self.pages = 0

    def take(self, page: Page, answer: Answer, query: ListQuery) -> None:
        self.snapshot.add(page, answer, query.page)
        if page.total is not None:
            self.claims.append(_Claim(answer.sent, answer.received, page.total))
        self.last_page = max(self.last_page, page.last_page or 1)
        self.flaws += [*page.rejected[:3], *["an order stands on one page twice"][: len(page.repeated)]]
        # Past the end some show the last page again.
        if page.number is not None and page.number != query.page <= (page.last_page or query.page):
            self.flaws.append(f"page {query.page} was answered with page {page.number}")

    @property
    def total(self) -> int | None:
        """What the list holds: the most that an answer claims, as it may have grown meanwhile. None without claims."""
        return max((claim.total for claim in self.claims), default=None)

    @property
    def shrank(self) -> bool:
        """Whether an answer claims fewer orders than one that was there before it was asked for.

        Answers that were under way at once may come in any order: between them a difference proves nothing.
        """
        earlier = sorted(self.claims, key=lambda claim: claim.received)
        most = arrived = 0
        for claim in sorted(self.claims):
            while earlier[arrived].received < claim.sent:
                most = max(most, earlier[arrived].total)
                arrived += 1
            if claim.total < most:
                return True
        return False

    @property
    def short(self) -> bool:
        """Whether the list grew while it was read, so that there is more of it than was seen."""
        return len(self.snapshot.sightings) < (self.total or 0) and not self.shrank


class FullSnapshot:
    """Reads the whole list in each poll, with ``in_flight`` requests at a time where the last page is known."""

    def __init__(self, source: ListSource, in_flight: int = 8, on_page: OnPage | None = None) -> None:
        self._source = source
        self._in_flight = in_flight
        self._on_page = on_page

    async def look(self, get: Get) -> Snapshot:
        """Read the list. A failure ends the reading but keeps what was read: a valid row is proof."""
        reading = _Reading()
        try:
            first = await self._read(get, reading, ListQuery(1, PAGE_SIZE))
            if first.last_page is None:
                await self._read_unpaged(get, reading, first)
            else:
                await self._read_pages(get, reading, range(2, min(reading.last_page, MAX_PAGES) + 1))
                await self._read_past_the_end(get, reading, first.size or PAGE_SIZE)
                await self._repair(get, reading)
        except SourceError as error:
            reading.snapshot.error = error
        return _conclude(reading)

    async def confirm(self, get: Get, snapshot: Snapshot, ids: Iterable[str]) -> None:
        """Look at these orders once more; put the second sightings into the snapshot, and say which it confirmed."""
        wanted = set(ids)
        second = Snapshot()
        try:
            for number in sorted(_second_pages(snapshot, wanted)):
                query = ListQuery(number, SECOND_PAGE_SIZE)
                answer = await get(self._source.list_request(query))
                second.add(self._source.decode_list(answer), answer, number)
        except SourceError as error:
            snapshot.error = snapshot.error or error
        for order_id in wanted:
            again = second.sightings.get(order_id)
            if again is None:
                snapshot.doubted.add(order_id)
                continue
            if _status(again.page, order_id) == _status(snapshot.sightings[order_id].page, order_id):
                snapshot.confirmed.add(order_id)
            snapshot.sightings[order_id] = again

    async def newest(self, get: Get) -> tuple[int | None, int | None]:
        """The highest id and the total by a second read of the list's first and last page."""
        second = Snapshot()
        number = 1
        for _ in range(2):
            query = ListQuery(number, SECOND_PAGE_SIZE)
            answer = await get(self._source.list_request(query))
            page = self._source.decode_list(answer)
            second.add(page, answer, number)
            second.total = page.total if page.total is not None else len(page.marks)
            if (page.last_page or 1) <= number:
                break
            number = page.last_page or 1
        return second.newest_id(), second.total

    async def _read(self, get: Get, reading: _Reading, query: ListQuery) -> Page:
        answer = await get(self._source.list_request(query))
        page = self._source.decode_list(answer)
        reading.take(page, answer, query)
        reading.pages += 1
        if self._on_page:
            self._on_page(reading.pages, page.last_page and reading.last_page)
        return page

    async def _read_unpaged(self, get: Get, reading: _Reading, first: Page) -> None:
        """A list without paging information is whole, unless it ends just where a page would."""
        number, seen, size = 1, len(first.marks), first.size or PAGE_SIZE
        while seen and seen == number * size and number < MAX_PAGES:
            number += 1
            await self._read(get, reading, ListQuery(number, PAGE_SIZE))
            if len(reading.snapshot.sightings) == seen:
                return
            reading.flaws.append("the list comes in pages but does not say how many")
            seen = len(reading.snapshot.sightings)

    async def _read_pages(self, get: Get, reading: _Reading, numbers: Iterable[int]) -> None:
        """Read these pages, several at a time. The first failure stops the rest, but not those that are under way."""
        queue = iter(numbers)
        failures: list[SourceError] = []

        async def reader() -> None:
            for number in queue:
                if failures:
                    return
                try:
                    await self._read(get, reading, ListQuery(number, PAGE_SIZE))
                except SourceError as error:
                    failures.append(error)

        await asyncio.gather(*(reader() for _ in range(self._in_flight)))
        if failures:
            raise failures[0]

    async def _read_past_the_end(self, get: Get, reading: _Reading, size: int) -> None:
        """A list whose last page is full may go on, whatever it says of itself: then it shows more than it claims."""
        if reading.snapshot.sightings and len(reading.snapshot.sightings) == reading.last_page * size:
            with suppress(NotFound):  # some servers have no page there, where others have an empty one
                await self._read(get, reading, ListQuery(reading.last_page + 1, PAGE_SIZE))

    async def _repair(self, get: Get, reading: _Reading) -> None:
        """Orders that were placed meanwhile stand at one end of the list: read both again until all are seen."""
        for _ in range(REPAIRS):
            if not reading.short:
                return
            behind = (reading.total or 0) - len(reading.snapshot.sightings)
            last = min(reading.last_page, MAX_PAGES)
            ends = {*range(1, min(behind // PAGE_SIZE + 1, last) + 1), last}
            await self._read_pages(get, reading, sorted(ends))


def _conclude(reading: _Reading) -> Snapshot:
    snapshot = reading.snapshot
    snapshot.total = len(snapshot.sightings) if reading.total is None else reading.total
    snapshot.reason = _why_partial(reading)
    snapshot.coverage = Coverage.PARTIAL if snapshot.reason else Coverage.COMPLETE
    return snapshot


def _why_partial(reading: _Reading) -> str:
    """Why this pass proves no absence; empty if it does."""
    seen, total = len(reading.snapshot.sightings), reading.total
    if reading.snapshot.error is not None:
        return str(reading.snapshot.error)
    if reading.flaws:
        return reading.flaws[0]
    if reading.last_page > MAX_PAGES:
        return f"the list has more than {MAX_PAGES:,} pages"
    if reading.shrank:
        return "orders were removed from the list while it was read"
    if total is not None and total != seen:
        return f"the list says that it holds {total:,} orders, but shows {seen:,}"
    return ""


def _status(page: Page, order_id: str) -> str:
    return normalise_status(page.order(order_id).status)


def _second_pages(snapshot: Snapshot, ids: Iterable[str]) -> set[int]:
    """On which pages of the second size the orders stand, if they stand where they stood on the first."""
    pages: set[int] = set()
    for page, number in {
        (id(s.page), s.number): (s.page, s.number) for s in map(snapshot.sightings.get, ids) if s
    }.values():
        size = page.size or PAGE_SIZE
        if page.last_page is None or size < SECOND_PAGE_SIZE:
            pages.add(number)
            continue
        first, last = (number - 1) * size, number * size - 1
        pages |= set(range(first // SECOND_PAGE_SIZE + 1, last // SECOND_PAGE_SIZE + 2))
    return pages
