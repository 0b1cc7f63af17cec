"""The state in one SQLite file: WAL, every commit on the disk, one process that polls or sends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from monitor.errors import StateUnreachable
from monitor.store.base import Transaction
from monitor.store.driver import SqliteDriver
from monitor.store.lock import FileLock
from monitor.store.schema import check_schema, ensure_schema
from monitor.store.sqlite_session import BUSY_S, TURN_S, SqliteSession
from monitor.store.transaction import SqlTransaction
from monitor.store.vital_rows import ALIVE
from monitor.store.worker import Worker

T = TypeVar("T")


class SqliteStore:
    """A state that is open. Its connection lives in one thread of its own, so that the loop never waits for a disk."""

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: FileLock | None, *, created: bool) -> None:
        self.path = path.absolute()
        self.created = created
        self._lock = lock
        self._session = SqliteSession(connection, self.path)
        self._worker = Worker(self._session)

    @property
    def failures(self) -> int:
        """How often it could not be used."""
        return self._session.failures

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
        """Run ``work`` in a transaction; when this returns it is committed, and else nothing of it has happened.

        A caller that is cancelled does not stop it: it ends on its own, one way or the other.
        """
        return await self._worker.run(work, write=True)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which writes nothing, on one unchanging view."""
        return await self._worker.run(work, write=False)

    async def wipe(self, *, anew: bool = True) -> bool:
        """Leave no bytes in the files of what was deleted; False if others have been at work there all the while.

        ``anew``: the file is written anew, for a row that has moved leaves bytes behind that nothing overwrites. Nobody
        else can write meanwhile: about 25 s for each GB. Without it, only the log is emptied.
        """
        return await self._worker.call(partial(self._session.wipe, anew=anew))

    async def aclose(self) -> None:
        """Wait for the transaction under way, but for no other process; close the file, give up the lock."""
        self._session.closing = True
        await self._worker.aclose()
        if self._lock:
            self._lock.release()


@contextmanager
def scratch() -> Iterator[Transaction]:
    """A transaction on an empty state that nobody else sees, and of which nothing is left."""
    with TemporaryDirectory(prefix="order-monitor-") as folder:
        path = Path(folder) / "scratch.db"
        ensure_schema(path)
        connection = _connect(path, exclusive=True)
        try:
            connection.execute("BEGIN")
            yield SqlTransaction(SqliteDriver(connection))
        except sqlite3.Error as error:
            raise StateUnreachable(f"{path}: {error}") from error
        finally:
            connection.close()


def _connect(path: Path, *, exclusive: bool) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StateUnreachable(f"{path}: {error}") from None
    try:
        # FULL: a commit that has returned survives the machine's power cut, and what it holds may be told.
        connection.execute("PRAGMA synchronous = FULL")
        # What is deleted is overwritten at once, as Debian's SQLite does by itself; ``wipe`` sees to the rest.
        connection.execute("PRAGMA secure_delete = ON")
        if exclusive:
            connection.execute("PRAGMA journal_mode = WAL")
            _void_claims(connection)
        connection.execute(f"PRAGMA busy_timeout = {int(TURN_S * 1000)}")
    except sqlite3.Error as error:
        connection.close()
        raise StateUnreachable(f"{path}: {error}") from None
    return connection


def _void_claims(connection: sqlite3.Connection) -> None:
    """Whoever held claims is dead, since we hold the lock: resume at once, as if it had never claimed."""
    connection.execute("UPDATE sources SET lease_until = 0")
    connection.execute("UPDATE deliveries SET state = 'waiting', owner = NULL WHERE state = 'sending'")
    connection.execute("DELETE FROM schedules WHERE name = :alive", {"alive": ALIVE})
