"""A PostgreSQL of the tests' own: on a socket in a folder that goes away, or the one that MONITOR_TEST_POSTGRES names.

Each test gets a database of its own, cloned from one that is migrated once; what a test leaves is emptied and lent to
the next, for that takes a fiftieth of the time.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from monitor.store.postgres_schema import ensure_schema

NAMED = "MONITOR_TEST_POSTGRES"
_TEMPLATE = f"monitor_template_{os.getpid()}"
PASSWORD = "quillaphone"
_numbers = count(1)
_emptied: list[str] = []
_LARGE = 24_000_000
"""Bytes of a database that is not worth emptying: a new one has 8 MB."""


def _tool(name: str) -> str | None:
    """Debian keeps the server's tools out of the PATH."""
    return shutil.which(name) or next(
        map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), None
    )


def _as_nobody(*command: str) -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return list(command)
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]


class Server:
    """A PostgreSQL of this process's own; each user has to say ``PASSWORD`` if ``asks``."""

    def __init__(self, *, asks: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="monitor-postgres-", dir="/tmp"))  # a socket's path must be short
        self._data = str(self._folder / "data")
        self.url = f"postgresql://monitor{f':{PASSWORD}' if asks else ''}@/postgres?host={self._folder}"
        (self._folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (self._folder, self._folder / "password"):
                shutil.chown(path, "nobody", "nogroup")
        auth = [f"--auth={'scram-sha-256' if asks else 'trust'}", f"--pwfile={self._folder}/password"]
        options = ["--username=monitor", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run("initdb", *auth, *options)
        self.start()

    def start(self) -> None:
        """Start it, on its socket alone."""
        # Without fsync: what a power cut does to it is PostgreSQL's own affair, and tested there.
        settings = f"-k {self._folder} -c listen_addresses= -F -c max_connections=200 -c full_page_writes=off"
        self._run("pg_ctl", "--wait", f"--log={self._folder}/log", f"--options={settings}", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; whoever is connected is told nothing."""
        self._run("pg_ctl", f"--mode={mode}", "--wait", "stop")

    def remove(self) -> None:
        """Stop it, if it runs, and leave nothing behind."""
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, tool: str, *options: str) -> None:
        found = _tool(tool)
        assert found is not None
        subprocess.run(
            _as_nobody(found, f"--pgdata={self._data}", *options), check=True, stdout=subprocess.DEVNULL, cwd="/"
        )


def own_server(*, asks: bool = False) -> Server:
    """A server to stop and start, and to remove; skips where there is none."""
    if not (_tool("initdb") and _tool("pg_ctl")):
        pytest.skip("PostgreSQL is not installed")
    return Server(asks=asks)


@cache
def restartable() -> Server:
    """The same with a state, which asks for a password: one for all tests that leave it running."""
    made = own_server(asks=True)
    atexit.register(made.remove)
    ensure_schema(made.url)
    return made


@cache
def server() -> str | None:
    """The URL of its maintenance database; None where there is no server to start."""
    if named := os.environ.get(NAMED):
        return named
    if not (_tool("initdb") and _tool("pg_ctl")):
        return None
    made = Server()
    atexit.register(made.remove)
    return made.url


def database_url(server_url: str, name: str) -> str:
    """The URL of another database of this server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


@cache
def _template() -> str:
    url = server()
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_TEMPLATE}")
    ensure_schema(database_url(url, _TEMPLATE))
    atexit.register(_drop, url, _TEMPLATE)
    return _TEMPLATE


@contextmanager
def database(*, empty: bool = False) -> Iterator[str]:
    """The URL of a database of this test's own, migrated, or with nothing in it; skips where there is no server."""
    url = server()
    if url is None:
        pytest.skip("PostgreSQL is not installed, and MONITOR_TEST_POSTGRES names none")
    name = _clone(url, "template1") if empty else _emptied.pop() if _emptied else _clone(url, _template())
    try:
        yield database_url(url, name)
    finally:
        if empty or not _is_emptied(url, name):
            _drop(url, name)
        else:
            _emptied.append(name)


def _clone(url: str, template: str) -> str:
    name = f"monitor_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    if url == os.environ.get(NAMED):  # its own goes away as a whole
        atexit.register(_drop, url, name)
    return name


def _is_emptied(url: str, name: str) -> bool:
    """Make it as if it were new; False if it is not worth it, or cannot be done."""
    try:
        with psycopg.connect(database_url(url, name)) as connection:
            connection.execute("SET lock_timeout = '2s'")
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            [(size,)] = connection.execute("SELECT pg_database_size(current_database())").fetchall()
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            ).fetchall()
            sequences = connection.execute("SELECT sequencename FROM pg_sequences").fetchall()
            restarts = [f"ALTER SEQUENCE {sequence} RESTART" for (sequence,) in sequences]
            connection.execute("; ".join([f"DELETE FROM {table}" for (table,) in tables] + restarts).encode())
    except psycopg.Error:
        return False
    return bool(size < _LARGE)


def _drop(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
