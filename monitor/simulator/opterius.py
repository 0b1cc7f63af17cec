"""Opterius Commerce, ``GET /api/v1/orders``, in both dialects: as documented, and as released (v2.7.0)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from monitor.simulator.base import BaseDialect, Rows, number
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply, raw_json_reply, redirect_reply
from monitor.simulator.truth import TrueOrder, minor_units
from monitor.simulator.world import World

STATUSES = ("pending", "active", "fraud", "cancelled")
MAX_PER_PAGE = 100
PATH = "/api/v1/orders"


class _ItemRow(msgspec.Struct):
    product_name: str
    qty: int
    amount: int


class _DocumentedRow(msgspec.Struct):
    id: int
    order_number: str
    status: str
    total: int
    currency_code: str
    created_at: datetime
    items: list[_ItemRow]


class _ReleasedRow(msgspec.Struct):
    id: int
    status: str
    total: int | float
    currency: str
    created_at: str


class _Opterius(BaseDialect):
    """What both have in common: Laravel's ways."""

    list_path = PATH

    def unknown(self, call: Call) -> Reply:
        path = call.path.removeprefix("/")
        if call.path == PATH:
            text = f"The {call.method} method is not supported for route {path}. Supported methods: GET, HEAD."
            return self.error(405, text)
        return self.error(404, f"The route {path} could not be found.")


class Documented(_Opterius):
    """The API of the reference: pages with ``meta``, a filter by status, minor units."""

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self._rows = Rows(_documented_row)

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        errors = _errors(call)
        if not errors:
            return None
        return _invalid(errors) if call.wants_json else redirect_reply("/")

    def expired(self, call: Call) -> Reply:
        return self.error(401, "Unauthenticated.") if call.wants_json else redirect_reply("/login")

    def reply(self, listing: Listing, call: Call) -> Reply:
        asked = listing.asked
        meta = {
            "current_page": asked.page,
            "last_page": max(1, -(-listing.total // asked.per_page)),
            "per_page": asked.per_page,
            "total": listing.total,
        }
        return raw_json_reply(
            b'{"data":[' + self._rows.join(listing.rows) + b'],"meta":' + msgspec.json.encode(meta) + b"}"
        )


class Released(_Opterius):
    """The API of v2.7.0: always the whole list, newest first, no ``meta``, major units; parameters mean nothing."""

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self._rows = Rows(_released_row)

    def refuse(self, call: Call) -> Reply | None:
        if call.token is None and call.wants_json:
            return json_reply({"error": "Unauthenticated."}, 401)
        return super().refuse(call)

    def expired(self, call: Call) -> Reply:
        if call.wants_json:
            return json_reply({"error": "Invalid or expired token."}, 401)
        return redirect_reply("/login")

    def asked(self, call: Call) -> Asked:
        return Asked()

    def listing(self, world: World, asked: Asked) -> Listing:
        rows = [world.order(id_) for id_ in world.ids()]
        rows.sort(key=lambda order: order.created_at, reverse=True)
        return Listing(rows, len(rows), asked)

    def reply(self, listing: Listing, call: Call) -> Reply:
        return raw_json_reply(b'{"data":[' + self._rows.join(listing.rows) + b"]}")


def _documented_row(order: TrueOrder) -> bytes:
    items = [_ItemRow(item.product, item.quantity, item.price) for item in order.items]
    return msgspec.json.encode(
        _DocumentedRow(order.id, order.number, order.status, order.total, order.currency, order.created_at, items)
    )


def _released_row(order: TrueOrder) -> bytes:
    created_at = order.created_at.isoformat(timespec="seconds")
    return msgspec.json.encode(_ReleasedRow(order.id, order.status, _major(order), order.currency, created_at))


def _major(order: TrueOrder) -> int | float:
    """The total as PHP writes it: 22 where it is whole, else 22.5."""
    units = minor_units(order.currency)
    return order.total / units if order.total % units else order.total // units


def _errors(call: Call) -> dict[str, list[str]]:
    """What Laravel's validation finds wrong, by parameter."""
    found = {
        "status": _status_error(call.query.get("status")),
        "page": _number_error("page", call.query.get("page"), None),
        "per_page": _number_error("per page", call.query.get("per_page"), MAX_PER_PAGE),
    }
    return {name: [text] for name, text in found.items() if text}


def _status_error(status: str | None) -> str | None:
    return "The selected status is invalid." if status and status not in STATUSES else None


def _number_error(name: str, text: str | None, maximum: int | None) -> str | None:
    if not text:
        return None
    written = number(text)
    if written is None:
        return f"The {name} field must be an integer."
    if written < 1:
        return f"The {name} field must be at least 1."
    if maximum is not None and written > maximum:
        return f"The {name} field must not be greater than {maximum}."
    return None


def _invalid(errors: dict[str, list[str]]) -> Reply:
    first, *others = [text for texts in errors.values() for text in texts]
    more = f" (and {len(others)} more error{'s' if len(others) > 1 else ''})" if others else ""
    return json_reply({"message": first + more, "errors": errors}, 422)
