"""The signs of life in a state, read with next to no imports: a health check runs every half minute."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec

from monitor.errors import StateUnreachable
from monitor.store.address import SQLITE, is_shared
from monitor.store.driver import SqliteDriver
from monitor.store.schema import check_schema
from monitor.store.vital_rows import VitalRows
from monitor.store.vitals import Signs


def glimpse_of(state: str, now: datetime, patience_s: float) -> Signs:
    """What the state at this URL says of its daemons; StateError if it cannot be read."""
    if is_shared(state):
        from monitor.store.postgres_glimpse import glimpse as shared_glimpse  # noqa: PLC0415  # only where it is used

        return shared_glimpse(state, now, patience_s)
    return glimpse(Path(state.removeprefix(SQLITE)), now, patience_s)


def glimpse(path: Path, now: datetime, patience_s: float) -> Signs:
    """What the state at ``path`` says of its daemon; StateError if it cannot be read."""
    if not path.exists():
        raise StateUnreachable(f"{path}: there is no state yet; `order-monitor run` or `poll` makes it")
    check_schema(path)
    try:
        with closing(sqlite3.connect(path, timeout=patience_s, isolation_level=None)) as connection:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("BEGIN")
            return VitalRows(SqliteDriver(connection)).signs(now)
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise StateUnreachable(f"{path}: {error}") from None
