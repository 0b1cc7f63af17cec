"""No server of the tests leaves a connection open, at whichever turn of the loop it is closed; and who does is told."""

from __future__ import annotations

import asyncio
import gc
import socket

import pytest
from aiohttp import web
from connections import clean_up, close, left_open


async def turn(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def listening() -> tuple[asyncio.Server, tuple[str, int]]:
    """A server that never closes a connection by itself."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()


@pytest.mark.parametrize("turns", range(6))
async def test_a_server_closed_at_any_turn_after_a_connection_leaves_none(turns: int) -> None:
    server, address = await listening()
    with socket.create_connection(address):
        await turn(turns)
        await close(server)
    gc.collect()


@pytest.mark.parametrize("turns", range(6))
async def test_a_web_server_closed_at_any_turn_after_a_connection_leaves_none(turns: int) -> None:
    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with socket.create_connection(runner.addresses[0]):
        await turn(turns)
        await clean_up(runner)
    gc.collect()


def test_a_connection_that_outlives_its_loop_is_told() -> None:
    async def careless() -> None:
        server, address = await listening()
        with socket.create_connection(address):
            await turn(4)
            server.close()

    asyncio.run(careless())
    (told,) = left_open()
    assert "StreamReaderProtocol" in told
