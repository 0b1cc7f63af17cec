"""`check --connect`: what each source shows, and whether each channel answers. Nothing is written or sent."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import chain

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.cli.findings import ChannelFound, Found, OnPage, SourceFound
from monitor.clock import Clock, SystemClock
from monitor.config import Settings
from monitor.config.settings import SourceSettings
from monitor.errors import (
    BadAnswer,
    ChannelError,
    NotFound,
    RateLimited,
    Redirected,
    Refused,
    Rejected,
    ServerFailed,
    SourceError,
)
from monitor.model import Destination, EventKind, Order, OrderEvent, normalise_status
from monitor.polling.bound import reading_time
from monitor.polling.habits import Direction, Habits, strictly
from monitor.polling.ledger import Entry, Ledger
from monitor.polling.listing import IN_FLIGHT, PAGE_SIZE
from monitor.polling.plan import plan, requests_of
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth
from monitor.polling.sweep import Sweep
from monitor.sources.base import Answer, ListQuery, ListSource, Page
from monitor.sources.headers import http_date
from monitor.sources.http import HttpClient, Reader
from monitor.sources.registry import ADAPTERS

CLOCK_TOLERANCE = 60.0
_DAY = 86_400
_WHENEVER = datetime(2025, 7, 1, tzinfo=UTC)
_ANSWERED = (Refused, Rejected, NotFound, Redirected, BadAnswer, ServerFailed, RateLimited)
_IN_ORDERS = ("product", "currency", "min_total")
"""Conditions that depend on what stands in an order."""


def connect(options: argparse.Namespace, settings: Settings) -> int:
    """Contact each source and the host of each channel, and tell what they say. 1 if one of them cannot be used."""
    from monitor.cli.common import set_up_logs
    from monitor.cli.connect_view import as_json, show, waiting
    from monitor.cli.output import print_json

    set_up_logs(settings, "error")
    with waiting(settings) as on_page:
        found = asyncio.run(look(settings, SystemClock(), on_page))
    if options.json:
        print_json(as_json(settings, found))
    else:
        show(settings, found)
    return int(any(one.problem for one in found))


async def look(settings: Settings, clock: Clock, on_page: OnPage | None = None) -> Sequence[Found]:
    """What all sources and channels show, all contacted at once, in the configuration's order."""
    from monitor.app import limits_of, urls_of

    client = HttpClient()
    client.set_budgets(limits_of(settings), clock.monotonic())
    try:
        sources = [_Look(name, source, client, clock, on_page).take() for name, source in settings.sources.items()]
        channels = [asyncio.to_thread(_reach, to, url) for to, url in urls_of(settings).items()]
        seen, reached = await asyncio.gather(asyncio.gather(*sources), asyncio.gather(*channels))
    finally:
        await client.aclose()
    for source in seen:
        source.unreached = unreached(settings, source.source, list(source.by_status))
    return [*seen, *reached]


def unreached(settings: Settings, source: str, statuses: Sequence[str]) -> list[str]:
    """The statuses of these to which an order could change without anybody being told.

    Conditions on what stands in the order are taken for fulfilled: some order may fulfil them.
    """
    channels = {name: [name] for name in settings.channels}
    routes = [_whatever_the_order(route) for route in settings.routes]
    router = Router(routes, channels, {source: settings.sources[source].labels})
    known = dict.fromkeys(chain(statuses, ADAPTERS[settings.sources[source].type].statuses))
    return [to for to in statuses if not any(_told(router, source, from_, to) for from_ in known if from_ != to)]


def _told(router: Router, source: str, from_: str, to: str) -> bool:
    event = OrderEvent(
        source=source,
        kind=EventKind.STATUS_CHANGED,
        at=_WHENEVER,
        order=Order("1", to),
        revision=2,
        before=Order("1", from_),
    )
    return bool(router.route(event).planned)


def _whatever_the_order(route: RouteSettings) -> RouteSettings:
    # Below ``not`` these conditions need no such care: the made-up order holds nothing that could match them.
    return route.model_copy(update={"when": route.when.model_copy(update=dict.fromkeys(_IN_ORDERS))})


def _reach(to: Destination, url: str) -> ChannelFound:
    from monitor.notifier import kind
    from monitor.notifier.reach import reach

    try:
        reached = reach(url)
    except ChannelError as error:
        return ChannelFound(channel=str(to), kind=kind(url), tried=False, problem=str(error))
    return ChannelFound(
        channel=str(to),
        kind=kind(url),
        place=reached.place,
        secure=reached.secure,
        tried=reached.tried,
        problem=reached.problem or None,
        note=reached.why_not,
    )


class _Look:
    """One source, looked at with as few requests as tell what it holds."""

    def __init__(
        self, name: str, settings: SourceSettings, client: HttpClient, clock: Clock, on_page: OnPage | None
    ) -> None:
        self._settings = settings
        self._adapter: ListSource = ADAPTERS[settings.type].make(settings)
        self._client = client
        self._clock = clock
        self._on_page = on_page
        self._found = SourceFound(source=name, type=settings.type, url=settings.url, by_status={}, warnings=[])

    async def take(self) -> SourceFound:
        """What the source shows; a failure is told, not raised."""
        found = self._found
        try:
            reader = Reader(self._client, self._settings.url, self._settings, self._adapter.error_text, self._clock)
            await self._read(reader)
        except SourceError as error:
            found.problem = str(error)
            found.reachable = found.reachable or isinstance(error, _ANSWERED)
            found.token_accepted = False if isinstance(error, Refused) else found.token_accepted
        return found

    async def _read(self, reader: Reader) -> None:
        answer = await reader.get(self._adapter.list_request(ListQuery(1, PAGE_SIZE)))
        self._found.reachable, self._found.answered_in = True, answer.received - answer.sent
        page = self._adapter.decode_list(answer)
        self._introduce(page, answer)
        counts = await self._totals(reader, page)
        if counts is None:
            await self._count(reader)
        else:
            self._found.by_status = counts
            self._estimate(page)

    def _introduce(self, page: Page, answer: Answer) -> None:
        found = self._found
        found.token_accepted, found.dialect = True, page.dialect
        found.order = next((page.order(order_id) for order_id in page.ids if order_id), None)
        if page.rejected:
            found.warnings.append(f"{len(page.rejected)} rows of its first page are no orders: {page.rejected[0]}")
        date = http_date(answer.headers.get("date", ""))
        apart = (date - self._clock.now()).total_seconds() if date else 0.0
        if abs(apart) > CLOCK_TOLERANCE:
            found.warnings.append(f"its clock is {abs(apart):,.0f} s {'ahead of' if apart > 0 else 'behind'} ours")

    async def _totals(self, reader: Reader, page: Page) -> dict[str, int] | None:
        """Orders by status from what filtered lists say of themselves; None if they cannot be believed."""
        statuses = ADAPTERS[self._settings.type].statuses
        if page.total is None or not statuses:
            return None
        counts = await asyncio.gather(*(self._total(reader, status) for status in statuses))
        if None in counts:
            return None
        totals = {status: count for status, count in zip(statuses, counts, strict=True) if count}
        # Orders may have been placed meanwhile; a filter that is ignored gives several times as many.
        return totals if page.total <= sum(totals.values()) <= page.total * 1.01 + 5 else None

    async def _total(self, reader: Reader, status: str) -> int | None:
        """How many orders have this status; None if the answer is about others."""
        try:
            answer = await reader.get(self._adapter.list_request(ListQuery(1, 1, status)))
        except Rejected:
            return 0  # the system knows no such status
        page = self._adapter.decode_list(answer)
        others = any(normalise_status(shown) != status for shown in page.statuses if shown)
        return None if others else page.total

    async def _count(self, reader: Reader) -> None:
        """Read the whole list, as a poll does, and count what it shows."""
        found, before, began = self._found, reader.requests, self._clock.monotonic()
        ledger = Ledger()
        sight = Sight(self._adapter, reader.get, ledger, None, 0, self._clock.monotonic, on_page=self._page_read)
        async for snapshot in Sweep(sight, Habits()).go_on(sight):
            if snapshot.error is not None:
                raise snapshot.error
            ledger.write((Entry(i, 0, snapshot.order(i).status) for i in snapshot.sightings), snapshot.look)
            snapshot.part_is_committed()
        found.by_status = dict(ledger.counts())
        found.reading, found.requests = self._clock.monotonic() - began, reader.requests - before
        if snapshot.reason:
            found.warnings.append(f"what it lacks proves nothing: {snapshot.reason}")

    def _page_read(self, read: int, of: int | None) -> None:
        if self._on_page:
            self._on_page(self._found.source, read, of)

    def _estimate(self, page: Page) -> None:
        """What one poll will cost, by what the list says of itself and how fast it answered."""
        pages = page.last_page or 1
        size = page.size or PAGE_SIZE
        full = page.total == pages * size  # then a poll looks whether another page follows
        found, adapter = self._found, self._adapter
        found.pages = found.requests = pages + int(full)
        counts = {normalise_status(status): count for status, count in found.by_status.items()}
        watch, settle = (
            requests_of(plan(depth, counts, adapter.statuses, adapter.open_statuses, size), counts, size)
            for depth in (Depth.WATCH, Depth.SETTLE)
        )
        if watch < pages and strictly(page) in (Direction.NEWEST_FIRST, Direction.OLDEST_FIRST):
            found.requests, found.settle, found.open = watch, settle, adapter.open_statuses
        seconds = -(-found.requests // IN_FLIGHT) * found.answered_in
        found.reading = reading_time(found.requests, self._settings.max_requests_per_minute, seconds)
