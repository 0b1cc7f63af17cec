"""Orders read one by one by their ids, several at a time."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from monitor.errors import NotFound, RateLimited, Redirected, SourceError, Unreachable
from monitor.polling.gathering import all_of
from monitor.polling.listing import IN_FLIGHT, Get
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import DetailSource
from monitor.sources.details import read_order

_OF_THE_SOURCE = (Unreachable, RateLimited, Redirected)
"""Never about one order: whoever asks for the next one meets the same."""


class ReadAlone(msgspec.Struct):
    """What became of the orders that were asked for and not shown: ``gone`` by the source's own word, or ``failed``."""

    gone: list[str] = []
    failed: dict[str, SourceError] = {}


class Details:
    """Reads single orders into a snapshot."""

    def __init__(self, source: DetailSource, get: Get, snapshot: Snapshot) -> None:
        self._source = source
        self._get = get
        self._snapshot = snapshot

    @classmethod
    def of(cls, sight: Sight, snapshot: Snapshot) -> Details | None:
        """None where the source shows no single orders."""
        return cls(sight.adapter, sight.get, snapshot) if isinstance(sight.adapter, DetailSource) else None

    async def read(self, ids: Iterable[str]) -> ReadAlone:
        """Read these. SourceError if the source as a whole does not answer; what was read before is in the snapshot."""
        queue, done = iter(ids), ReadAlone()
        failures: list[SourceError] = []

        async def reader() -> None:
            while not failures and (order_id := next(queue, None)) is not None:
                try:
                    await self._read(order_id, done)
                except _OF_THE_SOURCE as error:
                    failures.append(error)

        await all_of(reader() for _ in range(IN_FLIGHT))
        if failures:
            raise failures[0]
        return done

    async def _read(self, order_id: str, done: ReadAlone) -> None:
        try:
            page, answer = await read_order(self._source, self._get, order_id)
        except _OF_THE_SOURCE:
            raise
        except SourceError as error:
            if isinstance(error, NotFound) and self._source.is_gone(error):
                done.gone.append(order_id)
            else:
                done.failed[order_id] = error
            return
        self._snapshot.add(page, answer)
