"""The state in one SQLite file: WAL, every commit on the disk, one process that polls or sends."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from monitor.errors import StateUnreachable
from monitor.store.base import Transaction
from monitor.store.delivery_rows import DeliveryRows
from monitor.store.driver import SqliteDriver
from monitor.store.ended_rows import EndedRows
from monitor.store.erasing_rows import ErasingRows
from monitor.store.fallback_rows import FallbackRows
from monitor.store.followed_rows import FollowedRows
from monitor.store.listing_rows import ListingRows
from monitor.store.lock import FileLock
from monitor.store.order_rows import OrderRows
from monitor.store.round_rows import RoundRows
from monitor.store.schema import check_schema, ensure_schema
from monitor.store.story_rows import StoryRows
from monitor.store.stuck_rows import StuckRows
from monitor.store.tally_rows import TallyRows
from monitor.store.vital_rows import ALIVE, VitalRows

T = TypeVar("T")

_TURN_S = 0.25
_BUSY_S = 30.0
"""How long a transaction waits for another process's, such as a `deliveries retry` beside the daemon."""


class SqlTransaction(
    ErasingRows,
    OrderRows,
    FollowedRows,
    StuckRows,
    DeliveryRows,
    FallbackRows,
    RoundRows,
    StoryRows,
    ListingRows,
    TallyRows,
    VitalRows,
    EndedRows,
):
    """All operations of ``Transaction``, in SQL."""


class SqliteStore:
    """A state that is open. Its connection lives in one thread of its own, so that the loop never waits for a disk."""

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: FileLock | None, *, created: bool) -> None:
        self.path = path.absolute()
        self.created = created
        self.failures = 0
        self._connection = connection
        self._lock = lock
        self._closing = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="state")
        self._transaction: Transaction = SqlTransaction(SqliteDriver(connection))

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
            self._begin(begin)
            try:
                result = work(self._transaction)
                self._connection.execute("COMMIT")
            except BaseException:
                # Some errors, such as a full disk, have rolled back already.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        # A row that cannot be decoded has been damaged; text or a number can be such that no column takes it.
        except (sqlite3.Error, msgspec.DecodeError, UnicodeError, OverflowError) as error:
            self.failures += 1
            raise StateUnreachable(f"{self.path}: {error}") from error
        return result

    def _begin(self, begin: str) -> None:
        """Wait in short turns while another process writes: whoever closes the state must not wait for all of it."""
        patience = time.monotonic() + _BUSY_S
        while True:
            try:
                self._connection.execute(begin)
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or self._closing or time.monotonic() >= patience:
                    raise
            else:
                return

    async def wipe(self, *, anew: bool = True) -> bool:
        """Leave no bytes in the files of what was deleted; False if others have been at work there all the while.

        ``anew``: the file is written anew, for a row that has moved leaves bytes behind that nothing overwrites. Nobody
        else can write meanwhile: about 25 s for each GB. Without it, only the log is emptied.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._wipe, anew)

    def _wipe(self, anew: bool) -> bool:
        try:
            return (not anew or self._insist("VACUUM")) and self._insist("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise StateUnreachable(f"{self.path}: {error}") from error

    def _insist(self, sql: str) -> bool:
        """Do this, which needs the file alone; False if it could not be had."""
        patience = time.monotonic() + _BUSY_S
        while not self._closing and time.monotonic() < patience:
            try:
                row = self._connection.execute(sql).fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            else:
                if row is None or not row[0]:
                    return True
            time.sleep(_TURN_S / 10)
        return False

    async def aclose(self) -> None:
        """Wait for the transaction under way, but for no other process; close the file, give up the lock."""
        self._closing = True
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=True)
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
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
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
        connection.execute(f"PRAGMA busy_timeout = {int(_TURN_S * 1000)}")
    except sqlite3.Error as error:
        connection.close()
        raise StateUnreachable(f"{path}: {error}") from None
    return connection


def _void_claims(connection: sqlite3.Connection) -> None:
    """Whoever held claims is dead, since we hold the lock: resume at once, as if it had never claimed."""
    connection.execute("UPDATE sources SET lease_until = 0")
    connection.execute("UPDATE deliveries SET state = 'waiting', owner = NULL WHERE state = 'sending'")
    connection.execute("DELETE FROM schedules WHERE name = :alive", {"alive": ALIVE})
