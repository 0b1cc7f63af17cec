"""A connection to SQLite, as the worker of a state uses it."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from monitor.errors import StateUnreachable
from monitor.store.base import Transaction
from monitor.store.driver import SqliteDriver
from monitor.store.transaction import SqlTransaction

TURN_S = 0.25
BUSY_S = 30.0
"""How long a transaction waits for another process's, such as a `deliveries retry` beside the daemon."""


class SqliteSession:
    """Begins and ends transactions. ``closing`` is set when nothing is to be waited for any more."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.closing = False
        self.failures = 0
        self._path = path
        self._connection = connection
        self._marked = False
        self._transaction: Transaction = SqlTransaction(SqliteDriver(connection))

    def begin(self, *, write: bool) -> Transaction:
        """Wait in short turns while another process writes: whoever closes the state must not wait for all of it."""
        # IMMEDIATE: a transaction that first reads and then wants to write cannot be refused halfway.
        begin, patience = "BEGIN IMMEDIATE" if write else "BEGIN", time.monotonic() + BUSY_S
        while True:
            try:
                self._connection.execute(begin)
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or self.closing or time.monotonic() >= patience:
                    raise
            else:
                self._marked = False
                return self._transaction

    def mark(self) -> None:
        if self._marked:
            self._connection.execute("RELEASE work")
        self._connection.execute("SAVEPOINT work")
        self._marked = True

    def keep(self) -> None:
        if not self._connection.in_transaction:  # some errors, such as a full disk, have rolled back all of it
            raise sqlite3.OperationalError("the transaction was lost")

    def undo(self) -> bool:
        if not self._connection.in_transaction:
            return False
        self._connection.execute("ROLLBACK TO work")
        return True

    def commit(self) -> None:
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def mapped(self, error: BaseException) -> BaseException:
        # A row that cannot be decoded has been damaged; text or a number can be such that no column takes it.
        if not isinstance(error, sqlite3.Error | msgspec.DecodeError | UnicodeError | OverflowError):
            return error
        self.failures += 1
        unreachable = StateUnreachable(f"{self._path}: {error}")
        unreachable.__cause__ = error
        return unreachable

    def may_pass(self, error: BaseException) -> bool:
        return False  # one writes at a time

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()

    def wipe(self, *, anew: bool) -> bool:
        """Empty the log, and write the file ``anew``; False if others have been at work there all the while."""
        try:
            return (not anew or self._insist("VACUUM")) and self._insist("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self.mapped(error) from error

    def _insist(self, sql: str) -> bool:
        """Do this, which needs the file alone; False if it could not be had."""
        patience = time.monotonic() + BUSY_S
        while not self.closing and time.monotonic() < patience:
            try:
                row = self._connection.execute(sql).fetchone()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
            else:
                if row is None or not row[0]:
                    return True
            time.sleep(TURN_S / 10)
        return False
