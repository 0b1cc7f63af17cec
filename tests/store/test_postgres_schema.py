"""A PostgreSQL state is made and brought up to date by whichever daemon comes first, and never by a version too old."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from postgres_server import database

from monitor.errors import StateTooNew, StateUnreachable
from monitor.store.postgres import PostgresStore
from monitor.store.postgres_schema import check_schema, ensure_schema, version_of
from monitor.store.schema import HEAD, MIGRATIONS


@pytest.fixture
def url() -> Iterator[str]:
    with database(empty=True) as made:
        yield made


def shape(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All that the database has of ours."""
    asked = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, collation_name, is_identity, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
        "functions": "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    }
    with psycopg.connect(url) as connection:
        return {what: connection.execute(sql.encode()).fetchall() for what, sql in asked.items()}


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations, and one more."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    for file in (MIGRATIONS / "versions").glob("*.py"):
        (folder / "versions" / file.name).write_text(file.read_text())
    (folder / "versions" / "9001_extra.py").write_text(
        f"revision, down_revision = '9001', '{HEAD}'\n"
        "from alembic import op\n"
        "import sqlalchemy as sa\n"
        "def upgrade():\n"
        "    op.create_table('extra', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    op.execute('SELECT pg_sleep(0.2)')\n"
        "def downgrade():\n"
        "    op.drop_table('extra')\n"
    )
    return folder


def test_a_new_state_is_made_and_said_to_be_new_once(url: str) -> None:
    assert version_of(url) is None
    assert ensure_schema(url)
    assert version_of(url) == HEAD
    assert not ensure_schema(url)
    check_schema(url)


def test_of_daemons_that_start_together_one_makes_the_state_and_all_go_on(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(ensure_schema, [url] * 6)) == [False] * 5 + [True]
    check_schema(url)


def test_of_daemons_that_update_together_one_migrates_and_all_go_on(url: str, newer: Path) -> None:
    ensure_schema(url)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: ensure_schema(url, "9001", newer), range(4))) == [False] * 4
    assert version_of(url) == "9001"


def test_a_state_of_a_newer_version_is_refused_and_stays_as_it_is(url: str, newer: Path) -> None:
    ensure_schema(url)
    ensure_schema(url, "9001", newer)
    before = shape(url)
    for exclusive in (True, False):
        with pytest.raises(StateTooNew, match=r"newer Order Monitor \(schema 9001"):
            PostgresStore.open(url, exclusive=exclusive)
    assert shape(url) == before


def test_an_older_state_is_only_looked_at_once_somebody_has_brought_it_up_to_date(url: str) -> None:
    with pytest.raises(StateUnreachable, match="there is no state yet"):
        PostgresStore.open(url, exclusive=False)
    assert shape(url)["columns"] == []


def test_what_a_migration_does_can_be_undone_and_done_again(url: str) -> None:
    """All of it, the functions too."""
    ensure_schema(url)
    before = shape(url)
    _run(url, "downgrade", "base")
    left = shape(url)
    assert {row[0] for row in left["columns"]} == {"alembic_version"}
    assert left["functions"] == []
    assert ensure_schema(url)
    assert shape(url) == before


def test_a_migration_that_fails_leaves_nothing_half_done(url: str, newer: Path) -> None:
    ensure_schema(url)
    before = shape(url)
    broken = newer / "versions" / "9001_extra.py"
    broken.write_text(broken.read_text().replace("SELECT pg_sleep(0.2)", "SELECT nonsense"))
    with pytest.raises(StateUnreachable, match=r"cannot be brought to schema 9001: .*nonsense"):
        ensure_schema(url, "9001", newer)
    assert shape(url) == before
    assert version_of(url) == HEAD


def test_both_kinds_of_state_have_the_same_tables_columns_and_indexes(url: str, tmp_path: Path) -> None:
    import sqlite3
    from contextlib import closing

    from monitor.store.schema import ensure_schema as ensure_sqlite

    ensure_schema(url)
    ensure_sqlite(tmp_path / "state.db")
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        tables = [
            name
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
        ]
        columns = {
            (table, row[1], bool(row[3] or row[5]))
            for table in tables
            for row in connection.execute(f"PRAGMA table_info({table})")
        }
        indexes = {
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        }
    ours = shape(url)
    assert {(row[0], row[1], row[3] == "NO") for row in ours["columns"]} == columns
    with psycopg.connect(url) as there:
        made = {name for (name,) in there.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
    assert {name for name in made if not name.endswith(("_pkey", "_pkc", "_key"))} == indexes
    texts = [row for row in ours["columns"] if row[2] == "text"]
    assert {row[4] for row in texts} == {"C"}, "compared as SQLite and Python do"


def _run(url: str, *command: str) -> None:
    """Alembic, as a developer would: no command of ours goes back."""
    code = (
        "import sys; from alembic import command; from alembic.config import Config\n"
        "from sqlalchemy import create_engine, pool; import psycopg\n"
        "config = Config(); config.set_main_option('script_location', sys.argv[1])\n"
        "engine = create_engine('postgresql+psycopg://', poolclass=pool.NullPool,"
        " creator=lambda: psycopg.connect(sys.argv[2]))\n"
        "with engine.begin() as connection:\n"
        "    config.attributes['connection'] = connection\n"
        "    getattr(command, sys.argv[3])(config, sys.argv[4])\n"
    )
    subprocess.run([sys.executable, "-c", code, str(MIGRATIONS), url, *command], check=True)
