"""Brings a PostgreSQL state to this version's schema; one daemon at a time, whichever comes first."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg

from monitor.errors import StateTooNew, StateUnreachable
from monitor.store.postgres_session import connect, said
from monitor.store.schema import HEAD, MIGRATIONS

MOVING = "state_being_moved"
"""The table that stands here from before the first row of a state that is moved here until after the last."""
_LOCK = 0x6F72646572  # "order": the advisory lock that daemons take which start together


def ensure_schema(url: str, head: str = HEAD, migrations: Path = MIGRATIONS, *, moving: bool = False) -> bool:
    """Create or migrate the state; whether it is a new one. StateTooNew if a newer version wrote it.

    ``moving``: for whoever moves a state here; all others are refused until that is done.
    """
    version = version_of(url, moving=moving)
    if version == head:
        return False
    _refuse_newer(version, head, migrations)
    return _migrate(url, head, migrations)


def check_schema(url: str) -> None:
    """StateError unless the state has this version's schema. Changes nothing."""
    with closing(connect(url)) as connection:
        check_schema_in(connection)


def check_schema_in(connection: psycopg.Connection, head: str = HEAD, migrations: Path = MIGRATIONS) -> None:
    """The same, on a connection that is open."""
    version = _version(connection)
    _refuse_newer(version, head, migrations)
    if version is None:
        raise StateUnreachable("PostgreSQL: there is no state yet; `order-monitor run` or `poll` makes it")
    if version != head:
        raise StateUnreachable(
            "PostgreSQL: the state is not of this version yet: `order-monitor run` or `poll` brings it up to date"
        )


def version_of(url: str, *, moving: bool = False) -> str | None:
    """The schema's version; None where there is none yet. StateUnreachable if the database is not fit for a state."""
    with closing(connect(url)) as connection:
        return _version(connection, moving=moving)


def _version(connection: psycopg.Connection, *, moving: bool = False) -> str | None:
    try:
        [(encoding, ours, half)] = connection.execute(
            "SELECT current_setting('server_encoding'), to_regclass('alembic_version') IS NOT NULL,"
            f" to_regclass('{MOVING}') IS NOT NULL".encode()
        ).fetchall()
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if ours else None
    except psycopg.Error as error:
        raise StateUnreachable(f"PostgreSQL: {said(error)}") from None
    if half and not moving:
        raise StateUnreachable(
            "PostgreSQL: a state is being moved here by `order-monitor migrate-state`: wait for its end; if it was"
            f" broken off, run it again, or give that up with DROP TABLE {MOVING}"
        )
    if encoding != "UTF8":
        raise StateUnreachable(
            f"PostgreSQL: the database's encoding is {encoding}, which holds not every text: create it anew,"
            " with ENCODING 'UTF8' TEMPLATE template0"
        )
    return str(row[0]) if row else None


def _refuse_newer(version: str | None, head: str, migrations: Path) -> None:
    if version is not None and not any((migrations / "versions").glob(f"{version}_*.py")):
        raise StateTooNew(
            f"PostgreSQL: written by a newer Order Monitor (schema {version}; this one knows {head}): install that one"
        )


def _migrate(url: str, head: str, migrations: Path) -> bool:
    """Whether the state is a new one: of daemons that start together, for the first alone."""
    # Half a second of imports that a start with an up-to-date state does not pay for.
    from alembic import command  # noqa: PLC0415  # see above
    from alembic.config import Config  # noqa: PLC0415  # see above
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415  # see above
    from sqlalchemy import create_engine, pool, text  # noqa: PLC0415  # see above
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # see above

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    engine = create_engine("postgresql+psycopg://", poolclass=pool.NullPool, creator=lambda: patient(url))
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            is_new = MigrationContext.configure(connection).get_current_revision() is None
            config.attributes["connection"] = connection
            command.upgrade(config, head)
    except (SQLAlchemyError, psycopg.Error) as error:
        raise StateUnreachable(f"PostgreSQL: cannot be brought to schema {head}: {_cause(error)}") from None
    finally:
        engine.dispose()
    return is_new


def patient(url: str) -> psycopg.Connection:
    """As SQLAlchemy wants it. A migration may take as long as it takes, and waits for another's."""
    connection = connect(url)
    for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(f"SET {name} = 0".encode())
    connection.patience_s = None
    connection.cursor_factory = psycopg.Cursor
    connection.autocommit = False
    return connection


def _cause(error: BaseException) -> str:
    return said(error.__cause__ or error)
