"""HostUp: ``GET /api/billing/order/{id}``, one order at a time; it has no list of orders, so they are followed by id.

An answer holds passwords, user names and addresses too. What is not named here is dropped while decoding: a page keeps
the order as we understand it, and nothing of the answer. Dates carry no time zone, and money is in major units.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Raw
from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from monitor.alerting.settings import TimeZone
from monitor.errors import BadAnswer, NotFound
from monitor.fields import Section
from monitor.model import Details, Meaning, Order
from monitor.sources import lenient
from monitor.sources.base import Answer, Request
from monitor.sources.hostup_order import Row, details_in, order_in, read_row
from monitor.sources.lenient import ABSENT
from monitor.sources.php import entries
from monitor.sources.rows import Head, RowPage, failed, fault_of, read_list, where
from monitor.sources.settings import BaseUrl, Credential
from monitor.sources.verdicts import plain

PATH = "/api/billing/order"
MEANINGS: Mapping[str, Meaning] = {"draft": Meaning.PENDING, "terminated": Meaning.CANCELLED}

_ID = re.compile(r"[1-9][0-9]{0,17}")


def order_id(value: object) -> str:
    """An order's id as a text, from a number or its digits; ValueError for anything else."""
    written = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not _ID.fullmatch(written):
        raise PydanticCustomError("order_id", "expected an order's id, a whole number such as 32019")
    return written


OrderId = Annotated[str, BeforeValidator(order_id, json_schema_input_type=int | str)]


class HostupSettings(Section):
    """A source of type ``hostup``."""

    type: Literal["hostup"]
    """HostUp."""

    url: BaseUrl
    """Address of the billing system, such as https://cloud.hostup.se."""

    api_key: Credential | None = None
    """API key that may read orders, sent as X-API-Key. Required, unless there is a token."""

    token: Credential | None = None
    """The same, sent as Authorization: Bearer."""

    orders: list[OrderId] = Field(default_factory=list)
    """Ids of the orders to follow. The command ``follow`` adds others."""

    time_zone: TimeZone = "UTC"
    """Time zone of the system's dates, which do not say it."""

    @field_validator("orders")
    @classmethod
    def _orders_stand_once(cls, orders: list[str]) -> list[str]:
        twice = next((order for number, order in enumerate(orders) if order in orders[:number]), None)
        if twice is not None:
            raise PydanticCustomError("order_twice", "names {order} twice: keep one", {"order": twice})
        return orders

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.api_key is not None and self.token is not None:
            raise PydanticCustomError("credentials", "api_key stands beside token: keep one")
        if self.api_key is None and self.token is None:
            raise PydanticCustomError("credentials", "has no credential: expected api_key (or token, sent as Bearer)")
        return self


class _Level(msgspec.Struct, gc=False, rename={"request_id": "requestId"}):
    """The envelope, and what stands under ``data``: either may say that something failed. RFC 7807 fields too."""

    success: Raw = ABSENT
    data: Raw = ABSENT
    order: Raw = ABSENT
    error: Raw = ABSENT
    message: Raw = ABSENT
    detail: Raw = ABSENT
    title: Raw = ABSENT
    code: Raw = ABSENT
    request_id: Raw = ABSENT
    timestamp: Raw = ABSENT


_level_decoder = msgspec.json.Decoder(_Level)
_order_decoder = msgspec.json.Decoder(Order)


class Hostup:
    """The adapter: which requests to make below ``url``, and what their answers say."""

    def __init__(self, url: str, headers: Mapping[str, str], zone: tzinfo) -> None:
        self._url = url.rstrip("/")
        self._headers = headers
        self._zone = zone

    @classmethod
    def from_settings(cls, settings: HostupSettings) -> Hostup:
        """The adapter that these settings describe."""
        given = (("X-API-Key", "", settings.api_key), ("Authorization", "Bearer ", settings.token))
        headers = {name: kind + secret.get_secret_value() for name, kind, secret in given if secret is not None}
        return cls(settings.url, headers, ZoneInfo(settings.time_zone))

    @property
    def identity(self) -> str:
        """Type and address."""
        return f"hostup {self._url}"

    def order_request(self, order_id: str) -> Request:
        """The request for this order."""
        return Request(f"{PATH}/{order_id}", headers=self._headers)

    def decode_order(self, answer: Answer) -> RowPage:
        """The order in this answer, without what is secret; BadAnswer or NotFound if there is none."""
        return RowPage([Raw(msgspec.json.encode(order_in(_row(answer), self._zone)))], _OURS)

    def decode_details(self, answer: Answer) -> Details:
        """The order with its invoice, payment and customer."""
        return details_in(_row(answer), self._zone)

    def is_gone(self, error: NotFound) -> bool:
        """Whether this is the system's own word that there is no such order."""
        return _says_gone(error.body)

    def error_text(self, body: bytes) -> str | None:
        """What an error answer says, on one line; None for a shape that the system does not use."""
        return _said(*_levels(body))


class _OurRows:
    """An order as we have understood it, in our own JSON."""

    def head(self, raw: Raw) -> Head:
        return _order_decoder.decode(raw)

    def order(self, raw: Raw) -> Order:
        return _order_decoder.decode(raw)

    def fault(self, raw: Raw) -> str:
        return fault_of(raw)


_OURS = _OurRows()


def _row(answer: Answer) -> Row:
    """The order's row; BadAnswer or NotFound if there is none, or if the answer says at either level that it failed."""
    outer = read_list(_level_decoder, answer, "under data.order", "order")
    inner = _inner(outer)
    fails = any(lenient.denies(level.success) or lenient.objects(level.error) for level in (outer, inner))
    row = read_row(inner.order)
    if row is not None and not fails:
        return row
    if _says_gone(answer.body):
        raise NotFound(f"{where(answer)} says that there is no such order", body=answer.body)
    said = _said(outer, inner)
    if fails:
        raise failed(answer, said)
    quoted = f" ({said})" if said else ""
    raise BadAnswer(f"{where(answer)} shows no order: under data.order {fault_of(inner.order)}{quoted}")


def _levels(body: bytes) -> tuple[_Level, _Level]:
    outer = lenient.read(_level_decoder, body.removeprefix(lenient.BYTE_ORDER_MARK)) or _Level()
    return outer, _inner(outer)


def _inner(outer: _Level) -> _Level:
    return lenient.read(_level_decoder, outer.data) or _Level()


def _said(*levels: _Level) -> str | None:
    """The texts of an error. Only these: what stands deeper may be anything, a password too."""
    raws = (raw for level in levels for raw in (level.message, level.error, level.detail, level.title))
    texts = (lenient.text(part) for raw in raws for part in (entries(raw) or [raw]))
    return plain(" ".join(dict.fromkeys(filter(None, texts)))) or None


# Which code a missing order has is not documented; the codes that are read like ``vps_not_found``. A general one says
# nothing of an order by itself: an address that the system does not have is "not found" too.
_NO_ORDER = "order_not_found"
_NOTHING = ("not_found", "resource_not_found")
_ADDRESS = re.compile(r"\S*/\S*")
_OF_AN_ORDER = re.compile(r"\border\b", re.IGNORECASE)
_OF_AN_ADDRESS = re.compile(r"\b(?:route|endpoint|path|url|method|page)\b", re.IGNORECASE)


def _says_gone(body: bytes) -> bool:
    """Whether this is an error in the system's own shape, and about a missing order."""
    levels = _levels(body)
    ours = lenient.text(levels[0].request_id) and lenient.text(levels[0].timestamp)
    return bool(ours) and any(map(_speaks_of_no_order, levels))


def _speaks_of_no_order(level: _Level) -> bool:
    code = (lenient.text(level.code) or "").lower().replace("-", "_")
    if code not in _NOTHING:
        return code == _NO_ORDER
    words = _ADDRESS.sub(" ", _said(level) or "")
    return bool(_OF_AN_ORDER.search(words)) and not _OF_AN_ADDRESS.search(words)
