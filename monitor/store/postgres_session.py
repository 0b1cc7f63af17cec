"""A connection to PostgreSQL, as the worker of a state uses it: noticed when it is lost, and made again."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import psycopg
from psycopg.abc import RV, PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import DeadlockDetected, InFailedSqlTransaction, ReadOnlySqlTransaction, SerializationFailure
from psycopg.pq import TransactionStatus

from monitor.errors import StateUnreachable
from monitor.store.address import fault, passwords
from monitor.store.postgres_driver import PostgresDriver

if TYPE_CHECKING:
    from monitor.store.base import Transaction

BEGIN_S = 10.0
"""A database that does not even begin a transaction for so long has gone away, or hangs."""
IDLE_S = 8.0
"""A transaction that asks nothing for so long is ended by the database: whoever began it was stopped, and what it has
locked others need. Less than a lease."""
LOCK_S = 12.0
"""How long another daemon's transaction is waited for: longer than one of those."""
STATEMENT_S = 30.0
PATIENCE_S = STATEMENT_S + 10.0
"""How long the answer to a statement is waited for, be the database too ill to end it by itself."""
_NETWORK: dict[str, str | int] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "client_encoding": "utf8",
    "fallback_application_name": "order-monitor",
}
"""So that a network that swallows everything is noticed after about ten seconds."""
_ERASED_FROM = "orders, sources, events, deliveries, delivery_events, attempts, silences, stuck"
_LIMITS = "SET lock_timeout = {}; SET statement_timeout = {}; SET idle_in_transaction_session_timeout = {}"


class NoAnswer(psycopg.OperationalError):
    """The database hangs, or the network on the way to it."""


class Connection(psycopg.Connection):
    """A connection that waits for no answer longer than ``patience_s`` (None: for ever); then it is closed."""

    patience_s: float | None = PATIENCE_S

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience_s)
        except psycopg.errors._WaitTimeout:
            self.close()
            raise NoAnswer(f"no answer for {self.patience_s:g} s") from None


class PostgresSession:
    """Begins and ends transactions."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.failures = 0
        self._url = url
        self._connection = connection
        self._given_up = False
        self._marked = False

    def begin(self, *, write: bool) -> Transaction:
        begin = "BEGIN" if write else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        try:
            self._begin(begin)
        except NoAnswer:
            raise
        except psycopg.OperationalError:
            # Lost while nothing was asked, as when the server was restarted: nothing has been done in it.
            self._connection.close()
            self._begin(begin)
        self._marked = False
        # Half a second of imports that a health check, which connects, does not pay for.
        from monitor.store.transaction import SqlTransaction  # noqa: PLC0415  # see above

        return SqlTransaction(PostgresDriver(self._connection))

    def _begin(self, begin: str) -> None:
        if self._connection.info.transaction_status is not TransactionStatus.IDLE:
            self._connection.close()
            if self._given_up:
                raise StateUnreachable("PostgreSQL: no answer, and the state is being closed")
            self._connection = connect(self._url)
        self._connection.patience_s = BEGIN_S
        self._connection.execute(begin.encode())
        self._connection.patience_s = PATIENCE_S

    def mark(self) -> None:
        self._connection.execute("RELEASE work; SAVEPOINT work" if self._marked else "SAVEPOINT work")
        self._marked = True

    def keep(self) -> None:
        # After an error that somebody has passed over, PostgreSQL forgets all that was done: and says so to nobody.
        if self._connection.info.transaction_status is TransactionStatus.INERROR:
            raise InFailedSqlTransaction("an error was passed over within the transaction")

    def undo(self) -> bool:
        if self._connection.closed:
            return False
        self._connection.execute("ROLLBACK TO work")
        return True

    def commit(self) -> None:
        self.keep()
        self._connection.execute("COMMIT")

    def rollback(self) -> None:
        try:
            if not self._connection.closed:
                self._connection.execute("ROLLBACK")
        except psycopg.Error:
            self._connection.close()

    def mapped(self, error: BaseException) -> BaseException:
        if isinstance(error, StateUnreachable):  # there is no connection
            self.failures += 1
            return StateUnreachable(str(error))
        # A row that cannot be decoded has been damaged; text or a number can be such that no column takes it.
        if not isinstance(error, psycopg.Error | msgspec.DecodeError | UnicodeError | OverflowError):
            return error
        self.failures += 1
        if isinstance(error, ReadOnlySqlTransaction):  # another server has taken over: the next connection finds it
            self._connection.close()
        unreachable = StateUnreachable(f"PostgreSQL: {said(error)}")
        unreachable.__cause__ = error
        return unreachable

    def may_pass(self, error: BaseException) -> bool:
        return isinstance(error, DeadlockDetected | SerializationFailure)

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()

    def give_up(self) -> None:
        """End what is under way, from another thread: it fails. No connection is made any more."""
        self._given_up = True
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as way:
            way.shutdown(socket.SHUT_RDWR)

    def wipe(self) -> bool:
        """Let the space of what was deleted be used again, now rather than some time soon."""
        try:
            self._begin("SET statement_timeout = 0")
            self._connection.patience_s = None
            self._connection.execute(f"VACUUM {_ERASED_FROM}".encode())
        except psycopg.Error as error:
            raise self.mapped(error) from error
        finally:
            self._connection.close()  # with its settings
        return True


def connect(url: str) -> Connection:
    """A connection that begins and ends its transactions by statements of ours. StateUnreachable says why not."""
    try:
        connection = Connection.connect(_complete(url), autocommit=True, cursor_factory=psycopg.ClientCursor)
    except psycopg.Error as error:
        raise StateUnreachable(f"PostgreSQL: {_without_password(said(error), url)}") from None
    try:
        connection.execute(_LIMITS.format(*(round(one * 1000) for one in (LOCK_S, STATEMENT_S, IDLE_S))).encode())
    except psycopg.Error as error:
        connection.close()
        raise StateUnreachable(f"PostgreSQL: {said(error)}") from None
    return connection


def _complete(url: str) -> str:
    """The address with what it does not say itself."""
    if wrong := fault(url):
        raise StateUnreachable(f"PostgreSQL: the address in `state` {wrong}")
    return make_conninfo(url, **{key: value for key, value in _NETWORK.items() if key not in conninfo_to_dict(url)})


def said(error: BaseException) -> str:
    """The first line of what the server or the driver says; later ones may hold a query's values."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _without_password(text: str, url: str) -> str:
    for password in passwords(url):
        text = text.replace(password, "…")
    return text
