"""Backups and what becomes of them: as they are typed, on real files, beside whoever writes them."""

# ruff: noqa: ASYNC240, ASYNC221  # nothing else runs in this loop that would have to wait for a file or a process

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typed import Hook, Keyboard

from monitor.simulator.world import World
from monitor.store.lock import FileLock
from monitor.store.schema import HEAD


@pytest.fixture
def state(keyboard: Keyboard) -> Path:
    return keyboard.file.with_name("order-monitor.db")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups" / "monday.db"


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


def bare(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# Backup


async def test_a_backup_says_what_it_holds_and_only_its_owner_reads_it(
    watched: World, keyboard: Keyboard, file: Path
) -> None:
    done = await keyboard.beside("backup", str(file))
    assert done.code == 0, done.err
    assert done.out.startswith(f"{file}: ")
    assert "whole: 1 source, 61 orders, 3 events, 3 messages (0 to be sent)" in done.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert bare(file.parent) == {"monday.db"}
    assert ask(file, "PRAGMA integrity_check") == [("ok",)]


async def test_what_is_there_is_not_overwritten_unless_it_is_asked_for(
    watched: World, keyboard: Keyboard, file: Path
) -> None:
    file.write_text("precious")
    refused = await keyboard.beside("backup", str(file))
    assert (refused.code, file.read_text()) == (1, "precious")
    assert "is there already: --force overwrites it" in refused.err
    assert (await keyboard.beside("backup", str(file), "--force")).code == 0
    assert ask(file, "SELECT COUNT(*) FROM orders") == [(61,)]


async def test_neither_a_folder_nor_the_state_itself_becomes_a_backup(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    for wrong, why in ((file.parent, "is a folder"), (state, "is the state itself")):
        refused = await keyboard.beside("backup", str(wrong), "--force")
        assert refused.code == 1
        assert why in refused.err
    assert (await keyboard.beside("backup", str(file.parent / "none" / "x.db"))).code == 1


def test_without_a_state_there_is_nothing_to_back_up(keyboard: Keyboard, file: Path) -> None:
    keyboard.file.write_text(
        "sources: {shop: {type: opterius, url: 'http://127.0.0.1:9', token: made-up-token}}\n"
        "channels: {ops: {url: 'json://127.0.0.1:9'}}\n"
    )
    refused = keyboard.type("backup", str(file))
    assert (refused.code, bare(file.parent)) == (1, set())
    assert "there is no state yet" in refused.err


async def test_what_was_erased_stands_in_no_backup(watched: World, keyboard: Keyboard, file: Path, state: Path) -> None:
    """SQLite leaves what was deleted in pages that it may use again."""
    ask(state, "UPDATE orders SET doc = replace(doc, '}', ',\"x\":\"erase-me-erase-me\"}') WHERE id = '7'")
    ask(state, "DELETE FROM orders WHERE id = '7'")
    assert (await keyboard.beside("backup", str(file))).code == 0
    assert b"erase-me" not in file.read_bytes()


@contextlib.contextmanager
def files_of_at_most(bytes_: int) -> Iterator[None]:
    """As on a disk that becomes full, which a test cannot have everywhere."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


async def test_a_disk_that_becomes_full_leaves_no_half_backup_and_the_one_before_as_it_was(
    watched: World, keyboard: Keyboard, file: Path
) -> None:
    file.write_text("the backup before")
    with files_of_at_most(40_000):
        failed = await keyboard.beside("backup", str(file), "--force")
    assert failed.code == 1
    assert f"cannot be copied to {file}" in failed.err
    assert len(failed.err.splitlines()) == 1
    assert (file.read_text(), bare(file.parent)) == ("the backup before", {"monday.db"})


_DIE = """
import os, signal, sys
from unittest import mock
from monitor.cli import main
import monitor.store.copies
real = monitor.store.copies._opened
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
def opened(path):
    opened = real(path)
    opened.thing.set_progress_handler(die, 400)  # amid VACUUM INTO, which takes some thousand instructions
    return opened
where = sys.argv.pop(1)
target = "_opened" if where == "copy" else where
mock.patch.object(monitor.store.copies, target, opened if where == "copy" else die).start()
main(sys.argv[1:])
"""


@pytest.mark.parametrize("where", ["copy", "examine", "put", "_flush"])
async def test_a_kill_amid_a_backup_leaves_no_half_file_under_its_name(
    where: str, watched: World, keyboard: Keyboard, file: Path
) -> None:
    command = [sys.executable, "-c", _DIE, where, "backup", str(file), "-c", str(keyboard.file)]
    died = subprocess.run(command, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not file.exists()
    assert (await keyboard.beside("backup", str(file))).code == 0
    assert bare(file.parent) == {"monday.db"}, "the next one clears up"


async def test_a_backup_that_is_being_written_is_left_to_whoever_writes_it(
    watched: World, keyboard: Keyboard, file: Path
) -> None:
    import fcntl

    partial = file.with_name("monday.db.partial")
    with partial.open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refused = await keyboard.beside("backup", str(file))
    assert refused.code == 1
    assert "another process is writing it" in refused.err


# Restore


async def backed_up(keyboard: Keyboard, file: Path) -> None:
    assert (await keyboard.beside("backup", str(file))).code == 0


async def test_a_restored_state_goes_on_where_the_backup_was(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    watched.set_status(5, "fraud")
    await keyboard.beside("poll")
    told = len(hook.posted)
    done = await keyboard.beside("restore", str(file))
    assert done.code == 0, done.err
    assert f"{state}: restored from {file}" in done.out
    assert f"kept as {state}.before-restore" in done.out
    assert "what has changed since is told by the next poll" in done.out
    assert "no message waited to be sent" in done.out
    await keyboard.beside("poll")
    assert len(hook.posted) == told + 1, "nobody can know that it was told"
    assert hook.posted[-1]["title"] == hook.posted[-2]["title"]
    assert ask(state.with_name(f"{state.name}.before-restore"), "SELECT COUNT(*) FROM events") == [(4,)]


async def test_a_reference_is_never_given_to_another_message_not_even_over_a_restore(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    watched.set_status(5, "fraud")
    await keyboard.beside("poll")
    [(last,)] = ask(state, "SELECT MAX(id) FROM deliveries")
    await keyboard.beside("restore", str(file))
    await keyboard.beside("poll")
    assert ask(state, "SELECT MAX(id) FROM deliveries") == [(last + 1,)]


async def test_where_the_state_is_lost_numbers_leap_far_enough(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    state.unlink()
    done = await keyboard.beside("restore", str(file))
    assert done.code == 0
    assert "before-restore" not in done.out
    watched.set_status(5, "fraud")
    await keyboard.beside("poll")
    [(last,)] = ask(state, "SELECT MAX(id) FROM deliveries")
    assert last > 10_000


async def waiting(keyboard: Keyboard, hook: Hook, watched: World, *ids: int) -> None:
    """Messages that wait, because their endpoint is down."""
    hook.status = 503
    for number in ids:
        watched.set_status(number, "fraud")
    await keyboard.beside("poll")
    hook.status = 200


async def test_messages_that_waited_are_sent_after_a_restore(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, state: Path
) -> None:
    await waiting(keyboard, hook, watched, 5, 6)
    await backed_up(keyboard, file)
    state.unlink()
    done = await keyboard.beside("restore", str(file))
    assert "to be sent: 2 messages that waited; what was sent since the backup comes a second time" in done.out
    ask(state, "UPDATE deliveries SET due_at = 0 WHERE state = 'waiting'")
    before = len(hook.posted)
    await keyboard.beside("poll")
    assert len(hook.posted) == before + 2


async def test_messages_that_waited_can_be_dropped(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, state: Path
) -> None:
    await waiting(keyboard, hook, watched, 5, 6)
    await backed_up(keyboard, file)
    state.unlink()
    done = await keyboard.beside("restore", str(file), "--unsent", "drop")
    assert "2 messages will not be sent: `order-monitor deliveries --state dropped`" in done.out
    listed = (await keyboard.beside("deliveries", "--state", "dropped", "--json")).json
    assert [row["last_error"] for row in listed] == ["dropped as a backup was restored: --unsent drop"] * 2


async def test_what_the_state_knows_to_have_been_sent_is_not_sent_again(
    watched: World, keyboard: Keyboard, hook: Hook, file: Path, state: Path
) -> None:
    await waiting(keyboard, hook, watched, 5, 6)
    await backed_up(keyboard, file)
    ask(state, "UPDATE deliveries SET due_at = 0 WHERE state = 'waiting'")
    await keyboard.beside("poll")
    told = len(hook.posted)
    done = await keyboard.beside("restore", str(file))
    assert "2 messages had been settled since: not sent again" in done.out
    await keyboard.beside("poll")
    assert len(hook.posted) == told
    attempts = ask(state, "SELECT COUNT(*) FROM attempts WHERE delivery_id > (SELECT MAX(id) - 2 FROM deliveries)")
    assert attempts == [(4,)], "what each attempt said is still known"


async def test_a_state_in_use_is_not_replaced(watched: World, keyboard: Keyboard, file: Path, state: Path) -> None:
    await backed_up(keyboard, file)
    before = state.read_bytes()
    lock = FileLock(state)
    lock.acquire()
    try:
        refused = await keyboard.beside("restore", str(file))
    finally:
        lock.release()
    assert (refused.code, state.read_bytes()) == (1, before)
    assert f"held by process {os.getpid()}" in refused.err
    assert "end it first" in refused.err


def empty(path: Path) -> None:
    path.write_bytes(b"")


def foreign(path: Path) -> None:
    ask(path, "CREATE TABLE other (x)")


def text(path: Path) -> None:
    path.write_text("no database at all, but long enough to be taken for one " * 100)


def newer(path: Path) -> None:
    ask(path, "UPDATE alembic_version SET version_num = '9999'")


def cut_off(path: Path) -> None:
    with path.open("r+b") as opened:
        opened.truncate(path.stat().st_size // 2)


def scribbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192 : 8192 + 20_000] = b"\xff" * 20_000
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (empty, "is empty"),
        (foreign, "not one of Order Monitor's"),
        (text, "not a database"),
        (newer, "written by a newer Order Monitor"),
        (cut_off, ""),
        (scribbled, ""),
        (Path.unlink, "there is no such file"),
    ],
)
async def test_what_is_no_whole_backup_of_ours_is_refused_and_nothing_changes(
    spoil: Callable[[Path], None], why: str, watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    if spoil is foreign:
        file.unlink()
    spoil(file)
    before, beside = state.read_bytes(), bare(state.parent)
    refused = await keyboard.beside("restore", str(file))
    assert refused.code == 1
    assert why in refused.err
    assert str(file) in refused.err
    assert ".partial" not in refused.err
    assert (state.read_bytes(), bare(state.parent)) == (before, beside)


async def test_a_damaged_state_is_replaced_and_kept_with_its_log(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    text(state)
    Path(f"{state}-wal").write_bytes(b"remains of a log")
    done = await keyboard.beside("restore", str(file))
    assert done.code == 0, done.err
    assert ask(state, "SELECT COUNT(*) FROM orders") == [(61,)]
    assert not Path(f"{state}-wal").exists()
    assert state.with_name(f"{state.name}.before-restore").read_text().startswith("no database")


async def test_what_was_kept_is_not_overwritten_by_the_next_restore(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    await keyboard.beside("restore", str(file))
    done = await keyboard.beside("restore", str(file))
    assert f"kept as {state}.before-restore-2;" in done.out


async def test_the_owner_and_the_mode_of_the_state_stay(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    """Root restores, and a daemon that is not root must be able to go on."""
    await backed_up(keyboard, file)
    state.chmod(0o640)
    owner = 12345 if os.geteuid() == 0 else os.geteuid()
    os.chown(state, owner, -1)
    await keyboard.beside("restore", str(file))
    found = state.stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o640, owner)
    assert Path(f"{state}.lock").stat().st_uid == owner


async def test_a_plain_copy_with_its_log_can_be_restored_too(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    """As `cp` makes it of a daemon that was killed: the newest commits stand in the log."""
    with contextlib.closing(sqlite3.connect(state)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("INSERT INTO schedules VALUES ('in the log', 1)")
        connection.commit()
        shutil.copy(state, file)
        shutil.copy(f"{state}-wal", f"{file}-wal")
    await keyboard.beside("restore", str(file))
    assert ask(state, "SELECT seen_to FROM schedules WHERE name = 'in the log'") == [(1,)]


async def test_a_backup_on_a_medium_that_cannot_be_written_is_restored(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    await backed_up(keyboard, file)
    ask(file, "PRAGMA journal_mode = WAL")
    before = bare(file.parent)
    file.parent.chmod(0o555)
    try:
        assert (await keyboard.beside("restore", str(file))).code == 0
    finally:
        file.parent.chmod(0o755)
    assert bare(file.parent) == before


async def test_backup_and_restore_tell_their_version(watched: World, keyboard: Keyboard, file: Path) -> None:
    await backed_up(keyboard, file)
    assert ask(file, "SELECT version_num FROM alembic_version") == [(HEAD,)]


# Beside a writer


async def test_a_backup_beside_one_who_writes_all_the_time_is_of_one_instant(
    watched: World, keyboard: Keyboard, file: Path, state: Path
) -> None:
    """Each poll writes orders, events and deliveries in one transaction: a copy has all of them or none."""
    stop = asyncio.Event()

    async def change() -> None:
        number = 100
        while not stop.is_set():
            for _ in range(20):
                number += 1
                watched.place(id=number)
            await asyncio.to_thread(_poll, keyboard)

    writing = asyncio.create_task(change())
    seen = set()
    try:
        for number in range(6):
            copy = file.with_name(f"{number}.db")
            await asyncio.to_thread(_command, keyboard, "backup", str(copy))
            assert ask(copy, "PRAGMA integrity_check") == [("ok",)]
            [(orders, appeared, told)] = ask(
                copy,
                "SELECT (SELECT COUNT(*) FROM orders WHERE LENGTH(id) > 2 AND id > '100'),"
                " (SELECT COUNT(*) FROM events WHERE kind = 'appeared' AND LENGTH(order_id) > 2),"
                " (SELECT COUNT(*) FROM delivery_events x JOIN events e ON e.id = x.event_id"
                "  WHERE e.kind = 'appeared' AND LENGTH(e.order_id) > 2)",
            )
            assert orders == appeared == told
            seen.add(orders)
    finally:
        stop.set()
        await writing
    assert len(seen) > 1, "something was written meanwhile"
    done = await keyboard.beside("restore", str(copy))
    assert done.code == 0, done.err
    assert ask(state, "PRAGMA integrity_check") == [("ok",)]


def _command(keyboard: Keyboard, *arguments: str) -> None:
    command = [sys.executable, "-m", "monitor", *arguments, "-c", str(keyboard.file)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "NO_COLOR": "1"})


def _poll(keyboard: Keyboard) -> None:
    _command(keyboard, "poll")
