"""Opterius Commerce: ``GET /api/v1/orders``, as documented and as released (v2.7.0), told apart by each row's shape.

Documented: pages with ``meta``; ``total`` in minor units beside ``currency_code``; ``order_number`` and ``items``.
Released: the whole list at once; ``total`` as written beside ``currency``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Raw
from pydantic import SecretStr

from monitor.errors import BadAnswer
from monitor.fields import Section
from monitor.model import Item, Money, Order
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.lenient import ABSENT, UNREADABLE
from monitor.sources.money import as_written, from_minor_units
from monitor.sources.settings import BaseUrl, Credential

PATH = "/api/v1/orders"
STATUSES = ("pending", "active", "fraud", "cancelled")
LARGEST_PAGE = 100

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
    data: list[_Row]


class _RawList(_Envelope, kw_only=True):
    data: list[Raw]


_list_decoder = msgspec.json.Decoder(_List)
_raw_list_decoder = msgspec.json.Decoder(_RawList)
_row_decoder = msgspec.json.Decoder(_Row)
_meta_decoder = msgspec.json.Decoder(_Meta)
_items_decoder = msgspec.json.Decoder(list[_ItemRow])


class Opterius:
    """The adapter: which requests to make below ``url``, and what their answers say."""

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

    def __init__(self, rows: list[_Row], meta: _Meta, rejected: tuple[str, ...]) -> None:
        self._rows = rows
        self._by_id: dict[str, _Row] | None = None
        self.marks, self.repeated = _marks(rows)
        self.rejected = rejected
        self.total = lenient.count(meta.total)
        self.last_page = lenient.count(meta.last_page)
        self.number = lenient.count(meta.current_page)
        self.size = lenient.count(meta.per_page)

    @property
    def dialect(self) -> str:
        """``documented`` or ``released``, by the shape of the answer; empty where neither shows."""
        if self.last_page is not None or any(bytes(row.currency_code) for row in self._rows[:1]):
            return "documented"
        return "released" if any(bytes(row.currency) for row in self._rows[:1]) else ""

    def order(self, order_id: str) -> Order:
        """The order with this id, the first one if it stands here twice; KeyError if it does not."""
        if self._by_id is None:
            self._by_id = {str(row.id): row for row in reversed(self._rows)}
        return _order(self._by_id[order_id])


def _marks(rows: list[_Row]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Each id with a hash over all that we decode, and the ids that have more than one."""
    # One expression for all rows, the dearest of a poll: a call for each would add a third to it.
    # JSON holds no bare NUL: as a separator it keeps rows apart that differ.
    join = b"\0".join
    hashes = [
        hash((r.status, join((r.total, r.currency_code, r.currency, r.order_number, r.created_at, r.items))))
        for r in rows
    ]
    ids = [str(row.id) for row in rows]
    marks = dict(zip(ids, hashes, strict=True))
    if len(marks) == len(rows):
        return marks, ()
    first: dict[str, int] = {}
    differing = [
        order_id for order_id, mark in zip(ids, hashes, strict=True) if first.setdefault(order_id, mark) != mark
    ]
    return first, tuple(dict.fromkeys(differing))


def _decode(body: bytes, where: str) -> OpteriusPage:
    found: _List | _RawList | None = lenient.read(_list_decoder, body)
    if found is None:  # one bad row is enough for that: the others are still proof
        found = lenient.read(_raw_list_decoder, body)
    if found is None:
        whole = lenient.without_lone_surrogates(body)  # PHP writes some when it cuts a text amid an emoji
        if whole != body:
            return _decode(whole, where)
        raise _no_list(body, where)
    if bytes(found.success) in _FAILED or bytes(found.error) not in _NO_ERROR:
        raise BadAnswer(f"{where} says that it failed{_said(body)}")
    rows, faults = (found.data, ()) if isinstance(found, _List) else _valid_rows(found.data)
    return OpteriusPage(rows, lenient.read(_meta_decoder, found.meta) or _Meta(), faults)


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


def _valid_rows(raw_rows: list[Raw]) -> tuple[list[_Row], tuple[str, ...]]:
    rows: list[_Row] = []
    faults: list[str] = []
    for number, raw in enumerate(raw_rows, start=1):
        try:
            rows.append(_row_decoder.decode(raw))
        except UNREADABLE:
            faults.append(f"row {number}: {_fault(raw)}")
    return rows, tuple(faults)


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
