"""What waits together shares a commit, and nobody suffers for it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from store_examples import KINDS, new, opened, present, save

from monitor.errors import ClaimLost, StateUnreachable
from monitor.store import worker
from monitor.store.base import Store, Transaction
from monitor.store.sqlite import SqliteStore


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as made:
        yield made


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, what waits together may be done together."""
    monkeypatch.setattr(worker, "_LONGEST_S", 60.0)


class Watched:
    """Notes what a store's session is asked; the commit with the number ``breaks_at`` fails."""

    def __init__(self, store: Any) -> None:
        self.steps: list[str] = []
        self.breaks_at: int | None = None
        self._broken = sqlite3.OperationalError if isinstance(store, SqliteStore) else psycopg.OperationalError
        self._session = store._session
        self._begin, self._commit = self._session.begin, self._session.commit
        self._session.begin, self._session.commit = self._begins, self._commits

    def _begins(self, *, write: bool) -> Transaction:
        self.steps.append("write" if write else "read")
        made: Transaction = self._begin(write=write)
        return made

    def _commits(self) -> None:
        self.steps.append("commit")
        if self.steps.count("commit") == self.breaks_at:
            raise self._broken("disk I/O error")
        self._commit()


class Held:
    """A work under way: what is asked meanwhile waits together."""

    def __init__(self, store: Store) -> None:
        self._begun, self._go_on = threading.Event(), threading.Event()
        self._task = asyncio.create_task(store.transact(self._work))

    def _work(self, tx: Transaction) -> None:
        self._begun.set()
        assert self._go_on.wait(10)

    async def __aenter__(self) -> Held:
        await asyncio.to_thread(self._begun.wait, 10)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)  # whoever was started meanwhile has asked
        self._go_on.set()
        await self._task


def saving(number: int) -> Callable[[Transaction], int]:
    def work(tx: Transaction) -> int:
        save(tx, [new(str(number))])
        return number

    return work


async def together(store: Store, *works: Callable[[Transaction], Any]) -> list[Any]:
    """What becomes of works that wait at the same time, and of which the first waits first."""
    async with Held(store):
        tasks = [asyncio.create_task(store.transact(work)) for work in works]
    return await asyncio.gather(*tasks, return_exceptions=True)


def failing(tx: Transaction) -> NoReturn:
    save(tx, [new("lost")])
    raise ClaimLost("somebody else has it")


def nonsense(tx: Any) -> None:
    save(tx, [new("lost")])
    tx._db.rows("SELECT nonsense")


async def test_works_that_wait_together_share_a_commit_and_each_gets_its_own_result(store: Store) -> None:
    watched = Watched(store)
    assert await together(store, *map(saving, range(20))) == list(range(20))
    assert watched.steps == ["write", "commit"] * 2
    assert await store.read(present) == sorted(map(str, range(20)), key=lambda id_: (len(id_), id_))


async def test_a_commit_is_shared_by_so_many_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_MOST_TOGETHER", 3)
    watched = Watched(store)
    assert await together(store, *map(saving, range(7))) == list(range(7))
    assert watched.steps.count("commit") == 1 + 3


async def test_a_transaction_that_lasts_takes_no_further_work(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_LONGEST_S", 0.0)
    watched, seen = Watched(store), list[int]()
    await together(store, *(lambda tx, n=n: seen.append(n) for n in range(5)))
    assert watched.steps.count("commit") == 1 + 5
    assert seen == list(range(5)), "and the order is kept"


@pytest.mark.parametrize("bad", [failing, nonsense])
async def test_a_work_that_fails_undoes_nothing_of_the_others(
    store: Store, bad: Callable[[Transaction], object]
) -> None:
    watched = Watched(store)
    first, failed, again, last = await together(store, saving(1), bad, bad, saving(2))
    assert (first, last) == (1, 2)
    assert isinstance(failed, ClaimLost if bad is failing else StateUnreachable)
    assert isinstance(again, type(failed))
    assert again is not failed or bad is failing
    assert watched.steps == ["write", "commit"] * 2
    assert await store.read(present) == ["1", "2"]


@pytest.mark.parametrize("others", [0, 2])
async def test_a_work_that_passes_over_an_error_of_the_database_harms_nobody_else(store: Store, others: int) -> None:
    """PostgreSQL forgets then what the work has done: it must not be told that it was written."""

    def careless(tx: Any) -> str:
        save(tx, [new("careless")])
        with suppress(sqlite3.Error, psycopg.Error):
            tx._db.rows("SELECT nonsense")
        return "done"

    result, *rest = await together(store, careless, *map(saving, range(others)))
    assert rest == list(range(others))
    written = await store.read(present)
    assert written == [*map(str, range(others)), *(["careless"] if result == "done" else [])]
    assert result == "done" or isinstance(result, StateUnreachable)


async def test_a_commit_that_fails_fails_all_that_share_it(store: Store) -> None:
    Watched(store).breaks_at = 2
    results = await together(store, saving(0), saving(1), saving(2))
    assert [str(result).rpartition(": ")[2] for result in results] == ["disk I/O error"] * 3
    assert all(isinstance(result, StateUnreachable) for result in results)
    assert len({id(result) for result in results}) == 3, "each has its own"
    assert await store.read(present) == []
    assert store.failures >= 3
    assert await store.transact(saving(4)) == 4


async def test_a_caller_that_is_cancelled_stops_nothing(store: Store) -> None:
    async with Held(store):
        tasks = [asyncio.create_task(store.transact(saving(number))) for number in range(3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
    assert await asyncio.gather(*tasks[::2]) == [0, 2]
    assert await store.read(present) == ["0", "1", "2"]


async def test_writes_are_done_in_their_order(store: Store) -> None:
    seen: list[int] = []
    await together(store, *(lambda tx, n=n: seen.append(n) for n in range(100)))
    assert seen == list(range(100))


async def test_a_read_waits_for_the_work_under_way_and_not_for_all_that_wait(store: Store) -> None:
    order: list[str] = []
    async with Held(store):
        writes = [asyncio.create_task(store.transact(lambda tx: order.append("write"))) for _ in range(50)]
        await asyncio.sleep(0)
        read = asyncio.create_task(store.read(lambda tx: order.append("read")))
    await asyncio.gather(read, *writes)
    assert order[0] == "read"


async def test_a_read_that_comes_while_a_commit_is_shared_comes_after_it_and_before_the_rest(store: Store) -> None:
    """It sees all of what is committed, and nothing of what is not."""
    loop, reads = asyncio.get_running_loop(), list[asyncio.Task[list[str]]]()
    asked = threading.Event()

    def ask() -> None:
        reads.append(loop.create_task(store.read(present)))
        loop.call_soon(asked.set)

    def first(tx: Transaction) -> None:
        save(tx, [new("1")])
        loop.call_soon_threadsafe(ask)
        assert asked.wait(10)

    await together(store, first, saving(2), saving(3))
    assert await reads[0] == ["1"]
    assert await store.read(present) == ["1", "2", "3"]


async def test_reads_that_never_end_keep_no_write_waiting(store: Store) -> None:
    stop = False

    async def read() -> None:
        while not stop:
            await store.read(present)

    readers = [asyncio.create_task(read()) for _ in range(5)]
    for number in range(10):
        await asyncio.wait_for(store.transact(saving(number)), 10)
    stop = True
    await asyncio.gather(*readers)


async def test_closing_runs_what_waits_and_nothing_that_comes_later(store: Store) -> None:
    async with Held(store):
        tasks = [asyncio.create_task(store.transact(saving(number))) for number in range(3)]
        reading = asyncio.create_task(store.read(present))
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.aclose())
        for _ in range(5):
            await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="closed"):
            await store.transact(saving(9))
    await closing
    assert await asyncio.gather(*tasks) == [0, 1, 2]
    assert reading.done()


async def test_a_work_may_raise_anything(store: Store) -> None:
    def stops(tx: Transaction) -> NoReturn:
        raise StopIteration

    stopped, _, ended = await together(store, stops, saving(1), lambda tx: next(iter(())))
    assert isinstance(stopped, RuntimeError)
    assert isinstance(ended, RuntimeError)
    assert await store.read(present) == ["1"]


async def test_a_full_disk_within_a_shared_commit_fails_what_was_done_and_not_what_comes_after(tmp_path: Path) -> None:
    """SQLite undoes the whole transaction then; what had not begun gets one of its own."""
    store = SqliteStore.open(tmp_path / "state.db")
    connection = store._session._connection
    [pages] = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")

    def much(tx: Transaction) -> None:
        save(tx, [new(str(number)) for number in range(5_000)])

    def little(tx: Transaction) -> list[str]:
        return present(tx)

    before, full, *after = await together(store, little, much, little, little)
    assert isinstance(full, StateUnreachable)
    assert "full" in str(full)
    # Where SQLite could undo the statement alone, the work before it is not lost.
    assert before == [] or isinstance(before, StateUnreachable)
    assert after == [[], []]
    connection.execute("PRAGMA max_page_count = 1000000")
    await store.transact(much)
    await store.aclose()


async def test_a_transaction_that_is_lost_takes_along_what_was_done_in_it_and_nothing_else(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.db")

    def loses(tx: Any) -> NoReturn:
        tx._db.run("ROLLBACK")
        raise ValueError("a bug of ours")

    before, lost, after = await together(store, saving(1), loses, saving(2))
    assert isinstance(before, StateUnreachable), "and not what somebody else did wrong"
    assert isinstance(lost, ValueError)
    assert after == 2
    assert await store.read(present) == ["2"]
    await store.aclose()


async def test_a_state_that_cannot_be_begun_fails_all_that_wait_at_once(store: Store) -> None:
    watched, tries = Watched(store), 0

    def refuse(*, write: bool) -> NoReturn:
        nonlocal tries
        tries += 1
        raise StateUnreachable("no connection")

    async with Held(store):
        tasks = [asyncio.create_task(store.transact(saving(number))) for number in range(10)]
        tasks += [asyncio.create_task(store.read(lambda tx: 1)) for _ in range(10)]
        await asyncio.sleep(0)
        store._session.begin = refuse  # type: ignore[attr-defined]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, StateUnreachable) for result in results)
    assert tries == 2, "once for what writes, once for what reads"
    store._session.begin = watched._begins  # type: ignore[attr-defined]
    assert await store.transact(saving(1)) == 1


async def test_a_loop_that_was_closed_meanwhile_is_nobodys_trouble(store: Store) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        begun.set()
        assert go_on.wait(10)

    def ask() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(store.transact(work))
        loop.run_until_complete(asyncio.wait_for(loop.run_in_executor(None, begun.wait, 10), 10))
        loop.run_until_complete(loop.shutdown_default_executor())
        task.cancel()
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    await asyncio.to_thread(ask)
    assert begun.is_set()
    go_on.set()
    assert await store.transact(saving(1)) == 1
