"""Answers that are too large, too slow, broken or old: none is believed, and each has an error of ours."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from loopback import HeldClock, MakeReader, Serve

from monitor.errors import (
    BadAnswer,
    NotFound,
    Refused,
    ServerFailed,
    SourceError,
    Stale,
    TooLarge,
    Unreachable,
)
from monitor.sources.base import Request
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.settings import HttpSettings

TOKEN = "canary-token"
ORDERS = Request("/api/v1/orders", (("page", "1"), ("status", "a+b&c")), {"Authorization": f"Bearer {TOKEN}"})


def zipped(size: int) -> bytes:
    return gzip.compress(b'{"data": "' + b"x" * size + b'"}')


async def test_a_compressed_answer_is_read(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=zipped(1000), headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})

    assert len((await make_reader(await serve(handler)).get(ORDERS)).body) == 1012


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


BOMBS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "gzip in many members": ("gzip", lambda data: gzip.compress(data[: len(data) // 8]) * 8),
    "zlib": ("deflate", zlib.compress),
    "raw deflate": ("deflate", deflated),
}


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_stopped_before_it_has_unfolded(serve: Serve, clock: HeldClock, name: str, status: int) -> None:
    """64 MiB come in a single packet or two. They are unpacked half a MiB at a time, and no further than is read."""
    encoding, pack = BOMBS[name]
    bomb = pack(b"x" * 64 * 1024 * 1024)

    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bomb, status=status, headers={"Content-Encoding": encoding})

    client = HttpClient(largest=1024 * 1024)
    reader = Reader(client, await serve(handler), HttpSettings(), error_text, clock)
    tracemalloc.start()
    with pytest.raises(TooLarge if status == 200 else NotFound):
        await reader.get(ORDERS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    await client.aclose()
    assert peak < 4 * 1024 * 1024
    assert reader.bytes <= 1024 * 1024 + 512 * 1024
    assert reader.requests == 1


async def test_an_endless_error_page_ends(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    with pytest.raises(NotFound):
        await make_reader(await serve.raw(handler)).get(ORDERS)


DRIPS = {
    "the status line": (b"", b"H"),
    "a header": (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "informational answers": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "an error": (b"HTTP/1.1 502 No\r\nContent-Length: 1000000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", DRIPS)
async def test_a_dripping_server_meets_the_total_timeout(
    serve: Serve, make_reader: MakeReader, clock: HeldClock, name: str
) -> None:
    """Each piece comes well within any read timeout, the whole never."""
    start, drip = DRIPS[name]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clock.passed += 15
        writer.write(start)
        while not writer.is_closing():
            writer.write(drip)
            await asyncio.sleep(0.01)

    reader = make_reader(await serve.raw(handler), timeout=timedelta(milliseconds=150))
    started = time.monotonic()
    # A status that could be read says enough; of all others it is known only that they took too long.
    with pytest.raises(SourceError, match="502" if name == "an error" else r"no whole answer within 0\.15 s|no valid"):
        await reader.get(ORDERS)
    assert time.monotonic() - started < 2
    assert reader.requests == 1


async def raises(reader: Reader) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await reader.get(ORDERS)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert TOKEN not in repr(error)
    return error


RAW_ANSWERS = {
    "truncated": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", Unreachable, "broke off"),
    "truncated chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", Unreachable, "broke off"),
    "broken chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", BadAnswer, "no valid HTTP"),
    "broken gzip": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        Unreachable,
        "damaged",
    ),
    "unknown encoding": (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", SourceError, ""),
    "nothing": (b"", Unreachable, "closed the connection without an answer"),
    "no http": (b"220 mail.example.com ESMTP\r\n\r\n", BadAnswer, "no valid HTTP"),
    "a header too long": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", BadAnswer, "no valid HTTP"),
    "an error cut off": (b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\n{", Refused, "the token is refused"),
    "a server error": (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", ServerFailed, "cannot answer now"),
}


@pytest.mark.parametrize("name", RAW_ANSWERS)
async def test_each_broken_answer_has_an_error_of_ours(serve: Serve, make_reader: MakeReader, name: str) -> None:
    sent, kind, words = RAW_ANSWERS[name]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()

    error = await raises(make_reader(await serve.raw(handler)))
    assert isinstance(error, kind)
    assert words in str(error)


async def test_long_headers_are_read(serve: Serve, make_reader: MakeReader) -> None:
    """A Link header may well be longer than aiohttp's 8190 bytes."""

    async def handler(request: web.Request) -> web.Response:
        return web.json_response({}, headers={"Link": "x" * 30_000})

    answer = await make_reader(await serve(handler)).get(ORDERS)
    assert len(answer.headers["link"]) == 30_000


async def test_a_closed_port_is_no_connection(serve: Serve, make_reader: MakeReader, unused_tcp_port: int) -> None:
    error = await raises(make_reader(f"http://127.0.0.1:{unused_tcp_port}"))
    assert isinstance(error, Unreachable)
    assert "Connection refused" in str(error)


async def test_an_answer_kept_by_a_cache_is_stale(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({}, headers={"Age": request.query["page"]})

    reader = make_reader(await serve(handler))
    await reader.get(Request("/", (("page", "60"),)))
    with pytest.raises(Stale, match=r"61 s old \(Age\)"):
        await reader.get(Request("/", (("page", "61"),)))


async def test_an_answer_older_than_one_before_is_stale(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    """Also when the newer one was seen by an earlier poll."""
    back = 0

    async def handler(request: web.Request) -> web.Response:
        date = format_datetime(clock.start - timedelta(seconds=back), usegmt=True)
        return web.json_response({}, headers={"Date": date})

    url = await serve(handler)
    await make_reader(url).get(ORDERS)
    back = 59
    await make_reader(url).get(ORDERS)
    back = 62
    with pytest.raises(Stale, match=r"62 s older \(Date\)"):
        await make_reader(url).get(ORDERS)
    back = 0
    await make_reader(url).get(ORDERS)


async def test_one_wrong_clock_of_theirs_makes_no_other_answer_stale(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    ahead = 3600

    async def handler(request: web.Request) -> web.Response:
        date = format_datetime(clock.start + timedelta(seconds=ahead), usegmt=True)
        return web.json_response({}, headers={"Date": date})

    reader = make_reader(await serve(handler))
    await reader.get(ORDERS)
    ahead = 1
    await reader.get(ORDERS)
