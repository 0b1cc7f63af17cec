"""The overview: everything at one glance, each part of which a page that is open can ask for again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web

from monitor.model import DeliveryState, SourceState
from monitor.store.base import Tallies, Transaction
from monitor.store.listings import DeliveriesWanted, EventsWanted
from monitor.web.context import Context, context_of
from monitor.web.daemons import Place, find_holders, place_of, view_daemons
from monitor.web.plots import SPANS, Bar, Plot, bar_of, bucket_of, plot_of, span_named, starts_of
from monitor.web.rendering import render, view_of
from monitor.web.sources import SourceView, view_source
from monitor.web.verdict import verdict_of
from monitor.web.views import View

_EVENTS = 30
_WAITING = 10
_DEAD = 8
_DAY = timedelta(days=1)
Values = Mapping[str, Any]
Make = Callable[[web.Request], Awaitable[Values]]


async def overview(request: web.Request) -> web.StreamResponse:
    """The whole page."""
    values: dict[str, Any] = {}
    for make in PARTS.values():
        values |= await make(request)
    return render(request, "overview.html", **values, **await _events(request))


async def fragment(request: web.Request) -> web.StreamResponse:
    """One part of it."""
    name = request.match_info["part"]
    if name not in PARTS:
        raise web.HTTPNotFound
    return render(request, f"part_{name}.html", **await PARTS[name](request))


async def _events(request: web.Request) -> Values:
    page = await context_of(request).reader.read(lambda tx: tx.event_page(EventsWanted(), None, _EVENTS))
    view = view_of(request)
    return {"events": [view.event(row) for row in page.rows]}


async def _verdict(request: web.Request) -> Values:
    context, view = context_of(request), view_of(request)
    since = view.now - _DAY
    outbox = await context.reader.read(lambda tx: tx.outbox(view.now))
    tallies = await context.counts.tallies()
    counts = await context.counts.events_by_time(tuple(context.site.sources), _hour(since), timedelta(hours=1))
    return {
        "verdict": verdict_of(await source_views(request), outbox, view),
        "outbox": outbox,
        "orders_known": sum(count for name, count in orders_known(tallies).items() if name in context.site.sources),
        "events_lately": sum(count for (_, _, at), count in counts.items() if at >= since - timedelta(hours=1)),
    }


async def _sources(request: web.Request) -> Values:
    return {"sources": await source_views(request)}


async def _statuses(request: web.Request) -> Values:
    context = context_of(request)
    bars = bars_of(context, await context.counts.tallies(), tuple(context.site.sources))
    return {"bars": bars, "looks": looks_in(bars)}


async def _times(request: web.Request) -> Values:
    return {"plot": await plot_for(request, tuple(context_of(request).site.sources)), "spans": SPANS}


async def _waiting(request: web.Request) -> Values:
    context, view = context_of(request), view_of(request)

    def find(tx: Transaction) -> Any:
        rows = tx.gathering(_WAITING)
        return rows, tx.orders_told([row.id for row in rows]), tx.outbox(view.now).gathering

    rows, told, number = await context.reader.read(find)
    return {"waiting": [view.delivery(row, told.get(row.id, 1)) for row in rows], "waiting_number": number}


async def _dead(request: web.Request) -> Values:
    context, view = context_of(request), view_of(request)
    wanted = DeliveriesWanted(states=(DeliveryState.DEAD,))

    def find(tx: Transaction) -> Any:
        rows = tx.delivery_page(wanted, None, _DEAD).rows
        return rows, tx.orders_told([row.id for row in rows if row.gathers]), tx.outbox(view.now).dead

    rows, told, number = await context.reader.read(find)
    return {"dead": [view.delivery(row, told.get(row.id, 1)) for row in rows], "dead_number": number}


async def _silences(request: web.Request) -> Values:
    view = view_of(request)
    found = await context_of(request).reader.read(lambda tx: tx.active_silences(view.now))
    return {"silences": [view.silence(one) for one in found]}


async def _daemons(request: web.Request) -> Values:
    context, view = context_of(request), view_of(request)
    share = context.daemon.share()
    if share is None:
        return {"is_shared": False, "daemons": ()}
    return {"is_shared": True, "daemons": view_daemons(share, await context.reader.read(find_holders), view)}


PARTS: Mapping[str, Make] = {
    "verdict": _verdict,
    "sources": _sources,
    "statuses": _statuses,
    "times": _times,
    "dead": _dead,
    "waiting": _waiting,
    "silences": _silences,
    "daemons": _daemons,
}


# What the pages of single sources need, too


async def source_views(request: web.Request, only: str | None = None) -> list[SourceView]:
    """The sources that are configured, or one of them."""
    context, view = context_of(request), view_of(request)
    share = context.daemon.share()
    states, holders = await context.reader.read(lambda tx: (tx.sources(), find_holders(tx) if share else None))
    tallies = await context.counts.tallies()
    names = [name for name in context.site.sources if only in (None, name)]
    known = orders_known(tallies)
    places = {name: place_of(name, share, holders) for name in names} if share and holders else {}
    return [_source_view(context, name, states.get(name), known[name], places.get(name), view) for name in names]


def _source_view(
    context: Context, name: str, state: SourceState | None, orders: int, place: Place | None, view: View
) -> SourceView:
    return view_source(context.site.sources[name], state, context.daemon.looked(name), orders, view, place)


def orders_known(tallies: Tallies) -> Counter[str]:
    """By source, how many orders are known that are there."""
    known: Counter[str] = Counter()
    for (source, _, gone), count in tallies.orders.items():
        known[source] += 0 if gone else count
    return known


def bars_of(context: Context, tallies: Tallies, names: Sequence[str]) -> list[Bar]:
    """A bar for each of these sources."""
    counts: dict[str, dict[str, int]] = {name: {} for name in names}
    for (source, status, gone), count in tallies.orders.items():
        if source in counts and not gone:
            counts[source][status] = count
    return [bar_of(name, of_it, context.site.words.meanings(name)) for name, of_it in counts.items()]


def looks_in(bars: Sequence[Bar]) -> list[tuple[str, str, int]]:
    """What the legend shows: each look that there is, its word, and how many orders have it."""
    totals: dict[tuple[str, str], int] = {}
    for segment in (segment for bar in bars for segment in bar.segments):
        key = segment.look, segment.word
        totals[key] = totals.get(key, 0) + segment.number
    return [(look, word, count) for (look, word), count in totals.items()]


async def plot_for(request: web.Request, names: Sequence[str]) -> Plot:
    """Events over time of these sources, in the span that the address asks for."""
    context, view = context_of(request), view_of(request)
    span = span_named(request.query.get("span", ""))
    starts = starts_of(span, view.now, view.words.zone)
    bucket = bucket_of(view.words.zone, view.now)
    counts = await context.counts.events_by_time(tuple(names), starts[0], bucket)
    return plot_of(span, starts, counts, view.words.zone)


def _hour(at: Any) -> Any:
    return at.replace(minute=0, second=0, microsecond=0)


ROUTES: list[web.RouteDef] = [web.get("/", overview), web.get("/fragments/{part}", fragment)]
