"""``bench_constant.py``: the floor of the page: aiohttp's server, which answers with as many bytes as are asked for.

It says at which port it is; ``/?SIZE`` is a page, ``/stream`` stays open, and ``/tell?SIZE`` sends to every such one.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from aiohttp import web


class Constant:
    """Pages and streams of bytes that mean nothing."""

    def __init__(self) -> None:
        self._streams: list[web.StreamResponse] = []

    async def page(self, request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query_string), content_type="text/html")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self._streams.append(response)
        await asyncio.Event().wait()
        return response

    async def tell(self, request: web.Request) -> web.Response:
        frame = b"data: " + b"x" * int(request.query_string) + b"\n\n"
        for stream in self._streams:
            await stream.write(frame)
        return web.Response()


async def serve() -> None:
    """Until the end of its input."""
    constant, app = Constant(), web.Application()
    app.add_routes([web.get("/", constant.page), web.get("/stream", constant.stream), web.get("/tell", constant.tell)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_end_with_input, daemon=True).start()
    asyncio.run(serve())
