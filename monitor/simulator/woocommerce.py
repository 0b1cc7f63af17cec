"""WooCommerce, ``/wp-json/wc/v3/orders``: a bare list, its totals in the headers, dates without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from monitor.simulator.base import BaseDialect, Rows, ids_of, number, page_of
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply, raw_json_reply
from monitor.simulator.truth import TrueItem, TrueOrder, minor_units
from monitor.simulator.world import World

PATH = "/wp-json/wc/v3/orders"
MAX_PER_PAGE = 100
SECRETS = ("canary-licence-key",)
"""What plugins put into the lines of an order."""

_ORDER_KEY, _CUSTOMER_IP = "canary-order-key", "canary-customer-ip"
_TRASH = "trash"
_CODES = {401: "woocommerce_rest_cannot_view", 404: "rest_no_route", 429: "too_many_requests"}


class _Asked(Asked, frozen=True):
    oldest_first: bool = False


class WooCommerce(BaseDialect):
    """The API of a shop with a key whose secret is the same."""

    list_path = PATH
    order_path = PATH + r"/([0-9]+)"
    statuses = {"active": "processing", "fraud": "failed"}  # noqa: RUF012  # a constant, as in the base
    per_page = 10

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self._rows: dict[str, Rows] = {}

    def allowed(self, call: Call) -> bool:
        return call.basic == (self.token, self.token)

    def error(self, status: int, text: str, code: str = "") -> Reply:
        code = code or _CODES.get(status, "rest_invalid_param")
        return json_reply({"code": code, "message": text, "data": {"status": status}}, status)

    def unknown(self, call: Call) -> Reply:
        return self.error(404, "No route was found matching the URL and request method.")

    def expired(self, call: Call) -> Reply:
        return self.error(401, "Sorry, you cannot list resources.")

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        per_page = number(call.query.get("per_page"))
        if per_page is not None and not 1 <= per_page <= MAX_PER_PAGE:
            return self.error(400, "Invalid parameter(s): per_page")
        return None

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return self.error(404, "Invalid ID.", "woocommerce_rest_shop_order_invalid_id")
        return raw_json_reply(self._encoded(call).join([order]))

    def asked(self, call: Call) -> Asked:
        status, after = call.query.get("status", "any"), call.query.get("modified_after")
        # After a second is from the next one on: stamps have no fractions.
        since = datetime.fromisoformat(after).replace(tzinfo=UTC) + timedelta(seconds=1) if after else None
        return _Asked(
            status=None if status == "any" else status,
            page=self.page(call),
            per_page=number(call.query.get("per_page")) or self.per_page,
            modified_since=since,
            oldest_first=call.query.get("order") == "asc",
        )

    def listing(self, world: World, asked: Asked) -> Listing:
        trash = set() if asked.status == _TRASH else set(ids_of(world, {}, _TRASH))
        ids = [id_ for id_ in self.ids(world, asked) if id_ not in trash]
        oldest_first = isinstance(asked, _Asked) and asked.oldest_first
        rows = [world.order(id_) for id_ in page_of(ids, asked, newest_first=not oldest_first)]
        return Listing(rows, len(ids), asked)

    def reply(self, listing: Listing, call: Call) -> Reply:
        pages = -(-listing.total // listing.asked.per_page)
        page = raw_json_reply(b"[" + self._encoded(call).join(listing.rows) + b"]")
        totals = {"X-WP-Total": str(listing.total), "X-WP-TotalPages": str(pages)}
        return msgspec.structs.replace(page, headers={**page.headers, **totals})

    def _encoded(self, call: Call) -> Rows:
        wanted = call.query.get("_fields", "")
        return self._rows.setdefault(wanted, Rows(partial(self._encode, wanted)))

    def _encode(self, wanted: str, order: TrueOrder) -> bytes:
        row, names = _row(order, self.spelled(order.status)), wanted.split(",")
        return msgspec.json.encode({name: value for name, value in row.items() if not wanted or name in names})


def _row(order: TrueOrder, status: str) -> dict[str, Any]:
    customer = order.customer
    first, _, last = customer.name.partition(" ") if customer else ("", "", "")
    return {
        "id": order.id,
        "number": str(order.id),
        "order_key": _ORDER_KEY,
        "status": status,
        "currency": order.currency,
        "date_created": _local(order.created_at),
        "date_created_gmt": _naive(order.created_at),
        "date_modified": _local(order.modified_at),
        "date_modified_gmt": _naive(order.modified_at),
        "total": f"{order.total / minor_units(order.currency):.2f}",
        "customer_ip_address": _CUSTOMER_IP,
        "customer_note": "",
        "billing": {
            "first_name": first,
            "last_name": last,
            "company": customer.company if customer else "",
            "address_1": customer.address if customer else "",
            "email": customer.email if customer else "",
        },
        "payment_method": order.payment.lower(),
        "payment_method_title": order.payment,
        "meta_data": [],
        "line_items": [_line(item, order.currency) for item in order.items],
        "set_paid": False,
        "_links": {"self": [{"href": f"https://shop.example.com{PATH}/{order.id}"}]},
    }


def _line(item: TrueItem, currency: str) -> dict[str, Any]:
    units = minor_units(currency)
    price = item.price / units if item.price % units else item.price // units
    meta = [{"id": 1, "key": "Licence", "value": SECRETS[0]}]
    return {"id": 1, "name": item.product, "quantity": item.quantity, "price": price, "meta_data": meta}


def _naive(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _local(time: datetime) -> str:
    """The shop stands in a zone of its own."""
    return _naive(time + timedelta(hours=2))
