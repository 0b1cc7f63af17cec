"""Servers on loopback and a clock in the hand: what the tests of the sources room stand on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from monitor.sources.http import Reader

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
RawHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Serve:
    """Starts servers that answer every path with one handler, and closes them all."""

    def __init__(self) -> None:
        self._runners: list[web.AppRunner] = []
        self._servers: list[asyncio.Server] = []
        self._connections: list[asyncio.WriteTransport] = []

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
            self._connections.append(writer.transport)
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
            await runner.cleanup()
        for server in self._servers:
            server.close()
        # A connection that outlives its test is a warning, and so an error, in whichever test comes next.
        for transport in self._connections:
            transport.abort()
        await asyncio.sleep(0)


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


MakeReader = Callable[..., Reader]
"""``make_reader(url, clock=…, largest=…, **settings of HttpSettings)``."""
