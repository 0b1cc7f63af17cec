"""Stripe, ``/v1/payment_intents``: newest first, each page after the last row of the one before, no totals."""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, datetime
from typing import Any

from monitor.simulator.base import BaseDialect, number, page_of
from monitor.simulator.dialect import Asked, Call, Listing, Reply, json_reply
from monitor.simulator.truth import TrueOrder
from monitor.simulator.world import World

PATH = "/v1/payment_intents"
MAX_LIMIT = 100
SECRETS = ("canary-client-secret",)
"""With it anybody's browser may confirm a payment."""

_KINDS = {429: "rate_limit_error", 500: "api_error"}
_CODES = {404: "resource_missing", 429: "rate_limit"}
_TWO_DECIMALS = ("ISK", "UGX")
"""Amounts are in hundredths of these, although ISO 4217 knows no such thing."""


class _Asked(Asked, frozen=True):
    after: int | None = None
    since: datetime | None = None


class Stripe(BaseDialect):
    """The list of payment intents, and one of them."""

    list_path = PATH
    order_path = PATH + r"/pi_([0-9]+)"
    statuses = {  # noqa: RUF012  # a constant, as in the base
        "pending": "processing",
        "active": "succeeded",
        "fraud": "requires_payment_method",
        "cancelled": "canceled",
    }
    per_page = 10

    def allowed(self, call: Call) -> bool:
        return call.token == self.token or call.basic == (self.token, "")

    def page(self, call: Call) -> int:
        """1 or, where it is one of those behind it, 2: a call does not say which."""
        return 2 if _number_of(call.query.get("starting_after")) is not None else 1

    def error(self, status: int, text: str) -> Reply:
        said: dict[str, Any] = {"message": text, "type": _KINDS.get(status, "invalid_request_error")}
        if status in _CODES:
            said["code"] = _CODES[status]
        return json_reply({"error": said}, status)

    def knows(self, call: Call) -> bool:
        return super().knows(call) or (call.method == "GET" and call.path.startswith(f"{PATH}/"))

    def unknown(self, call: Call) -> Reply:
        text = f"Unrecognized request URL ({call.method}: {call.path})."
        return json_reply({"error": {"message": text, "type": "invalid_request_error"}}, 404)

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        if self.order_key(call) is None and call.path != PATH:
            return self.detail(None, call)
        limit = number(call.query.get("limit"))
        if limit is not None and not 1 <= limit <= MAX_LIMIT:
            return self.error(400, f"This value must be between 1 and {MAX_LIMIT}.")
        return None

    def expired(self, call: Call) -> Reply:
        return self.error(401, "Expired API Key provided: rk_live_***")

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return self.error(404, f"No such payment_intent: '{call.path.rpartition('/')[2]}'")
        return json_reply(self._row(order))

    def asked(self, call: Call) -> Asked:
        after, since = _number_of(call.query.get("starting_after")), number(call.query.get("created[gte]"))
        return _Asked(
            page=self.page(call),
            per_page=number(call.query.get("limit")) or self.per_page,
            after=after,
            since=None if since is None else datetime.fromtimestamp(since, UTC),
        )

    def listing(self, world: World, asked: Asked) -> Listing:
        after, since = (asked.after, asked.since) if isinstance(asked, _Asked) else (None, None)
        ids = world.ids()
        if since is not None:
            ids = [id_ for id_ in ids if world.order(id_).created_at >= since]
        if after is not None and asked.page > 1:
            ids = ids[: bisect_left(ids, after)]
        first = Asked(per_page=asked.per_page)
        return Listing([world.order(id_) for id_ in page_of(ids, first, newest_first=True)], len(ids), first)

    def reply(self, listing: Listing, call: Call) -> Reply:
        rows = [self._row(order) for order in listing.rows]
        return json_reply({"object": "list", "url": PATH, "has_more": len(rows) < listing.total, "data": rows})

    def _row(self, order: TrueOrder) -> dict[str, Any]:
        amount = order.total * (100 if order.currency in _TWO_DECIMALS else 1)
        customer = order.customer
        address = {"city": None, "country": None, "line1": customer and customer.address}
        status = self.spelled(order.status)
        return {
            "id": f"pi_{order.id}",
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": amount if status == "succeeded" else 0,
            "client_secret": f"pi_{order.id}_secret_{SECRETS[0]}",
            "created": int(order.created_at.timestamp()),
            "currency": order.currency.lower(),
            "customer": None,
            "description": order.items[0].product if order.items else None,
            "last_payment_error": None,
            "livemode": True,
            "metadata": {"order_id": order.number},
            "payment_method_types": ["card"],
            "receipt_email": customer and customer.email,
            "review": None,
            "shipping": {"name": customer.name, "address": address} if customer else None,
            "status": status,
        }


def _number_of(intent: str | None) -> int | None:
    """The number in ``pi_88``."""
    return number((intent or "").removeprefix("pi_"))
