"""One process polls and sends with a SQLite state: the second one is told who does, and a death frees it."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from store_examples import OPS, T0, planned

from monitor.errors import StateLocked, StateUnreachable
from monitor.store.lock import FileLock
from monitor.store.sqlite import SqliteStore

HOLDER = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
from monitor.model import Destination
from monitor.store.sqlite import SqliteStore

async def hold(store):
    now = datetime(2026, 4, 11, 8, tzinfo=UTC)
    await store.transact(lambda tx: tx.claim("shop", "holder", now, 15))
    await store.transact(lambda tx: tx.claim_delivery([Destination("ops", 1, "a0")], "holder", now))
    print("held", flush=True)
    sys.stdin.read()
    await store.aclose()

asyncio.run(hold(SqliteStore.open(Path(sys.argv[1]))))
"""
SECOND = """
import sys
from pathlib import Path
from monitor.errors import StateLocked
from monitor.store.sqlite import SqliteStore

try:
    SqliteStore.open(Path(sys.argv[1]))
except StateLocked as error:
    sys.exit(str(error))
"""


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the state, a claim of its source and one of its delivery."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


async def a_state_with_a_delivery(path: Path) -> None:
    store = SqliteStore.open(path)
    await planned(store, "88")
    await store.aclose()


def test_a_second_process_exits_naming_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore.open(path)
    second = subprocess.run([sys.executable, "-c", SECOND, str(path)], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"held by process {os.getpid()} on " in second.stderr
    assert "only one process may poll or send with a state" in second.stderr
    asyncio.run(store.aclose())


async def test_a_lock_ends_with_its_holder_however_that_ends_and_its_claims_are_void(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await a_state_with_a_delivery(path)
    with another_process(path) as holder:
        with pytest.raises(StateLocked, match=f"held by process {holder.pid} on "):
            SqliteStore.open(path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    store = SqliteStore.open(path)
    claim = await store.transact(lambda tx: tx.claim("shop", "successor", T0, 15))
    assert claim is not None
    assert claim.fence == 2
    delivery = await store.transact(lambda tx: tx.claim_delivery([OPS], "successor", T0))
    assert delivery is not None
    assert (delivery.fence, delivery.attempts) == (2, 0)
    await store.aclose()


async def test_reading_beside_a_holder_works_and_voids_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await a_state_with_a_delivery(path)
    with another_process(path) as holder:
        beside = SqliteStore.open(path, exclusive=False)
        assert len(await beside.read(lambda tx: tx.deliveries())) == 1
        assert await beside.transact(lambda tx: tx.claim("shop", "beside", T0, 15)) is None
        assert await beside.transact(lambda tx: tx.claim_delivery([OPS], "beside", T0)) is None
        await beside.aclose()
        with pytest.raises(StateLocked, match=str(holder.pid)):
            SqliteStore.open(path)


async def test_a_holder_that_leaves_cleanly_frees_the_state_and_its_name(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    for _ in range(2):
        store = SqliteStore.open(path)
        with pytest.raises(StateLocked):
            SqliteStore.open(path)
        await store.aclose()
    assert path.with_name("state.db.lock").read_text() == ""


def test_a_lock_without_a_name_in_it_is_held_by_another_process(tmp_path: Path) -> None:
    """The holder has it, but has not written its name yet."""
    lock, other = FileLock(tmp_path / "state.db"), FileLock(tmp_path / "state.db")
    lock.acquire()
    (tmp_path / "state.db.lock").write_text("")
    with pytest.raises(StateLocked, match="held by another process"):
        other.acquire()
    lock.release()
    other.acquire()
    other.release()


def test_a_name_left_by_the_dead_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "state.db.lock").write_text("process 1 on a.host.with.a.long.name.example.com\n")
    lock = FileLock(tmp_path / "state.db")
    lock.acquire()
    assert (tmp_path / "state.db.lock").read_text().startswith(f"process {os.getpid()} on ")
    assert (tmp_path / "state.db.lock").read_text().count("\n") == 1
    lock.release()


def test_a_lock_file_that_cannot_be_made_is_an_error_of_the_state(tmp_path: Path) -> None:
    with pytest.raises(StateUnreachable, match=r"missing: there is no such folder"):
        FileLock(tmp_path / "missing" / "state.db").acquire()


def test_a_file_system_without_locks_is_an_error_of_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(StateUnreachable, match="cannot be locked: No locks available"):
        FileLock(tmp_path / "state.db").acquire()


async def test_a_link_to_the_state_is_the_same_state(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "state.db")
    store = SqliteStore.open(tmp_path / "state.db")
    with pytest.raises(StateLocked):
        SqliteStore.open(tmp_path / "link.db")
    await store.aclose()


def test_a_missing_folder_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StateUnreachable, match=r"away: there is no such folder: make it, or name another in `state`"):
        SqliteStore.open(tmp_path / "away" / "state.db")


def test_opening_to_read_brings_no_state_up_to_date(tmp_path: Path) -> None:
    """A daemon of the version before may be at work with it."""
    path = tmp_path / "state.db"
    path.touch()
    with pytest.raises(StateUnreachable, match="`order-monitor run` or `poll`"):
        SqliteStore.open(path, exclusive=False)
    assert path.read_bytes() == b""


def test_a_disk_that_is_full_is_said_and_leaves_the_lock_to_the_next(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(StateUnreachable, match=r"order-monitor\.db\.lock: File too large"):
            FileLock(tmp_path / "order-monitor.db").acquire()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lock = FileLock(tmp_path / "order-monitor.db")
    lock.acquire()
    lock.release()
