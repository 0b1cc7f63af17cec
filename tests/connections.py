"""What servers in the tests' own process leave open: how they end it, and whose test it is named by if they do not.

A connection that outlives its event loop is a ResourceWarning, and so an error, in whichever test comes next.
"""

from __future__ import annotations

import asyncio
import functools
from asyncio import selector_events
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

_Close = Callable[[Any], None]
_Make = Callable[..., None]
_left: list[str] = []


async def close(server: asyncio.Server) -> None:
    """Stop listening and end every connection; none is left when this returns, whatever its handler is doing."""
    server.close()
    while mine := [transport for transport in _open(asyncio.get_running_loop()) if transport._server is server]:
        for transport in mine:
            transport.abort()
        await asyncio.sleep(0)


async def clean_up(runner: web.AppRunner) -> None:
    """The same for a server of aiohttp, which waits for nobody: neither for unsent bytes nor for the end of TLS."""
    servers = [site._server for site in runner.sites if isinstance(site, web.TCPSite)]
    await runner.cleanup()
    for server in servers:
        assert isinstance(server, asyncio.Server)
        await close(server)


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[int]:
    """This app, served on a port of the loopback, which is handed out."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await clean_up(runner)


def watch(patch: pytest.MonkeyPatch) -> None:
    """From now on, event loops tell what is open when they are closed, and an accepted connection is never lost."""
    # asyncio has no public way to either: Server.abort_clients is new in 3.13, and knows of whole connections only.
    transport: Any = selector_events._SelectorTransport  # type: ignore[attr-defined]  # see above
    loop: Any = selector_events.BaseSelectorEventLoop
    patch.setattr(transport, "__init__", _whole_or_closed(transport.__init__))
    patch.setattr(loop, "close", _telling(loop.close))


def left_open() -> list[str]:
    """The connections that were open when their loops were closed, since this was last asked."""
    told = _left[:]
    _left.clear()
    return told


def _whole_or_closed(make: _Make) -> _Make:
    """asyncio drops a connection, without closing it, if its server is closed between accept() and this."""

    @functools.wraps(make)
    def made(self: Any, *args: Any, **options: Any) -> None:
        try:
            make(self, *args, **options)
        except BaseException:
            if self._sock is not None:
                self._sock.close()
                self._sock = None
            raise

    return made


def _telling(close: _Close) -> _Close:
    @functools.wraps(close)
    def closed(loop: Any) -> None:
        if not (loop.is_running() or loop.is_closed()):
            # What is closing already only lacks a turn of the loop, or a peer that reads what is still to be sent.
            _left.extend(
                f"{transport!r} of {transport._protocol!r}" for transport in _open(loop) if not transport._closing
            )
            _end(loop)
        close(loop)

    return closed


def _end(loop: Any) -> None:
    while still := _open(loop):
        for transport in still:
            transport.abort()
        loop.run_until_complete(asyncio.sleep(0))


def _open(loop: Any) -> list[Any]:
    """The transports whose sockets are open."""
    return [transport for transport in list(loop._transports.values()) if transport._sock is not None]
