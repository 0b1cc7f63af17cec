"""`migrate-state` that is broken off, or goes wrong: nothing half is ever taken for whole."""

# ruff: noqa: ASYNC110, ASYNC240  # what other processes do is waited for; nothing else runs that would wait for a file

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from moved_states import ask_postgres, go_on_with, listed, move
from postgres_server import database
from typed import Keyboard, in_process

from monitor.simulator.world import World
from monitor.store.postgres_schema import MOVING


@pytest.fixture
def file(keyboard: Keyboard) -> Path:
    return keyboard.file.with_name("order-monitor.db")


@pytest.fixture
def target() -> Iterator[str]:
    with database(empty=True) as url:
        yield url


async def test_a_row_that_arrives_as_another_is_noticed_and_nothing_is_moved(
    watched: World, keyboard: Keyboard, file: Path
) -> None:
    with database() as target:
        ask_postgres(
            target,
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF new.id = '7' THEN new.status = 'spoilt'; END IF; RETURN new; END $$;"
            "CREATE TRIGGER spoil BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION spoil()",
        )
        done = await move(keyboard, file, target)
        assert done.code == 1
        assert "orders: what was written is not what was read; nothing is moved" in done.err
        assert ask_postgres(target, "SELECT COUNT(*) FROM orders") == [(0,)]
        ask_postgres(target, "DROP TRIGGER spoil ON orders")
        assert (await move(keyboard, file, target)).code == 0
        ask_postgres(target, "DROP FUNCTION spoil()")


async def test_no_daemon_starts_on_what_is_not_whole(
    watched: World, keyboard: Keyboard, file: Path, target: str
) -> None:
    """What a kill leaves is the mark, and perhaps an empty schema."""
    mark(target)
    go_on_with(keyboard, target)
    for command in ("run", "poll", "orders", "health"):
        done = await asyncio.to_thread(in_process, command, "-c", str(keyboard.file))
        assert done.code == 1
        assert "a state is being moved here by `order-monitor migrate-state`" in done.out + done.err
    assert (await move(keyboard, file, target)).code == 0
    assert (await keyboard.beside("poll")).code == 0


def mark(target: str) -> None:
    ask_postgres(target, f"CREATE TABLE {MOVING} (origin TEXT, begun_at TIMESTAMPTZ DEFAULT now())")


async def test_killed_at_any_instant_it_leaves_nothing_half_and_begins_anew(
    watched: World, keyboard: Keyboard, file: Path, target: str
) -> None:
    before = await listed(keyboard)
    command = [sys.executable, "-m", "monitor", "migrate-state", str(file), target]
    for tenths in range(5, 600, 5):
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), tenths / 10)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert process.returncode in (0, -signal.SIGKILL)
        [(marked, there)] = ask_postgres(
            target, f"SELECT to_regclass('{MOVING}') IS NOT NULL, to_regclass('orders') IS NOT NULL"
        )
        rows = ask_postgres(target, "SELECT COUNT(*) FROM orders")[0][0] if there else 0
        assert (marked, rows) in ((False, 0), (True, 0), (False, 61))
        if process.returncode == 0:
            break
    go_on_with(keyboard, target)
    assert await listed(keyboard) == before


@pytest.mark.parametrize("instant", ["it is marked", "the tables are there", "half of the rows are there"])
async def test_killed_at_a_certain_instant_it_leaves_a_mark_and_begins_anew(
    watched: World, keyboard: Keyboard, file: Path, instant: str
) -> None:
    """At the instants that a kill by the clock may miss."""
    before = await listed(keyboard)
    with database(empty=instant != "half of the rows are there") as target:
        command = [sys.executable, "-m", "monitor", "migrate-state", str(file), target]
        with psycopg.connect(target, autocommit=True) as connection:
            connection.execute(_HELD[instant].encode())
            process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
            async with asyncio.timeout(60):
                while not connection.execute(_REACHED[instant].encode()).fetchone():
                    await asyncio.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        assert ask_postgres(target, f"SELECT COUNT(*) FROM {MOVING}") == [(1,)]
        if instant != "it is marked":
            ask_postgres(target, "DROP TRIGGER IF EXISTS wait ON events; DROP FUNCTION IF EXISTS wait")
            assert ask_postgres(target, "SELECT COUNT(*) FROM orders") == [(0,)]
        async with asyncio.timeout(30):
            while (await move(keyboard, file, target)).code != 0:  # until the server has noticed the death
                await asyncio.sleep(0.1)
        go_on_with(keyboard, target)
        assert await listed(keyboard) == before


_HELD = {
    "it is marked": f"SELECT pg_advisory_lock({0x6F72646572})",
    "the tables are there": "SELECT",
    "half of the rows are there": """
        SELECT pg_advisory_lock(1);
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN PERFORM pg_advisory_lock(1); RETURN new; END $$;
        CREATE TRIGGER wait BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION wait()""",
}
_WAITS = """
    SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
    AND database IN (SELECT oid FROM pg_database WHERE datname = current_database())"""
_REACHED = {
    "it is marked": _WAITS,
    "the tables are there": f"SELECT 1 FROM pg_class WHERE relname = 'orders' AND to_regclass('{MOVING}') IS NOT NULL",
    "half of the rows are there": _WAITS,
}


async def test_two_at_once_do_not_move_it_twice(watched: World, keyboard: Keyboard, file: Path, target: str) -> None:
    """Of two copies of a file, which have two locks."""
    copy = file.with_name("copy.db")
    copy.write_bytes(file.read_bytes())
    command = [sys.executable, "-m", "monitor", "migrate-state"]
    both = [
        await asyncio.create_subprocess_exec(*command, str(one), target, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for one in (file, copy)
    ]
    codes = [await process.wait() for process in both]
    assert set(codes) <= {0, 1}
    assert 0 in codes
    assert ask_postgres(target, "SELECT COUNT(*) FROM orders") == [(61,)]
