"""Brings a SQLite state to this version's schema. Alembic is imported only where there is something to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from monitor.errors import StateTooNew, StateUnreachable

HEAD = "0001"
"""The newest migration; a test compares it with the folder."""
MIGRATIONS = Path(__file__).parent / "migrations"


def ensure_schema(path: Path, head: str = HEAD, migrations: Path = MIGRATIONS) -> bool:
    """Create or migrate the state at ``path``; whether it is a new one.

    Before a migration a copy is kept beside it, as ``NAME.before-VERSION``. StateTooNew if a newer version wrote it.
    """
    version = version_of(path)
    if version == head:
        return False
    if version is not None:
        refuse_newer(path, version, head, migrations)
        _keep_copy(path, path.with_name(f"{path.name}.before-{head}"))
    _migrate(path, head, migrations)
    return version is None


def check_schema(path: Path, head: str = HEAD, migrations: Path = MIGRATIONS) -> None:
    """StateError unless the state at ``path`` has this version's schema. Changes nothing."""
    version = version_of(path)
    if version is not None:
        refuse_newer(path, version, head, migrations)
    if version != head:
        raise StateUnreachable(
            f"{path}: is not of this version yet: `order-monitor run` or `poll` brings it up to date"
        )


def refuse_newer(path: Path, version: str, head: str = HEAD, migrations: Path = MIGRATIONS) -> None:
    """StateTooNew if a newer version wrote it."""
    if not any((migrations / "versions").glob(f"{version}_*.py")):
        raise StateTooNew(
            f"{path}: written by a newer Order Monitor (schema {version}; this one knows {head}): install that one"
        )


def version_of(path: Path) -> str | None:
    """The schema's version, None for a state that does not exist yet; StateUnreachable if it is none of ours."""
    if not _holds_anything(path):
        return None
    with _opened(path) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return None
        if "alembic_version" not in tables:
            raise StateUnreachable(
                f"{path}: is a database, but not one of Order Monitor's: name another file in `state`"
            )
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None


def _holds_anything(path: Path) -> bool:
    try:
        return path.exists() and path.stat().st_size > 0
    except OSError as error:
        raise StateUnreachable(f"{path}: {error.strerror}") from None


def _keep_copy(path: Path, copy: Path) -> None:
    with _opened(path) as source, _opened(copy) as target:
        source.backup(target)


class _opened:  # noqa: N801  # used as a function
    """A connection that is closed at the end, sqlite3's errors mapped."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection = sqlite3.connect(self._path)
        except sqlite3.Error as error:
            raise StateUnreachable(f"{self._path}: {error}") from None
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise StateUnreachable(f"{self._path}: {error}") from None


def _migrate(path: Path, head: str, migrations: Path) -> None:
    # Half a second of imports that a start with an up-to-date state does not pay for.
    from alembic import command  # noqa: PLC0415  # see above
    from alembic.config import Config  # noqa: PLC0415  # see above
    from sqlalchemy import URL, create_engine, event, pool  # noqa: PLC0415  # see above
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415  # see above

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, poolclass=pool.NullPool, connect_args={"isolation_level": None})
    # sqlite3 begins a transaction before INSERT, not before CREATE TABLE: a death halfway would leave half a schema.
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, head)
    except SQLAlchemyError as error:
        raise StateUnreachable(f"{path}: cannot be brought to schema {head}: {error.__cause__ or error}") from None
    finally:
        engine.dispose()
