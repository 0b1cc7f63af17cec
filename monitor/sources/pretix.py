"""pretix: the orders of an event, or of all events of an organizer.

A code names an order within its event (newer versions: within its organizer), so an order's id is ``event-CODE``, much
as pretix itself writes it where the code alone would not do; its number is the code. What rows do not say: the
currency, which is the event's. Facts: pretix's API documentation and source (``pretix/api/views/order.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Raw
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from monitor.errors import BadAnswer, NotFound
from monitor.fields import CurrencyCode, Section
from monitor.model import Customer, Details, Meaning, Order
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Params, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written
from monitor.sources.rows import Claims, Head, RowText, StampedPage, read_list, where
from monitor.sources.settings import BaseUrl, Credential

STATUSES = ("n", "p", "e", "c")
MEANINGS = {
    "n": Meaning.PENDING,
    # Not completed: the ticket is yet to be used, and pending → active is what follows payment elsewhere.
    "p": Meaning.ACTIVE,
    "e": Meaning.EXPIRED,
    "c": Meaning.CANCELLED,
    "r": Meaning.REFUNDED,  # until 2019; since then a refunded order is c
}
LARGEST_PAGE = 50
_SHORT_FORM = r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z"
_GONE = ("No Order matches the given query.", "Not found.")
_SHOWN = ("code", "event", "status", "total", "datetime", "last_modified")
_TOLD = (*_SHOWN, "payments", "payment_provider", "invoice_address")


def _is_short_form(value: str) -> str:
    if not re.match(_SHORT_FORM, value):
        raise PydanticCustomError("short_form", "expected the short form that stands in the shop's address")
    return value


ShortForm = Annotated[str, AfterValidator(_is_short_form)]


class PretixSettings(Section):
    """A source of type ``pretix``."""

    type: Literal["pretix"]
    """pretix, hosted or one's own."""

    url: BaseUrl
    """Address of pretix, without ``/api/v1``."""

    token: Credential
    """API token of a team that may view orders, and nothing else."""

    organizer: ShortForm
    """Short form of the organizer, as it stands in the addresses of its shops."""

    event: ShortForm | None = None
    """Short form of the event; default: all events of the organizer that the team may see."""

    currency: CurrencyCode | None = None
    """Currency of the events, such as EUR, which orders do not say; default: totals without a currency."""

    currencies: dict[str, CurrencyCode] = Field(default_factory=dict)
    """Currencies of single events by their short forms, over ``currency``."""


# A dash ends the event's part of an id; so no code has one.
_Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]+\Z")]
_Event = Annotated[str, msgspec.Meta(pattern=_SHORT_FORM)]


class _HeadInEvent(msgspec.Struct, gc=False):
    code: _Code
    status: RowText


class _HeadOfOrganizer(_HeadInEvent, gc=False):
    event: _Event


class _Row(msgspec.Struct, gc=False):
    code: str
    status: str
    event: Raw = ABSENT
    total: Raw = ABSENT
    datetime: Raw = ABSENT
    last_modified: Raw = ABSENT


class _DetailRow(msgspec.Struct, gc=False):
    payments: Raw = ABSENT
    payment_provider: Raw = ABSENT
    invoice_address: Raw = ABSENT


class _Payment(msgspec.Struct, gc=False):
    provider: Raw = ABSENT
    state: Raw = ABSENT


class _Address(msgspec.Struct, gc=False):
    name: Raw = ABSENT
    company: Raw = ABSENT
    street: Raw = ABSENT
    zipcode: Raw = ABSENT
    city: Raw = ABSENT
    country: Raw = ABSENT


class _Stamp(msgspec.Struct, gc=False):
    last_modified: Raw = ABSENT


class _List(msgspec.Struct):
    results: list[Raw]
    count: Raw = ABSENT
    next: Raw = ABSENT
    previous: Raw = ABSENT


_list_decoder = msgspec.json.Decoder(_List)
_any_decoder = msgspec.json.Decoder(Raw)
_row_decoder = msgspec.json.Decoder(_Row)
_detail_decoder = msgspec.json.Decoder(_DetailRow)
_payments_decoder = msgspec.json.Decoder(list[_Payment])
_address_decoder = msgspec.json.Decoder(_Address)
_stamp_decoder = msgspec.json.Decoder(_Stamp)
_IN_EVENT = msgspec.json.Decoder(_HeadInEvent)
_OF_ORGANIZER = msgspec.json.Decoder(_HeadOfOrganizer)
_FIELDS = {"code": msgspec.json.Decoder(_Code), "status": msgspec.json.Decoder(RowText)}
_EVENT = {"event": msgspec.json.Decoder(_Event)}


class Pretix:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    statuses = STATUSES
    open_statuses = ("n",)
    overlap = timedelta(seconds=5)  # last_modified is stamped before the change is committed

    def __init__(self, settings: PretixSettings) -> None:
        self._url = settings.url
        self._organizer, self._event = settings.organizer, settings.event
        # In English, as a missing order is told by pretix's words for it.
        authorization = f"Token {settings.token.get_secret_value()}"
        self._headers = {"Authorization": authorization, "Accept-Language": "en"}
        self._rows = _PretixRows(settings.event, settings.currency, settings.currencies)

    @property
    def identity(self) -> str:
        """Type, address, and whose orders."""
        return f"pretix {self._url} {self._organizer}" + (f"/{self._event}" if self._event else "")

    def list_request(self, query: ListQuery) -> Request:
        """The request for a page, in the order in which the orders were placed; pretix gives at most 50 orders a page.

        Newer versions send the ``include``d fields alone; older ones send all.
        """
        # Asked for more, pretix shows 50; a second read must differ by its address, or a cache repeats the first.
        params = [("page", str(query.page)), ("page_size", str(query.size)), ("ordering", "datetime,code")]
        if query.status is not None:
            params.append(("status", query.status))
        if query.modified_since is not None:
            params.append(("modified_since", query.modified_since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
        return Request(f"{self._base(self._event)}/", (*params, *_included(_SHOWN)), self._headers)

    def decode_list(self, answer: Answer) -> StampedPage:
        """The page in this answer, valid rows kept beside bad ones; BadAnswer if it is no list of orders."""
        found = read_list(_list_decoder, answer, "under results")
        return StampedPage(found.results, self._rows, _claims(found))

    def order_request(self, order_id: str) -> Request:
        """The request for this order, in its event's part of the API."""
        event, _, code = order_id.rpartition("-")
        return Request(f"{self._base(self._event or event)}/{code}/", _included(_TOLD), self._headers)

    def decode_order(self, answer: Answer) -> StampedPage:
        """The order in this answer, as a page of one row; BadAnswer if there is none."""
        return StampedPage([self._order_in(answer)], self._rows)

    def decode_details(self, answer: Answer) -> Details:
        """The order with its way of payment, and the name and address on its invoice."""
        raw = self._order_in(answer)
        row = _detail_decoder.decode(raw)
        return Details(self._rows.order(raw), payment=_payment(row), customer=_customer(row))

    def is_gone(self, error: NotFound) -> bool:
        """Whether pretix says that the event has no such order; of an event that is gone it answers 403."""
        return self.error_text(error.body) in _GONE

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that pretix does not use."""
        return lenient.error_text(body, ("detail",))

    def _order_in(self, answer: Answer) -> Raw:
        raw = read_list(_any_decoder, answer, "or order")
        if self._rows.head(raw) is None:
            raise BadAnswer(f"{where(answer)} shows no order: {self._rows.fault(raw)}")
        return raw

    def _base(self, event: str | None) -> str:
        return f"/api/v1/organizers/{self._organizer}" + (f"/events/{event}/orders" if event else "/orders")


class _Id(NamedTuple):
    id: str
    status: str


class _PretixRows:
    """How pretix writes its orders: those of ``event``, or of an organizer, where each row names its event."""

    def __init__(self, event: str | None, currency: str | None, currencies: Mapping[str, str]) -> None:
        self._event, self._currency, self._currencies = event, currency, currencies

    def head(self, raw: Raw) -> Head | None:
        if self._event:
            in_event = lenient.read(_IN_EVENT, raw)
            return _Id(f"{self._event}-{in_event.code}", in_event.status) if in_event else None
        row = lenient.read(_OF_ORGANIZER, raw)
        return _Id(f"{row.event}-{row.code}", row.status) if row else None

    def order(self, raw: Raw) -> Order:
        row = _row_decoder.decode(raw)
        event = self._event or lenient.text(row.event) or ""
        total = lenient.text(row.total)
        return Order(
            id=f"{event}-{row.code}",
            status=row.status,
            number=row.code,
            total=as_written(total, self._currencies.get(event, self._currency)) if total else None,
            created_at=lenient.instant(row.datetime),
        )

    def modified(self, raw: Raw) -> datetime | None:
        stamp = lenient.read(_stamp_decoder, raw)
        return lenient.instant(stamp.last_modified) if stamp else None

    def fault(self, raw: Raw) -> str:
        fields = lenient.fields(raw)
        if fields is None:
            return "is no JSON object"
        wanted = _FIELDS if self._event else {**_FIELDS, **_EVENT}
        lacking = [name for name in wanted if lenient.read(wanted[name], fields.get(name, ABSENT)) is None]
        return f"{lacking[0] if lacking else 'row'} is missing, or none that pretix writes"


def _included(fields: tuple[str, ...]) -> Params:
    return tuple(("include", field) for field in fields)


def _claims(said: _List) -> Claims:
    """pretix says how many orders there are, and in links which page is next and which was before."""
    total, rows = lenient.count(said.count), len(said.results)
    following, before = lenient.text(said.next), lenient.text(said.previous)
    if following:
        after, last = _parameter(following, "page"), -(-total // rows) if total and rows else None
        return Claims(total, last, after - 1 if after else None, rows or None)
    # The link to the first page has no number.
    number = (_parameter(before, "page") or 1) + 1 if before else 1
    size = _parameter(before, "page_size") if before else None
    return Claims(total, number, number, min(size, LARGEST_PAGE) if size else None)


def _parameter(link: str, name: str) -> int | None:
    found = re.search(rf"[?&]{name}=([0-9]{{1,9}})(?:&|\Z)", link)
    return int(found[1]) or None if found else None


def _payment(row: _DetailRow) -> str | None:
    """The way of the last payment that was made, else of the last one that was tried."""
    payments = lenient.read(_payments_decoder, row.payments) or []
    made = [payment for payment in payments if lenient.text(payment.state) in ("confirmed", "refunded")]
    last = (made or payments)[-1:]
    return lenient.text(last[0].provider if last else row.payment_provider)


def _customer(row: _DetailRow) -> Customer | None:
    found = lenient.read(_address_decoder, row.invoice_address)
    if found is None:
        return None
    parts = (lenient.text(part) for part in (found.street, found.zipcode, found.city, found.country))
    address = ", ".join(" ".join(part.split()) for part in parts if part)
    return Customer(lenient.text(found.name), lenient.text(found.company), address or None)
