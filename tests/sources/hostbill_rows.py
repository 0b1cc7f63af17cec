"""Orders and answers as HostBill shows them."""

from __future__ import annotations

import json
from typing import Any

from monitor.model import Order
from monitor.sources.base import Answer, Request
from monitor.sources.hostbill import Hostbill, HostbillSettings
from monitor.sources.rows import RowPage

URL = "https://billing.example.com"
API_ID, API_KEY = "canary-api-id", "canary-api-key"
ROW: dict[str, Any] = {
    "id": "66",
    "number": "565063300",
    "client_id": "1",
    "invoice_id": "59",
    "total": "11.94",
    "date_created": "2011-11-22 23:35:41",
    "status": "Active",
    "module": "PayPal",
    "invstatus": "Paid",
    "firstname": "Quilla",
    "lastname": "Tester",
    "currency_id": "0",
    "balance": "Completed",
}
HOSTING: dict[str, Any] = {
    "id": "12",
    "domain": "sample.example.com",
    "name": "VPS 2 GB",
    "qty": "1",
    "total": "11.94",
    "status": "Pending",
    "username": "canary-user",
    "password": "canary-password",
    "rootpassword": "canary-root",
}
DETAILS: dict[str, Any] = {
    **ROW,
    "payment_module": "0",
    "order_ip": "canary-ip",
    "notes": "",
    "companyname": "Quillaworks",
    "currency": {"code": "EUR", "iso": "EUR", "sign": "€"},
    "hosting": [HOSTING],
    "addons": [],
    "upgrades": [],
    "domains": "",
}


def source(**settings: object) -> Hostbill:
    given = {"type": "hostbill", "url": URL, "api_id": API_ID, "api_key": API_KEY, **settings}
    return Hostbill(HostbillSettings.model_validate(given))


SOURCE = source()


def answer(body: bytes | str, request: Request | None = None) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/admin/api.php", 200, {}, raw, 0.0, 1.0, request=request)


def listed(orders: object, **sorter: object) -> str:
    return json.dumps({"success": True, "orders": orders, "sorter": sorter or [], "call": "getOrders"})


def detailed(details: object, **envelope: object) -> Answer:
    return answer(json.dumps({"success": True, "details": details, "call": "getOrderDetails", **envelope}))


def failing(*said: str) -> Answer:
    return answer(json.dumps({"success": False, "error": said, "call": "getOrders"}))


def page(*rows: object) -> RowPage:
    return SOURCE.decode_list(answer(listed(rows)))


def only(row: dict[str, Any], **settings: object) -> Order:
    return source(**settings).decode_list(answer(listed([row]))).order(str(row["id"]))
