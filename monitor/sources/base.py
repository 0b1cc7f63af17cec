"""What an adapter is: it states the requests to make and decodes the answers. It does no I/O itself."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeGuard, runtime_checkable

import msgspec

from monitor.errors import NotFound
from monitor.model import Details, Order

Params = tuple[tuple[str, str], ...]


class Request(msgspec.Struct, frozen=True):
    """A GET below a source's ``url``; with ``form`` (url-encoded) or ``json``, a POST that only reads.

    ``params`` are the query. Anything but the path may hold the credential, and so is never printed. Where it does not
    stand in a header of its own, ``secrets`` names it, for a server that repeats it in an error.
    """

    path: str
    params: Params = ()
    headers: Mapping[str, str] = {}
    form: Params | None = None
    json: bytes | None = None
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Request({self.path!r})"


def without(secrets: Iterable[str], text: str) -> str:
    """The text with ``***`` for each of these secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


class Answer(msgspec.Struct, frozen=True):
    """A 2xx answer, whole and decompressed; its body is never printed. ``headers`` has lower-case names.

    ``secrets`` gives what its request held: a server may repeat it, and ``cleaned`` takes it out of what is quoted.
    ``url`` is without the query. ``sent`` and ``received`` are monotonic seconds: an answer shows the state of some
    instant between them. ``request`` is what was asked, for systems whose answers do not say it.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: float
    received: float
    secrets: Callable[[], Iterable[str]] = tuple
    request: Request | None = None

    def cleaned(self, text: str) -> str:
        """The text without what the request held."""
        return without(self.secrets(), text)

    def __repr__(self) -> str:
        return f"Answer({self.url!r}, {self.status}, {len(self.body)} bytes)"


class ListQuery(msgspec.Struct, frozen=True):
    """Which part of a list is wanted: page ``page`` (from 1) of ``size`` orders, of one status or of all.

    ``modified_since``: only orders that were modified then (whole seconds) or later; for a ``ModifiedSource`` alone.
    ``after`` is what the page before said of where this one begins (``Page.following``); for a ``Chained`` source.
    """

    page: int = 1
    size: int = 100
    status: str | None = None
    modified_since: datetime | None = None
    after: str | None = None


class Page(Protocol):
    """One decoded page of a list.

    ``marks`` has for each row, in their order, a number (64 bits, signed) that stays the same while the row's bytes and
    this version of Order Monitor do: it is made without reading the row, so that an unchanged order costs no object.
    ``ids`` and ``statuses`` (as the source writes them) are parallel to it, and read when asked for; None for a row
    that is no order. ``total``, ``last_page``, ``number`` and ``size`` are the server's claims, None where it makes
    none. ``rejected`` says of rows that were no order why (of a hundred at most), ``repeated`` holds ids that stand in
    the page more than once with different content. ``dialect`` names which of its ways to answer the system used; empty
    where it has but one, or none shows.
    """

    @property
    def marks(self) -> array[int]: ...
    @property
    def ids(self) -> Sequence[str | None]: ...
    @property
    def statuses(self) -> Sequence[str | None]: ...
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

    def id_at(self, row: int) -> str | None:
        """The id in this row, read alone; None if it is no order."""
        ...

    def order(self, order_id: str) -> Order:
        """The order with this id, the first one if it stands here twice; KeyError if it is not on the page."""
        ...


@runtime_checkable
class Chained(Protocol):
    """An adapter whose pages can only be read one after the other, as each says where the next one begins."""

    @property
    def chained(self) -> bool:
        """Whether that is so."""
        ...


@runtime_checkable
class Link(Protocol):
    """A page of a ``Chained`` source."""

    @property
    def following(self) -> str | None:
        """Where the next page begins, for ``ListQuery.after``; None on the last page."""
        ...

    @property
    def stated(self) -> bool:
        """Whether the answer says that there is one; else that is only likely, and the list may end before it."""
        ...


@runtime_checkable
class Stamped(Protocol):
    """A page whose rows show when each was modified: parallel to its ``marks``, None where a row does not say."""

    @property
    def modified(self) -> Sequence[datetime | None]: ...


class Source(Protocol):
    """What each adapter is, whichever way its system shows orders."""

    @property
    def identity(self) -> str:
        """Type and address without credentials: another identity under the same name is another source."""
        ...

    def error_text(self, body: bytes) -> str | None:
        """What an error answer in the system's own shape says, None if it has another shape."""
        ...


def is_chained(source: Source) -> bool:
    """Whether this source's pages can only be read one after the other."""
    return bool(getattr(source, "chained", False))  # asked at each page: what a Protocol asks takes ten times as long


@runtime_checkable
class ListSource(Source, Protocol):
    """An adapter of a system that lists its orders."""

    @property
    def statuses(self) -> tuple[str, ...]:
        """By which it can ask for a part of the list, where the system does what its documentation says."""
        ...

    @property
    def open_statuses(self) -> tuple[str, ...]:
        """Those of them in which an order is soon to change: they are looked at most often."""
        ...

    def list_request(self, query: ListQuery) -> Request:
        """The request for this part of the list."""
        ...

    def decode_list(self, answer: Answer) -> Page:
        """The page in this answer; BadAnswer if it is none."""
        ...


def lists_orders(source: Source) -> TypeGuard[ListSource]:
    """Whether this source is a ``ListSource``, by what no other has: each poll asks, and asking a Protocol is dear."""
    return hasattr(source, "decode_list")


@runtime_checkable
class ModifiedSource(ListSource, Protocol):
    """An adapter of a system whose list can be asked for what was modified since a time; its pages are ``Stamped``.

    Its answers must bear a Date, by the clock that stamps the orders.
    """

    @property
    def overlap(self) -> timedelta:
        """How long before a change shows it may have been stamped: so much is asked for again each time."""
        ...


@runtime_checkable
class DetailSource(Source, Protocol):
    """An adapter of a system that shows one order by its id."""

    def order_request(self, order_id: str) -> Request:
        """The request for this order."""
        ...

    def decode_order(self, answer: Answer) -> Page:
        """The order in this answer, as a page of one row; BadAnswer if there is none.

        NotFound, with the ``body``, where the system says so in an answer that is no error by its status.
        """
        ...

    def decode_details(self, answer: Answer) -> Details:
        """The order in this answer with all that a message may carry; BadAnswer or NotFound as for ``decode_order``."""
        ...

    def is_gone(self, error: NotFound) -> bool:
        """Whether its ``body`` says, in the system's own shape, that there is no such order.

        A proxy's 404, and the system's own for an address that it does not have, are no answer about an order.
        """
        ...
