"""The list of orders, with filters: a page at a time, however many there are."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from monitor.alerting.views import plain, readable
from monitor.model import normalise_status
from monitor.store.base import Tallies
from monitor.store.listings import OrderKey, OrdersWanted
from monitor.web.context import context_of
from monitor.web.pages.events import LONGEST_TEXT, text_in
from monitor.web.rendering import render, view_of
from monitor.web.site import Site

PAGE = 50
_KEY = msgspec.json.Decoder(tuple[int, str, str])
_LONGEST_KEY = 4_000
_FURTHEST = 2**62
"""Microseconds that a database takes."""


class Filter(NamedTuple):
    """What the list is narrowed to, as it stands in the address; ``vanished`` is ``1`` or empty."""

    source: str = ""
    status: str = ""
    text: str = ""
    vanished: str = ""

    @property
    def wanted(self) -> OrdersWanted:
        """The same as a question to the state."""
        status = normalise_status(self.status) if self.status else None
        return OrdersWanted(self.source or None, status, self.text, vanished=bool(self.vanished))

    def address(self, after: OrderKey | None = None) -> str:
        """Where the list stands that is narrowed so, from there on."""
        given = {name: value for name, value in self._asdict().items() if value}
        query = urlencode(given | ({"after": written(after)} if after else {}))
        return f"/orders?{query}" if query else "/orders"


class Choice(NamedTuple):
    """A status to choose: as the address has it, as people read it, and how many orders have it."""

    status: str
    word: str
    number: int


async def orders(request: web.Request) -> web.StreamResponse:
    """A page of the list."""
    context, view, chosen = context_of(request), view_of(request), _filter(request)
    after = read(request.query.get("after", ""))
    page = await context.reader.read(lambda tx: tx.order_page(chosen.wanted, after, PAGE))
    tallies = await context.counts.tallies()
    values: dict[str, Any] = {
        "chosen": chosen,
        "statuses": _choices(tallies, chosen, context.site),
        "orders": [view.order(source, known) for source, known in page.rows],
        "next": chosen.address(page.next) if page.next else "",
        "first": chosen.address() if after else "",
        "total": _total(tallies, chosen) if after or page.next else len(page.rows),
    }
    return render(request, "orders.html", **values)


def _choices(tallies: Tallies, chosen: Filter, site: Site) -> Sequence[Choice]:
    """The statuses that there are in the chosen source, or in any; the most first."""
    counts: dict[str, int] = {}
    words: dict[str, str] = {}
    for (source, status, gone), count in tallies.orders.items():
        if gone == bool(chosen.vanished) and chosen.source in ("", source):
            counts[status] = counts.get(status, 0) + count
            words.setdefault(status, readable(status, site.words.meanings(source)))
    if chosen.status:
        counts.setdefault(normalise_status(chosen.status), 0)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Choice(plain(status, LONGEST_TEXT), words.get(status) or status, count) for status, count in ordered]


def _total(tallies: Tallies, chosen: Filter) -> int | None:
    """How many there are; None where that was not counted."""
    if chosen.text:
        return None
    status = normalise_status(chosen.status) if chosen.status else ""
    return sum(
        count
        for (source, own, gone), count in tallies.orders.items()
        if gone == bool(chosen.vanished) and chosen.source in ("", source) and status in ("", own)
    )


def _filter(request: web.Request) -> Filter:
    query = request.query
    return Filter(
        source=text_in(query, "source"),
        status=text_in(query, "status"),
        text=text_in(query, "text"),
        vanished="1" if query.get("vanished") else "",
    )


def written(key: OrderKey) -> str:
    """Where a page begins, as an address has it."""
    return urlsafe_b64encode(msgspec.json.encode(tuple(key))).decode().rstrip("=")


def read(text: str) -> OrderKey | None:
    """The same from an address; None for what is none: the list then begins at its beginning."""
    if not text or len(text) > _LONGEST_KEY:
        return None
    try:
        key = OrderKey(*_KEY.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4))))
    except ValueError:  # msgspec's errors are such, too
        return None
    return key if abs(key.status_at) < _FURTHEST else None


ROUTES: list[web.RouteDef] = [web.get("/orders", orders)]
