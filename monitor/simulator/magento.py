"""Magento 2, ``/rest/V1/orders``: search criteria, totals, what was updated since, and a last page without end."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from monitor.simulator.base import BaseDialect, number
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply
from monitor.simulator.truth import TrueItem, TrueOrder, minor_units
from monitor.simulator.world import World

PATH = "/rest/V1/orders"
MAX_PAGE_SIZE = 300
SECRETS = ("canary-protect-code", "canary-remote-ip")
"""What stands in fields that are nobody's business, unless a call names the fields that it wants."""

_EVERYTHING = 1_000_000_000
_FILTER = re.compile(
    r"searchCriteria\[filter_?[gG]roups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(field|value|condition_?[tT]ype)\]"
)
_KNOWN_FILTERS = {("status", "eq"), ("updated_at", "gteq")}
_TIME = "%Y-%m-%d %H:%M:%S"
_STATES = {"pending": "new", "pending_payment": "pending_payment", "fraud": "payment_review"}

Tree = dict[str, "Tree"]


class Magento(BaseDialect):
    """The API for an integration whose access token may be used alone."""

    list_path = PATH
    order_path = PATH + r"/([0-9]+)"
    statuses = {"active": "processing", "cancelled": "canceled"}  # noqa: RUF012  # a constant, as in the base
    per_page = _EVERYTHING

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self.newest_first = False  # unless a call says so

    def page(self, call: Call) -> int:
        return number(_criterion(call, "currentPage")) or 1

    def error(self, status: int, text: str) -> Reply:
        return json_reply({"message": "%1", "parameters": [text]}, status)

    def unknown(self, call: Call) -> Reply:
        return json_reply({"message": "Request does not match any route."}, 404)

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        return self._invalid(call) if call.path == PATH else None

    def expired(self, call: Call) -> Reply:
        said = "The consumer isn't authorized to access %resources."
        return json_reply({"message": said, "parameters": {"resources": "Magento_Sales::actions_view"}}, 401)

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            said = "The entity that was requested doesn't exist. Verify the entity and try again."
            return json_reply({"message": said}, 404)
        return json_reply(_only(self._row(order), _wanted(call)))

    def asked(self, call: Call) -> Asked:
        found = {field: value for field, _, value in _filters(call)}
        since = found.get("updated_at")
        newest_first = (_criterion(call, "sortOrders][0][direction") or "ASC").upper() == "DESC"
        return Asked(
            status=found.get("status"),
            page=self.page(call),
            per_page=number(_criterion(call, "pageSize")) or self.per_page,
            modified_since=_read_time(since) if since else None,
            newest_first=newest_first,
        )

    def listing(self, world: World, asked: Asked) -> Listing:
        last = max(1, -(-len(self.ids(world, asked)) // asked.per_page))
        shown = super().listing(world, msgspec.structs.replace(asked, page=min(asked.page, last)))
        return Listing(shown.rows, shown.total, asked)

    def reply(self, listing: Listing, call: Call) -> Reply:
        criteria = {"filter_groups": [], "page_size": listing.asked.per_page, "current_page": listing.asked.page}
        rows = [self._row(order) for order in listing.rows]
        answer = {"items": rows, "search_criteria": criteria, "total_count": listing.total}
        return json_reply(_only(answer, _wanted(call)))

    def _invalid(self, call: Call) -> Reply | None:
        if not any(name.startswith("searchCriteria") for name in call.query):
            said = '"%fieldName" is required. Enter and try again.'
            return json_reply({"message": said, "parameters": {"fieldName": "searchCriteria"}}, 400)
        if (number(_criterion(call, "pageSize")) or 0) > MAX_PAGE_SIZE:
            said = "Maximum SearchCriteria pageSize is %max"
            return json_reply({"message": said, "parameters": {"max": MAX_PAGE_SIZE}}, 400)
        filters = _filters(call)
        if any((field, condition) not in _KNOWN_FILTERS for field, condition, _ in filters):
            return self.error(400, "The simulator filters by status (eq) and updated_at (gteq) alone.")
        if any(field == "updated_at" and _read_time(value) is None for field, _, value in filters):
            return self.error(400, "Incorrect TIMESTAMP value")
        return None

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        protect_code, remote_ip = SECRETS
        status, total = self.spelled(order.status), _major(order.total, order.currency)
        return {
            "entity_id": order.id,
            "increment_id": f"{order.id:09d}",
            "state": _STATES.get(status, status),
            "status": status,
            "created_at": _time(order.created_at),
            "updated_at": _time(order.modified_at),
            "base_currency_code": "USD",
            "order_currency_code": order.currency,
            "grand_total": total,
            "protect_code": protect_code,
            "remote_ip": remote_ip,
            "items": [line for id_, item in enumerate(order.items, 1) for line in _lines(2 * id_, item, order)],
            "payment": {"method": order.payment.lower(), "additional_information": [order.payment]},
            **_customer(order),
        }


def _lines(id_: int, item: TrueItem, order: TrueOrder) -> list[dict[str, Any]]:
    """A product with options is two lines: what was chosen, and what is taken from the shelf for it."""
    line = {"item_id": id_, "name": item.product, "qty_ordered": item.quantity}
    shelf = {"item_id": id_ + 1, "parent_item_id": id_, "name": f"{item.product}-1", "qty_ordered": item.quantity}
    return [{**line, "price": _major(item.price, order.currency)}, {**shelf, "price": 0}]


def _customer(order: TrueOrder) -> dict[str, Any]:
    customer = order.customer
    if customer is None:
        return {"customer_is_guest": 1}
    first, _, last = customer.name.partition(" ")
    address = {"company": customer.company, "firstname": first, "lastname": last, "street": [customer.address]}
    return {
        "customer_email": customer.email,
        "customer_firstname": first,
        "customer_lastname": last,
        "billing_address": address,
    }


def _criterion(call: Call, name: str) -> str | None:
    """A search criterion, in either of the two spellings."""
    snake = re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", name)
    return call.query.get(f"searchCriteria[{name}]") or call.query.get(f"searchCriteria[{snake}]")


def _filters(call: Call) -> list[tuple[str, str, str]]:
    """Field, condition and value of each filter."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, value in call.query.items():
        part = _FILTER.fullmatch(name)
        if part:
            found.setdefault((part[1], part[2]), {})[part[3][:5]] = value
    return [(one.get("field", ""), one.get("condi", "eq"), one.get("value", "")) for one in found.values()]


def _wanted(call: Call) -> Tree:
    """What ``fields=items[status,items[name]],total_count`` names; nothing, also where it cannot be read: all."""
    tree: Tree = {}
    above, last = [tree], ""
    try:
        for part in re.findall(r"[^\[\],]+|[\[\]]", call.query.get("fields", "")):
            if part == "[":
                above.append(above[-1][last])
            elif part == "]":
                above.pop()
            else:
                last = part
                above[-1][part] = {}
    except (IndexError, KeyError):
        return {}
    return tree


def _only(value: Any, wanted: Tree) -> Any:
    if isinstance(value, list):
        return [_only(part, wanted) for part in value]
    if not wanted or not isinstance(value, dict):
        return value
    return {name: _only(value[name], below) for name, below in wanted.items() if name in value}


def _major(minor: int, currency: str) -> int | float:
    units = minor_units(currency)
    return minor / units if minor % units else minor // units


def _time(time: datetime) -> str:
    return time.astimezone(UTC).strftime(_TIME)


def _read_time(text: str) -> datetime | None:
    """The time, as MySQL reads it in UTC; None where it does not."""
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
