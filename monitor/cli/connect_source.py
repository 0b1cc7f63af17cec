"""One source, looked at with as few requests as tell what it holds and what watching it will cost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.cli.findings import OnPage, SourceFound, Way
from monitor.clock import Clock
from monitor.config.settings import SourceSettings
from monitor.errors import (
    BadAnswer,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    Rejected,
    ServerFailed,
    SourceError,
)
from monitor.model import normalise_status
from monitor.polling.details import Details, ReadAlone
from monitor.polling.habits import Direction, Habits, strictly
from monitor.polling.ledger import Entry, Ledger
from monitor.polling.listing import IN_FLIGHT, PAGE_SIZE
from monitor.polling.plan import pages_of, plan, requests_of
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth, Snapshot
from monitor.polling.sweep import Sweep
from monitor.sources.base import (
    Answer,
    DetailSource,
    ListQuery,
    ListSource,
    ModifiedSource,
    Page,
    Request,
    Source,
    Stamped,
    is_chained,
)
from monitor.sources.details import read_details
from monitor.sources.headers import http_date
from monitor.sources.http import HttpClient, Reader
from monitor.sources.registry import ADAPTERS

CLOCK_TOLERANCE = 60.0
_ANSWERED = (Refused, Rejected, NotFound, Redirected, BadAnswer, ServerFailed, RateLimited)


class SourceLook:
    """A look at one source. ``take`` it once."""

    def __init__(
        self, name: str, sources: Mapping[str, SourceSettings], client: HttpClient, clock: Clock, on_page: OnPage | None
    ) -> None:
        self._settings = settings = sources[name]
        self._sources = sources
        self._adapter = ADAPTERS[settings.type].make(settings)
        self._client = client
        self._clock = clock
        self._on_page = on_page
        self._found = SourceFound(source=name, type=settings.type, url=settings.url, by_status={}, warnings=[])

    async def take(self) -> SourceFound:
        """What the source shows; a failure is told, not raised."""
        found = self._found
        try:
            self._reader = self._reader_of(self._settings, self._adapter)
            await self._read()
        except SourceError as error:
            found.problem = str(error)
            found.reachable = found.reachable or isinstance(error, _ANSWERED)
            found.token_accepted = False if isinstance(error, Refused) else found.token_accepted
        return found

    async def _read(self) -> None:
        if isinstance(self._adapter, ListSource):
            await self._read_list(self._adapter)
            await self._try_details()
        elif isinstance(self._adapter, DetailSource):
            await self._read_followed(self._adapter)

    def _reader_of(self, settings: SourceSettings, adapter: Source) -> Reader:
        return Reader(self._client, settings.url, settings, adapter.error_text, self._clock)

    async def _get(self, request: Request) -> Answer:
        """The answer to this request; the first one shows how fast the source is, and how its clock goes."""
        answer = await self._reader.get(request)
        if not self._found.reachable:
            self._found.reachable, self._found.answered_in = True, answer.received - answer.sent
            self._compare_clocks(answer)
        return answer

    def _compare_clocks(self, answer: Answer) -> None:
        date = http_date(answer.headers.get("date", ""))
        apart = (date - self._clock.now()).total_seconds() if date else 0.0
        if abs(apart) > CLOCK_TOLERANCE:
            self._warn(f"its clock is {abs(apart):,.0f} s {'ahead of' if apart > 0 else 'behind'} ours")

    def _warn(self, text: str) -> None:
        self._found.warnings.append(text)

    # A list

    async def _read_list(self, source: ListSource) -> None:
        page = source.decode_list(await self._get(source.list_request(ListQuery(1, PAGE_SIZE))))
        self._introduce(page)
        counts = await self._totals(source, page)
        if counts is None:
            await self._count(_size_of(page))
        else:
            self._found.by_status = counts
            self._estimate(source, page)
        if isinstance(source, ModifiedSource):
            await self._try_modified(source, _size_of(page))

    def _introduce(self, page: Page) -> None:
        found = self._found
        found.token_accepted, found.dialect = True, page.dialect
        found.order = next((page.order(order_id) for order_id in page.ids if order_id), None)
        if page.rejected:
            self._warn(f"{len(page.rejected)} rows of its first page are no orders: {page.rejected[0]}")

    async def _totals(self, source: ListSource, page: Page) -> dict[str, int] | None:
        """Orders by status from what filtered lists say of themselves; None if they cannot be believed."""
        if page.total is None or not source.statuses:
            return None
        counts = await asyncio.gather(*(self._total(source, status) for status in source.statuses))
        if None in counts:
            return None
        totals = {status: count for status, count in zip(source.statuses, counts, strict=True) if count}
        # Orders may have been placed meanwhile; a filter that is ignored gives several times as many.
        return totals if page.total <= sum(totals.values()) <= page.total * 1.01 + 5 else None

    async def _total(self, source: ListSource, status: str) -> int | None:
        """How many orders have this status; None if the answer is about others."""
        try:
            answer = await self._get(source.list_request(ListQuery(1, 1, status)))
        except Rejected:
            return 0  # the system knows no such status
        page, wanted = source.decode_list(answer), normalise_status(status)
        others = any(normalise_status(shown) != wanted for shown in page.statuses if shown)
        return None if others else page.total

    async def _count(self, size: int) -> None:
        """Read the whole list, as a poll does, and count what it shows."""
        found, before, began = self._found, self._reader.requests, self._clock.monotonic()
        ledger = Ledger()
        sight = Sight(self._adapter, self._get, ledger, None, 0, self._clock.monotonic, on_page=self._page_read)
        async for snapshot in Sweep(sight, Habits()).go_on(sight):
            if snapshot.error is not None:
                raise snapshot.error
            ledger.write((Entry(i, 0, snapshot.order(i).status) for i in snapshot.sightings), snapshot.look)
            snapshot.part_is_committed()
        found.by_status = dict(ledger.counts())
        took, requests = self._clock.monotonic() - began, self._reader.requests - before
        # A list that does not say how many orders it holds was read anew to prove it; where all are known, it is not.
        readings = max(round(requests / pages_of(sum(found.by_status.values()), size)), 1)
        found.reading, found.requests = took / readings, -(-requests // readings)
        found.pages = found.requests
        if snapshot.reason:
            self._warn(f"what it lacks proves nothing: {snapshot.reason}")

    def _page_read(self, read: int, of: int | None) -> None:
        if self._on_page:
            self._on_page(self._found.source, read, of)

    def _estimate(self, source: ListSource, page: Page) -> None:
        """What one poll will cost, by what the list says of itself and how fast it answered."""
        size = _size_of(page)
        pages = page.last_page or pages_of(page.total or 0, size)
        full = page.total == pages * size  # then a poll looks whether another page follows
        found = self._found
        found.pages = found.requests = pages + int(full)
        if not is_chained(source):
            self._watch_by_status(source, page, size)
        self._take_time(1 if is_chained(source) else IN_FLIGHT)

    def _watch_by_status(self, source: ListSource, page: Page, size: int) -> None:
        """Do so where it takes fewer requests than the whole list."""
        found = self._found
        counts = {normalise_status(status): count for status, count in found.by_status.items()}
        watch, settle = (
            plan(depth, counts, source.statuses, source.open_statuses, size) for depth in (Depth.WATCH, Depth.SETTLE)
        )
        requests = requests_of(watch, counts, size)
        if requests < found.pages and strictly(page) in (Direction.NEWEST_FIRST, Direction.OLDEST_FIRST):
            found.way, found.requests, found.open = Way.STATUS, requests, source.open_statuses
            found.settle, found.settles = requests_of(settle, counts, size), watch.whole == settle.whole

    def _take_time(self, at_a_time: int) -> None:
        found = self._found
        found.reading = -(-found.requests // at_a_time) * found.answered_in

    # A list of what was modified

    async def _try_modified(self, source: ModifiedSource, size: int) -> None:
        """Ask for what was modified just now, as each poll will, where that saves anything."""
        if pages_of(sum(self._found.by_status.values()), size) < 2:
            return
        since = (self._clock.now() - source.overlap).replace(microsecond=0)
        try:
            answer = await self._get(source.list_request(ListQuery(1, PAGE_SIZE, modified_since=since)))
        except Rejected:
            self._warn("it cannot be asked for what was modified since a time")
            return
        page = source.decode_list(answer)
        stamps = page.modified if isinstance(page, Stamped) else ()
        if any(stamp is not None and stamp < since for stamp in stamps):
            self._warn("it shows orders modified before the time that it is asked for")
        elif "date" not in answer.headers:
            self._warn("its answers bear no Date: it cannot be asked for what was modified since a time")
        else:
            self._found.way, self._found.requests, self._found.settle = Way.MODIFIED, 1, 0
            self._take_time(1)

    # Details

    async def _try_details(self) -> None:
        """Ask for one order, as for a message about it, where messages are to carry more than the list shows."""
        shown_by = self._settings.detail or self._found.source
        settings, order = self._sources[shown_by], self._found.order
        adapter = ADAPTERS[settings.type].make(settings)
        if order is None or not isinstance(adapter, DetailSource):
            return
        try:
            await read_details(adapter, self._reader_of(settings, adapter).get, order.id)
        except SourceError as error:
            self._warn(f"messages will lack details: {shown_by} does not show order {order.id}: {error}")
        else:
            self._found.details = shown_by

    # Followed ids

    async def _read_followed(self, source: DetailSource) -> None:
        """Read each order that the configuration follows, as each poll does."""
        found, began = self._found, self._clock.monotonic()
        ids = followed(self._settings)
        found.way, found.requests = Way.FOLLOWED, len(ids)
        if not ids:
            self._warn(f"it follows no order, and was not contacted{self._what_for()}")
            return
        snapshot = Snapshot(Ledger(), 1, Depth.SWEEP)
        read = await Details(source, self._get, snapshot).read(ids)
        self._tell_unread(ids, read)
        found.token_accepted, found.reading = True, self._clock.monotonic() - began
        orders = [snapshot.order(order_id) for order_id in snapshot.sightings]
        found.by_status = dict(Counter(order.status for order in orders))
        found.order = next(iter(orders), None)

    def _what_for(self) -> str:
        name = self._found.source
        others = [other for other, source in self._sources.items() if source.detail == name]
        if others:
            return f" but for details about orders of {', '.join(others)}"
        return ": name some under orders (what `order-monitor follow` added is not looked at)"

    def _tell_unread(self, ids: Sequence[str], read: ReadAlone) -> None:
        if read.failed and len(read.failed) == len(ids):
            raise next(iter(read.failed.values()))
        if read.failed:
            first = next(iter(read.failed.values()))
            self._warn(f"{len(read.failed):,} of {len(ids):,} followed orders cannot be read: {first}")
        if read.gone:
            self._warn(f"it has no such order: {', '.join(read.gone)}")


def _size_of(page: Page) -> int:
    """How many orders a page of this list holds."""
    shown = len(page.marks)
    is_full = shown > 0 and (page.total is None or shown < page.total)
    return shown if is_full else page.size or PAGE_SIZE


def followed(settings: SourceSettings) -> list[str]:
    """The ids that the configuration follows, each once."""
    return list(dict.fromkeys(str(order_id) for order_id in getattr(settings, "orders", ())))
