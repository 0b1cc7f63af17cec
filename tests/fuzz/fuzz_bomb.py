"""Reads a bomb of a gibibyte: ``python fuzz_bomb.py WAY`` prints by how many bytes it grew, and its limit."""

from __future__ import annotations

import asyncio
import resource
import sys
import zlib

from monitor.clock import SystemClock
from monitor.errors import TooLarge
from monitor.sources.base import Request
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.settings import HttpSettings

MEBIBYTE = 1024 * 1024
LARGEST = 8 * MEBIBYTE


def bomb() -> bytes:
    """A gibibyte of zeros in a mebibyte of gzip."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    head = packer.compress(bytes(MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(bytes(MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + again * 1023


def chunk(data: bytes) -> bytes:
    return b"%x\r\n" % len(data) + data + b"\r\n"


async def send(writer: asyncio.StreamWriter, way: str, packed: bytes) -> None:
    if way == "at once":
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
        await writer.drain()
        return
    zipped = b"Content-Encoding: gzip\r\n" if way == "in small chunks" else b""
    writer.write(b"HTTP/1.1 200 OK\r\n" + zipped + b"Transfer-Encoding: chunked\r\n\r\n")
    pieces = b"" if zipped else chunk(b" " * 64) * 64
    for start in range(0, len(packed), 4096):
        part = packed[start : start + 4096]
        writer.write(pieces or b"".join(chunk(part[at : at + 64]) for at in range(0, len(part), 64)))
        await writer.drain()


async def main(way: str) -> int:
    packed = bomb() * (16 if way == "endless" else 1)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await send(writer, way, packed)
        except (ConnectionError, asyncio.CancelledError):
            pass  # it has been hung up on, as it should
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    client = HttpClient(largest=LARGEST)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    before = used()
    try:
        await Reader(client, url, HttpSettings(), error_text, SystemClock()).get(Request("/api/v1/orders"))
    except TooLarge:
        return used() - before
    finally:
        await client.aclose()
        server.close()
    raise AssertionError("the bomb was read")


def used() -> int:
    """The most memory that this process had so far, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1])), LARGEST)  # noqa: T201  # what the test reads
