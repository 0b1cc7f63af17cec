"""What an adapter is: it states the requests to make and decodes the answers. It does no I/O itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from monitor.model import Order


class Request(msgspec.Struct, frozen=True):
    """A GET below a source's ``url``. ``headers`` may hold the credential, and so is never printed."""

    path: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return f"Request({self.path!r}, {self.params!r})"


class Answer(msgspec.Struct, frozen=True):
    """A 2xx answer, whole and decompressed; its body is never printed. ``headers`` has lower-case names.

    ``url`` is without the query. ``sent`` and ``received`` are monotonic seconds: an answer shows the state of some
    instant between them.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: float
    received: float

    def __repr__(self) -> str:
        return f"Answer({self.url!r}, {self.status}, {len(self.body)} bytes)"


class ListQuery(msgspec.Struct, frozen=True):
    """Which part of a list is wanted: page ``page`` (from 1) of ``size`` orders, of one status or of all."""

    page: int = 1
    size: int = 100
    status: str | None = None


class Page(Protocol):
    """One decoded page of a list.

    ``marks`` gives each order's id a number that stays the same, within this process, while nothing that we decode of
    the order changes; ``order`` decodes one whole, so that an unchanged order costs no object. ``total`` and
    ``last_page`` are the server's claims, None where it makes none. ``rejected`` says of each row that was no order
    why, ``repeated`` holds ids that stood in it more than once with different content. ``dialect`` names which of its
    ways to answer the system used; empty where it has but one, or none shows.
    """

    @property
    def marks(self) -> Mapping[str, int]: ...
    @property
    def total(self) -> int | None: ...
    @property
    def last_page(self) -> int | None: ...
    @property
    def number(self) -> int | None: ...
    @property
    def size(self) -> int | None: ...
    @property
    def dialect(self) -> str: ...
    @property
    def rejected(self) -> tuple[str, ...]: ...
    @property
    def repeated(self) -> tuple[str, ...]: ...

    def order(self, order_id: str) -> Order:
        """The order with this id; KeyError if it is not on the page."""
        ...


class ListSource(Protocol):
    """An adapter of a system that lists its orders."""

    @property
    def identity(self) -> str:
        """Type and address without credentials: another identity under the same name is another source."""
        ...

    def list_request(self, query: ListQuery) -> Request:
        """The request for this part of the list."""
        ...

    def decode_list(self, answer: Answer) -> Page:
        """The page in this answer; BadAnswer if it is none."""
        ...

    def error_text(self, body: bytes) -> str | None:
        """What an error answer in the system's own shape says, None if it has another shape."""
        ...
