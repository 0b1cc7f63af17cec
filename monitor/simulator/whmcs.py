"""WHMCS, ``POST /includes/api.php`` with ``action=GetOrders``: credentials in the form, errors with status 200.

A list of one is its row alone, and an empty one ``""``; dates have no time zone, and amounts a sign instead of a code.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from monitor.simulator.base import BaseDialect, Rows, key, number
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply, raw_json_reply
from monitor.simulator.truth import OrderKey, TrueItem, TrueOrder, TrueService, minor_units

PATH = "/includes/api.php"
IDENTIFIER = "simulated-identifier"
"""What stands beside the token, which is the secret."""

ADDRESS, FRAUD_REPORT = "canary-ip", "canary-fraud-report"
SECRETS = (ADDRESS, FRAUD_REPORT)
"""What stands in its secret fields."""

_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


class Whmcs(BaseDialect):
    """The API as its documentation shows it."""

    method = "POST"
    list_path = PATH
    statuses = {word: word.capitalize() for word in ("pending", "active", "fraud", "cancelled")}  # noqa: RUF012  # never changed
    per_page = 25

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self._rows = Rows(lambda order: msgspec.json.encode(self._row(order)))

    def allowed(self, call: Call) -> bool:
        return (call.form.get("identifier"), call.form.get("secret")) == (IDENTIFIER, self.token)

    def error(self, status: int, text: str) -> Reply:
        return json_reply({"result": "error", "message": text}, status)

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        action = call.form.get("action", "")
        return None if action.lower() == "getorders" else self.error(200, f"Command Not Found: {action}")

    def expired(self, call: Call) -> Reply:
        return self.error(200, "Authentication Failed")

    def page(self, call: Call) -> int:
        asked = self.asked(call)
        return asked.skipped // asked.per_page + 1

    def order_key(self, call: Call) -> OrderKey | None:
        return key(call.form["id"]) if call.form.get("id") else None

    def asked(self, call: Call) -> Asked:
        start, size = number(call.form.get("limitstart")) or 0, number(call.form.get("limitnum")) or self.per_page
        return Asked(call.form.get("status") or None, start // size + 1, size, skip=start)

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        rows = [order] if order else []
        return self.reply(Listing(rows, len(rows), Asked(per_page=self.per_page)), call)

    def reply(self, listing: Listing, call: Call) -> Reply:
        rows = self._rows.join(listing.rows)
        shown = rows if len(listing.rows) == 1 else b"[" + rows + b"]"
        said = {
            "result": "success",
            "totalresults": listing.total,
            "startnumber": listing.asked.skipped,
            "numreturned": len(listing.rows),
        }
        orders = b'{"order":' + shown + b"}" if listing.rows else b'""'
        return raw_json_reply(msgspec.json.encode(said)[:-1] + b',"orders":' + orders + b"}")

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        return {
            "id": order.id,
            "ordernum": order.number,
            "userid": 1000 + order.id,
            "date": order.created_at.strftime("%Y-%m-%d %H:%M:%S"),
            "promocode": "",
            "renewalsByType": [],
            "amount": amount(order.total, order.currency),
            "paymentmethod": order.payment.lower(),
            "invoiceid": 50_000 + order.id if order.invoice_status else 0,
            "status": self.spelled(order.status),
            "ipaddress": ADDRESS,
            "fraudoutput": FRAUD_REPORT,
            "notes": f"Call {order.customer.name} back" if order.customer else "",
            "paymentmethodname": order.payment or None,
            "paymentstatus": order.invoice_status or None,
            "name": order.customer.name if order.customer else None,
            "currencyprefix": _SIGNS.get(order.currency, ""),
            "currencysuffix": f" {order.currency}",
            "lineitems": {"lineitem": _lines(order)},
        }


def amount(minor: int, currency: str) -> str:
    """An amount in major units, as PHP writes what MySQL holds: ``8.00``."""
    units = minor_units(currency)
    return f"{Decimal(minor) / units:.{len(str(units)) - 1}f}"


def _lines(order: TrueOrder) -> list[dict[str, Any]] | dict[str, Any]:
    """Each service and the item beside it; items without one have no status."""
    services = dict(enumerate(order.services))
    items = order.items or tuple(TrueItem(service.name) for service in order.services)
    lines = [_line(order, item, services.get(place)) for place, item in enumerate(items)]
    return lines[0] if len(lines) == 1 else lines


def _line(order: TrueOrder, item: TrueItem, service: TrueService | None) -> dict[str, Any]:
    sign = _SIGNS.get(order.currency, "")
    return {
        "type": "product",
        "relid": service.id if service else 0,
        "producttype": "Hosting Account",
        "product": item.product,
        "domain": service.domain if service else "",
        "billingcycle": "Monthly",
        "amount": f"{sign}{amount(item.quantity * item.price, order.currency)} {order.currency}",
        "status": service.status if service else "",
    }
