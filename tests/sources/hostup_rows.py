"""An order and answers as HostUp shows them, after the reference; its secret fields hold canaries."""

from __future__ import annotations

import json
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model import Order
from monitor.sources.base import Answer
from monitor.sources.hostup import Hostup

URL = "https://cloud.example.com"
UTC_ZONE = ZoneInfo("UTC")
SOURCE = Hostup(URL, {"X-API-Key": "made-up-key"}, UTC_ZONE)
CANARY = "canary"
STAMP = {"timestamp": "2026-04-01T09:15:00.000Z", "requestId": "made-up-request"}

HOSTING: dict[str, Any] = {
    "id": "701", "domain": "example.com", "product_id": "9", "total": "9.94", "qty": "1",
    "billingcycle": "Monthly", "status": "Active", "name": "Starter", "username": f"{CANARY}-1",
    "password": f"{CANARY}-2", "rootpassword": f"{CANARY}-3", "commitment_date": "0000-00-00",
}  # fmt: skip
ORDER: dict[str, Any] = {
    "id": "32019", "number": "812345", "payment_module": "12", "client_id": "5", "invoice_id": "60123",
    "total": "11.94", "currency_id": "0", "date_created": "2026-04-01 11:15:00", "status": "Pending",
    "order_ip": f"{CANARY}-4",
    "notes": [
        {"id": "1", "note": "Call back", "firstname": "Ada", "lastname": "Staff", "password": f"{CANARY}-5"},
        {"id": "2", "note": "Paid twice"},
    ],
    "metadata": [], "contract_accepted_date": "0000-00-00 00:00:00", "firstname": "Quilla", "lastname": "Doe",
    "companyname": "Quillaworks", "module": "Stripe", "invtotal": "11.94", "invstatus": "Unpaid", "balance": "0.00",
    "hosting": [HOSTING], "addons": ["Daily backups"], "upgrades": "", "domains": [], "contracts": None,
    "currency": {"code": "kr", "iso": "SEK", "sign": "", "id": 0, "rate": 1}, "item_count": 2,
    "metadata2": {"deep": [{"password": f"{CANARY}-6", "username": f"{CANARY}-7"}]},
}  # fmt: skip


def answer(body: bytes | str) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/api/billing/order/32019", 200, {}, raw, 0.0, 1.0)


def enveloped(order: object, **data: object) -> Answer:
    """An answer with this order."""
    whole = {"success": True, **STAMP, "data": {"success": True, "order": order, **data}}
    return answer(json.dumps(whole))


def order_with(zone: tzinfo = UTC_ZONE, **fields: object) -> Order:
    """The order, read with other fields."""
    source = Hostup(URL, {}, zone)
    return source.decode_order(enveloped({**ORDER, **fields})).order("32019")


def error(said: object, **fields: object) -> bytes:
    """An error in the system's own shape."""
    return json.dumps({"error": "Not Found", "message": said, "code": "NOT_FOUND", **STAMP, **fields}).encode()
