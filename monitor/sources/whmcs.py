"""WHMCS: the API's ``GetOrders``, by POST. Facts: developers.whmcs.com, GetOrders and API authentication.

Rows stand under ``orders.order``; errors may come with status 200 (``result: error``). Dates carry no time zone, and
amounts no currency but what is written after them. Addresses, fraud reports and domain secrets are never decoded.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw

from monitor.alerting.settings import TimeZone
from monitor.errors import BadAnswer, NotFound, Refused, SourceError
from monitor.fields import CurrencyCode, Section
from monitor.model import Customer, Details, Item, Money, Order, Service
from monitor.sources import lenient, php
from monitor.sources.base import Answer, ListQuery, Params, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written
from monitor.sources.rows import (
    Claims,
    PlainRows,
    RowId,
    RowPage,
    RowText,
    failed,
    read_list,
    where,
)
from monitor.sources.settings import BaseUrl, Credential

PATH = "/includes/api.php"
STATUSES = ("Pending", "Active", "Fraud", "Cancelled")

_REFUSED = re.compile(
    r"authenticat|credential|invalid (?:ip|permission|access key)|access (?:key|denied)|banned|not allowed",
    re.IGNORECASE,
)
_NOT_SHOWN = (b"", b"null")
_CODE = re.compile(r"[A-Z]{3}")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?")


class WhmcsSettings(Section):
    """A source of type ``whmcs``."""

    type: Literal["whmcs"]
    """WHMCS."""

    url: BaseUrl
    """Address of WHMCS, without ``/includes/api.php``."""

    identifier: Credential
    """Identifier of an API credential whose role may use GetOrders."""

    secret: Credential
    """Secret of that API credential."""

    access_key: Credential | None = None
    """The API access key, if WHMCS's ``configuration.php`` sets one (``$api_access_key``)."""

    time_zone: TimeZone = "UTC"
    """Time zone of the system's dates, which do not say it."""

    currency: CurrencyCode | None = None
    """Currency, such as EUR, of orders whose amounts do not end with the code of one."""


class _Row(msgspec.Struct, gc=False):
    # Id and status make an order. The rest may be nonsense without costing the row, and is read only when asked for.
    id: RowId
    status: RowText
    ordernum: Raw = ABSENT
    date: Raw = ABSENT
    amount: Raw = ABSENT
    currencyprefix: Raw = ABSENT
    currencysuffix: Raw = ABSENT
    paymentstatus: Raw = ABSENT
    lineitems: Raw = ABSENT
    invoiceid: Raw = ABSENT
    paymentmethod: Raw = ABSENT
    paymentmethodname: Raw = ABSENT
    name: Raw = ABSENT
    notes: Raw = ABSENT


class _Line(msgspec.Struct, gc=False):
    type: Raw = ABSENT
    relid: Raw = ABSENT
    product: Raw = ABSENT
    domain: Raw = ABSENT
    amount: Raw = ABSENT
    status: Raw = ABSENT


class _Envelope(msgspec.Struct):
    result: Raw = ABSENT
    totalresults: Raw = ABSENT
    startnumber: Raw = ABSENT
    orders: Raw = ABSENT


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_row_decoder = msgspec.json.Decoder(_Row)
_line_decoder = msgspec.json.Decoder(_Line)


class _PageRequest(Request, frozen=True):
    """What a list's answer does not say of itself: for how many orders it was asked."""

    size: int = 1


class Whmcs:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    statuses = STATUSES
    open_statuses = ("Pending",)

    def __init__(self, settings: WhmcsSettings) -> None:
        self._url = settings.url
        given = (("identifier", settings.identifier), ("secret", settings.secret), ("accesskey", settings.access_key))
        credentials = tuple((name, secret.get_secret_value()) for name, secret in given if secret is not None)
        self._form: Params = (("action", "GetOrders"), ("responsetype", "json"), *credentials)
        self._secrets = tuple(value for _, value in credentials)
        self._rows = _WhmcsRows(ZoneInfo(settings.time_zone), settings.currency)

    @property
    def identity(self) -> str:
        """Type and address."""
        return f"whmcs {self._url}"

    def list_request(self, query: ListQuery) -> Request:
        """The request for a page."""
        part = (("limitstart", str((query.page - 1) * query.size)), ("limitnum", str(query.size)))
        status = () if query.status is None else (("status", query.status),)
        form = (*self._form, *part, *status)
        return _PageRequest(PATH, form=form, secrets=self._secrets, size=query.size)

    def decode_list(self, answer: Answer) -> RowPage:
        """The page in this answer; Refused if the credentials are at fault, BadAnswer if it is no list of orders."""
        found = self._read(answer)
        return RowPage(_listed(found, answer), self._rows, _claims(found, answer.request))

    def order_request(self, order_id: str) -> Request:
        """The request for this order: the list, of this id."""
        return Request(PATH, form=(*self._form, ("id", order_id)), secrets=self._secrets)

    def decode_order(self, answer: Answer) -> RowPage:
        """The order in this answer; NotFound if the list of this id is empty."""
        return RowPage(self._alone(answer), self._rows)

    def decode_details(self, answer: Answer) -> Details:
        """The order with its invoice, payment and customer."""
        rows = self._alone(answer)
        if len(rows) != 1 or self._rows.head(rows[0]) is None:
            raise BadAnswer(f"{where(answer)} shows {len(rows)} orders, or none that makes sense, where one should be")
        return self._rows.details(rows[0])

    def is_gone(self, error: NotFound) -> bool:
        """Whether it is a list of orders that succeeded, and is empty."""
        found = lenient.read(_envelope_decoder, error.body.removeprefix(lenient.BYTE_ORDER_MARK)) or _Envelope()
        return _succeeded(found) and lenient.count(found.totalresults) == 0

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that the system does not use."""
        return lenient.error_text(body, ("message",))

    def _read(self, answer: Answer) -> _Envelope:
        found = read_list(_envelope_decoder, answer, "under orders")
        if not _succeeded(found):
            raise self._failure(answer)
        return found

    def _alone(self, answer: Answer) -> list[Raw]:
        found = self._read(answer)
        rows = _listed(found, answer)
        if not rows and lenient.count(found.totalresults) == 0:
            raise NotFound(f"{where(answer)} says that there is no such order", body=answer.body)
        return rows

    def _failure(self, answer: Answer) -> SourceError:
        said = self.error_text(answer.body)
        return failed(answer, said, Refused if said and _REFUSED.search(said) else BadAnswer)


class _WhmcsRows(PlainRows):
    """How the system writes its orders."""

    def __init__(self, zone: tzinfo, currency: str | None) -> None:
        self._zone, self._currency = zone, currency

    def order(self, raw: Raw) -> Order:
        return self._order(_row_decoder.decode(raw))

    def details(self, raw: Raw) -> Details:
        """The order in this row, with all that stands beside it."""
        row = _row_decoder.decode(raw)
        invoice = lenient.text(row.invoiceid)
        payment = lenient.text(row.paymentmethodname) or lenient.text(row.paymentmethod)
        return Details(self._order(row), invoice if invoice != "0" else None, payment, _customer(row))

    def _order(self, row: _Row) -> Order:
        lines = _lines(row.lineitems)
        return Order(
            id=str(row.id),
            status=row.status,
            number=lenient.text(row.ordernum),
            total=self._money(row, row.amount),
            created_at=lenient.instant(row.date, self._zone),
            items=None if lines is None else tuple(self._item(row, line) for line in lines),
            invoice_status=lenient.text(row.paymentstatus),
            services=_services(lines),
        )

    def _item(self, row: _Row, line: _Line) -> Item:
        return Item(_called(line) or "(unnamed)", 1, self._money(row, line.amount))

    def _money(self, row: _Row, amount: Raw) -> Money | None:
        """The amount without the signs of its currency; those after it may be a code (``USD``)."""
        written, suffix = lenient.text(amount), lenient.text(row.currencysuffix)
        if written is None:
            return None
        plain = written.removeprefix(lenient.text(row.currencyprefix) or "").removesuffix(suffix or "").strip()
        plain = plain.replace(",", "") if _GROUPED.fullmatch(plain) else plain
        return as_written(plain, suffix if suffix and _CODE.fullmatch(suffix) else self._currency)


def _succeeded(found: _Envelope) -> bool:
    return (lenient.text(found.result) or "").lower() == "success"


def _listed(found: _Envelope, answer: Answer) -> list[Raw]:
    """The rows; ``orders`` is ``""``, ``[]`` or left out where there are none."""
    inside = php.record(found.orders).get("order")
    listed = php.rows(found.orders if inside is None else inside)
    if listed is None and bytes(found.orders) in _NOT_SHOWN and lenient.count(found.totalresults) == 0:
        return []
    if listed is None:
        raise BadAnswer(f"{where(answer)} holds no list of orders under orders: is url right?")
    return listed


def _claims(found: _Envelope, request: Request | None) -> Claims:
    """How many orders there are; and, by how many were asked for, which of how many pages this is."""
    total = lenient.count(found.totalresults)
    if total is None or not isinstance(request, _PageRequest):
        return Claims(total)
    start = lenient.count(found.startnumber)
    number = None if start is None else start // request.size + 1
    return Claims(total, max(1, -(-total // request.size)), number, request.size)


def _lines(raw: Raw) -> list[_Line] | None:
    """What was ordered; None where that is not shown, or a line makes no sense: it must not look as if it was gone."""
    inside = php.record(raw).get("lineitem")
    found = php.entries(raw if inside is None else inside)
    if found is None and inside is not None and lenient.fields(inside):
        found = [inside]
    lines = None if found is None else [lenient.read(_line_decoder, line) for line in found]
    return None if lines is None or None in lines else list(filter(None, lines))


def _services(lines: list[_Line] | None) -> tuple[Service, ...] | None:
    """Each line is one, by its kind and its number among these; one without a status is none."""
    return None if lines is None else tuple(filter(None, map(_service, lines)))


def _service(line: _Line) -> Service | None:
    kind, number, status = (lenient.text(raw) for raw in (line.type, line.relid, line.status))
    return Service(f"{kind or 'item'}-{number}", status, _called(line) or "") if number and status else None


def _called(line: _Line) -> str | None:
    product, domain = lenient.text(line.product), lenient.text(line.domain)
    return f"{product} ({domain})" if product and domain else product or domain


def _customer(row: _Row) -> Customer | None:
    name, notes = lenient.text(row.name), lenient.text(row.notes)
    return Customer(name=name, notes=notes) if name or notes else None
