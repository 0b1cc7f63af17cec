"""One order's story: what was seen of it, what the routes made of that, and what each attempt to tell it said."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from monitor.asking.story import Story, story_of
from monitor.store.base import Transaction
from monitor.web.addresses import order_href
from monitor.web.context import context_of
from monitor.web.rendering import error_page, render, view_of
from monitor.web.stories import view_story

SHOWN = 100
"""So many events are shown of a long story, unless all are asked for."""


async def story(request: web.Request) -> web.StreamResponse:
    """The page of one order; one that is asked for by its number is found by it."""
    return await _page(request, "story.html")


async def fragment(request: web.Request) -> web.StreamResponse:
    """The same without what stands around it."""
    return await _page(request, "part_story.html")


async def _page(request: web.Request, template: str) -> web.StreamResponse:
    source, order_id = request.match_info["source"], _id_in(request)
    found = await context_of(request).reader.read(lambda tx: _find(tx, source, order_id))
    if isinstance(found, str):
        raise web.HTTPSeeOther(order_href(source, found))
    if found is None:
        return error_page(request, 404, "No such order", "No order with this id was ever seen there.")
    events = len(found.happenings)
    if "all" not in request.query:
        found.happenings = found.happenings[-SHOWN:]
    found.ask_today(context_of(request).site.router)
    shown = view_story(found, view_of(request))
    return render(request, template, story=shown, left_out=events - len(found.happenings), silence=_silence(found))


def _id_in(request: web.Request) -> str:
    """The id in the path; where a path cannot hold it, the one in the query."""
    in_path = request.match_info.get("id")
    return request.query.get("id", "") if in_path is None else in_path


def _find(tx: Transaction, source: str, order_id: str) -> Story | str | None:
    """The story of the order with this id; the id of the only one with this number; None if there is neither."""
    known = tx.known(source, [order_id]).get(order_id)
    found = story_of(tx, source, order_id, known)
    if known or found.happenings:
        return found
    ids: Sequence[str] = [one.order.id for one in tx.find_orders(source, order_id)]
    return ids[0] if len(ids) == 1 else None


def _silence(found: Story) -> str:
    """The address of the form that silences this order."""
    return f"/silences?{urlencode({'source': found.source, 'order': found.order_id}, errors='replace')}#add"


ROUTES: list[web.RouteDef] = [
    web.get("/orders/{source}/", story),
    web.get("/orders/{source}/{id:.+}", story),
    web.get("/fragments/orders/{source}/", fragment),
    web.get("/fragments/orders/{source}/{id:.+}", fragment),
]
