"""One source: how it is, how it is read, what happened there; a look that is asked for, a loss that is believed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from monitor.model import EventKind
from monitor.polling.health import accept_loss
from monitor.store.base import Transaction
from monitor.store.listings import EventsWanted
from monitor.web.addresses import source_href
from monitor.web.context import context_of
from monitor.web.forms import done, fields_of, local
from monitor.web.pages.overview import bars_of, looks_in, plot_for, source_views
from monitor.web.plots import SPANS
from monitor.web.rendering import error_page, render, view_of

_EVENTS = 20
_NEWS = (
    EventKind.SOURCE_DOWN,
    EventKind.SOURCE_UP,
    EventKind.SOURCE_DOUBTFUL,
    EventKind.ABSENT,
    EventKind.SPIKE,
)


async def source(request: web.Request) -> web.StreamResponse:
    """The page of a source."""
    name = request.match_info["name"]
    if name not in context_of(request).site.sources:
        return error_page(request, 404, "No such source", "The configuration in force has no source of this name.")
    return render(request, "source.html", **await _source(request, name), **await _plots(request, name))


async def fragment(request: web.Request) -> web.StreamResponse:
    """How it is."""
    return render(request, "part_source.html", **await _source(request, _known(request)))


async def fragment_plots(request: web.Request) -> web.StreamResponse:
    """Its plots."""
    return render(request, "part_source_plots.html", **await _plots(request, _known(request)))


def _known(request: web.Request) -> str:
    name = request.match_info["name"]
    if name not in context_of(request).site.sources:
        raise web.HTTPNotFound
    return name


async def _source(request: web.Request, name: str) -> Mapping[str, Any]:
    context, view = context_of(request), view_of(request)
    wanted = EventsWanted(source=name, kinds=_NEWS)
    page = await context.reader.read(lambda tx: tx.event_page(wanted, None, _EVENTS))
    return {
        "source": (await source_views(request, name))[0],
        "shown": context.site.sources[name],
        "every": view.words.duration(context.site.sources[name].every),
        "news": [view.event(row) for row in page.rows],
    }


async def _plots(request: web.Request, name: str) -> Mapping[str, Any]:
    context = context_of(request)
    bars = bars_of(context, await context.counts.tallies(), (name,))
    return {"bars": bars, "looks": looks_in(bars), "plot": await plot_for(request, (name,)), "spans": SPANS}


# What forms do


async def poll(request: web.Request) -> web.StreamResponse:
    """Let the next look begin now."""
    name, fields = request.match_info["name"], await fields_of(request)
    if not await context_of(request).daemon.poll_now(name):
        raise web.HTTPNotFound
    raise done(local(fields.get("next", ""), source_href(name)), "polling")


async def accept(request: web.Request) -> web.StreamResponse:
    """Believe that what it lacks is gone."""
    name, fields = _known(request), await fields_of(request)

    def believe(tx: Transaction) -> bool:
        state = tx.source(name)
        accepted = accept_loss(state) if state else None
        if accepted:
            tx.save_source(name, accepted)
        return accepted is not None

    accepted = await context_of(request).store.transact(believe)
    context_of(request).hub.poke()
    raise done(local(fields.get("next", ""), source_href(name)), "accepted" if accepted else "nothing-accepted")


ROUTES: list[web.RouteDef] = [
    web.get("/sources/{name}", source),
    web.post("/sources/{name}/poll", poll),
    web.post("/sources/{name}/accept", accept),
    web.get("/fragments/sources/{name}", fragment),
    web.get("/fragments/sources/{name}/plots", fragment_plots),
]
