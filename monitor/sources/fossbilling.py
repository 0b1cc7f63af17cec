"""FOSSBilling: ``GET /api/admin/order/get_list`` and ``…/get``, HTTP Basic with a staff member's API key.

Facts: FOSSBilling's source (modules/Order, modules/Api, FOSSBilling/Pagination). An order is one service. Most errors
come with status 200 and ``error{message, code}``. An order is counted once for each entry of its metadata, and shown as
often; by 0.8.5 and later once on a page, which then is short. ``config`` may hold passwords; it is never decoded.
"""

from __future__ import annotations

import base64
import re
from datetime import tzinfo
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw

from monitor.alerting.settings import TimeZone
from monitor.errors import BadAnswer, NotFound, Refused
from monitor.fields import Section
from monitor.model import Details, Item, Meaning, Money, Order
from monitor.sources import lenient, php
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written
from monitor.sources.people import customer_of
from monitor.sources.rows import (
    Claims,
    PlainRows,
    RowId,
    RowPage,
    RowText,
    failed,
    fault_of,
    read_list,
    where,
)
from monitor.sources.settings import BaseUrl, Credential

LIST_PATH = "/api/admin/order/get_list"
ORDER_PATH = "/api/admin/order/get"
STATUSES = ("pending_setup", "failed_setup", "failed_renew", "active", "suspended", "canceled")
MEANINGS = {
    "pending_setup": Meaning.PENDING,
    "failed_setup": Meaning.FAILED,
    "failed_renew": Meaning.FAILED,
}
LARGEST_PAGE = 500
"""More is an error in newer versions, and in older ones as many as are asked for."""

_OF_CREDENTIALS = {201, 202, 203, 204, 205, 206, 403, 1002, 1004}
_REFUSED = re.compile(r"authentication failed|unauthorized ip|permission", re.IGNORECASE)
_NO_ORDER = re.compile(r"\border not found\b", re.IGNORECASE)
_NOISE = Decimal("0.0000001")


class FossbillingSettings(Section):
    """A source of type ``fossbilling``."""

    type: Literal["fossbilling"]
    """FOSSBilling."""

    url: BaseUrl
    """Address of FOSSBilling, without ``/api``."""

    api_key: Credential
    """API key of a staff member who may see orders."""

    time_zone: TimeZone = "UTC"
    """Time zone of the system's dates, which do not say it."""


class _Row(msgspec.Struct, gc=False):
    # Id and status make an order. The rest may be nonsense without costing the row, and is read only when asked for.
    id: RowId
    status: RowText
    currency: Raw = ABSENT
    total: Raw = ABSENT
    price: Raw = ABSENT
    quantity: Raw = ABSENT
    title: Raw = ABSENT
    created_at: Raw = ABSENT
    unpaid_invoice_id: Raw = ABSENT
    client: Raw = ABSENT
    notes: Raw = ABSENT


class _Meta(msgspec.Struct, gc=False):
    meta: Raw = ABSENT


class _Envelope(msgspec.Struct):
    result: Raw = ABSENT
    error: Raw = ABSENT


class _List(msgspec.Struct):
    list: Raw = ABSENT
    pages: Raw = ABSENT
    page: Raw = ABSENT
    per_page: Raw = ABSENT
    total: Raw = ABSENT


class _Fault(msgspec.Struct):
    message: Raw = ABSENT
    code: Raw = ABSENT


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_list_decoder = msgspec.json.Decoder(_List)
_fault_decoder = msgspec.json.Decoder(_Fault)
_row_decoder = msgspec.json.Decoder(_Row)
_meta_decoder = msgspec.json.Decoder(_Meta)


class Fossbilling:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    statuses = STATUSES
    open_statuses = ("pending_setup", "failed_setup")

    def __init__(self, settings: FossbillingSettings) -> None:
        key = settings.api_key.get_secret_value()
        self._url = settings.url
        self._headers = {"Authorization": f"Basic {base64.b64encode(f'admin:{key}'.encode()).decode()}"}
        self._secrets = (key,)
        self._rows = _FossbillingRows(ZoneInfo(settings.time_zone))
        self._repeats = False

    @property
    def identity(self) -> str:
        """Type and address."""
        return f"fossbilling {self._url}"

    def list_request(self, query: ListQuery) -> Request:
        """The request for a page; the system gives at most 500 orders a page."""
        status = () if query.status is None else (("status", query.status),)
        params = (("page", str(query.page)), ("per_page", str(min(query.size, LARGEST_PAGE))), *status)
        return Request(LIST_PATH, params, self._headers, secrets=self._secrets)

    def decode_list(self, answer: Answer) -> RowPage:
        """The page in this answer; Refused if the credentials are at fault, BadAnswer if it is no list of orders.

        Once a page has shown that it counts an order twice, its totals are not taken for those of orders.
        """
        envelope = read_list(_envelope_decoder, answer, "under result.list")
        found = lenient.read(_list_decoder, _result(envelope, answer, "list of orders")) or _List()
        rows = php.entries(found.list)
        if rows is None:
            raise BadAnswer(f"{where(answer)} holds no list of orders under result.list: is url right?")
        page = RowPage(rows, self._rows, _claims(found))
        self._repeats = self._repeats or _counts_twice(page, rows)
        if self._repeats:
            page.total = None
        return page

    def order_request(self, order_id: str) -> Request:
        """The request for this order."""
        return Request(ORDER_PATH, (("id", order_id),), self._headers, secrets=self._secrets)

    def decode_order(self, answer: Answer) -> RowPage:
        """The order in this answer; NotFound if the system says that there is none."""
        return RowPage([_order_in(answer)], self._rows)

    def decode_details(self, answer: Answer) -> Details:
        """The order with its unpaid invoice and its customer."""
        result = _order_in(answer)
        if self._rows.head(result) is None:
            raise BadAnswer(f"{where(answer)} shows no order: under result {fault_of(result)}")
        return self._rows.details(result)

    def is_gone(self, error: NotFound) -> bool:
        """Whether this is the system's own word that there is no such order."""
        found = lenient.read(_envelope_decoder, error.body.removeprefix(lenient.BYTE_ORDER_MARK)) or _Envelope()
        return _says_gone(found)

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that the system does not use."""
        return lenient.error_text(body, ("error",))


class _FossbillingRows(PlainRows):
    """How the system writes its orders."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def order(self, raw: Raw) -> Order:
        return self._order(_row_decoder.decode(raw))

    def details(self, raw: Raw) -> Details:
        """The order in this row, with all that stands beside it."""
        row = _row_decoder.decode(raw)
        invoice = lenient.text(row.unpaid_invoice_id)
        return Details(self._order(row), invoice if invoice != "0" else None, None, customer_of(row.client, row.notes))

    def _order(self, row: _Row) -> Order:
        return Order(
            id=str(row.id),
            status=row.status,
            total=_total(row),
            created_at=lenient.instant(row.created_at, self._zone),
            items=_items(row),
        )


def _order_in(answer: Answer) -> Raw:
    envelope = read_list(_envelope_decoder, answer, "under result", "order")
    if _says_gone(envelope):
        raise NotFound(f"{where(answer)} says that there is no such order", body=answer.body)
    return _result(envelope, answer, "order")


def _result(envelope: _Envelope, answer: Answer, what: str) -> Raw:
    if lenient.objects(envelope.error):
        fault = lenient.read(_fault_decoder, envelope.error) or _Fault()
        raise failed(answer, lenient.text(fault.message), Refused if _refuses(fault) else BadAnswer)
    if not php.record(envelope.result):
        raise BadAnswer(f"{where(answer)} holds no {what} under result: is url right?")
    return envelope.result


def _claims(found: _List) -> Claims:
    total, last, number, size = map(lenient.count, (found.total, found.pages, found.page, found.per_page))
    return Claims(total, last, number, size)


def _counts_twice(page: RowPage, rows: list[Raw]) -> bool:
    """Whether it shows an order twice; or fewer than it counts, and one with several entries of metadata."""
    if len(set(page.marks)) < len(page.marks):
        return True
    total, number, size = page.total, page.number, page.size
    if total is None or not number or not size or len(rows) >= min(size, total - (number - 1) * size):
        return False
    shown = (lenient.read(_meta_decoder, row) for row in rows)
    return any(row is not None and len(php.record(row.meta)) > 1 for row in shown)


def _says_gone(found: _Envelope) -> bool:
    fault = lenient.read(_fault_decoder, found.error)
    return fault is not None and bool(_NO_ORDER.search(lenient.text(fault.message) or ""))


def _refuses(fault: _Fault) -> bool:
    return lenient.count(fault.code) in _OF_CREDENTIALS or bool(_REFUSED.search(lenient.text(fault.message) or ""))


def _total(row: _Row) -> Money | None:
    """The total; by price and quantity where it is their product, which PHP makes of floats: 3.3000000000000003."""
    total, price = _money(row.total, row.currency), _money(row.price, row.currency)
    if total is None or price is None:
        return total
    exact = price.amount * (lenient.count(row.quantity) or 1)
    return msgspec.structs.replace(total, amount=exact) if abs(exact - total.amount) < _NOISE else total


def _items(row: _Row) -> tuple[Item, ...] | None:
    """An order is of one product; ``quantity`` may be none where it has no number."""
    title = lenient.text(row.title)
    if title is None:
        return None
    return (Item(title, lenient.count(row.quantity) or 1, _money(row.price, row.currency)),)


def _money(amount: Raw, currency: Raw) -> Money | None:
    written = lenient.text(amount)
    return as_written(written, (lenient.text(currency) or "").upper() or None) if written else None
