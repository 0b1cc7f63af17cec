"""HostBill's admin API, ``POST /admin/api.php``: ``getOrders`` and ``getOrderDetails``.

Pages of a list are asked for from 0 in one installation and from 1 in another; ``sorterpage`` counts from 1 in both.
Everything is a text, ids and money too; errors have status 200.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from monitor.simulator.base import BaseDialect, Rows, key, number
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply, raw_json_reply
from monitor.simulator.truth import OrderKey, TrueOrder, TrueService
from monitor.simulator.whmcs import amount

PATH = "/admin/api.php"
API_ID = "simulated-api-id"
"""What stands beside the token, which is the key."""

USERNAME, PASSWORD, ROOT_PASSWORD, ADDRESS = "canary-user", "canary-password", "canary-root", "canary-ip"
SECRETS = (USERNAME, PASSWORD, ROOT_PASSWORD, ADDRESS)
"""What stands in its secret fields."""

_CALLS = ("getOrders", "getOrderDetails")
_SERVER_TIME = 1_775_894_400


class Hostbill(BaseDialect):
    """An installation whose pages are asked for from 0."""

    first_page = 0
    method = "POST"
    list_path = PATH
    statuses = {word: word.capitalize() for word in ("pending", "active", "fraud", "cancelled")}  # noqa: RUF012  # never changed
    per_page = 25

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self._rows = Rows(lambda order: msgspec.json.encode(self._row(order)))

    def allowed(self, call: Call) -> bool:
        return (call.form.get("api_id"), call.form.get("api_key")) == (API_ID, self.token)

    def error(self, status: int, text: str) -> Reply:
        return json_reply({"success": False, "error": [text], "server_time": _SERVER_TIME}, status)

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        name = call.form.get("call", "")
        return None if name in _CALLS else self.error(200, f"Method {name} does not exist")

    def expired(self, call: Call) -> Reply:
        return self.error(200, "Wrong API ID or API KEY")

    def page(self, call: Call) -> int:
        sent = number(call.form.get("page"))
        return 1 if sent is None else max(1, sent + 1 - self.first_page)

    def order_key(self, call: Call) -> OrderKey | None:
        return key(call.form.get("id", "")) if call.form.get("call") == "getOrderDetails" else None

    def asked(self, call: Call) -> Asked:
        listed = call.form.get("list", "all")
        return Asked(None if listed == "all" else listed.capitalize(), self.page(call), self.per_page)

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return self.error(200, "Order not found")
        details = {**self._row(order), **_more(order)}
        return json_reply({"success": True, "details": details, "call": "getOrderDetails", "server_time": _SERVER_TIME})

    def reply(self, listing: Listing, call: Call) -> Reply:
        asked = listing.asked
        sorter = {
            "perpage": str(asked.per_page),
            "totalpages": -(-listing.total // asked.per_page),
            "sorterrecords": str(listing.total),
            "sorterpage": asked.page,
        }
        said = {"sorter": sorter, "call": "getOrders", "server_time": _SERVER_TIME}
        rows = b'{"success":true,"orders":[' + self._rows.join(listing.rows) + b"],"
        return raw_json_reply(rows + msgspec.json.encode(said)[1:])

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        first, _, last = order.customer.name.partition(" ") if order.customer else ("", "", "")
        return {
            "id": str(order.id),
            "number": order.number,
            "client_id": str(1000 + order.id),
            "invoice_id": str(50_000 + order.id) if order.invoice_status else "0",
            "total": amount(order.total, order.currency),
            "date_created": _date(order.created_at),
            "status": self.spelled(order.status),
            "module": order.payment or None,
            "invstatus": order.invoice_status or None,
            "firstname": first,
            "lastname": last,
            "currency_id": "0",
            "currency": {"code": order.currency, "iso": order.currency},
            "balance": "Completed",
        }


class HostbillFromOne(Hostbill):
    """An installation whose pages are asked for from 1; there is no page 0 but the first."""

    first_page = 1


def _more(order: TrueOrder) -> dict[str, Any]:
    """What only the detail shows."""
    return {
        "payment_module": "12",
        "order_ip": ADDRESS,
        "notes": "",
        "companyname": order.customer.company if order.customer else "",
        "hosting": [_hosting(service) for service in order.services],
        "addons": [],
        "upgrades": [],
        "fieldupgrades": [],
        "domains": "",
    }


def _hosting(service: TrueService) -> dict[str, Any]:
    return {
        "id": str(service.id),
        "name": service.name,
        "domain": service.domain,
        "status": service.status,
        "username": USERNAME,
        "password": PASSWORD,
        "rootpassword": ROOT_PASSWORD,
    }


def _date(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
