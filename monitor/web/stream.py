"""`GET /stream`: what happens, as server-sent events, while a page is open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
from aiohttp import web

from monitor.alerting.headlines import headline
from monitor.store.base import StoredEvent
from monitor.web.context import context_of
from monitor.web.listener import frame
from monitor.web.rendering import event_html
from monitor.web.site import Site

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # else nginx would keep the events until it has a few kilobytes of them
}
_BEGINS = b"retry: 2000\n\n"
_PATIENCE_S = 60.0
"""A reader that takes nothing for so long is gone."""
_MOST_TEXT = 2000


def event_frame(site: Site, row: StoredEvent) -> bytes:
    """An event as open pages get it: its row, what their filters go by, and what a screen reader says of it."""
    said = headline(row.event, site.words)
    data = {
        "id": row.id,
        "source": row.event.source,
        "kind": row.event.kind,
        "text": _text_of(row),
        "said": said.subject,
        "html": event_html(site, row),
    }
    return frame("event", data, row.id)


async def stream(request: web.Request) -> web.StreamResponse:
    """Tell what happens until the reader goes, its session ends or the server does."""
    context, line = context_of(request), request.transport
    if line is None:
        raise web.HTTPServiceUnavailable
    listener = context.hub.join(line, _last_shown(request))
    if listener is None:
        return web.Response(status=503, text="too many pages are open\n", headers={"Retry-After": "30"})
    response = web.StreamResponse(headers=_HEADERS)
    try:
        await response.prepare(request)
        await response.write(_BEGINS)
        # The heartbeat, if nothing else, makes a turn of this: whoever has logged out meanwhile is told nothing more.
        while (sent := await listener.take()) and context.access.admits(request):
            await _send(response, sent)
    except (ConnectionError, TimeoutError):
        line.abort()  # nobody reads, and what is still to be sent to nobody must not be waited for
    finally:
        context.hub.leave(listener)
    return response


async def _send(response: web.StreamResponse, sent: bytes) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        await response.write(sent)


def _last_shown(request: web.Request) -> int | None:
    """The last event that the page shows: as the browser remembers when it connects again, or as the page says."""
    text = request.headers.get("Last-Event-ID") or request.query.get("after", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _text_of(row: StoredEvent) -> str:
    """What the search in the list of events finds it by, in lower case."""
    return " ".join(_texts(msgspec.to_builtins(row.event)))[:_MOST_TEXT].lower()


def _texts(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list):
        for part in document.values() if isinstance(document, dict) else document:
            yield from _texts(part)


ROUTES = [web.get("/stream", stream, allow_head=False)]
