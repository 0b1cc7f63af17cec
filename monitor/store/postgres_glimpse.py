"""The signs of life in a PostgreSQL state, for a health check."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg

from monitor.errors import StateUnreachable
from monitor.store.postgres_driver import PostgresDriver
from monitor.store.postgres_schema import check_schema_in
from monitor.store.postgres_session import connect, said
from monitor.store.sql import from_us
from monitor.store.vital_rows import VitalRows
from monitor.store.vitals import Signs

_APART = timedelta(seconds=2)
"""Less between two clocks is no difference."""


def glimpse(url: str, now: datetime, patience_s: float) -> Signs:
    """What the state says of its daemons; StateError if it cannot be read."""
    with closing(connect(url)) as connection:
        connection.patience_s = patience_s
        try:
            check_schema_in(connection)
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            driver = PostgresDriver(connection)
            ahead = _ahead(driver)
            return msgspec.structs.replace(VitalRows(driver).signs(now + ahead), ahead=ahead)
        except (psycopg.Error, msgspec.DecodeError) as error:
            raise StateUnreachable(f"PostgreSQL: {said(error)}") from None


def _ahead(driver: PostgresDriver) -> timedelta:
    """Daemons time what they write by the database's clock."""
    ahead = from_us(driver.now_us()) - datetime.now(UTC)
    return ahead if abs(ahead) > _APART else timedelta(0)
