"""HostBill: the admin API's ``getOrders`` and ``getOrderDetails``, by POST: a GET would put the key into the address.

Facts: api2.hostbillapp.com, HTTP API and getOrderDetails. Where the pages of a list begin is told by nobody, and
reports differ: see ``monitor.sources.hostbill_pages``. Errors may come with status 200 (``success: false``).
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw
from pydantic import Field, StringConstraints

from monitor.alerting.settings import TimeZone
from monitor.errors import BadAnswer, NotFound, Refused
from monitor.fields import CurrencyCode, Section
from monitor.model import Details, Meaning, Order
from monitor.sources import lenient, php
from monitor.sources.base import Answer, ListQuery, Params, Request
from monitor.sources.hostbill_pages import PageRequest, Pages
from monitor.sources.hostup_order import Row, details_in, order_in, read_row
from monitor.sources.lenient import ABSENT
from monitor.sources.rows import Claims, PlainRows, RowPage, failed, fault_of, read_list, where
from monitor.sources.settings import BaseUrl, Credential

STATUSES = ("Pending", "Active", "Fraud", "Cancelled")
MEANINGS = {"draft": Meaning.PENDING}

_REFUSED = re.compile(
    r"authenticat|credential|api[ _]?(?:id|key|access)|\bip\b|permission|access denied|not allowed|unauthori", re.I
)
_NO_ORDER = re.compile(r"\border\b.*\b(?:not found|does(?: not|n't) exist)|\bno such order", re.I)
_NOTHING = (b"[]", b"{}", b'""', b"false", b"null")


class HostbillSettings(Section):
    """A source of type ``hostbill``."""

    type: Literal["hostbill"]
    """HostBill."""

    url: BaseUrl
    """Address of HostBill, without ``/admin/api.php``."""

    api_id: Credential
    """API ID of an API access that may use getOrders and getOrderDetails."""

    api_key: Credential
    """API key of that access."""

    api_path: Annotated[str, StringConstraints(pattern=r"^/[^\s?#]+$")] = "/admin/api.php"
    """Where the admin API is, below url, if the admin folder was renamed."""

    first_page: Annotated[int, Field(ge=0, le=1)] | None = None
    """Whether the API counts the pages of a list from 0 or from 1; default: found out, with some requests more."""

    time_zone: TimeZone = "UTC"
    """Time zone of the system's dates, which do not say it."""

    currency: CurrencyCode | None = None
    """Currency, such as EUR, of orders that name none."""


class _Sorter(msgspec.Struct, gc=False):
    perpage: Raw = ABSENT
    totalpages: Raw = ABSENT
    sorterrecords: Raw = ABSENT
    sorterpage: Raw = ABSENT


class _Envelope(msgspec.Struct):
    success: Raw = ABSENT
    error: Raw = ABSENT
    orders: Raw = ABSENT
    details: Raw = ABSENT
    sorter: Raw = ABSENT


_envelope_decoder = msgspec.json.Decoder(_Envelope)
_sorter_decoder = msgspec.json.Decoder(_Sorter)


class Hostbill:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    statuses = STATUSES
    open_statuses = ("Pending",)

    def __init__(self, settings: HostbillSettings) -> None:
        self._url, self._path = settings.url, settings.api_path
        self._secrets = (settings.api_id.get_secret_value(), settings.api_key.get_secret_value())
        self._form: Params = (("api_id", self._secrets[0]), ("api_key", self._secrets[1]))
        self._rows = _HostbillRows(ZoneInfo(settings.time_zone), settings.currency)
        self._pages = Pages(settings.first_page)

    @property
    def identity(self) -> str:
        """Type and address."""
        return f"hostbill {self._url}"

    def list_request(self, query: ListQuery) -> Request:
        """The request for a page; how many orders it holds is the system's affair."""
        sent = self._pages.sent(query.page)
        listed = "all" if query.status is None else query.status.lower()
        page = () if sent is None else (("page", str(sent)),)
        form = (("call", "getOrders"), ("list", listed), *page, *self._form)
        return PageRequest(self._path, form=form, secrets=self._secrets, listed=listed, page=query.page, sent=sent)

    def decode_list(self, answer: Answer) -> RowPage:
        """The page in this answer; Refused if the credentials are at fault, BadAnswer if it is no list of orders.

        A page that shows other places than it was asked for is shown as an empty one: they are to be asked for again.
        """
        found = read_list(_envelope_decoder, answer, "under orders")
        self._check(found, answer)
        rows = php.entries(found.orders)
        if rows is None:
            raise BadAnswer(f"{where(answer)} holds no list of orders under orders: is url right?")
        sorter = lenient.read(_sorter_decoder, found.sorter) or _Sorter()
        page = RowPage(rows, self._rows, _claims(sorter))
        if self._pages.are_as_asked(answer.request, lenient.count(sorter.sorterpage), page.marks):
            return page
        return RowPage([], self._rows, _claims(sorter))

    def order_request(self, order_id: str) -> Request:
        """The request for this order."""
        form = (("call", "getOrderDetails"), ("id", order_id), *self._form)
        return Request(self._path, form=form, secrets=self._secrets)

    def decode_order(self, answer: Answer) -> RowPage:
        """The order in this answer, as the list would show it; NotFound if the system says that there is none."""
        return RowPage([self._details(answer)], self._rows)

    def decode_details(self, answer: Answer) -> Details:
        """The order with its items, services, invoice, payment and customer."""
        details = self._details(answer)
        row = read_row(details)
        if row is None:
            raise BadAnswer(f"{where(answer)} shows no order: under details {fault_of(details)}")
        return self._rows.details(row)

    def is_gone(self, error: NotFound) -> bool:
        """Whether this is the system's own word that there is no such order."""
        found = lenient.read(_envelope_decoder, error.body.removeprefix(lenient.BYTE_ORDER_MARK))
        return found is not None and self._shows_no_order(found, error.body)

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that the system does not use."""
        return lenient.error_text(body, ("error",))

    def _check(self, found: _Envelope, answer: Answer) -> None:
        if _failed(found):
            said = self.error_text(answer.body)
            raise failed(answer, said, Refused if said and _REFUSED.search(said) else BadAnswer)

    def _details(self, answer: Answer) -> Raw:
        found = read_list(_envelope_decoder, answer, "under details", "order")
        if self._shows_no_order(found, answer.body):
            raise NotFound(f"{where(answer)} says that there is no such order", body=answer.body)
        self._check(found, answer)
        if not php.record(found.details):
            raise BadAnswer(f"{where(answer)} holds no order under details: is url right?")
        return found.details

    def _shows_no_order(self, found: _Envelope, body: bytes) -> bool:
        if _failed(found):
            return bool(_NO_ORDER.search(self.error_text(body) or ""))
        return bytes(found.success) == b"true" and bytes(found.details) in _NOTHING


class _HostbillRows(PlainRows):
    """How the system writes its orders. A list shows neither items nor services, and so none are taken from a detail:
    they would be compared with what is long past."""

    def __init__(self, zone: tzinfo, currency: str | None) -> None:
        self._zone, self._currency = zone, currency

    def order(self, raw: Raw) -> Order:
        row = read_row(raw)
        assert row is not None, "a row without a head"  # noqa: S101  # a page asks for none
        return msgspec.structs.replace(self._named(order_in(row, self._zone)), items=None, services=None)

    def details(self, row: Row) -> Details:
        """The order in this row, with all that stands beside it."""
        details = details_in(row, self._zone)
        return msgspec.structs.replace(details, order=self._named(details.order))

    def _named(self, order: Order) -> Order:
        """The order with the currency that the settings name, where it has none of its own."""
        if order.total is None or order.total.currency:
            return order
        return msgspec.structs.replace(order, total=msgspec.structs.replace(order.total, currency=self._currency))


def _claims(sorter: _Sorter) -> Claims:
    """What the list says of itself. Which page this is it says in several ways: ``Pages`` sees to that."""
    total, last, size = map(lenient.count, (sorter.sorterrecords, sorter.totalpages, sorter.perpage))
    return Claims(total, last, None, size)


def _failed(found: _Envelope) -> bool:
    return lenient.denies(found.success) or lenient.objects(found.error)
