"""HostUp, ``GET /api/billing/order/{id}``: no list, and PHP's ways of writing JSON.

Numbers are texts, dates have no time zone, ``[]`` and ``""`` stand for whatever is empty. Some of it is secret.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from monitor.simulator.base import BaseDialect
from monitor.simulator.dialect import Call, Reply, json_reply
from monitor.simulator.truth import TrueItem, TrueOrder, TrueService, minor_units

USERNAME, PASSWORD, ROOT_PASSWORD, ORDER_IP = "canary-user", "canary-password", "canary-root", "canary-ip"
"""What stands in its secret fields."""

SECRETS = (USERNAME, PASSWORD, ROOT_PASSWORD, ORDER_IP)
_STATUSES = {word: word.capitalize() for word in ("pending", "active", "fraud", "cancelled")}
_NO_DATE = "0000-00-00 00:00:00"
_ERRORS = {
    400: ("Bad Request", "BAD_REQUEST"),
    401: ("Unauthorized", "UNAUTHORIZED"),
    404: ("Not Found", "NOT_FOUND"),
    429: ("Too Many Requests", "RATE_LIMITED"),
}
_STAMP = {"timestamp": "2026-04-11T08:00:00.000Z", "requestId": "00000000-0000-4000-8000-000000000000"}


class Hostup(BaseDialect):
    """The API of the reference."""

    order_path = r"/api/billing/order/([1-9][0-9]*)"
    statuses = _STATUSES

    def allowed(self, call: Call) -> bool:
        return self.token in (call.headers.get("X-API-Key"), call.token)

    def error(self, status: int, text: str, code: str | None = None) -> Reply:
        title, general = _ERRORS.get(status, ("Internal Server Error", "INTERNAL_ERROR"))
        said = {"error": title, "message": text, "code": code or general, **_STAMP}
        return json_reply({"success": False, **said} if status == 200 else said, status)

    def unknown(self, call: Call) -> Reply:
        return self.error(404, f"Cannot {call.method} {call.path}")

    def expired(self, call: Call) -> Reply:
        return self.error(401, "Authentication required")

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return self.error(404, "Order not found", "ORDER_NOT_FOUND")
        data = {
            "success": True,
            "order": _order(order, self.spelled(order.status)),
            "status": "200",
            "can_cancel": False,
        }
        return json_reply({"success": True, **_STAMP, "data": data})


def _order(order: TrueOrder, status: str) -> dict[str, Any]:
    customer = order.customer
    first, _, last = customer.name.partition(" ") if customer else ("", "", "")
    note = {"id": "1", "admin_id": "3", "note": f"Call {customer.name} back", "firstname": "Ada"} if customer else None
    return {
        "id": str(order.id),
        "number": order.number,
        "payment_module": "12",
        "module": order.payment or None,
        "invoice_id": str(50_000 + order.id) if order.invoice_status else "0",
        "total": _decimal(order.total, order.currency),
        "date_created": _date(order.created_at),
        "status": status,
        "invstatus": order.invoice_status or None,
        "order_ip": ORDER_IP,
        "notes": [note] if note else "",
        "metadata": [],
        "contract_accepted_date": _NO_DATE,
        "commitment_date": None,
        "firstname": first,
        "lastname": last,
        "companyname": customer.company if customer else "",
        **_contents(order),
        "upgrades": "",
        "contracts": None,
        "currency": {"code": order.currency, "iso": order.currency, "sign": "", "id": 0, "rate": 1},
        "item_count": len(order.items),
    }


def _contents(order: TrueOrder) -> dict[str, Any]:
    """Each service is a hosting account, its item beside it; the items without a service are addons."""
    count = len(order.services)
    hosting = [
        _hosting(service, item, order.currency) for service, item in zip_longest(order.services, order.items[:count])
    ]
    return {"hosting": hosting or "", "addons": [item.product for item in order.items[count:]], "domains": ""}


def _hosting(service: TrueService, item: TrueItem | None, currency: str) -> dict[str, Any]:
    item = item or TrueItem(service.name)
    return {
        "id": str(service.id),
        "domain": service.domain,
        "total": _decimal(item.quantity * item.price, currency),
        "qty": str(item.quantity),
        "status": service.status,
        "name": service.name,
        "username": USERNAME,
        "password": PASSWORD,
        "rootpassword": ROOT_PASSWORD,
        "commitment_date": _NO_DATE,
    }


def _decimal(minor: int, currency: str) -> str:
    return str(Decimal(minor) / minor_units(currency))


def _date(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
