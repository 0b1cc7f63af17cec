"""A connection to PostgreSQL as the operations want it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

import msgspec
import psycopg

CHANNEL = "order_monitor"
"""What is listened to for news of other processes."""
_FETCHED = 2000
"""Rows of a long query that are held at a time."""
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_VALUES = re.compile(r"\bVALUES\s*\((.*?)\)\s*(?=ON CONFLICT|$)", re.DOTALL)
_WHERE = re.compile(r"\sWHERE\s")


class PostgresDriver:
    """One connection inside a transaction; what it needs is the connection alone."""

    texts, numbers = "texts_in", "numbers_in"
    lock, lock_d, skip_locked_d = "FOR UPDATE", "FOR UPDATE OF d", "FOR UPDATE OF d SKIP LOCKED"

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._cursors = count(1)

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._execute(_spelled(sql), parameters).fetchall()

    def stream(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        # A cursor by name: others may be asked meanwhile, and the rows do not come all at once.
        name = f"rows_{next(self._cursors)}"
        self._execute(f"DECLARE {name} NO SCROLL CURSOR FOR ".encode() + _spelled(sql), parameters)
        while rows := self._connection.execute(f"FETCH {_FETCHED} FROM {name}").fetchall():
            yield from rows
        self._connection.execute(f"CLOSE {name}")

    def run(self, sql: str, **parameters: Any) -> int:
        return self._execute(_spelled(sql), parameters).rowcount

    def now_us(self, now: int | None = None) -> int:
        [(found,)] = self.rows("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint")
        return int(found)

    def lock_all(self, name: str) -> None:
        self.rows("SELECT pg_advisory_xact_lock(hashtext(:name))", name=name)

    def notify(self, topic: str) -> None:
        self.rows("SELECT pg_notify(:channel, :topic)", channel=CHANNEL, topic=topic)

    def run_many(self, sql: str, parameters: Sequence[dict[str, Any]]) -> int:
        if len(parameters) < 2:
            return sum(self.run(sql, **row) for row in parameters)
        # As one statement over rows that the server reads out of one JSON text: a round trip, not thousands.
        kinds = tuple((name, _kind_of(name, parameters)) for name in parameters[0])
        rows = msgspec.json.encode(
            [{f"_{name}": _storable(value) for name, value in row.items()} for row in parameters]
        )
        return self._connection.execute(_for_all(sql, kinds), {"rows": rows.decode()}).rowcount

    def _execute(self, sql: bytes, parameters: dict[str, Any]) -> psycopg.Cursor:
        return self._connection.execute(sql, {name: _storable(value) for name, value in parameters.items()})


def _storable(value: Any) -> Any:
    """A text of PostgreSQL cannot hold a NUL, which has no business in any: it stands there as what cannot be shown."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value


@lru_cache(maxsize=512)
def _spelled(sql: str) -> bytes:
    """With the parameters as psycopg spells them: ``:name`` is ``%(name)s``."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%")).encode()


def _kind_of(name: str, rows: Sequence[dict[str, Any]]) -> str:
    """Of which type a parameter is; empty if it is null in each of these rows."""
    value = next((row[name] for row in rows if row[name] is not None), None)
    return "" if value is None else "bigint" if isinstance(value, int) else "text"


@lru_cache(maxsize=64)
def _for_all(sql: str, kinds: tuple[tuple[str, str], ...]) -> bytes:
    """The statement over many rows, of parameters of these names and types, that does what it does for one."""
    types = dict(kinds)
    columns = ", ".join(f"_{name} {kind or 'text'}" for name, kind in kinds)
    rows = f"json_to_recordset(%(rows)s) AS many({columns})"
    stated = _PARAMETER.sub(lambda found: f"many._{found[1]}" if types[found[1]] else "NULL", sql.replace("%", "%%"))
    if _VALUES.search(stated):
        return _VALUES.sub(rf"SELECT \1 FROM {rows} ", stated.strip()).encode()  # noqa: S608  # names of the code's own
    beside = "FROM" if stated.lstrip().startswith("UPDATE") else "USING"
    return _WHERE.sub(f" {beside} {rows} WHERE ", stated, count=1).encode()
