"""Orders and answers as opterius shows them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import SecretStr

from monitor.model import Order
from monitor.sources.base import Answer
from monitor.sources.opterius import Opterius, OpteriusPage

URL = "https://billing.example.com"
TOKEN = "made-up-token"
SOURCE = Opterius(URL, SecretStr(TOKEN))
DOCUMENTED: dict[str, Any] = {
    "id": 88,
    "order_number": "ORD-0088",
    "status": "active",
    "total": 2200,
    "currency_code": "USD",
    "created_at": "2026-04-01T09:15:00Z",
    "items": [
        {"product_name": "Starter Hosting Plan", "qty": 1, "amount": 2000},
        {"product_name": "Domain Registration — .com", "qty": 2, "amount": 1200},
    ],
}
RELEASED: dict[str, Any] = {
    "id": 88,
    "status": "active",
    "total": 22.5,
    "currency": "USD",
    "created_at": "2026-04-01T09:15:00+00:00",
}


def answer(body: bytes | str) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/api/v1/orders", 200, {}, raw, 0.0, 1.0)


def page(*rows: object, **envelope: object) -> OpteriusPage:
    return SOURCE.decode_list(answer(json.dumps({"data": rows, **envelope})))


def only(row: dict[str, Any]) -> Order:
    return page(row).order(str(row["id"]))


def raw_total(currency_key: str, total: str) -> Order:
    return SOURCE.decode_list(
        answer(f'{{"data":[{{"id":1,"status":"active","{currency_key}":"USD","total":{total}}}]}}')
    ).order("1")
