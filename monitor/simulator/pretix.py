"""pretix, the orders of one event, ``…/events/summer/orders/``, or of its organizer ``acme``, who has no other.

Times are written in the zone of whoever wrote them, codes say nothing of when, and no order says its currency.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import msgspec

from monitor.simulator.base import BaseDialect, Rows, number
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, Reply, json_reply, raw_json_reply
from monitor.simulator.truth import OrderKey, TrueOrder, minor_units

ORGANIZER, EVENT = "acme", "summer"
SECRETS = ("canary-order-secret", "canary-buyer@example.com", "canary-attendee", "canary-ticket-secret")
"""What stands in fields that are nobody's business."""

MAX_PAGE_SIZE = 50
_PATH = re.compile(r"/api/v1/organizers/([^/]+)(?:/events/([^/]+))?/orders/(?:([^/]+)/)?")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ3789"
_CODES = len(_LETTERS) ** 5
_STRIDE = 3_656_297
_BACK: int = pow(_STRIDE, -1, _CODES)
_FAR = timezone(timedelta(hours=2))


def code_of(id_: int) -> str:
    """The code of the order with this id, for ids below 17 million."""
    left, letters = id_ * _STRIDE % _CODES, ""
    for _ in range(5):
        left, letter = divmod(left, len(_LETTERS))
        letters += _LETTERS[letter]
    return letters


def _id_of(code: str) -> int:
    """The id of the order with this code; 0, which no order has, where it is none."""
    if len(code) != 5 or any(letter not in _LETTERS for letter in code):
        return 0
    scattered = 0
    for letter in reversed(code):
        scattered = scattered * len(_LETTERS) + _LETTERS.index(letter)
    return scattered * _BACK % _CODES


class Pretix(BaseDialect):
    """A pretix of today: it sends the fields that a call wants, and has a list for the organizer."""

    statuses = {"pending": "n", "active": "p", "fraud": "e", "cancelled": "c"}  # noqa: RUF012  # a constant, as in the base
    per_page = MAX_PAGE_SIZE
    no_such_order = "No Order matches the given query."
    has_organizer_list = True

    def __init__(self, token: str, order: ListOrder = "newest") -> None:
        super().__init__(token, order)
        self.newest_first = False  # sorted by the date of the order, unasked or asked for
        self._rows: dict[tuple[str, ...], Rows] = {}

    def allowed(self, call: Call) -> bool:
        return call.headers.get("Authorization", "") == f"Token {self.token}"

    def error(self, status: int, text: str) -> Reply:
        return json_reply({"detail": text}, status)

    def knows(self, call: Call) -> bool:
        found = _PATH.fullmatch(call.path)
        return found is not None and (self.has_organizer_list or found[2] is not None)

    def unknown(self, call: Call) -> Reply:
        return Reply(b"<h1>Not found</h1>", 404, {"Content-Type": "text/html; charset=utf-8"})

    def refuse(self, call: Call) -> Reply | None:
        if not self.allowed(call):
            return self.expired(call)
        found = _PATH.fullmatch(call.path)
        if found is None or found[1] != ORGANIZER or found[2] not in (None, EVENT):
            return self.error(403, "You do not have permission to perform this action.")
        since = call.query.get("modified_since")
        return json_reply({"modified_since": ["Enter a valid date/time."]}, 400) if since and not _time(since) else None

    def expired(self, call: Call) -> Reply:
        bears_none = "Authorization" not in call.headers
        return self.error(401, "Authentication credentials were not provided." if bears_none else "Invalid token.")

    def order_key(self, call: Call) -> OrderKey | None:
        found = _PATH.fullmatch(call.path)
        return _id_of(found[3]) if found and found[3] else None

    def detail(self, order: TrueOrder | None, call: Call) -> Reply:
        if order is None:
            return self.error(404, self.no_such_order)
        return raw_json_reply(self._encoded(call).join([order]))

    def asked(self, call: Call) -> Asked:
        size = min(number(call.query.get("page_size")) or self.per_page, MAX_PAGE_SIZE)
        since = _time(call.query.get("modified_since", ""))
        return Asked(call.query.get("status"), self.page(call), size, modified_since=since)

    def reply(self, listing: Listing, call: Call) -> Reply:
        asked = listing.asked
        last = max(1, -(-listing.total // asked.per_page))
        if asked.page > last:
            return self.error(404, "Invalid page.")
        links = {
            "count": listing.total,
            "next": _link(call, asked.page + 1) if asked.page < last else None,
            "previous": _link(call, asked.page - 1) if asked.page > 1 else None,
        }
        rows = self._encoded(call).join(listing.rows)
        page = raw_json_reply(msgspec.json.encode(links)[:-1] + b',"results":[' + rows + b"]}")
        return msgspec.structs.replace(page, headers={**page.headers, "X-Page-Generated": call.at.isoformat()})

    def wanted(self, call: Call) -> tuple[str, ...]:
        """The fields to send; nothing: all."""
        return tuple(value for name, value in call.query.items() if name == "include")

    def fields(self, order: TrueOrder) -> dict[str, object]:
        """All that an order's row shows."""
        return {"event": EVENT, **_row(order, self.spelled(order.status))}

    def _encoded(self, call: Call) -> Rows:
        wanted = self.wanted(call)
        return self._rows.setdefault(wanted, Rows(partial(self._encode, wanted)))

    def _encode(self, wanted: tuple[str, ...], order: TrueOrder) -> bytes:
        shown = {name: value for name, value in self.fields(order).items() if not wanted or name in wanted}
        return msgspec.json.encode(shown)


class OldPretix(Pretix):
    """A pretix of 2020: it sends all that it knows of an order, and lists those of one event only."""

    no_such_order = "Not found."
    has_organizer_list = False

    def wanted(self, call: Call) -> tuple[str, ...]:
        return ()

    def fields(self, order: TrueOrder) -> dict[str, object]:
        return _row(order, self.spelled(order.status))


def _row(order: TrueOrder, status: str) -> dict[str, object]:
    secret, mail, attendee, ticket = SECRETS
    total, code = _amount(order.total, order), code_of(order.id)
    state = "confirmed" if status == "p" else "created"
    return {
        "code": code,
        "status": status,
        "testmode": False,
        "secret": secret,
        "email": mail,
        "phone": None,
        "datetime": order.created_at.astimezone(_FAR if order.id % 2 else UTC).isoformat(),
        "payment_provider": order.payment or None,
        "fees": [],
        "total": total,
        "comment": "",
        "invoice_address": _address(order),
        "positions": [
            {"id": position, "item": 1, "price": total, "attendee_name": attendee, "secret": ticket}
            for position, _ in enumerate(order.items, 1)
        ],
        "last_modified": order.modified_at.astimezone(_FAR).isoformat(),
        "payments": [{"local_id": 1, "state": state, "amount": total, "provider": order.payment}] * bool(order.payment),
        "require_approval": False,
        "url": f"https://tickets.example.com/{ORGANIZER}/{EVENT}/order/{code}/{secret}/",
    }


def _address(order: TrueOrder) -> dict[str, object] | None:
    customer = order.customer
    if customer is None:
        return None
    street, _, city = customer.address.partition(", ")
    place = {"street": street, "zipcode": "", "city": city, "country": ""}
    return {"is_business": bool(customer.company), "company": customer.company, "name": customer.name, **place}


def _amount(minor: int, order: TrueOrder) -> str:
    """With two decimals, whatever the currency."""
    return f"{minor / minor_units(order.currency):.2f}"


def _link(call: Call, page: int) -> str:
    others = "".join(f"&{name}={value}" for name, value in call.query.items() if name != "page")
    return f"https://{call.headers.get('Host', 'tickets.example.com')}{call.path}?page={page}{others}"


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
