"""Orders and answers as pretix shows them: all fields of a row, those included that nobody should see."""

from __future__ import annotations

import json
from typing import Any

from monitor.model import Order
from monitor.sources.base import Answer
from monitor.sources.pretix import Pretix, PretixSettings
from monitor.sources.rows import StampedPage

URL = "https://tickets.example.com"
TOKEN = "made-up-token"
SETTINGS: dict[str, Any] = {
    "type": "pretix",
    "url": URL,
    "token": TOKEN,
    "organizer": "acme",
    "currency": "EUR",
    "currencies": {"winter-26": "CHF"},
}
ROW: dict[str, Any] = {
    "code": "ABC37",
    "event": "summer",
    "status": "p",
    "testmode": False,
    "secret": "canary-order",
    "email": "canary-mail@example.com",
    "phone": "canary-phone",
    "locale": "en",
    "datetime": "2026-04-01T11:15:00+02:00",
    "expires": "2026-04-11T23:59:59+02:00",
    "payment_provider": "banktransfer",
    "fees": [],
    "total": "23.00",
    "comment": "canary-comment",
    "invoice_address": {
        "last_modified": "2026-04-01T09:15:00Z",
        "is_business": True,
        "company": "Sample Ltd",
        "name": "Jane Doe",
        "street": "Test street 12\nBack yard",
        "zipcode": "12345",
        "city": "Testington",
        "country": "DE",
        "vat_id": "canary-vat",
    },
    "positions": [
        {"id": 1, "item": 7, "price": "23.00", "attendee_name": "canary-attendee", "secret": "canary-ticket"}
    ],
    "last_modified": "2026-04-02T08:00:00.123456Z",
    "payments": [
        {"local_id": 1, "state": "canceled", "provider": "paypal", "details": {"payer": "canary-payer"}},
        {"local_id": 2, "state": "confirmed", "provider": "stripe", "payment_url": "canary-pay"},
        {"local_id": 3, "state": "failed", "provider": "banktransfer"},
    ],
    "require_approval": False,
    "url": "https://tickets.example.com/acme/summer/order/ABC37/canary-order/",
}


def source(**changes: object) -> Pretix:
    return Pretix(PretixSettings.model_validate({**SETTINGS, **changes}))


WHOLE = source()
"""All of the organizer's orders."""

SUMMER = source(event="summer")
"""Those of one event."""


def answer(body: bytes | str) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/api/v1/organizers/acme/orders/", 200, {}, raw, 0.0, 1.0)


def page(*rows: object, of: Pretix = WHOLE, **envelope: object) -> StampedPage:
    said = {"count": len(rows), "next": None, "previous": None, **envelope, "results": rows}
    return of.decode_list(answer(json.dumps(said)))


def only(row: dict[str, Any], of: Pretix = WHOLE) -> Order:
    decoded = page(row, of=of)
    assert decoded.rejected == ()
    (order_id,) = decoded.ids
    return decoded.order(order_id or "")
