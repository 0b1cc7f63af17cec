"""`migrate-state`: a SQLite state becomes a PostgreSQL one; and the daemon goes on from there."""

# ruff: noqa: ASYNC110, ASYNC240  # what other processes do is waited for; nothing else runs that would wait for a file

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from moved_states import ask, ask_postgres, go_on_with, listed, move
from postgres_server import database
from typed import Hook, Keyboard

from monitor.simulator.world import World
from monitor.store.address import shown
from monitor.store.lock import FileLock
from monitor.store.postgres_schema import MOVING


@pytest.fixture
def file(keyboard: Keyboard) -> Path:
    return keyboard.file.with_name("order-monitor.db")


@pytest.fixture
def target() -> Iterator[str]:
    with database(empty=True) as url:
        yield url


# What is moved


async def test_all_that_is_known_is_there_and_the_file_as_it_was(
    watched: World, keyboard: Keyboard, file: Path, target: str
) -> None:
    await keyboard.beside("silence", "add", "--source", "shop", "--for", "1h", "--reason", "made up")
    before, bytes_ = await listed(keyboard), hashlib.sha256(file.read_bytes()).digest()
    done = await move(keyboard, file, target)
    assert (done.code, done.err) == (0, "")
    assert "1 source, 61 orders, 3 events, 3 messages (0 to be sent); each table was read back" in done.out
    assert f"set `state: {shown(target)}`" in done.out
    assert hashlib.sha256(file.read_bytes()).digest() == bytes_
    go_on_with(keyboard, target)
    assert await listed(keyboard) == before
    assert all(before)


async def test_the_next_poll_announces_what_has_changed_meanwhile_and_nothing_old(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, target: str
) -> None:
    await move(keyboard, file, target)
    go_on_with(keyboard, target)
    watched.set_status(7, "fraud")
    done = await keyboard.beside("poll")
    assert (done.code, "this is the baseline" in done.out) == (0, False)
    assert len(hook.posted) == 4
    assert "pending" not in hook.titles[3]
    assert "state_new" not in done.err


async def test_no_number_is_given_twice(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, target: str
) -> None:
    """Not even one whose row is gone: a message's reference would be that of another."""
    ask(file, "DELETE FROM events WHERE id = 3")
    ask(file, "DELETE FROM delivery_events WHERE event_id = 3")
    ask(file, "DELETE FROM deliveries WHERE id = 3")
    highest = ask(file, "SELECT MAX(id) FROM attempts")[0][0]
    await move(keyboard, file, target)
    go_on_with(keyboard, target)
    watched.set_status(7, "fraud")
    await keyboard.beside("poll")
    assert ask_postgres(target, "SELECT id FROM events ORDER BY id") == [(1,), (2,), (4,)]
    assert ask_postgres(target, "SELECT id FROM deliveries ORDER BY id") == [(1,), (2,), (4,)]
    assert ask_postgres(target, "SELECT MAX(id) FROM attempts") == [(highest + 1,)]


async def test_what_a_dead_daemon_held_is_free(watched: World, keyboard: Keyboard, file: Path, target: str) -> None:
    ask(file, "UPDATE sources SET lease_until = 9000000000000000")
    ask(file, "UPDATE deliveries SET state = 'sending', owner = 'dead' WHERE id = 1")
    ask(file, "INSERT INTO schedules (name, seen_to) VALUES ('alive', 1), ('drill', 2)")
    ask(file, "INSERT INTO leases (name, owner, until) VALUES ('daemon dead', 'dead', 9000000000000000)")
    assert "3 messages (1 to be sent)" in (await move(keyboard, file, target)).out
    assert ask_postgres(target, "SELECT lease_until FROM sources") == [(0,)]
    assert ask_postgres(target, "SELECT state, owner FROM deliveries WHERE id = 1") == [("waiting", None)]
    assert ask_postgres(target, "SELECT name FROM schedules WHERE name IN ('alive', 'drill')") == [("drill",)]
    assert ask_postgres(target, "SELECT * FROM leases") == []


async def test_texts_arrive_whatever_is_in_them(watched: World, keyboard: Keyboard, file: Path, target: str) -> None:
    odd = "a\tb\\N\n\r\x08\x0b\x0c \\. 'q' \"d\" ünï 🛒 \u2028 {}"
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE deliveries SET body = ?, title = '' WHERE id = 1", (odd,))
        connection.execute("UPDATE deliveries SET body = ?, title = NULL WHERE id = 2", ("with a \0 NUL",))
    assert (await move(keyboard, file, target)).code == 0
    assert ask_postgres(target, "SELECT title, body FROM deliveries WHERE id <= 2 ORDER BY id") == [
        ("", odd),
        (None, "with a \ufffd NUL"),
    ]


async def test_indexes_and_constraints_are_those_of_a_state_that_was_made_there(
    watched: World, keyboard: Keyboard, file: Path, target: str
) -> None:
    await move(keyboard, file, target)
    query = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexname"
    with database() as made:
        assert ask_postgres(target, query) == ask_postgres(made, query)
    assert ask_postgres(target, f"SELECT to_regclass('{MOVING}')") == [(None,)]


# What is refused


async def test_it_refuses_while_a_daemon_has_the_file(
    watched: World, keyboard: Keyboard, file: Path, target: str
) -> None:
    lock = FileLock(file)
    lock.acquire()
    try:
        done = await move(keyboard, file, target)
    finally:
        lock.release()
    assert done.code == 1
    assert f"held by process {os.getpid()}" in done.err
    assert ask_postgres(target, "SELECT to_regclass('orders')") == [(None,)]


async def test_it_refuses_a_database_that_holds_another_state(
    watched: World, keyboard: Keyboard, file: Path, target: str
) -> None:
    await move(keyboard, file, target)
    again = await move(keyboard, file, target)
    assert (again.code, "was moved already" in again.out) == (0, True)
    watched.set_status(7, "fraud")
    await keyboard.beside("poll")  # on the file, which is another state from then on
    other = await move(keyboard, file, target)
    assert other.code == 1
    assert "holds another state already: name one that is empty" in other.err
    assert ask_postgres(target, "SELECT COUNT(*) FROM events") == [(3,)]


async def test_it_refuses_a_database_where_a_daemon_has_just_begun(
    watched: World, keyboard: Keyboard, file: Path
) -> None:
    with database() as target:
        ask_postgres(target, "INSERT INTO leases (name, owner, until) VALUES ('daemon x', 'x', 9000000000000000)")
        assert "holds another state already" in (await move(keyboard, file, target)).err


async def test_a_database_with_an_empty_state_will_do(watched: World, keyboard: Keyboard, file: Path) -> None:
    with database() as target:
        assert (await move(keyboard, file, target)).code == 0
        assert ask_postgres(target, "SELECT COUNT(*) FROM orders") == [(61,)]


def test_what_cannot_be_is_refused_with_the_reason(keyboard: Keyboard, tmp_path: Path, target: str) -> None:
    for from_, to, more, code, why in (
        ("none.db", target, (), 1, "there is no such file"),
        ("none.db", "sqlite:///x.db", (), 2, "TO: expected postgresql://user@host:port/database"),
        ("none.db", "postgresql://u:hunter22@h", (), 2, "TO: names no database"),
        (target, "sqlite:///x.db", (), 2, "FROM: expected a SQLite file: no state is moved from PostgreSQL"),
        ("none.db", target, ("--password-file", "none"), 2, "--password-file: cannot be read"),
        (str(tmp_path / "text.db"), target, (), 1, "file is not a database"),
    ):
        (tmp_path / "text.db").write_text("scribble " * 1000)
        done = keyboard.type("migrate-state", from_, to, *more, config=False)
        assert (done.code, done.out) == (code, "")
        assert why in done.err
        assert "hunter22" not in done.err
    assert ask_postgres(target, f"SELECT to_regclass('{MOVING}')") == [(None,)]


# The daemon, before and after


@asynccontextmanager
async def daemon(keyboard: Keyboard) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "run", "-c", str(keyboard.file), stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(hook: Hook, count: int) -> None:
    async with asyncio.timeout(60):
        while len(hook.posted) < count:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
async def test_a_daemon_goes_on_where_the_one_on_the_file_ended(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, target: str, end: signal.Signals
) -> None:
    """What was sent is not sent again, what waits is sent once, and what happened meanwhile is told once."""
    keyboard.file.write_text(keyboard.file.read_text().replace("down_after: 2", "down_after: 2, every: 1s"))
    async with daemon(keyboard) as process:
        watched.set_status(10, "fraud")
        await until(hook, 4)
        hook.status = 503
        watched.set_status(11, "fraud")
        watched.place(id=62)
        await until(hook, 6)
        process.send_signal(end)
        await process.wait()
    tried = len(hook.posted)
    watched.set_status(12, "fraud")
    done = await move(keyboard, file, target)
    assert "(2 to be sent)" in done.out, done.err
    go_on_with(keyboard, target)
    hook.status = 200
    async with daemon(keyboard) as process:
        await until(hook, tried + 3)
        watched.set_status(13, "fraud")
        await until(hook, tried + 4)
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    told = [title for number in (11, 62, 12, 13) for title in hook.titles[tried:] if f"{number:04d}" in title]
    assert len(told) == len(set(told)) == len(hook.posted) - tried == 4
    numbers = ask_postgres(target, "SELECT COUNT(*), MAX(id) FROM events WHERE kind <> 'source_down'")
    assert numbers == [(8, 8)]
