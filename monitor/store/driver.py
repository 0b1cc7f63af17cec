"""A connection to SQLite as the operations want it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from typing import Any


class SqliteDriver:
    """One sqlite3 connection as the SQL operations want it."""

    texts = numbers = "json_each"
    lock = lock_d = skip_locked_d = ""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, parameters).fetchall()

    def stream(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        # The cursor itself: a generator that is left behind would step into a connection that may be closed by then.
        return self._connection.execute(sql, parameters)

    def run(self, sql: str, **parameters: Any) -> int:
        return self._connection.execute(sql, parameters).rowcount

    def now_us(self, now: int | None = None) -> int:
        return time.time_ns() // 1000 if now is None else now

    def lock_all(self, name: str) -> None:
        return

    def notify(self, topic: str) -> None:
        return

    def run_many(self, sql: str, parameters: list[dict[str, Any]]) -> int:
        return self._connection.executemany(sql, parameters).rowcount
