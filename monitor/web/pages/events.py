"""The list of events, with filters: newest first, a page at a time, and live where a script runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from monitor.alerting.views import plain
from monitor.model import EventKind
from monitor.store.base import Transaction
from monitor.store.listings import EventPage, EventsWanted
from monitor.web.context import context_of
from monitor.web.rendering import render, view_of

PAGE = 50
LONGEST_TEXT = 100
KINDS: Mapping[EventKind, str] = {
    EventKind.APPEARED: "New order",
    EventKind.STATUS_CHANGED: "Status changed",
    EventKind.CHANGED: "Total or items changed",
    EventKind.INVOICE_CHANGED: "Invoice changed",
    EventKind.SERVICE_CHANGED: "Service changed",
    EventKind.VANISHED: "Vanished",
    EventKind.REAPPEARED: "Back again",
    EventKind.STUCK: "Stuck",
    EventKind.SOURCE_DOWN: "Source down",
    EventKind.SOURCE_UP: "Source well again",
    EventKind.SOURCE_DOUBTFUL: "Source doubtful",
    EventKind.ABSENT: "No new orders",
    EventKind.SPIKE: "Spike",
    EventKind.DRILL: "Drill",
}


class Filter(NamedTuple):
    """What the list is narrowed to, as it stands in the address."""

    source: str = ""
    kind: str = ""
    text: str = ""

    @property
    def wanted(self) -> EventsWanted:
        """The same as a question to the state."""
        kinds = (EventKind(self.kind),) if self.kind in set(EventKind) else ()
        return EventsWanted(source=self.source or None, kinds=kinds, text=self.text)

    def address(self, before: int | None = None) -> str:
        """Where the list stands that is narrowed so, from there on."""
        given = {name: value for name, value in self._asdict().items() if value}
        query = urlencode(given | ({"before": before} if before is not None else {}))
        return f"/events?{query}" if query else "/events"


async def events(request: web.Request) -> web.StreamResponse:
    """A page of the list."""
    chosen, before = _filter(request), number_in(request, "before")
    view = view_of(request)

    def find(tx: Transaction) -> tuple[EventPage, datetime | None]:
        page = tx.event_page(chosen.wanted, before, PAGE)
        return page, _searched_to(tx, page)

    page, searched = await context_of(request).reader.read(find)
    values: dict[str, Any] = {
        "chosen": chosen,
        "kinds": KINDS,
        "events": [view.event(row) for row in page.rows],
        "older": chosen.address(page.next) if page.next is not None else "",
        "newest": chosen.address() if before is not None else "",
        "searched": view.when(searched) if searched else None,
        "nothing_at_all": not page.rows and page.next is None and before is None and chosen == Filter(),
    }
    return render(request, "events.html", **values)


def _searched_to(tx: Transaction, page: EventPage) -> datetime | None:
    """How far back a page was searched that is not full, and has a next one all the same."""
    if page.next is None or len(page.rows) >= PAGE:
        return None
    following = tx.event_page(EventsWanted(), page.next, 1).rows
    return following[0].event.at if following else None


def _filter(request: web.Request) -> Filter:
    query = request.query
    kind = query.get("kind", "")
    return Filter(
        source=text_in(query, "source"),
        kind=kind if kind in set(EventKind) else "",
        text=text_in(query, "text"),
    )


def text_in(query: Mapping[str, str], name: str) -> str:
    """A text to narrow a list by, as one visible line; empty where none is given."""
    text = query.get(name, "")[:LONGEST_TEXT]
    return plain(text, LONGEST_TEXT) if text.strip() else ""


def number_in(request: web.Request, name: str) -> int | None:
    """The number that the address gives; None where it gives none."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


ROUTES: list[web.RouteDef] = [web.get("/events", events)]
