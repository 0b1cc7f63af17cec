"""How a state file becomes one of this version, and which files are left alone."""

from __future__ import annotations

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from store_examples import T0, new, planned, save

from monitor.errors import StateTooNew, StateUnreachable
from monitor.store.schema import HEAD, MIGRATIONS, ensure_schema
from monitor.store.sqlite import SqliteStore

NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"


def upgrade():
    op.create_table("extra", sa.Column("name", sa.Text))
    op.execute("INSERT INTO extra SELECT name FROM sources")
    {then}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def newer(tmp_path: Path) -> Path:
    """The migrations of a later version, which adds a table."""
    return migrations_with(tmp_path / "newer", then="pass")


def migrations_with(folder: Path, then: str) -> Path:
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "9001_extra.py").write_text(NEXT.format(revision="9001", before=HEAD, then=then))
    return folder


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


def tables(path: Path) -> set[str]:
    return {row[0] for row in ask(path, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sql%'")}


def test_head_is_the_newest_migration_and_each_follows_the_one_before() -> None:
    files = sorted(file.stem for file in (MIGRATIONS / "versions").glob("*.py"))
    numbers = [name.split("_")[0] for name in files]
    assert numbers == [f"{n:04d}" for n in range(1, len(files) + 1)]
    assert numbers[-1] == HEAD
    for name, before in zip(files, ["None", *(f'"{n}"' for n in numbers)], strict=False):
        text = (MIGRATIONS / "versions" / f"{name}.py").read_text()
        assert re.search(rf'^revision = "{name.split("_")[0]}"$', text, re.M)
        assert re.search(rf"^down_revision = {before}$", text, re.M)


def test_a_new_file_is_made_and_said_to_be_new_once(path: Path) -> None:
    assert ensure_schema(path)
    assert not ensure_schema(path)
    assert ask(path, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert tables(path) >= {"sources", "orders", "events", "deliveries", "delivery_events", "attempts"}


async def test_a_store_says_whether_its_file_is_new(path: Path) -> None:
    for created in (True, False):
        store = SqliteStore.open(path)
        assert store.created is created
        assert store.path == path
        await store.aclose()


def test_an_empty_file_is_a_new_state(path: Path) -> None:
    """What `touch` or a mounted volume leaves there."""
    path.touch()
    assert ensure_schema(path)


@pytest.mark.parametrize("name", ["a b.db", "100%25.db", "what?.db", "#1.db", "ö.db", "a&b=c.db"])
def test_a_name_of_any_shape_is_the_file_that_it_says(tmp_path: Path, name: str) -> None:
    assert ensure_schema(tmp_path / name)
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert not ensure_schema(tmp_path / name)


def test_a_state_of_a_newer_version_is_refused_and_left_as_it_is(path: Path, newer: Path) -> None:
    ensure_schema(path, "9001", newer)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StateTooNew, match=rf"schema 9001; this one knows {HEAD}.*install that one"):
            ensure_schema(path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.glob("state*")] == ["state.db"]


def test_a_refused_state_leaves_no_lock_behind(path: Path, newer: Path) -> None:
    ensure_schema(path, "9001", newer)
    for _ in range(2):
        with pytest.raises(StateTooNew):
            SqliteStore.open(path)


async def test_an_older_state_is_brought_up_to_date_and_a_copy_is_kept(path: Path, newer: Path) -> None:
    store = SqliteStore.open(path)
    await store.transact(lambda tx: tx.claim("shop", "one", T0, 15))
    await store.transact(lambda tx: save(tx, [new()]))
    await planned(store, "88")
    await store.aclose()
    assert ensure_schema(path, "9001", newer) is False
    copy = path.with_name("state.db.before-9001")
    assert ask(path, "SELECT * FROM extra") == [("shop",)]
    assert "extra" not in tables(copy)
    assert ask(copy, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    for table in ("sources", "orders", "events", "deliveries"):
        assert ask(copy, f"SELECT * FROM {table}") == ask(path, f"SELECT * FROM {table}") != []


async def test_the_copy_holds_what_stood_in_the_journal_only(path: Path, newer: Path) -> None:
    """After a power cut the newest rows are in the -wal file: a plain copy of the file would lose them."""
    store = SqliteStore.open(path)
    await store.transact(lambda tx: save(tx, [new()]))
    assert path.with_name("state.db-wal").stat().st_size > 0
    ensure_schema(path, "9001", newer)
    assert ask(path.with_name("state.db.before-9001"), "SELECT id FROM orders") == [("88",)]
    await store.aclose()


@pytest.mark.parametrize("new_file", [True, False])
def test_a_migration_that_fails_halfway_leaves_the_state_as_it_was(tmp_path: Path, path: Path, new_file: bool) -> None:
    """Tables that were made before the failure would make every later start fail as well."""
    broken = migrations_with(tmp_path / "broken", then='op.execute("INSERT INTO nowhere VALUES (1)")')
    if not new_file:
        ensure_schema(path)
    before = tables(path)
    with pytest.raises(StateUnreachable, match="cannot be brought to schema 9001: no such table: nowhere"):
        ensure_schema(path, "9001", broken)
    assert tables(path) == before
    assert ensure_schema(path) is new_file


@pytest.mark.parametrize("content", [b"orders: []\n", b"\0" * 4096, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StateUnreachable, match=r"state\.db: "):
        SqliteStore.open(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_as_it_is(path: Path) -> None:
    ask(path, "CREATE TABLE orders (id)")
    before = path.read_bytes()
    with pytest.raises(StateUnreachable, match="not one of Order Monitor's: name another file in `state`"):
        SqliteStore.open(path)
    assert path.read_bytes() == before
    assert tables(path) == {"orders"}


@pytest.mark.parametrize("exclusive", [True, False])
def test_a_path_that_cannot_be_a_file_is_refused_in_words(tmp_path: Path, exclusive: bool) -> None:
    (tmp_path / "file").touch()
    for impossible in (tmp_path, tmp_path / "missing" / "state.db", tmp_path / "file" / "state.db"):
        with pytest.raises(StateUnreachable, match=re.escape(str(tmp_path))):
            SqliteStore.open(impossible, exclusive=exclusive)


def test_a_migration_that_has_no_room_for_its_copy_is_an_error_of_the_state(path: Path, newer: Path) -> None:
    ensure_schema(path)
    path.with_name("state.db.before-9001").mkdir()
    with pytest.raises(StateUnreachable, match=r"before-9001"):
        ensure_schema(path, "9001", newer)
    assert "extra" not in tables(path)
