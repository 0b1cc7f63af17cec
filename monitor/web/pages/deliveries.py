"""Messages: what became of each, what it said, and dead letters sent again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from monitor.alerting.routes import DRILL_ROUTE, HEALTH_ROUTE
from monitor.alerting.views import plain
from monitor.model import Delivery, DeliveryState, OrderEvent
from monitor.store.base import Attempt, StoredEvent, Transaction
from monitor.store.listings import DeliveriesWanted, DeliveryPage
from monitor.web.context import context_of
from monitor.web.forms import done, fields_of, local
from monitor.web.pages.events import number_in, text_in
from monitor.web.rendering import error_page, render, view_of
from monitor.web.stories import view_attempt

PAGE = 50
_EVENTS_SHOWN = 50
_ATTEMPTS_SHOWN = 100
_LINES_SHOWN = 400
_LONGEST_LINE = 2_000
STATES: Mapping[str, str] = {
    "dead": "Dead letters",
    "waiting": "Waiting",
    "sending": "Being sent",
    "sent": "Sent",
    "dropped": "Dropped",
}


class Filter(NamedTuple):
    """What the list is narrowed to, as it stands in the address."""

    state: str = ""
    route: str = ""
    channel: str = ""

    @property
    def wanted(self) -> DeliveriesWanted:
        """The same as a question to the state."""
        states = (DeliveryState(self.state),) if self.state else ()
        return DeliveriesWanted(states=states, route=self.route, channel=self.channel)

    def address(self, before: int | None = None, path: str = "/deliveries") -> str:
        """Where the list stands that is narrowed so, from there on."""
        given = {name: value for name, value in self._asdict().items() if value}
        query = urlencode(given | ({"before": before} if before is not None else {}))
        return f"{path}?{query}" if query else path


async def deliveries(request: web.Request) -> web.StreamResponse:
    """A page of the list."""
    return render(request, "deliveries.html", **await _list(request))


async def fragment(request: web.Request) -> web.StreamResponse:
    """The rows alone."""
    return render(request, "part_deliveries.html", **await _list(request))


async def _list(request: web.Request) -> Mapping[str, Any]:
    context, view = context_of(request), view_of(request)
    chosen, before = _filter(request), number_in(request, "before")

    def find(tx: Transaction) -> tuple[DeliveryPage, Mapping[int, int], int]:
        page = tx.delivery_page(chosen.wanted, before, PAGE)
        return page, tx.orders_told([row.id for row in page.rows if row.gathers]), tx.outbox(view.now).dead

    page, told, dead = await context.reader.read(find)
    return {
        "chosen": chosen,
        "states": STATES,
        "routes": (*context.site.routes, HEALTH_ROUTE, DRILL_ROUTE),
        "deliveries": [view.delivery(row, told.get(row.id, 1)) for row in page.rows],
        "dead_number": dead,
        "older": chosen.address(page.next) if page.next is not None else "",
        "newest": chosen.address() if before is not None else "",
        "live": chosen.address(before, "/fragments/deliveries"),
        "nothing_at_all": not page.rows and page.next is None and before is None and chosen == Filter(),
    }


def _filter(request: web.Request) -> Filter:
    query = request.query
    state = query.get("state", "")
    return Filter(
        state=state if state in STATES else "",
        route=text_in(query, "route"),
        channel=text_in(query, "channel"),
    )


# One of them


async def delivery(request: web.Request) -> web.StreamResponse:
    """The page of one message."""
    view, number = view_of(request), int(request.match_info["id"])
    found = await context_of(request).reader.read(lambda tx: _find(tx, number))
    if found is None:
        return error_page(request, 404, "No such message", "There is no message with this number any more.")
    row, text, attempts, events = found
    orders = {(one.event.source, one.event.order.id) for one in events if isinstance(one.event, OrderEvent)}
    numbered = list(enumerate(attempts, 1))[-_ATTEMPTS_SHOWN:]
    return render(
        request,
        "delivery.html",
        delivery=view.delivery(row, len(orders) if row.gathers else 1),
        due=view.when(row.due_at) if row.state is DeliveryState.WAITING else None,
        title=plain(text[0], _LONGEST_LINE) if text and text[0] else "",
        body=_lines(text[1]) if text else None,
        attempts=[view_attempt(place, attempt, view) for place, attempt in numbered],
        events=[view.event(one) for one in events[:_EVENTS_SHOWN]],
        more=len(events) - _EVENTS_SHOWN,
    )


Found = tuple[Delivery, tuple[str, str] | None, Sequence[Attempt], Sequence[StoredEvent]]


def _find(tx: Transaction, number: int) -> Found | None:
    row = tx.delivery(number)
    if row is None:
        return None
    return row, tx.delivery_text(number), tx.attempts(number), list(tx.events_of(number))


def _lines(body: str) -> list[str]:
    """What was sent, line by line, without what would change a text unseen."""
    lines = body.splitlines()[:_LINES_SHOWN]
    return [_indent(line) + plain(line, _LONGEST_LINE) if line.strip() else "" for line in lines]


def _indent(line: str) -> str:
    return " " * min(len(line) - len(line.lstrip(" ")), 40)


# What forms do


async def retry(request: web.Request) -> web.StreamResponse:
    """Send one dead letter again."""
    return await _resurrect(request, [int(request.match_info["id"])])


async def retry_all(request: web.Request) -> web.StreamResponse:
    """Send every dead letter again."""
    return await _resurrect(request, None)


async def _resurrect(request: web.Request, ids: Sequence[int] | None) -> web.StreamResponse:
    context, fields = context_of(request), await fields_of(request)
    now = context.clock.now()
    number = await context.store.transact(lambda tx: tx.resurrect(ids, now))
    context.daemon.deliver_now()
    context.hub.poke()
    raise done(local(fields.get("next", ""), "/deliveries"), "retried", number)


ROUTES: list[web.RouteDef] = [
    web.get("/deliveries", deliveries),
    web.get("/fragments/deliveries", fragment),
    web.get(r"/deliveries/{id:\d{1,18}}", delivery),
    web.post("/deliveries/retry", retry_all),
    web.post(r"/deliveries/{id:\d{1,18}}/retry", retry),
]
