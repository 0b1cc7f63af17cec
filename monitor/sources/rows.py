"""A page made of JSON rows that stay as they were written until somebody asks: what all adapters share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Annotated, Protocol, TypeVar

import msgspec
from msgspec import Raw

from monitor.errors import BadAnswer, SourceError
from monitor.model import Order
from monitor.sources import lenient
from monitor.sources.base import Answer
from monitor.sources.lenient import ABSENT
from monitor.sources.verdicts import plain

MOST_REASONS = 100
"""Of so many rows that are no orders it is said why."""

_LONG = 1024 * 1024
# Between two commas of a long answer: the shortest row that is an order has about as many. Fewer mean values without
# end, each of which would take forty times the memory that its bytes do.
_LEAST_BYTES = 8
RowText = Annotated[str, msgspec.Meta(min_length=1)]
# No database holds a NUL in a key.
RowId = int | Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^\x00]+$")]
"""What an order's id may be: a number here, a text there."""


class RowHead(msgspec.Struct, gc=False):
    """Id and status alone, where they are called so."""

    id: RowId
    status: RowText


HEAD = msgspec.json.Decoder(RowHead)
"""Reads no more of a row than makes it an order."""
T = TypeVar("T")
_id_decoder = msgspec.json.Decoder(RowId)


class Head(Protocol):
    """What makes a row an order."""

    @property
    def id(self) -> int | str: ...
    @property
    def status(self) -> str: ...


class Rows(Protocol):
    """How a system writes its orders."""

    def head(self, raw: Raw) -> Head | None:
        """Id and status of this row; None if it is no order."""
        ...

    def order(self, raw: Raw) -> Order:
        """All of this row, which has a head. What is nonsense costs a field, not the row."""
        ...

    def fault(self, raw: Raw) -> str:
        """Why this row has no head, in words that hold nothing of it."""
        ...


class StampedRows(Rows, Protocol):
    """Rows that say when each was modified."""

    def modified(self, raw: Raw) -> datetime | None:
        """When, in UTC; None where the row does not say."""
        ...


class PlainRows:
    """The part of ``Rows`` that is the same wherever an order's id and status are called so."""

    def head(self, raw: Raw) -> Head | None:
        """Id and status of this row; None if it is no order."""
        return lenient.read(HEAD, raw)

    def fault(self, raw: Raw) -> str:
        """Why this row has no head, in words that hold nothing of it."""
        return fault_of(raw)


class Claims(msgspec.Struct, frozen=True):
    """What an answer says of its list: see ``monitor.sources.base.Page`` and ``Link``."""

    total: int | None = None
    last_page: int | None = None
    number: int | None = None
    size: int | None = None
    following: str | None = None
    stated: bool = True


class RowPage:
    """A decoded page: see ``monitor.sources.base.Page``."""

    def __init__(self, raw_rows: list[Raw], rows: Rows, claims: Claims = Claims()) -> None:  # noqa: B008  # immutable
        self._raw_rows = raw_rows
        self._rows = rows
        self.marks = lenient.marks(raw_rows)
        self.total, self.last_page = claims.total, claims.last_page
        self.number, self.size = claims.number, claims.size
        self.following, self.stated = claims.following, claims.stated
        self._ids_read: dict[int, str | None] = {}

    @property
    def dialect(self) -> str:
        """Which of its ways to answer the system used; empty where it has but one, or none shows."""
        return ""

    @cached_property
    def _heads(self) -> list[Head | None]:
        # Id and status alone decide what is an order; the rest is read of those that have changed.
        return [self._rows.head(raw) for raw in self._raw_rows]

    @cached_property
    def _by_id(self) -> dict[str, int]:
        return {order_id: row for row, order_id in reversed([*enumerate(self.ids)]) if order_id}

    @cached_property
    def ids(self) -> list[str | None]:
        """Of each row; None where it is no order."""
        return [str(head.id) if head else None for head in self._heads]

    @cached_property
    def statuses(self) -> list[str | None]:
        """Of each row, as written; None where it is no order."""
        return [head.status if head else None for head in self._heads]

    @property
    def rejected(self) -> tuple[str, ...]:
        """Why each row is no order that is none, up to ``MOST_REASONS``, in words that hold nothing of it."""
        faulty = (number for number, head in enumerate(self._heads) if head is None)
        shown = islice(faulty, MOST_REASONS)
        return tuple(f"row {number + 1}: {self._rows.fault(self._raw_rows[number])}" for number in shown)

    @property
    def repeated(self) -> tuple[str, ...]:
        """Ids that stand here more than once, with different content."""
        if len(self._by_id) == len(self._heads):
            return ()
        first: dict[str, int] = {}
        rows = ((order_id, mark) for order_id, mark in zip(self.ids, self.marks, strict=True) if order_id)
        return tuple(dict.fromkeys(order_id for order_id, mark in rows if first.setdefault(order_id, mark) != mark))

    def id_at(self, row: int) -> str | None:
        """The id in this row, read alone."""
        if row not in self._ids_read:
            head = self._rows.head(self._raw_rows[row])
            self._ids_read[row] = str(head.id) if head else None
        return self._ids_read[row]

    def order(self, order_id: str) -> Order:
        """The order with this id, the first one if it stands here twice; KeyError if it does not."""
        return self._rows.order(self._raw_rows[self._by_id[order_id]])


class StampedPage(RowPage):
    """A page whose rows show when each was modified: see ``monitor.sources.base.Stamped``."""

    def __init__(self, raw_rows: list[Raw], rows: StampedRows, claims: Claims = Claims()) -> None:  # noqa: B008  # as above
        super().__init__(raw_rows, rows, claims)
        self._stamped = rows

    @cached_property
    def modified(self) -> Sequence[datetime | None]:
        """Of each row, in UTC; None where it does not say."""
        return [self._stamped.modified(raw) for raw in self._raw_rows]


def where(answer: Answer) -> str:
    """What an error about this answer begins with."""
    return f"{answer.status} from {answer.url}"


def read_list(decoder: msgspec.json.Decoder[T], answer: Answer, holder: str, what: str = "list of orders") -> T:
    """The answer by a decoder that leaves rows ``Raw``; BadAnswer says what it is instead.

    ``holder`` is where the list (or ``what`` else there should be) should stand, for people: ``under data``.
    """
    body = answer.body.removeprefix(lenient.BYTE_ORDER_MARK)
    if len(body) > _LONG and body.count(b",") * _LEAST_BYTES > len(body):
        raise BadAnswer(f"{where(answer)} holds too many values for its size to be any {what}: is url right?")
    found = lenient.read(decoder, body)
    if found is None:
        # PHP writes halves of surrogate pairs when it cuts a text amid an emoji.
        found = lenient.read(decoder, lenient.without_lone_surrogates(body))
    if found is None:
        raise _no_list(body, answer, f"{what} {holder}")
    return found


def failed(answer: Answer, said: str | None, kind: type[SourceError] = BadAnswer) -> SourceError:
    """The error for an answer that says of itself that it failed, in the system's words if there are any.

    ``kind``: such as Refused, where those words say that the credentials are at fault.
    """
    return kind(f"{where(answer)} says that it failed{_quoted(said, answer)}")


def fault_of(raw: Raw, id_field: str = "id", status_field: str = "status") -> str:
    """Why this row is no order, in words that hold nothing of it."""
    fields = lenient.fields(raw)
    if fields is None:
        return "is no JSON object"
    bad_id = lenient.read(_id_decoder, fields.get(id_field, ABSENT)) is None
    name = id_field if bad_id else status_field
    if bytes(fields.get(name, ABSENT)) in (b"", b"null", b'""'):
        return f"{name} is missing"
    return f"{name} is neither a number nor a text" if bad_id else f"{name} is no text"


def _no_list(body: bytes, answer: Answer, what: str) -> BadAnswer:
    beginning = where(answer)
    start = body.lstrip()[:1]
    if not start:
        return BadAnswer(f"{beginning} is empty, where JSON should be")
    if start == b"<":
        return BadAnswer(f"{beginning} is a web page, not JSON: is it a log-in page, or is url wrong?")
    if lenient.is_json(body):
        said = _quoted(lenient.error_text(body), answer)
        return BadAnswer(f"{beginning} holds no {what}: is url right?{said}")
    return BadAnswer(f"{beginning} is cut off, or no JSON at all")


def _quoted(said: str | None, answer: Answer) -> str:
    return f" ({plain(answer.cleaned(said))})" if said else ""
