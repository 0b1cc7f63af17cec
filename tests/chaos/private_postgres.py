"""A PostgreSQL server that a test may stop and start again: on a port of the loopback, with one database."""

from __future__ import annotations

import asyncio
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from postgres_server import _as_nobody, _tool

How = Literal["fast", "immediate"]
_USER, _DATABASE = "monitor", "postgres"


class PrivatePostgres:
    """``url`` leads to it directly; whoever comes by another port takes the same user and database."""

    def __init__(self, folder: Path, initdb: str, ctl: str) -> None:
        self._folder = folder
        self._data = f"--pgdata={folder / 'data'}"
        self._initdb = initdb
        self._ctl = ctl
        self.port = _free_port()

    @property
    def url(self) -> str:
        return self.url_by(self.port, "test")

    def url_by(self, port: int, name: str) -> str:
        """The way to the database by this port, for sessions of this name."""
        return f"postgresql://{_USER}@127.0.0.1:{port}/{_DATABASE}?application_name={name}"

    async def begin(self) -> None:
        options = ["--auth=trust", f"--username={_USER}", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        await _run(self._initdb, self._data, *options)
        await self.start()

    async def start(self) -> None:
        """Start it; it has recovered from its crash, if it had one, when this returns."""
        settings = f"-k {self._folder} -p {self.port} -c listen_addresses=127.0.0.1 -F -c full_page_writes=off"
        await _run(self._ctl, self._data, "--wait", f"--log={self._folder}/log", f"--options={settings}", "start")

    async def stop(self, how: How) -> None:
        """End it: sessions are ended in order, or as by a crash."""
        await _run(self._ctl, self._data, "--wait", f"--mode={how}", "stop")

    async def end_sessions(self, name: str) -> None:
        """End every session of this name, whatever it is doing."""
        sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        with suppress(psycopg.OperationalError):  # the server is away itself
            await self.rows(sql, name)

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a query finds."""
        connection = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        async with connection:
            return await (await connection.execute(sql.encode(), parameters)).fetchall()


@asynccontextmanager
async def private_postgres() -> AsyncIterator[PrivatePostgres]:
    """A server whose ``begin`` is still to be awaited; skips where PostgreSQL is not installed."""
    initdb, ctl = _tool("initdb"), _tool("pg_ctl")
    if not (initdb and ctl):
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="monitor-chaos-", dir="/tmp"))
    with suppress(PermissionError):
        shutil.chown(folder, "nobody", "nogroup")
    server = PrivatePostgres(folder, initdb, ctl)
    try:
        yield server
    finally:
        with suppress(AssertionError):  # it never began, or is away
            await server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)


async def _run(*command: str) -> None:
    # Its log inherits our pipes: to read them to their end would be to wait for the server's.
    process = await asyncio.create_subprocess_exec(
        *_as_nobody(*command), cwd="/", stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0, f"{' '.join(command)} has failed"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
