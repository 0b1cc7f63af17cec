"""A way to a PostgreSQL that can swallow everything, as a network does whose firewall has lost a connection."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from psycopg.conninfo import conninfo_to_dict


class Way:
    """``url`` leads through it. While ``swallows``, nothing arrives on either side, and nobody is told."""

    def __init__(self, url: str, folder: Path) -> None:
        read = conninfo_to_dict(url)
        host, self._port = str(read.get("host") or "/var/run/postgresql"), int(read.get("port") or 5432)
        self._host = host
        self._folder = folder
        parts = urlsplit(url)
        self.url = urlunsplit(parts._replace(netloc=f"{parts.username}@", query=f"host={quote(str(folder))}"))
        self.swallows = False
        self._ends: list[asyncio.StreamWriter] = []
        self._carried: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen meanwhile."""
        server = await asyncio.start_unix_server(self._begin, self._folder / ".s.PGSQL.5432")
        try:
            yield
        finally:
            server.close()
            for end in self._ends:
                end.close()
            await asyncio.gather(*self._carried, return_exceptions=True)

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._carry(reader, writer))
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._host.startswith("/"):
            there, back = await asyncio.open_unix_connection(f"{self._host}/.s.PGSQL.{self._port}")
        else:
            there, back = await asyncio.open_connection(self._host, self._port)
        self._ends += [writer, back]
        await asyncio.gather(self._pass(reader, back), self._pass(there, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if not self.swallows:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def way_to(url: str) -> AsyncIterator[Way]:
    """A way to this database."""
    with tempfile.TemporaryDirectory(prefix="monitor-way-", dir="/tmp") as folder:  # a socket's path must be short
        way = Way(url, Path(folder))
        async with way.serving():
            yield way
