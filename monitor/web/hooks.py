"""``POST /hooks/SOURCE``: a hint that something has changed there. It makes the poll happen now.

The poll stays the truth: a hint's body is signed, and read for nothing else.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from monitor.web.context import Context, context_of
from monitor.web.hints import Hint
from monitor.web.signatures import LONGEST_PING, Verifier
from monitor.web.site import Shown

LARGEST_BODY = 1024 * 1024
"""Bytes that are read to check their signature: orders with hundreds of lines are smaller."""
_PATIENCE_S = 10.0

_ANSWERS = {
    Hint.TAKEN: (202, "the next poll begins now\n"),
    Hint.JOINED: (202, "the next poll begins in a moment\n"),
    Hint.PING: (200, "ready\n"),
    Hint.REFUSED: (401, "the signature is wrong, or missing\n"),
    Hint.TOO_LARGE: (413, "too large\n"),
    Hint.STOPPING: (503, "the monitor is stopping\n"),
}


async def hook(request: web.Request) -> web.Response:
    """A hint about a source; 404 if it takes none."""
    context = context_of(request)
    source = context.site.sources.get(request.match_info["source"])
    if source is None or source.hook is None:
        raise web.HTTPNotFound(text="no webhook is configured here\n")
    said, reason = await _heard(request, context, source, source.hook)
    context.metrics.hinted(source.name, said)
    status, text = _ANSWERS[said]
    # Each one's signature is looked at, however many are wrong: a flood of them must not keep the true ones out.
    if said is Hint.REFUSED and not context.hints.refuse(source.name, reason):
        return web.Response(status=429, text="too many wrong signatures\n", headers={"Retry-After": "60"})
    return web.Response(status=status, text=text)


async def _heard(request: web.Request, context: Context, source: Shown, verifier: Verifier) -> tuple[Hint, str]:
    """What this request is, and why it is refused."""
    value = request.headers.get(verifier.header)
    if value is None:
        ping = await _is_ping(request, verifier)
        return (Hint.PING, "") if ping else (Hint.REFUSED, f"it has no header {verifier.header}")
    check = verifier.begin(value, context.clock.now())
    if check is None:
        return Hint.REFUSED, "its signature is none, or not of these minutes"
    read = 0
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for piece in request.content.iter_any():
                read += len(piece)
                if read > LARGEST_BODY:
                    return Hint.TOO_LARGE, ""
                check.update(piece)
    except TimeoutError:
        return Hint.REFUSED, f"its body did not come within {_PATIENCE_S:.0f} s"
    if not check.holds():
        return Hint.REFUSED, "its signature is not of this body and secret"
    return await context.hints.take(source.name, source.every), ""


async def _is_ping(request: web.Request, verifier: Verifier) -> bool:
    length = request.content_length
    if length is None or length > LONGEST_PING:
        return False
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return verifier.is_ping(await request.content.readexactly(length))
    except (TimeoutError, asyncio.IncompleteReadError):
        return False


ROUTES: list[web.RouteDef] = [web.post("/hooks/{source}", hook)]
