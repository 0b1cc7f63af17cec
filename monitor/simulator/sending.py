"""Replies over the wire, in whatever manner a fault asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from email.utils import format_datetime

from aiohttp import web

from monitor.simulator.dialect import Reply

Sleep = Callable[[float], Awaitable[object]]


async def send(request: web.Request, reply: Reply, now: datetime, sleep: Sleep) -> web.StreamResponse:
    """Send a reply, dated ``now``."""
    headers = {"Date": format_datetime(now, usegmt=True), **reply.headers}
    if not reply.cut and reply.piece is None:
        return web.Response(body=reply.body, status=reply.status, headers=headers)
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await _send_pieces(response, reply, sleep)
    if reply.cut and request.transport is not None:
        request.transport.close()
    return response


async def _send_pieces(response: web.StreamResponse, reply: Reply, sleep: Sleep) -> None:
    for piece in _pieces(reply.body[: len(reply.body) - reply.cut], reply.piece):
        await response.write(piece)
        if reply.pause:
            await sleep(reply.pause)


def _pieces(body: bytes, size: int | None) -> Iterator[bytes]:
    size = size or len(body) or 1
    return (body[start : start + size] for start in range(0, len(body), size))
