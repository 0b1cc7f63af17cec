"""Moves a SQLite state into an empty PostgreSQL database: all of it in one transaction, read back and compared.

Before the first row a mark is committed there, on which no daemon starts; it goes with the transaction that brings the
rows. So a death at any instant leaves a database that says so, and the next attempt begins anew.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import xxhash
from psycopg import sql

from monitor.errors import StateLocked, StateUnreachable
from monitor.store.copies import explained
from monitor.store.lock import FileLock
from monitor.store.postgres_schema import MOVING, ensure_schema, patient
from monitor.store.postgres_session import said
from monitor.store.schema import check_schema
from monitor.store.vital_rows import ALIVE

Progress = Callable[[str, int, int], object]
"""Called with a table's name, how many of its rows are moved, and how many there are."""

_LOCK = 0x6D6F7665  # "move"
_NOT_MOVED = ("alembic_version", "leases")
_AS_AT_A_START = {
    ("sources", "lease_until"): "0",
    ("deliveries", "owner"): "CASE WHEN state = 'sending' THEN NULL ELSE owner END",
    ("deliveries", "state"): "CASE WHEN state = 'sending' THEN 'waiting' ELSE state END",
}
"""What a dead daemon had claimed is free, as where one starts on the file."""
_WITHOUT = {"schedules": f"WHERE name <> '{ALIVE}'"}
_AT_ONCE = 5000
_MODULUS = 1 << 128
_ODD = re.compile(r"[\0\b\t\n\v\f\r\\]")
_ESCAPES = {0: "\ufffd", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 92: "\\\\"}
"""As COPY writes them; a NUL, which no text of PostgreSQL can hold, becomes what the store makes of it."""


class Table(NamedTuple):
    """A table, its columns, and what is read for each of them."""

    name: str
    columns: tuple[str, ...]
    numbered: bool
    """Whether PostgreSQL gives its rows their ids."""

    @property
    def source(self) -> str:
        """The query for its rows."""
        read = ", ".join(_AS_AT_A_START.get((self.name, column), column) for column in self.columns)
        return f"SELECT {read} FROM {self.name} {_WITHOUT.get(self.name, '')}"  # noqa: S608  # names of our schema

    @property
    def names(self) -> sql.Composable:
        """Its columns for PostgreSQL."""
        return sql.SQL(", ").join(map(sql.Identifier, self.columns))


class Content(NamedTuple):
    """How many rows, and a sum over them that does not depend on their order."""

    rows: int
    sum: int


class Moved(NamedTuple):
    """How many rows each table has now; ``before``: an earlier call had moved them."""

    rows: dict[str, int]
    unsent: int
    before: bool


def move(file: Path, url: str, progress: Progress) -> Moved:
    """Move the state in ``file``, which stays as it is, to the database at ``url``. StateError says why not."""
    if not file.is_file():
        raise StateUnreachable(f"{file}: there is no such file")
    lock = FileLock(file)
    try:
        lock.acquire()
    except StateLocked as error:
        raise StateLocked(f"{error}: end it first") from None
    try:
        check_schema(file)
        with explained("cannot be read", file), _mapped(), closing(_opened(file)) as old, closing(patient(url)) as new:
            tables = _tables(old)
            unsent = _count(old, "deliveries WHERE state IN ('waiting', 'sending')")
            if not _mark(new, tables, file):
                return Moved(_compare(old, new, tables), unsent, before=True)
            ensure_schema(url, moving=True)
            rows = _fill(old, new, tables, progress)
            return Moved(rows, unsent, before=False)
    finally:
        lock.release()


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    return connection


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise StateUnreachable(f"PostgreSQL: {said(error)}") from None


def _tables(old: sqlite3.Connection) -> list[Table]:
    rows = old.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    found = [(name, text) for name, text in rows.fetchall() if name not in _NOT_MOVED]
    return [Table(name, tuple(_columns(old, name)), "WITHOUT ROWID" not in text) for name, text in found]


def _columns(old: sqlite3.Connection, table: str) -> Iterator[str]:
    return (column for _, column, *_ in old.execute(f"PRAGMA table_info({table})"))


def _count(old: sqlite3.Connection, what: str) -> int:
    return int(old.execute(f"SELECT COUNT(*) FROM {what}").fetchone()[0])  # noqa: S608  # names of our schema


# The mark


def _mark(new: psycopg.Connection, tables: Sequence[Table], file: Path) -> bool:
    """Take the database for this state; False if one stands there already."""
    _alone(new)
    if not _exists(new, MOVING):
        if _exists(new, "alembic_version") and any(_holds(new, name) for name in _all(tables)):
            return False
        new.execute(f"CREATE TABLE {MOVING} (origin TEXT, begun_at TIMESTAMPTZ DEFAULT now())".encode())
        new.execute(f"INSERT INTO {MOVING} (origin) VALUES (%s)".encode(), [str(file.absolute())])  # noqa: S608  # a constant
    new.commit()
    return True


def _alone(new: psycopg.Connection) -> None:
    [(alone,)] = new.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK]).fetchall()
    if not alone:
        raise StateLocked("PostgreSQL: another migrate-state is at work with this database")


def _exists(new: psycopg.Connection, name: str) -> bool:
    [(there,)] = new.execute("SELECT to_regclass(%s) IS NOT NULL", [name]).fetchall()
    return bool(there)


def _holds(new: psycopg.Connection, name: str) -> bool:
    query = sql.SQL("SELECT EXISTS (SELECT 1 FROM {})").format(sql.Identifier(name))
    return _exists(new, name) and bool(new.execute(query).fetchall()[0][0])


def _all(tables: Sequence[Table]) -> list[str]:
    return [*(table.name for table in tables), "leases"]


# The rows


def _fill(
    old: sqlite3.Connection, new: psycopg.Connection, tables: Sequence[Table], progress: Progress
) -> dict[str, int]:
    """All of it in one transaction, the mark's end with it."""
    _alone(new)
    if not _exists(new, MOVING):
        raise StateLocked("PostgreSQL: another migrate-state has just been at work here: run this one again")
    names = _all(tables)
    new.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_joined(names)))
    if any(_holds(new, name) for name in names):
        raise _other_state()
    indexes = _drop_indexes(new, names)
    written = {table: _write(old, new, table, progress) for table in tables}
    new.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for definition in indexes:
        new.execute(definition.encode())
    for table, content in written.items():
        if _read_back(new, table) != content:
            raise StateUnreachable(f"PostgreSQL: {table.name}: what was written is not what was read; nothing is moved")
        if table.numbered:
            _go_on_counting(old, new, table.name)
    new.execute(sql.SQL("ANALYZE {}").format(_joined(names)))
    new.execute(f"DROP TABLE {MOVING}".encode())
    new.commit()
    return {table.name: content.rows for table, content in written.items()}


def _joined(names: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _drop_indexes(new: psycopg.Connection, names: Sequence[str]) -> list[str]:
    """Without those that are no constraints, rows are written in half the time; what makes them again."""
    found = new.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [list(names)],
    ).fetchall()
    for name, _ in found:
        new.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in found]


def _write(old: sqlite3.Connection, new: psycopg.Connection, table: Table, progress: Progress) -> Content:
    total, rows, sum_ = _count(old, f"{table.name} {_WITHOUT.get(table.name, '')}"), 0, 0
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), table.names)
    with new.cursor() as cursor, cursor.copy(query) as copy:
        for lines in _lines(old, table):
            copy.write(b"".join(lines))
            rows += len(lines)
            sum_ += sum(map(xxhash.xxh3_128_intdigest, lines))
            progress(table.name, rows, total)
    return Content(rows, sum_ % _MODULUS)


def _lines(old: sqlite3.Connection, table: Table) -> Iterator[list[bytes]]:
    """The rows as COPY writes them, many at a time."""
    rows = iter(old.execute(table.source))
    while some := list(islice(rows, _AT_ONCE)):
        yield [("\t".join(map(_field, row)) + "\n").encode() for row in some]


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPES) if _ODD.search(value) else value
    return str(value)


def _read_back(new: psycopg.Connection, table: Table) -> Content:
    rows, sum_ = 0, 0
    query = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(table.name), table.names)
    with new.cursor() as cursor, cursor.copy(query) as copy:
        for line in copy:
            rows += 1
            sum_ += xxhash.xxh3_128_intdigest(line)
    return Content(rows, sum_ % _MODULUS)


def _go_on_counting(old: sqlite3.Connection, new: psycopg.Connection, table: str) -> None:
    """No id is given twice: not even one whose row is gone."""
    given = dict(old.execute("SELECT name, seq FROM sqlite_sequence").fetchall()).get(table, 0)
    highest = max(given, old.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()[0])  # noqa: S608  # as above
    if highest:
        new.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, highest])


def _compare(old: sqlite3.Connection, new: psycopg.Connection, tables: Sequence[Table]) -> dict[str, int]:
    """The rows of each table if they are what the file holds; StateUnreachable if it is another state."""
    if any(_read_back(new, table) != _sum(old, table) for table in tables):
        raise _other_state()
    return {table.name: _count(old, table.name) for table in tables}


def _sum(old: sqlite3.Connection, table: Table) -> Content:
    rows, sum_ = 0, 0
    for lines in _lines(old, table):
        rows += len(lines)
        sum_ += sum(map(xxhash.xxh3_128_intdigest, lines))
    return Content(rows, sum_ % _MODULUS)


def _other_state() -> StateUnreachable:
    return StateUnreachable("PostgreSQL: the database holds another state already: name one that is empty")
