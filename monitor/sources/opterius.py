"""Opterius Commerce: ``GET /api/v1/orders``, as documented and as released (v2.7.0), told apart by each row's shape.

Documented: pages with ``meta``; ``total`` in minor units beside ``currency_code``; ``order_number`` and ``items``.
Released: the whole list at once; ``total`` as written beside ``currency``.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import Annotated, Literal

import msgspec
from msgspec import Raw
from pydantic import SecretStr

from monitor.errors import BadAnswer
from monitor.fields import Section
from monitor.model import Item, Money, Order
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written, from_minor_units
from monitor.sources.settings import BaseUrl, Credential

PATH = "/api/v1/orders"
STATUSES = ("pending", "active", "fraud", "cancelled")
LARGEST_PAGE = 100
MOST_REASONS = 100
"""Of so many rows that are no orders it is said why."""

_LONG = 1024 * 1024
# Between two commas of a long answer: the shortest row that is an order has eleven. Fewer mean values without end, each
# of which would take forty times the memory that its bytes do.
_LEAST_BYTES = 8

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NO_ERROR = (b"", b"null", b"false", b"0", b'""', b"[]", b"{}")
_FAILED = (b"false", b"0", b'"false"', b'"0"')
_Text = Annotated[str, msgspec.Meta(min_length=1)]
# No database holds a NUL in a key.
_IdText = Annotated[str, msgspec.Meta(min_length=1, pattern=r"^[^\x00]+$")]


class OpteriusSettings(Section):
    """A source of type ``opterius``."""

    type: Literal["opterius"]
    """Opterius Commerce."""

    url: BaseUrl
    """Address of the billing system, without ``/api/v1/orders``."""

    token: Credential
    """API token of the client whose orders are watched."""


class _Row(msgspec.Struct, gc=False):
    # Id and status make an order. The rest may be nonsense without costing the row, and is read only when asked for.
    id: int | _IdText
    status: _Text
    total: Raw = ABSENT
    currency_code: Raw = ABSENT
    currency: Raw = ABSENT
    order_number: Raw = ABSENT
    created_at: Raw = ABSENT
    items: Raw = ABSENT


class _ItemRow(msgspec.Struct, gc=False):
    product_name: Raw = ABSENT
    qty: Raw = ABSENT
    amount: Raw = ABSENT


class _Head(msgspec.Struct, gc=False):
    id: int | _IdText
    status: _Text


_Count = Annotated[int, msgspec.Meta(ge=0, lt=10**15)]


class _Counts(msgspec.Struct):
    current_page: _Count | None = None
    last_page: _Count | None = None
    per_page: _Count | None = None
    total: _Count | None = None


class _Meta(msgspec.Struct):
    current_page: Raw = ABSENT
    last_page: Raw = ABSENT
    per_page: Raw = ABSENT
    total: Raw = ABSENT


class _Envelope(msgspec.Struct):
    meta: Raw = ABSENT
    success: Raw = ABSENT
    error: Raw = ABSENT


class _List(_Envelope, kw_only=True):
    # Rows stay as they were written: what is known already is told by its bytes, and never decoded.
    data: list[Raw]


_list_decoder = msgspec.json.Decoder(_List)
_row_decoder = msgspec.json.Decoder(_Row)
_head_decoder = msgspec.json.Decoder(_Head)
_counts_decoder = msgspec.json.Decoder(_Counts)
_meta_decoder = msgspec.json.Decoder(_Meta)
_items_decoder = msgspec.json.Decoder(list[_ItemRow])


class Opterius:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    statuses = STATUSES
    open_statuses = ("pending",)

    def __init__(self, url: str, token: SecretStr) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token.get_secret_value()}"}

    @classmethod
    def from_settings(cls, settings: OpteriusSettings) -> Opterius:
        """The adapter that these settings describe."""
        return cls(settings.url, settings.token)

    @property
    def identity(self) -> str:
        """Type and address."""
        return f"opterius {self._url}"

    def list_request(self, query: ListQuery) -> Request:
        """The request for a page; the system gives at most 100 orders a page."""
        params = [("page", str(query.page)), ("per_page", str(min(query.size, LARGEST_PAGE)))]
        if query.status is not None:
            params.append(("status", query.status))
        return Request(PATH, tuple(params), self._headers)

    def decode_list(self, answer: Answer) -> OpteriusPage:
        """The page in this answer, valid rows kept beside bad ones; BadAnswer if it is no list of orders."""
        where = f"{answer.status} from {answer.url}"
        return _decode(answer.body.removeprefix(_BYTE_ORDER_MARK), where)

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that the system does not use."""
        return lenient.error_text(body)


class OpteriusPage:
    """A decoded page: see ``monitor.sources.base.Page``."""

    def __init__(self, raw_rows: list[Raw], meta: _Counts) -> None:
        self._raw_rows = raw_rows
        self.marks = lenient.marks(raw_rows)
        self.total, self.last_page = meta.total, meta.last_page
        self.number, self.size = meta.current_page, meta.per_page
        self._ids_read: dict[int, str | None] = {}

    @cached_property
    def _heads(self) -> list[_Head | _Row | None]:
        # Id and status alone decide what is an order; the rest is read of those that have changed.
        return [lenient.read(_head_decoder, raw) or _row(raw) for raw in self._raw_rows]

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
        faulty = (number for number, row in enumerate(self._heads) if row is None)
        shown = islice(faulty, MOST_REASONS)
        return tuple(f"row {number + 1}: {_fault(self._raw_rows[number])}" for number in shown)

    @property
    def repeated(self) -> tuple[str, ...]:
        """Ids that stand here more than once, with different content."""
        if len(self._by_id) == len(self._heads):
            return ()
        first: dict[str, int] = {}
        rows = ((order_id, mark) for order_id, mark in zip(self.ids, self.marks, strict=True) if order_id)
        return tuple(dict.fromkeys(order_id for order_id, mark in rows if first.setdefault(order_id, mark) != mark))

    @property
    def dialect(self) -> str:
        """``documented`` or ``released``, by the shape of the answer; empty where neither shows."""
        first = next(filter(None, map(_row, self._raw_rows)), None)
        if self.last_page is not None or (first and bytes(first.currency_code)):
            return "documented"
        return "released" if first and bytes(first.currency) else ""

    def id_at(self, row: int) -> str | None:
        """The id in this row, read alone."""
        if row not in self._ids_read:
            head = lenient.read(_head_decoder, self._raw_rows[row])
            self._ids_read[row] = str(head.id) if head else self.ids[row]
        return self._ids_read[row]

    def order(self, order_id: str) -> Order:
        """The order with this id, the first one if it stands here twice; KeyError if it does not."""
        row = _row(self._raw_rows[self._by_id[order_id]])
        if row is None:
            raise KeyError(order_id)
        return _order(row)


def _decode(body: bytes, where: str) -> OpteriusPage:
    if len(body) > _LONG and body.count(b",") * _LEAST_BYTES > len(body):
        raise BadAnswer(f"{where} holds too many values for its size to be a list of orders: is url right?")
    found = lenient.read(_list_decoder, body)
    if found is None:
        whole = lenient.without_lone_surrogates(body)  # PHP writes some when it cuts a text amid an emoji
        if whole != body:
            return _decode(whole, where)
        raise _no_list(body, where)
    if bytes(found.success) in _FAILED or bytes(found.error) not in _NO_ERROR:
        raise BadAnswer(f"{where} says that it failed{_said(body)}")
    return OpteriusPage(found.data, _counts(found.meta))


def _counts(meta: Raw) -> _Counts:
    """What the list says of itself; each number that is none counts as not said."""
    numbers = lenient.read(_counts_decoder, meta)
    if numbers is not None:
        return numbers
    said = lenient.read(_meta_decoder, meta) or _Meta()
    return _Counts(*map(lenient.count, (said.current_page, said.last_page, said.per_page, said.total)))


def _no_list(body: bytes, where: str) -> BadAnswer:
    start = body.lstrip()[:1]
    if not start:
        return BadAnswer(f"{where} is empty, where a JSON list of orders should be")
    if start == b"<":
        return BadAnswer(f"{where} is a web page, not JSON: is it a log-in page, or is url wrong?")
    if lenient.is_json(body):
        return BadAnswer(f"{where} holds no list of orders under data: is url right?{_said(body)}")
    return BadAnswer(f"{where} is cut off, or no JSON at all")


def _said(body: bytes) -> str:
    said = lenient.error_text(body)
    return f" ({said})" if said else ""


def _row(raw: Raw) -> _Row | None:
    """What can be read of this row; None if it is no order. The others on its page are proof all the same."""
    return lenient.read(_row_decoder, raw)


def _fault(raw: Raw) -> str:
    """Why this row is no order, in words that hold nothing of it."""
    fields = lenient.fields(raw)
    if fields is None:
        return "is no JSON object"
    name = "id" if lenient.read(_id_decoder, raw) is None else "status"
    value = bytes(fields.get(name, ABSENT))
    if value in (b"", b"null", b'""'):
        return f"{name} is missing"
    return "id is neither a number nor a text" if name == "id" else "status is no text"


class _Id(msgspec.Struct):
    id: int | _IdText


_id_decoder = msgspec.json.Decoder(_Id)


def _order(row: _Row) -> Order:
    return Order(
        id=str(row.id),
        status=row.status,
        number=lenient.text(row.order_number),
        total=_money(row, row.total),
        created_at=lenient.instant(row.created_at),
        items=_items(row),
    )


def _money(row: _Row, amount: Raw) -> Money | None:
    """The unit follows from the field that names the currency, never from the amount; without one it is unknown."""
    written = lenient.text(amount)
    if written is None:
        return None
    if bytes(row.currency_code):
        return from_minor_units(written, _currency(row.currency_code))
    return as_written(written, _currency(row.currency)) if bytes(row.currency) else None


def _currency(raw: Raw) -> str | None:
    code = lenient.text(raw)
    return code.upper() if code else None


def _items(row: _Row) -> tuple[Item, ...] | None:
    rows = lenient.read(_items_decoder, row.items)
    return None if rows is None else tuple(_item(row, item) for item in rows)


def _item(row: _Row, item: _ItemRow) -> Item:
    name = lenient.text(item.product_name) or "(unnamed)"
    quantity = lenient.count(item.qty)
    return Item(name, 1 if quantity is None else quantity, _money(row, item.amount))
