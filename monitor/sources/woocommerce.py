"""WooCommerce: ``GET /wp-json/wc/v3/orders``, the REST API of version 3.

The list of orders of any status leaves out those in the trash: an order there is gone. Dates are in GMT without saying
so. Facts: WooCommerce's REST documentation and source (``rest-api/Controllers/Version3``).
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote

import msgspec
from msgspec import Raw

from monitor.errors import BadAnswer, NotFound
from monitor.fields import Section
from monitor.model import Details, Item, Meaning, Money, Order
from monitor.sources import lenient
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.lenient import ABSENT
from monitor.sources.money import as_written
from monitor.sources.people import customer_of
from monitor.sources.php import entries
from monitor.sources.rows import HEAD, Claims, PlainRows, RowHead, StampedPage, fault_of, read_list, where
from monitor.sources.settings import BaseUrl, Credential

PATH = "/wp-json/wc/v3/orders"
STATUSES = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed")
MEANINGS = {
    "processing": Meaning.ACTIVE,  # paid, and to be delivered
    "on_hold": Meaning.PENDING,  # to be paid by transfer
}
LARGEST_PAGE = 100
# Whole fields: of line_items.name WooCommerce makes nothing.
_SHOWN = "id,number,status,currency,total,date_created_gmt,date_modified_gmt,line_items"
_TOLD = f"{_SHOWN},payment_method,payment_method_title,billing,customer_note"
_NO_SUCH_ORDER = "woocommerce_rest_shop_order_invalid_id"
_TRASH = "trash"
_SECOND = timedelta(seconds=1)


class WooCommerceSettings(Section):
    """A source of type ``woocommerce``."""

    type: Literal["woocommerce"]
    """WooCommerce, a shop in WordPress."""

    url: BaseUrl
    """Address of the shop, without ``/wp-json``; with https, as WooCommerce takes no key over http."""

    consumer_key: Credential
    """Key of its REST API, ``ck_…``; permission Read is enough."""

    consumer_secret: Credential
    """The secret to the key, ``cs_…``."""


class _Row(RowHead, gc=False):
    number: Raw = ABSENT
    currency: Raw = ABSENT
    total: Raw = ABSENT
    date_created_gmt: Raw = ABSENT
    line_items: Raw = ABSENT


class _Line(msgspec.Struct, gc=False):
    name: Raw = ABSENT
    quantity: Raw = ABSENT
    price: Raw = ABSENT


class _Stamp(msgspec.Struct, gc=False):
    date_modified_gmt: Raw = ABSENT


class _DetailRow(msgspec.Struct, gc=False):
    payment_method: Raw = ABSENT
    payment_method_title: Raw = ABSENT
    billing: Raw = ABSENT
    customer_note: Raw = ABSENT


class _NotThere(msgspec.Struct):
    code: str = ""
    status: str = ""


_list_decoder = msgspec.json.Decoder(list[Raw])
_any_decoder = msgspec.json.Decoder(Raw)
_row_decoder = msgspec.json.Decoder(_Row)
_line_decoder = msgspec.json.Decoder(_Line)
_stamp_decoder = msgspec.json.Decoder(_Stamp)
_detail_decoder = msgspec.json.Decoder(_DetailRow)
_not_there_decoder = msgspec.json.Decoder(_NotThere)


class WooCommerce:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    statuses = STATUSES
    open_statuses = ("pending", "on-hold")
    overlap = timedelta(seconds=10)  # an order is stamped before it is saved, and its checkout may go on

    def __init__(self, settings: WooCommerceSettings) -> None:
        self._url = settings.url
        key, secret = (value.get_secret_value() for value in (settings.consumer_key, settings.consumer_secret))
        self._headers = {"Authorization": f"Basic {base64.b64encode(f'{key}:{secret}'.encode()).decode()}"}
        self._secrets = (key, secret)

    @property
    def identity(self) -> str:
        """Type and address."""
        return f"woocommerce {self._url}"

    def list_request(self, query: ListQuery) -> Request:
        """The request for a page, oldest orders first by their ids; WooCommerce gives at most 100 orders a page."""
        params = [
            ("page", str(query.page)),
            ("per_page", str(min(query.size, LARGEST_PAGE))),
            # Sorted by a date, which is what it does unasked, rows repeat; and new orders stand at the end.
            ("orderby", "id"),
            ("order", "asc"),
            ("status", query.status or "any"),
            ("_fields", _SHOWN),
        ]
        if query.modified_since is not None:
            # It shows what was modified after the time, not at it. A time with a zone would be taken for another one.
            after = query.modified_since.astimezone(UTC) - _SECOND
            params += [("modified_after", after.strftime("%Y-%m-%dT%H:%M:%S")), ("dates_are_gmt", "true")]
        return Request(PATH, tuple(params), self._headers, secrets=self._secrets)

    def decode_list(self, answer: Answer) -> StampedPage:
        """The page in this answer, valid rows kept beside bad ones; BadAnswer if it is no list of orders."""
        _check_for_notices(answer)
        rows = read_list(_list_decoder, answer, "as WooCommerce shows one")
        return StampedPage(rows, _ROWS, Claims(_header(answer, "x-wp-total"), _header(answer, "x-wp-totalpages")))

    def order_request(self, order_id: str) -> Request:
        """The request for this order."""
        return Request(
            f"{PATH}/{quote(order_id, safe='')}", (("_fields", _TOLD),), self._headers, secrets=self._secrets
        )

    def decode_order(self, answer: Answer) -> StampedPage:
        """The order in this answer, as a page of one row; BadAnswer if there is none, NotFound if it is trash."""
        return StampedPage([_order_in(answer)], _ROWS)

    def decode_details(self, answer: Answer) -> Details:
        """The order with its way of payment, the name and address on its bill, and what the customer noted."""
        raw = _order_in(answer)
        row = _detail_decoder.decode(raw)
        payment = lenient.text(row.payment_method_title) or lenient.text(row.payment_method)
        return Details(_ROWS.order(raw), payment=payment, customer=customer_of(row.billing, row.customer_note))

    def is_gone(self, error: NotFound) -> bool:
        """Whether WooCommerce says that there is no such order, or that it is in the trash."""
        said = lenient.read(_not_there_decoder, error.body.removeprefix(lenient.BYTE_ORDER_MARK))
        return said is not None and (said.code == _NO_SUCH_ORDER or said.status == _TRASH)

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that WordPress does not use."""
        return lenient.error_text(body, ("message",))


class _WooCommerceRows(PlainRows):
    """How WooCommerce writes its orders."""

    def order(self, raw: Raw) -> Order:
        row = _row_decoder.decode(raw)
        currency = (lenient.text(row.currency) or "").upper() or None
        return Order(
            id=str(row.id),
            status=row.status,
            number=lenient.text(row.number),
            total=_money(row.total, currency),
            created_at=lenient.instant(row.date_created_gmt),
            items=_items(row.line_items, currency),
        )

    def modified(self, raw: Raw) -> datetime | None:
        stamp = lenient.read(_stamp_decoder, raw)
        return lenient.instant(stamp.date_modified_gmt) if stamp else None


_ROWS = _WooCommerceRows()


def _check_for_notices(answer: Answer) -> None:
    """What PHP prints before the JSON takes the place of the headers with the totals too: nothing can be proven."""
    body = answer.body.strip()
    if body.startswith(b"<") and body.endswith((b"]", b"}")):
        wanted = "switch WP_DEBUG_DISPLAY off in the shop's wp-config.php"
        raise BadAnswer(f"{where(answer)} has messages of PHP before its JSON: {wanted}")


def _header(answer: Answer, name: str) -> int | None:
    return lenient.count(Raw(answer.headers.get(name, "").strip().encode(errors="replace")))


def _order_in(answer: Answer) -> Raw:
    _check_for_notices(answer)
    raw = read_list(_any_decoder, answer, "or order")
    head = lenient.read(HEAD, raw)
    if head is None:
        raise BadAnswer(f"{where(answer)} shows no order: {fault_of(raw)}")
    if head.status == _TRASH:
        raise NotFound(f"{where(answer)} shows an order that is in the trash", body=answer.body)
    return raw


def _money(amount: Raw, currency: str | None) -> Money | None:
    written = lenient.text(amount)
    return as_written(written, currency) if written else None


def _items(lines: Raw, currency: str | None) -> tuple[Item, ...] | None:
    found = entries(lines)
    if found is None:
        return None
    read = (lenient.read(_line_decoder, line) for line in found)
    return tuple(_item(line, currency) for line in read if line)


def _item(line: _Line, currency: str | None) -> Item:
    quantity = lenient.count(line.quantity)
    name = lenient.text(line.name) or "(unnamed)"
    return Item(name, 1 if quantity is None else quantity, _money(line.price, currency))
