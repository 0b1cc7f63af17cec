"""One list, of all orders or of one status, read page by page into a snapshot, and what its answers claim."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from monitor.errors import NotFound, SourceError
from monitor.model import Order, normalise_status
from monitor.polling.gathering import all_of
from monitor.polling.habits import Direction, direction, strictly
from monitor.polling.intervals import Intervals
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import Answer, Link, ListQuery, ListSource, Page, Request, is_chained

Get = Callable[[Request], Awaitable[Answer]]
OnPage = Callable[[int, int | None], None]
"""Called after each page of a list of all orders: how many were read, and of how many, where the list says so."""

PAGE_SIZE = 100
SECOND_PAGE_SIZES: tuple[int, ...] = (99, *range(97, 66, -1))
"""A second read asks for other pages, so that a cache in front cannot repeat its first answer; by turns, so that it
cannot repeat an earlier look's second one either."""
OTHER_PAGE_SIZE = 98
"""By turns orders are looked up on these, so that what stood on an edge stands amid a page."""
MAX_PAGES = 20_000
IN_FLIGHT = 8


class _Claim(NamedTuple):
    """What an answer said that the list holds, and when it was asked for and came, in monotonic seconds."""

    sent: float
    received: float
    total: int


class _NoPage(NamedTuple):
    """What stands where the source has no page: nothing."""

    marks: array[int] = array("q")
    ids: Sequence[str | None] = ()
    statuses: Sequence[str | None] = ()
    total: int | None = None
    last_page: int | None = None
    number: int | None = None
    size: int | None = None
    dialect: str = ""
    rejected: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    def id_at(self, row: int) -> str | None:
        raise IndexError(row)

    def order(self, order_id: str) -> Order:
        raise KeyError(order_id)


class Listing:
    """A list as it is being read. ``status``: only orders of this one are asked for, as the source spells it.

    ``since``: only those that were modified then or later.
    ``size`` is how many orders are asked for a page; ``fits`` how many a page holds, as far as that is known before.
    ``foreign`` are rows of another status than was asked for: then the source ignores its filter. ``breaks_off``: one
    of its pages did not lead on to where the next one must be.
    """

    def __init__(  # noqa: PLR0913  # a value with the options that a list has
        self,
        source: ListSource,
        get: Get,
        snapshot: Snapshot,
        *,
        status: str | None = None,
        since: datetime | None = None,
        size: int = PAGE_SIZE,
        fits: int | None = None,
        on_page: OnPage | None = None,
    ) -> None:
        self.snapshot = snapshot
        self.status = status
        self.since = since
        self.size = size
        self.chained = is_chained(source)
        self.in_flight = 1 if self.chained else IN_FLIGHT
        self.flaws: list[str] = []
        self.last_page = 1
        self.pages = 0
        self.newest_total: int | None = None
        self.foreign = 0
        self.repeats_first_page = self.breaks_off = False
        self._empty = 0
        self.directions: set[Direction] = set()
        self._source = source
        self._get = get
        self._on_page = on_page
        self._claims: list[_Claim] = []
        self._covered: dict[Direction, Intervals] = {d: Intervals() for d in Direction}
        self._first: Page | None = None
        self._end: tuple[int, Page] | None = None
        self._fits = fits
        self._measured: int | None = None
        self._after: dict[int, str] = {}
        self._stated: set[int] = set()

    async def read(self, number: int) -> Page:
        """Read one page; SourceError if there is no usable answer. Where there is no page any more nothing stands."""
        after = self._after.get(number)
        if self.chained and number > 1 and after is None:
            return self._lack(number)
        query = ListQuery(number, self.size, self.status, self.since, after)
        try:
            answer = await self._get(self._source.list_request(query))
        except NotFound:
            if number == 1:
                raise
            return self._lack(number)
        page = self._source.decode_list(answer)
        self._take(page, answer, query)
        self._follow(page, number)
        self.pages += 1
        if self._on_page:
            self._on_page(self.pages, page.last_page and self.last_page)
        return page

    def resume(self, get: Get, snapshot: Snapshot) -> None:
        """Go on reading in another poll."""
        self._get, self.snapshot = get, snapshot

    async def read_all(self, numbers: Iterable[int], stop: Callable[[], bool] = lambda: False) -> None:
        """Read these pages, several at a time, until ``stop``. ``numbers`` is left where the reading stopped.

        The first failure stops the rest, but not those that are under way.
        """
        queue = iter(numbers)
        failures: list[SourceError] = []

        async def reader() -> None:
            while not failures and not stop():
                number = next(queue, None)
                if number is None:
                    return
                try:
                    await self.read(number)
                except SourceError as error:
                    failures.append(error)

        await all_of(reader() for _ in range(self.in_flight))
        if failures:
            raise failures[0]

    def leads_on(self, number: int) -> bool:
        """Of pages that are read one after the other: whether there is one after this."""
        return number + 1 in self._after and number < MAX_PAGES

    @property
    def fits(self) -> int:
        """How many orders a page holds: what the server says, else what a page with others behind it showed."""
        return max(self._measured or self._fits or self.size, 1)

    @property
    def ends_full(self) -> bool:
        """Whether the last page that shows anything is full: then there may be others, whatever the list claims."""
        return self._end is not None and len(self._end[1].marks) >= self.fits

    @property
    def total(self) -> int | None:
        """What the list holds: the most that an answer claims, as it may have grown meanwhile. None without claims."""
        return max((claim.total for claim in self._claims), default=None)

    @property
    def direction(self) -> Direction:
        """How the list is sorted by id, as far as its pages show."""
        return next(iter(self.directions)) if len(self.directions) == 1 else Direction.NEITHER

    def strict_direction(self) -> Direction:
        """The same, with each row of the first and the last page looked at: a page's ends may be sorted by chance."""
        pages = filter(None, (self._first, self._end and self._end[1]))
        shown = {strictly(page) for page in pages if len(page.marks) > 1}
        return self.direction if shown <= {self.direction} else Direction.NEITHER

    @property
    def shrank(self) -> bool:
        """Whether an answer claims fewer orders than one that was there before it was asked for.

        Answers that were under way at once may come in any order: between them a difference proves nothing.
        """
        earlier = sorted(self._claims, key=lambda claim: claim.received)
        most = arrived = 0
        for claim in sorted(self._claims):
            while earlier[arrived].received < claim.sent:
                most = max(most, earlier[arrived].total)
                arrived += 1
            if claim.total < most:
                return True
        return False

    @property
    def goes_on_empty(self) -> bool:
        """Whether so many pages that there should be were empty that the others are not worth asking for."""
        return self._empty > IN_FLIGHT

    @property
    def shows_nothing_new(self) -> bool:
        """Whether reading on is of no use, however many pages it claims to have."""
        return self.repeats_first_page or self.goes_on_empty

    def pages_of_gaps(self) -> list[int]:
        """The pages on which the places stand that no page has shown; of a sorted list that says what it holds."""
        total, size = self.newest_total, self.fits
        if total is None or self.direction is Direction.NEITHER:
            return []
        pages: set[int] = set()
        for start, stop in self._covered[self.direction].gaps(total):
            if self.direction is Direction.NEWEST_FIRST:
                start, stop = total - stop, total - start  # noqa: PLW2901  # counted from the list's other end
            pages |= set(range(start // size + 1, min((stop - 1) // size + 1, MAX_PAGES) + 1))
        return sorted(pages)

    def _lack(self, number: int) -> Page:
        """There is no such page: the list has ended before it, by now or since ever."""
        self.pages += 1
        if self.chained:
            # Where pages are counted on until none comes, many lists end like this; a second reading must agree.
            if self._after.pop(number, None) and number in self._stated:
                self.breaks_off = True
                self.flaws.append(f"page {number} is not there")
            return _NoPage()
        self._empty += 1
        if number <= self.last_page and self.newest_total is None:
            self.flaws.append(f"page {number} is not there")
        return _NoPage()

    def _follow(self, page: Page, number: int) -> None:
        """Where the next page begins, if pages are read one after the other; never where one has begun already."""
        if not self.chained:
            return
        following = _following(page)
        back = following is not None and following in [self._after[n] for n in self._after if n <= number]
        if back or self.repeats_first_page:
            self.breaks_off = True
            self.flaws.append("the list's next page leads back to an earlier one")
        if following is None or back:
            self._after.pop(number + 1, None)
            return
        self._after[number + 1] = following
        if isinstance(page, Link) and page.stated:
            self._stated.add(number + 1)
        self.last_page = max(self.last_page, number + 1)
        self._empty += not page.marks

    def _take(self, page: Page, answer: Answer, query: ListQuery) -> None:
        number, differs = query.page, self.snapshot.add(page, answer, query)
        if page.total is not None:
            self._claims.append(_Claim(answer.sent, answer.received, page.total))
            self.newest_total = page.total
        self.last_page = max(self.last_page, page.last_page or 1)
        if differs:
            self.flaws += [*page.rejected[:3], *["an order stands on one page twice"][: len(page.repeated)]]
        # Past the end some show the last page again.
        if page.number is not None and page.number != number <= (page.last_page or number):
            self.flaws.append(f"page {number} was answered with page {page.number}")
        if self.status is not None:
            wanted = normalise_status(self.status)
            self.foreign += sum(status is not None and normalise_status(status) != wanted for status in page.statuses)
        self._note_place(page, number)

    def _note_place(self, page: Page, number: int) -> None:
        if number == 1:
            self._first = page
        elif self._first is not None and len(page.marks) and page.marks == self._first.marks:
            self.repeats_first_page = True
        if page.marks and (self._end is None or number >= self._end[0]):
            self._end = number, page
        if page.size and (not self._fits or page.size < self._fits or len(page.marks) > self._fits):
            self._fits = page.size
        if page.marks and _has_others_behind(page, number):
            # The fullest one counts: the true last page may have others behind it only by a total that lies.
            self._measured = max(self._measured or 0, len(page.marks))
        if not page.marks and number <= max(page.last_page or 0, -(-(page.total or 0) // self.fits)):
            self._empty += 1
        shown = direction(page)
        if shown is not None:
            self.directions.add(shown)
        before, count = (number - 1) * self.fits, len(page.marks)
        self._covered[Direction.OLDEST_FIRST].add(before, before + count)
        if page.total is not None:
            newest = page.total - before
            self._covered[Direction.NEWEST_FIRST].add(newest - count, newest)


def _following(page: Page) -> str | None:
    """Where the next page begins, of a ``Link``; without asking what a page is, which costs as much as reading one."""
    following: str | None = getattr(page, "following", None)
    return following


def _has_others_behind(page: Page, number: int) -> bool:
    if _following(page) is not None:
        return True
    if page.last_page is None:
        return number == 1 and (page.total or 0) > len(page.marks)
    return number < page.last_page
