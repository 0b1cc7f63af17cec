"""Orders and answers as FOSSBilling shows them."""

from __future__ import annotations

import json
from typing import Any

from monitor.model import Order
from monitor.sources.base import Answer
from monitor.sources.fossbilling import Fossbilling, FossbillingSettings
from monitor.sources.rows import RowPage

URL = "https://billing.example.com"
API_KEY = "canary-api-key"
ROW: dict[str, Any] = {
    "id": 7,
    "client_id": 3,
    "group_master": 1,
    "title": "Starter Hosting",
    "currency": "EUR",
    "unpaid_invoice_id": 12,
    "service_type": "hosting",
    "period": "1M",
    "quantity": 2,
    "price": "11.25",
    "discount": None,
    "status": "pending_setup",
    "notes": "Call back",
    "config": {"username": "canary-user", "password": "canary-password"},
    "created_at": "2026-04-01 09:15:00",
    "updated_at": "2026-04-02 09:15:00",
    "total": 22.5,
    "meta": [],
    "client": {
        "id": 3,
        "first_name": "Quilla",
        "last_name": "Tester",
        "company": "Quillaworks",
        "address_1": "7 Quilla Lane",
        "address_2": None,
        "postcode": "12345",
        "city": "Springfield",
        "country": "SE",
        "email": "canary@example.com",
        "api_token": "canary-token",
    },
}


def source(**settings: object) -> Fossbilling:
    given = {"type": "fossbilling", "url": URL, "api_key": API_KEY, **settings}
    return Fossbilling(FossbillingSettings.model_validate(given))


SOURCE = source()


def answer(body: bytes | str) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/api/admin/order/get_list", 200, {}, raw, 0.0, 1.0)


def result(content: object) -> Answer:
    return answer(json.dumps({"result": content, "error": None}))


def listed(*rows: object, **claims: object) -> Answer:
    return result({"list": rows, **claims})


def failing(message: object, code: object = 9999) -> Answer:
    return answer(json.dumps({"result": None, "error": {"message": message, "code": code}}))


def page(*rows: object) -> RowPage:
    return source().decode_list(listed(*rows))


def only(row: dict[str, Any], **settings: object) -> Order:
    return source(**settings).decode_list(listed(row)).order(str(row["id"]))
