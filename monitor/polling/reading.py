"""The way to a source for one poll."""

from __future__ import annotations

from monitor.clock import Clock
from monitor.errors import SourceError
from monitor.polling.poller import Reading
from monitor.sources.base import Answer, ListSource, Request, Source
from monitor.sources.conditional import Memory
from monitor.sources.http import HttpClient, Reader
from monitor.sources.settings import HttpSettings


def open_reading(
    client: HttpClient, url: str, settings: HttpSettings, adapter: Source, clock: Clock, memory: Memory
) -> Reading:
    """A way to the source for one poll. A missing certificate, say, is a failure of the poll, like no answer."""
    try:
        return Reader(client, url, settings, adapter.error_text, clock, memory)
    except SourceError as error:
        return _NoReading(error)


def memory_for(adapter: Source) -> Memory:
    """A place to keep answers for being asked for again: for those that list orders.

    What shows single ones may hold passwords, which must not outlive the decoding.
    """
    return Memory() if isinstance(adapter, ListSource) else Memory(largest=0)


class _NoReading:
    """The way to a source that cannot be taken: each request fails with the reason."""

    requests = bytes = 0

    def __init__(self, error: SourceError) -> None:
        self._error = error

    async def get(self, request: Request) -> Answer:
        raise self._error
