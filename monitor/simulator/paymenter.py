"""Paymenter, ``/api/v1/admin/services``: JSON:API, services for orders, pages that do not say how many there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from monitor.simulator.base import BaseDialect, number
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply
from monitor.simulator.truth import TrueOrder, minor_units

PATH = "/api/v1/admin/services"
SORTS = ("id", "created_at", "updated_at", "expires_at", "status")


class Paymenter(BaseDialect):
    """The admin API of version 1, which is made with Laravel."""

    list_path = PATH
    order_path = PATH + r"/([0-9]+)"
    statuses = {"fraud": "suspended"}  # noqa: RUF012  # a constant, as in the base

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self.newest_first = False  # unless a call says so

    def unknown(self, call: Call) -> Reply:
        return self.error(404, f"The route {call.path.removeprefix('/')} could not be found.")

    def refuse(self, call: Call) -> Reply | None:
        if call.token is None:
            return json_reply({"error": "The request is missing a valid bearer token."}, 401)
        if not self.allowed(call):
            return self.expired(call)
        sort = call.query.get("sort", "").removeprefix("-")
        if sort and sort not in SORTS:
            allowed = f"Allowed sort(s) are `{', '.join(SORTS)}`."
            return self.error(400, f"Requested sort(s) `{sort}` is not allowed. {allowed}")
        return None

    def expired(self, call: Call) -> Reply:
        return self.error(401, "The provided API key is invalid or has been disabled.")

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return self.error(404, rf"No query results for model [App\Models\Service] {self.order_key(call)}")
        return _json_api({"data": self._row(order)})

    def asked(self, call: Call) -> Asked:
        asked = super().asked(call)
        newest_first = call.query.get("sort", "").startswith("-")
        return msgspec.structs.replace(asked, status=call.query.get("filter[status]"), newest_first=newest_first)

    def reply(self, listing: Listing, call: Call) -> Reply:
        asked, rows = listing.asked, [self._row(order) for order in listing.rows]
        url = f"http://{call.headers.get('Host', 'billing.example.com')}{call.path}"
        links = {"first": f"{url}?page=1"}
        if asked.page > 1:
            links["prev"] = f"{url}?page={asked.page - 1}"
        if asked.skipped + len(rows) < listing.total:
            links["next"] = f"{url}?page={asked.page + 1}"
        meta = {
            "current_page": asked.page,
            "current_page_url": f"{url}?page={asked.page}",
            "from": asked.skipped + 1 if rows else None,
            "path": url,
            "per_page": call.query["per_page"] if number(call.query.get("per_page")) else asked.per_page,
            "to": asked.skipped + len(rows) if rows else None,
        }
        return _json_api({"data": rows, "links": links, "meta": meta})

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        (quantity,) = {item.quantity for item in order.items[:1]} or {1}
        attributes = {
            "id": order.id,
            "quantity": quantity,
            "price": f"{order.total / quantity / minor_units(order.currency):.2f}",
            "status": self.spelled(order.status),
            "currency_code": order.currency,
            "expires_at": None,
            "updated_at": _time(order.modified_at),
            "created_at": _time(order.created_at),
        }
        return {"id": str(order.id), "type": "services", "attributes": attributes}


def _json_api(content: object) -> Reply:
    reply = json_reply(content)
    return msgspec.structs.replace(reply, headers={**reply.headers, "Content-Type": "application/vnd.api+json"})


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
