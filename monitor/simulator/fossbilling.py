"""FOSSBilling, ``/api/admin/order/get_list`` and ``…/get``: HTTP Basic as ``admin``, an envelope of result and error.

An error has status 200, but where the credentials or the address are at fault. An empty list has no pages.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from monitor.simulator.base import BaseDialect, Rows, key, number
from monitor.simulator.dialect import Call, Listing, ListOrder, Reply, json_reply, raw_json_reply
from monitor.simulator.truth import OrderKey, TrueItem, TrueOrder, minor_units
from monitor.simulator.whmcs import amount

LIST_PATH = "/api/admin/order/get_list"
ORDER_PATH = "/api/admin/order/get"
MAX_PER_PAGE = 500
PASSWORD = "canary-password"  # noqa: S105  # opens nothing
SECRETS = (PASSWORD,)
"""What stands in its secret fields."""

_STATUSES = {"pending": "pending_setup", "fraud": "suspended", "cancelled": "canceled"}
_UNKNOWN_CALL, _NO_CODE, _AUTHENTICATION = 879, 9999, 205


class Fossbilling(BaseDialect):
    """The API as its source has it: POST is as good as GET."""

    list_path = LIST_PATH
    statuses = _STATUSES
    per_page = 100

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self._rows = Rows(lambda order: msgspec.json.encode(self._row(order)))

    def allowed(self, call: Call) -> bool:
        return call.basic == ("admin", self.token)

    def error(self, status: int, text: str, code: int = _NO_CODE) -> Reply:
        return json_reply({"result": None, "error": {"message": text, "code": code}}, status)

    def knows(self, call: Call) -> bool:
        return call.method in ("GET", "POST") and call.path in (LIST_PATH, ORDER_PATH)

    def unknown(self, call: Call) -> Reply:
        return self.error(400, f"Unknown API call {call.path.removeprefix('/api/')}", _UNKNOWN_CALL)

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        if call.path == ORDER_PATH:
            return None if call.query.get("id") else self.error(200, "Order id not passed")
        if (number(call.query.get("per_page")) or 0) > MAX_PER_PAGE:
            return self.error(
                200, "The number of items per page (per_page) is too large. Please specify a smaller number."
            )
        return None

    def expired(self, call: Call) -> Reply:
        return self.error(401, "Authentication Failed", _AUTHENTICATION)

    def order_key(self, call: Call) -> OrderKey | None:
        return key(call.query.get("id", "")) if call.path == ORDER_PATH else None

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        return json_reply({"result": self._row(order), "error": None}) if order else self.error(200, "Order not found")

    def reply(self, listing: Listing, call: Call) -> Reply:
        asked = listing.asked
        said = {
            "pages": -(-listing.total // asked.per_page),
            "page": asked.page,
            "per_page": asked.per_page,
            "total": listing.total,
        }
        rows = b',"list":[' + self._rows.join(listing.rows) + b']},"error":null}'
        return raw_json_reply(b'{"result":' + msgspec.json.encode(said)[:-1] + rows)

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        item = order.items[0] if order.items else TrueItem("Order")
        return {
            "id": order.id,
            "client_id": 1000 + order.id,
            "product_id": 1,
            "group_master": 1,
            "title": item.product,
            "currency": order.currency,
            "unpaid_invoice_id": 50_000 + order.id if order.invoice_status == "Unpaid" else None,
            "service_type": "hosting",
            "period": "1M",
            "quantity": item.quantity,
            "price": amount(item.price, order.currency),
            "discount": None,
            "status": self.spelled(order.status),
            "config": {"username": "admin", "password": PASSWORD},
            "created_at": _date(order.created_at),
            "updated_at": _date(order.modified_at),
            "total": _as_number(order),
            "meta": [],
            "active_tickets": 0,
            "client": _client(order),
        }


def _as_number(order: TrueOrder) -> int | float:
    """The total, which is computed: 22 where it is whole, else 22.5."""
    units = minor_units(order.currency)
    return order.total / units if order.total % units else order.total // units


def _client(order: TrueOrder) -> dict[str, Any]:
    customer = order.customer
    if customer is None:
        return {"id": 1000 + order.id}
    first, _, last = customer.name.partition(" ")
    return {
        "id": 1000 + order.id,
        "first_name": first,
        "last_name": last,
        "company": customer.company,
        "address_1": customer.address,
        "address_2": None,
        "email": customer.email,
    }


def _date(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
