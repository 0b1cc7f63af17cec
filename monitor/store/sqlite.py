"""The state in one SQLite file: WAL, every commit on the disk, one process that polls or sends."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from monitor.errors import StateUnreachable
from monitor.store.base import Transaction
from monitor.store.delivery_rows import DeliveryRows
from monitor.store.lock import FileLock
from monitor.store.order_rows import OrderRows
from monitor.store.schema import check_schema, ensure_schema
from monitor.store.source_rows import SourceRows
from monitor.store.tally_rows import TallyRows

T = TypeVar("T")

_BUSY_S = 30.0
"""How long a transaction waits for another process's, such as a `deliveries retry` beside the daemon."""


class SqlTransaction(SourceRows, OrderRows, DeliveryRows, TallyRows):
    """All operations of ``Transaction``, in SQL."""


class SqliteStore:
    """A state that is open. Its connection lives in one thread of its own, so that the loop never waits for a disk."""

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: FileLock | None, *, created: bool) -> None:
        self.path = path.absolute()
        self.created = created
        self._connection = connection
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._transaction: Transaction = SqlTransaction(_Driver(connection))

    @classmethod
    def open(cls, path: Path, *, exclusive: bool = True) -> SqliteStore:
        """Open the state. StateLocked, StateTooNew or StateUnreachable say why it cannot be opened.

        ``exclusive``: take the right to poll and send, create or migrate the state, and void a dead owner's claims.
        Without it nothing is changed by opening: another process may be at work with the file.
        """
        lock = FileLock(path) if exclusive else None
        if lock:
            lock.acquire()
        try:
            created = ensure_schema(path) if exclusive else False
            if not exclusive:
                check_schema(path)
            connection = _connect(path, exclusive=exclusive)
        except BaseException:
            if lock:
                lock.release()
            raise
        return cls(connection, path, lock, created=created)

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction; it commits when ``work`` returns, and else nothing has happened.

        A caller that is cancelled does not stop it: it ends on its own, one way or the other.
        """
        # IMMEDIATE: a transaction that first reads and then wants to write cannot be refused halfway.
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, "BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which writes nothing, on one unchanging view."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, "BEGIN", work)

    def _run(self, begin: str, work: Callable[[Transaction], T]) -> T:
        try:
            self._connection.execute(begin)
            try:
                result = work(self._transaction)
                self._connection.execute("COMMIT")
            except BaseException:
                # Some errors, such as a full disk, have rolled back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except (sqlite3.Error, msgspec.DecodeError) as error:  # a row that cannot be decoded has been damaged
            raise StateUnreachable(f"{self.path}: {error}") from error
        return result

    async def aclose(self) -> None:
        """Wait for the transaction under way, close the file, give up the lock."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=True)
        if self._lock:
            self._lock.release()


class _Driver:
    """One sqlite3 connection as the SQL operations want it."""

    json_list = "json_each"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def run(self, sql: str, **parameters: Any) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: list[dict[str, Any]]) -> int:
        return self._connection.executemany(sql, parameters).rowcount


def _connect(path: Path, *, exclusive: bool) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StateUnreachable(f"{path}: {error}") from None
    try:
        # FULL: a commit that has returned survives the machine's power cut, and what it holds may be told.
        connection.execute("PRAGMA synchronous = FULL")
        if exclusive:
            connection.execute("PRAGMA journal_mode = WAL")
            _void_claims(connection)
    except sqlite3.Error as error:
        connection.close()
        raise StateUnreachable(f"{path}: {error}") from None
    return connection


def _void_claims(connection: sqlite3.Connection) -> None:
    """Whoever held claims is dead, since we hold the lock: resume at once, as if it had never claimed."""
    connection.execute("UPDATE sources SET lease_until = 0")
    connection.execute("UPDATE deliveries SET state = 'waiting', owner = NULL WHERE state = 'sending'")
