"""Reads what a source says of one order, for a message; and says in a message's words why it could not."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import NamedTuple, Protocol

from monitor.clock import Clock
from monitor.errors import NotFound, RateLimited, Redirected, Refused, ServerFailed, SourceError, TooLarge, Unreachable
from monitor.model import Details
from monitor.sources.base import DetailSource
from monitor.sources.details import read_details
from monitor.sources.http import HttpClient, Limits, Reader
from monitor.sources.settings import HttpSettings

LARGEST = 1024 * 1024
"""Bytes of an answer about one order, at most: what is read for a message stays in memory for a while."""
PATIENCE_S = 3.0
"""What fails for so long is given up: a message waits longer only for an answer that is on its way."""
_LIMITS = Limits(PATIENCE_S, 0.0, LARGEST)
_WHY: Mapping[type[SourceError], str] = {
    Unreachable: "the source could not be reached",
    ServerFailed: "the source could not answer",
    RateLimited: "the source is asked too often",
    Refused: "the source refused to show them",
    NotFound: "the source did not find the order",
    Redirected: "the source's answer would come from elsewhere",
    TooLarge: "the source's answer was too large",
}


class Fetched(NamedTuple):
    """An order's details, and how many bytes they came in."""

    details: Details
    size: int


class OrderReader(Protocol):
    """A way to the details of a source's orders. What shares a ``server`` shares its patience with us."""

    @property
    def server(self) -> Hashable: ...

    async def read(self, order_id: str) -> Fetched:
        """The details of this order; SourceError if they cannot be had."""
        ...


class DetailReader:
    """The way through HTTP, under the budget of the source's host."""

    def __init__(
        self, client: HttpClient, url: str, settings: HttpSettings, adapter: DetailSource, clock: Clock
    ) -> None:
        self._client = client
        self._url = url
        self._settings = settings
        self._adapter = adapter
        self._clock = clock
        self.server: Hashable = client.host(url)

    async def read(self, order_id: str) -> Fetched:
        """The details of this order; SourceError if they cannot be had. Nothing of the answer is kept here."""
        # A reader of its own: no other request's answers or failures count for its patience.
        reader = Reader(self._client, self._url, self._settings, self._adapter.error_text, self._clock, limits=_LIMITS)
        details, answer = await read_details(self._adapter, reader.get, order_id)
        return Fetched(details, len(answer.body))


def why(error: SourceError) -> str:
    """Why a message has no details. Not the error's own words: they are the log's, for they name addresses."""
    return next((text for kind, text in _WHY.items() if isinstance(error, kind)), "the source's answer was no use")
