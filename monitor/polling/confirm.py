"""A second read of what the first one makes suspicious: of a list past any cache, since it asks for other pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from monitor.errors import NotFound, SourceError, Stale
from monitor.model import SourceState, normalise_status
from monitor.polling.listing import PAGE_SIZE, SECOND_PAGE_SIZES, Get
from monitor.polling.shelf import number_of
from monitor.polling.snapshot import Depth, Sighting, Snapshot, sighting_of
from monitor.sources.base import DetailSource, ListQuery, ListSource, Page, Source, is_chained, lists_orders
from monitor.sources.details import read_order


class SecondLook:
    """Reads again, without touching what is known."""

    def __init__(self, source: Source, get: Get) -> None:
        self._source = source
        self._get = get

    async def reject_stale(self, snapshot: Snapshot, state: SourceState) -> None:
        """A list that has gone back is read a second time: if that one has not, no row of the first is believed."""
        if snapshot.error and not snapshot.sightings:
            return
        # Only a list of all orders can go back.
        if snapshot.depth is Depth.CHANGES or not lists_orders(self._source):
            return
        newest = snapshot.newest_id()
        # The newest order may stand on a page that could not be read, or is not read yet.
        older = snapshot.error is None and not (snapshot.more or snapshot.unfinished) and _less(newest, state.newest_id)
        if not (older or _less(snapshot.total, state.total)):
            return
        try:
            newest_now, total_now = await self._newest(self._source, _second_size(snapshot))
        except SourceError as error:
            snapshot.reject(snapshot.error or error)
            return
        if (older and _less(newest, newest_now)) or _less(snapshot.total, total_now):
            snapshot.reject(Stale("the list is older than what was read before; a cache in front of it?"))

    async def confirm(self, snapshot: Snapshot, ids: Iterable[str]) -> None:
        """Look at these orders once more; put the second sightings into the snapshot, and say which it confirmed."""
        wanted = set(ids)
        second: dict[str, Sighting] = {}
        try:
            for aside in (0, 1):
                async for seen in self._again(snapshot, wanted.difference(second), aside):
                    for order_id in wanted.intersection(seen.page.ids):
                        second.setdefault(order_id, seen)
        except SourceError as error:
            snapshot.error = snapshot.error or error
        for order_id in wanted:
            again = second.get(order_id)
            if again is None:
                snapshot.doubted.add(order_id)
                continue
            if _status(again, order_id) == _status(snapshot.sightings[order_id], order_id):
                snapshot.confirmed.add(order_id)
            else:
                snapshot.doubted.add(order_id)
            snapshot.sightings[order_id] = again

    async def _again(self, snapshot: Snapshot, wanted: Iterable[str], aside: int) -> AsyncIterator[Sighting]:
        """Where each of these was seen, seen anew; or so many pages before and after, if the list has moved."""
        source, alone = self._source, sorted(i for i in wanted if not snapshot.sightings[i].number)
        if lists_orders(source) and not (aside and is_chained(source)):
            listed = set(wanted).difference(alone)
            pages = _same_pages(snapshot, listed) if is_chained(source) else _second_pages(snapshot, listed, aside)
            for query in sorted(pages, key=lambda query: (query.status or "", query.page)):
                with suppress(NotFound):  # the list has become shorter
                    answer = await self._get(source.list_request(query))
                    yield sighting_of(source.decode_list(answer), answer, query)
        if isinstance(source, DetailSource) and not aside:
            for order_id in alone:
                with suppress(NotFound):
                    yield sighting_of(*await read_order(source, self._get, order_id))

    async def _newest(self, source: ListSource, size: int) -> tuple[int | None, int | None]:
        """The highest id and the total by a second read of the list's first and last page."""
        page = source.decode_list(await self._get(source.list_request(ListQuery(1, size))))
        ids, total, last = _numbers(page), _total(page), page.last_page or 1
        if last > 1:
            with suppress(NotFound):  # it claims more pages than there are, or has become shorter
                page = source.decode_list(await self._get(source.list_request(ListQuery(last, size))))
                ids, total = ids + _numbers(page), _total(page)
        return max(ids, default=None), total


def _numbers(page: Page) -> list[int]:
    return [number for i in page.ids if i and (number := number_of(i)) is not None]


def _total(page: Page) -> int:
    return page.total if page.total is not None else len({*page.ids} - {None})


def _less(now: int | None, before: int | None) -> bool:
    return now is not None and before is not None and now < before


def _status(sighting: Sighting, order_id: str) -> str:
    return normalise_status(sighting.page.order(order_id).status)


def _second_size(snapshot: Snapshot) -> int:
    return SECOND_PAGE_SIZES[snapshot.look % len(SECOND_PAGE_SIZES)]


def _same_pages(snapshot: Snapshot, ids: Iterable[str]) -> set[ListQuery]:
    """The pages on which the orders stood, of a list that has no others: they begin where the one before says."""
    seen = filter(None, map(snapshot.sightings.get, ids))
    return {ListQuery(s.number, PAGE_SIZE, s.status, s.since, s.after) for s in seen}


def _second_pages(snapshot: Snapshot, ids: Iterable[str], aside: int) -> set[ListQuery]:
    """On which pages of the second size the orders stand, if they stand where they stood on the first.

    ``aside``: instead, the pages so far before and after those.
    """
    pages: set[ListQuery] = set()
    second = _second_size(snapshot)
    for sighting in {(s.number, s.status, s.since): s for s in map(snapshot.sightings.get, ids) if s}.values():
        number, size = sighting.number, sighting.page.size or 100
        numbers = [number]
        if sighting.page.last_page is not None and size >= second:
            first, last = (number - 1) * size, number * size - 1
            numbers = list(range(first // second + 1, last // second + 2))
        if aside:
            numbers = [n for n in (numbers[0] - aside, numbers[-1] + aside) if n > 0]
        pages |= {ListQuery(n, second, sighting.status, sighting.since) for n in numbers}
    return pages
