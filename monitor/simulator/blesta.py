"""Blesta, ``/api/order.order_orders/getList.json``: twenty orders a page, ``false`` where there are none.

A build that ionCube has encoded cannot find the defaults of its own arguments: a call must state them all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.simulator.base import BaseDialect, key
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply
from monitor.simulator.truth import OrderKey, TrueOrder, minor_units

PATH = "/api/order.order_orders/getList.json"
ORDER_PATH = "/api/order.order_orders/get.json"
PER_PAGE = 20
SECRETS = ("canary-order-ip", "canary-fraud-report")
"""What stands in fields that are nobody's business."""

_ARGUMENTS = ("status", "page", "order_by", "filters")


class Blesta(BaseDialect):
    """The API for a user whose name and key are the same."""

    list_path = PATH
    statuses = {"active": "accepted", "cancelled": "canceled"}  # noqa: RUF012  # a constant, as in the base
    per_page = PER_PAGE

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self.newest_first = False  # unless a call says so

    def allowed(self, call: Call) -> bool:
        headers = call.headers.get("BLESTA-API-USER", ""), call.headers.get("BLESTA-API-KEY", "")
        return (self.token, self.token) in (call.basic, headers)

    def knows(self, call: Call) -> bool:
        return call.method == self.method and call.path in (PATH, ORDER_PATH)

    def unknown(self, call: Call) -> Reply:
        return self.error(404, "The requested resource does not exist.")

    def error(self, status: int, text: str) -> Reply:
        if status != 400:
            return json_reply({"message": text}, status)
        said = "The request cannot be fulfilled due to bad syntax."
        return json_reply({"message": said, "errors": {"order": {"invalid": text}}}, status)

    def expired(self, call: Call) -> Reply:
        return self.error(401, "The authorization details given appear to be invalid.")

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        given = {name.partition("[")[0] for name in call.query}
        if call.path == PATH and not given.issuperset(_ARGUMENTS):
            return self.error(500, "Failed to retrieve the default value")
        return None

    def order_key(self, call: Call) -> OrderKey | None:
        return key(call.query.get("order_id", "")) if call.path == ORDER_PATH else None

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return json_reply({"response": False})
        services = [{"order_id": str(order.id), "service_id": str(service.id)} for service in order.services]
        return json_reply({"response": {**self._row(order), "services": services}})

    def asked(self, call: Call) -> Asked:
        sort = next((way for name, way in call.query.items() if name.startswith("order_by[")), "asc")
        newest_first = sort.lower() == "desc"
        return Asked(call.query.get("status") or None, self.page(call), PER_PAGE, newest_first=newest_first)

    def reply(self, listing: Listing, call: Call) -> Reply:
        return json_reply({"response": [self._row(order) for order in listing.rows] or False})

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        order_ip, fraud_report = SECRETS
        closed = _time(order.modified_at) if order.invoice_status == "Paid" else None
        total = f"{order.total / minor_units(order.currency):.4f}"
        return {
            "id": str(order.id),
            "order_number": order.number,
            "order_form_id": "1",
            "invoice_id": str(50_000 + order.id),
            "fraud_report": fraud_report,
            "fraud_status": "reject" if order.status == "fraud" else "allow",
            "status": self.spelled(order.status),
            "date_added": _time(order.created_at),
            "ip_address": order_ip,
            "order_form_label": "web",
            "order_form_name": "Web hosting",
            "client_id": "7",
            "total": total,
            "paid": total if closed else "0.0000",
            "currency": order.currency,
            "date_closed": closed,
            "invoice_id_code": f"INV-{50_000 + order.id}",
            "client_id_code": "1507",
            **_customer(order),
        }


def _customer(order: TrueOrder) -> dict[str, str | None]:
    customer = order.customer
    first, _, last = customer.name.partition(" ") if customer else ("", "", "")
    return {
        "client_first_name": first,
        "client_last_name": last,
        "client_company": customer.company if customer else None,
        "client_address1": customer.address if customer else None,
        "client_email": customer.email if customer else "",
    }


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
