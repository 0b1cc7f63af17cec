"""Opterius Commerce: ``GET /api/v1/orders``, as documented and as released (v2.7.0), told apart by each row's shape.

Documented: pages with ``meta``; ``total`` in minor units beside ``currency_code``; ``order_number`` and ``items``.
Released: the whole list at once; ``total`` as written beside ``currency``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Raw
from pydantic import SecretStr

from monitor.fields import Section
from monitor.model import Item, Money, Order
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written, from_minor_units
from monitor.sources.rows import HEAD, Claims, Head, PlainRows, RowId, RowPage, RowText, failed, read_list
from monitor.sources.settings import BaseUrl, Credential

PATH = "/api/v1/orders"
STATUSES = ("pending", "active", "fraud", "cancelled")
LARGEST_PAGE = 100


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
    id: RowId
    status: RowText
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
        found = read_list(_list_decoder, answer, "under data")
        if lenient.denies(found.success) or lenient.objects(found.error):
            raise failed(answer, self.error_text(answer.body))
        return OpteriusPage(found.data, _ROWS, _claims(found.meta))

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that the system does not use."""
        return lenient.error_text(body)


class _OpteriusRows(PlainRows):
    """How the system writes its orders, in either way."""

    def head(self, raw: Raw) -> Head | None:
        return lenient.read(HEAD, raw) or _row(raw)

    def order(self, raw: Raw) -> Order:
        return _order(_row_decoder.decode(raw))


_ROWS = _OpteriusRows()


class OpteriusPage(RowPage):
    """A decoded page: see ``monitor.sources.base.Page``."""

    @property
    def dialect(self) -> str:
        """``documented`` or ``released``, by the shape of the answer; empty where neither shows."""
        first = next(filter(None, map(_row, self._raw_rows)), None)
        if self.last_page is not None or (first and bytes(first.currency_code)):
            return "documented"
        return "released" if first and bytes(first.currency) else ""


def _claims(meta: Raw) -> Claims:
    """What the list says of itself; each number that is none counts as not said."""
    said = lenient.read(_counts_decoder, meta)
    if said is None:
        found = lenient.read(_meta_decoder, meta) or _Meta()
        said = _Counts(*map(lenient.count, (found.current_page, found.last_page, found.per_page, found.total)))
    return Claims(said.total, said.last_page, said.current_page, said.per_page)


def _row(raw: Raw) -> _Row | None:
    """What can be read of this row; None if it is no order. The others on its page are proof all the same."""
    return lenient.read(_row_decoder, raw)


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
