"""A connection to SQLite as the operations want it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any


class SqliteDriver:
    """One sqlite3 connection as the SQL operations want it."""

    json_list = "json_each"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        yield from self._connection.execute(sql, parameters)

    def run(self, sql: str, **parameters: Any) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, parameters: list[dict[str, Any]]) -> int:
        return self._connection.executemany(sql, parameters).rowcount
