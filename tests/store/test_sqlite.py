"""What only SQLite can do wrong: a full disk, a second process, a damaged file, a power cut."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from store_examples import (
    REFUSED,
    T0,
    certainly_claimed,
    changed,
    claimed,
    new,
    order_event,
    plan,
    planned,
    present,
    save,
    settled,
)

from monitor.errors import StateError, StateUnreachable
from monitor.model import DeliveryState
from monitor.store.base import Transaction
from monitor.store.sqlite import SqliteStore


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    made = SqliteStore.open(tmp_path / "state.db")
    yield made
    await made.aclose()


def pragma(store: SqliteStore, name: str) -> object:
    """A setting of the store's own connection: `synchronous` is none of the file's."""
    return store._session._connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize("exclusive", [True, False])
async def test_every_commit_is_on_the_disk_before_it_returns(tmp_path: Path, exclusive: bool) -> None:
    await SqliteStore.open(tmp_path / "state.db").aclose()
    store = SqliteStore.open(tmp_path / "state.db", exclusive=exclusive)
    full = 2
    assert (pragma(store, "journal_mode"), pragma(store, "synchronous")) == ("wal", full)
    await store.aclose()


def fill_up(store: SqliteStore) -> None:
    """No page more than there are: what a full disk does, from now on."""
    pages = pragma(store, "page_count")
    store._session._connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(store: SqliteStore) -> None:
    store._session._connection.execute("PRAGMA max_page_count = 1000000")


def write_much(tx: Transaction) -> None:
    save(tx, [new(str(number)) for number in range(5_000)])
    for number in range(500):
        plan(tx, order_event(str(number)))


async def test_a_full_disk_is_said_and_leaves_nothing_half_written(store: SqliteStore) -> None:
    await store.transact(lambda tx: save(tx, [new("first")]))
    fill_up(store)
    with pytest.raises(StateUnreachable, match=r"state\.db: database or disk is full"):
        await store.transact(write_much)
    assert await store.transact(lambda tx: (present(tx), tx.events(), tx.deliveries())) == (["first"], [], [])
    make_room(store)
    await store.transact(write_much)
    assert len(await store.transact(lambda tx: tx.deliveries())) == 500


async def test_a_claim_taken_on_a_full_disk_can_still_be_settled_once_there_is_room(store: SqliteStore) -> None:
    await planned(store, "1")
    delivery = await certainly_claimed(store)
    fill_up(store)
    with pytest.raises(StateUnreachable):
        await store.transact(lambda tx: tx.settle(delivery, T0, REFUSED, "", "x" * 1_000_000))
    make_room(store)
    assert await settled(store, delivery)


async def test_a_row_that_cannot_be_read_is_an_error_of_the_state(store: SqliteStore, tmp_path: Path) -> None:
    await store.transact(lambda tx: save(tx, [new()]))
    with closing(sqlite3.connect(tmp_path / "state.db")) as other, other:
        other.execute("UPDATE orders SET doc = '{\"order\": '")
    with pytest.raises(StateUnreachable, match=r"state\.db: "):
        await store.transact(lambda tx: tx.known("shop", ["88"]))
    assert await store.transact(present) == ["88"]


async def test_a_table_that_is_missing_is_an_error_of_the_state(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await SqliteStore.open(path).aclose()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("DROP TABLE sources")
    with pytest.raises(StateUnreachable, match="no such table: sources"):
        SqliteStore.open(path)
    beside = SqliteStore.open(path, exclusive=False)
    with pytest.raises(StateUnreachable, match="no such table: sources"):
        await beside.transact(lambda tx: tx.sources())
    await beside.aclose()


async def test_another_process_writing_at_the_same_time_meets_no_locked_database(
    store: SqliteStore, tmp_path: Path
) -> None:
    """The daemon settles while `deliveries retry` raises dead letters: both are done, and none says "locked"."""
    ids = await planned(store, *(str(number) for number in range(40)))
    beside = SqliteStore.open(tmp_path / "state.db", exclusive=False)

    async def daemon() -> int:
        dead = 0
        while dead < 200:
            delivery = await claimed(store)
            if delivery is None:
                await asyncio.sleep(0)
                continue
            await store.transact(lambda tx: save(tx, [new(f"x{dead}")]))  # noqa: B023  # runs at once
            assert await settled(store, delivery, REFUSED)
            dead += 1
        return dead

    async def retry(done: asyncio.Task[int]) -> int:
        raised = 0
        while not done.done():
            raised += await beside.transact(lambda tx: tx.resurrect(None, T0))
        return raised

    try:
        working = asyncio.create_task(daemon())
        raised, dead = await asyncio.gather(retry(working), working)
    finally:
        await beside.aclose()
    rows = await store.transact(lambda tx: tx.deliveries())
    assert [row.id for row in rows] == ids
    assert sum(row.attempts for row in rows) == dead
    assert sum(row.state is DeliveryState.DEAD for row in rows) == dead - raised


async def test_many_writers_at_once_all_get_their_turn(store: SqliteStore, tmp_path: Path) -> None:
    """Each reads before it writes, which a plain BEGIN would refuse halfway."""
    beside = [SqliteStore.open(tmp_path / "state.db", exclusive=False) for _ in range(4)]

    def count(tx: Transaction) -> None:
        [order] = tx.known("shop", ["88"]).values()
        save(tx, [changed(revision=order.revision + 1)])

    try:
        await store.transact(lambda tx: save(tx, [new()]))
        await asyncio.gather(*(one.transact(count) for one in [store, *beside] for _ in range(10)))
        [order] = (await store.transact(lambda tx: tx.known("shop", ["88"]))).values()
        assert order.revision == 1 + 50
    finally:
        for one in beside:
            await one.aclose()


async def test_readers_wait_for_no_writer_and_see_only_what_is_committed(store: SqliteStore, tmp_path: Path) -> None:
    beside = SqliteStore.open(tmp_path / "state.db", exclusive=False)
    written, read = threading.Event(), threading.Event()

    def write(tx: Transaction) -> None:
        save(tx, [new()])
        written.set()
        assert read.wait(10)

    try:
        writing = asyncio.create_task(store.transact(write))
        await asyncio.to_thread(written.wait, 10)
        assert await beside.read(present) == []
        read.set()
        await writing
        assert await beside.read(present) == ["88"]
    finally:
        read.set()
        await beside.aclose()


async def test_a_caller_that_is_cancelled_leaves_a_whole_transaction_behind(store: SqliteStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        save(tx, [new("1")])
        begun.set()
        assert go_on.wait(10)
        save(tx, [new("2")])

    task = asyncio.create_task(store.transact(work))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go_on.set()
    assert await store.transact(lambda tx: sorted(present(tx))) == ["1", "2"]


async def test_closing_waits_for_the_transaction_under_way(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.db")
    begun = threading.Event()

    def work(tx: Transaction) -> None:
        begun.set()
        write_much(tx)

    task = asyncio.create_task(store.transact(work))
    await asyncio.to_thread(begun.wait, 10)
    await store.aclose()
    await task
    again = SqliteStore.open(tmp_path / "state.db")
    assert len(await again.transact(lambda tx: tx.deliveries())) == 500
    await again.aclose()


async def test_every_error_of_the_database_is_one_of_ours(store: SqliteStore) -> None:
    def nonsense(tx: Transaction) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(StateError, match="disk I/O error") as caught:
        await store.transact(nonsense)
    assert isinstance(caught.value, StateUnreachable)
