"""Servers on loopback and a clock in the hand: what the tests of the sources room stand on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat

from aiohttp import web
from connections import clean_up, close

from monitor.sources.http import Reader

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Serve:
    """Starts servers that answer every path with one handler, and closes them all."""

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []
        self._servers: list[asyncio.Server] = []

    async def __call__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> str:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port = runner.addresses[0][1]
        return f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"

    async def raw(self, handler: RawHandler) -> str:
        """A server that writes bytes of its own; the request's head is read already."""

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                await handler(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self._servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        for runner in self._runners:
            await clean_up(runner)
        for server in self._servers:
            await close(server)


class HeldClock:
    """Time that passes only by sleeping; ``slept`` holds each sleep."""

    def __init__(self, chance: float = 0.5) -> None:
        self.start = datetime.now(UTC)
        self.passed = 1000.0
        self.slept: list[float] = []
        self.chance = chance

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed - 1000.0)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)

    def random(self) -> float:
        return self.chance


class Log:
    """Answers, and notes when each request came, and for what."""

    def __init__(self, clock: HeldClock, **headers: str) -> None:
        self.clock = clock
        self.headers = headers
        self.statuses: Iterator[int] = repeat(200)
        self.came: list[float] = []
        self.paths: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.came.append(self.clock.passed)
        self.paths.append(request.path)
        return web.json_response({}, status=next(self.statuses), headers=self.headers)


class Still(HeldClock):
    """Time stands still until it is let go on; ``sleeps`` tells of each sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.sleeps: asyncio.Queue[float] = asyncio.Queue()
        self._moved = asyncio.Condition()

    async def sleep(self, seconds: float) -> None:
        until = self.passed + seconds
        self.sleeps.put_nowait(seconds)
        async with self._moved:
            await self._moved.wait_for(lambda: self.passed >= until)

    async def go(self, seconds: float) -> None:
        async with self._moved:
            self.passed += seconds
            self._moved.notify_all()


MakeReader = Callable[..., Reader]
"""``make_reader(url, clock=…, memory=…, **settings of HttpSettings)``."""
