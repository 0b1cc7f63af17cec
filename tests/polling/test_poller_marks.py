"""Marks are kept with the orders: what a poller knew of the rows, the next one knows as well."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import msgspec
import pytest
from polling_shop import Shop, body_of
from polling_stage import Watch, moved, vanished
from versions import another_version

from monitor.model import Known
from monitor.simulator.faults import Fault
from monitor.sources import opterius
from monitor.store.base import Store, Transaction
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")


class _Asked:
    """A transaction that notes of which orders it was asked what is known of them."""

    def __init__(self, inner: Transaction, asked: list[str]) -> None:
        self._inner = inner
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def known(self, source: str, ids: Iterable[str]) -> dict[str, Known]:
        ids = list(ids)
        self._asked += ids
        return self._inner.known(source, ids)


class AskedStore:
    """A store that remembers in ``asked`` which orders were compared in full; ``take`` empties it."""

    def __init__(self, inner: SqliteStore) -> None:
        self.path = inner.path
        self.failures = 0
        self._inner = inner
        self._asked: list[str] = []

    def take(self) -> list[str]:
        asked, self._asked = sorted(self._asked, key=int), []
        return asked

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        return await self._inner.transact(lambda tx: work(cast(Transaction, _Asked(tx, self._asked))))

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._inner.read(lambda tx: work(cast(Transaction, _Asked(tx, self._asked))))

    async def aclose(self) -> None:
        await self._inner.aclose()


@pytest.fixture
def asked(store: SqliteStore) -> AskedStore:
    return AskedStore(store)


@pytest.fixture
async def known(shop: Shop, asked: AskedStore) -> Watch:
    """The shop's twelve orders with their baseline, seen by a poller that is gone."""
    interface: Store = asked
    watch = Watch(shop, interface)
    await watch.poll()
    asked.take()
    watch.restart()
    return watch


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What of each row was read, as it comes: ``row`` for its id and status, ``order`` for all of it."""
    done: list[str] = []
    for name in ("_row", "_order"):
        monkeypatch.setattr(opterius, name, _noting(getattr(opterius, name), done, name.removeprefix("_")))
    return done


def _noting(function: Callable[[Any], T], done: list[str], what: str) -> Callable[[Any], T]:
    def noting(row: Any) -> T:
        done.append(what)
        return function(row)

    return noting


async def test_a_restart_reads_an_unchanged_list_without_decoding_a_row(
    known: Watch, asked: AskedStore, decoded: list[str]
) -> None:
    """But for the first and the last one of each page, and once a process all of the first and the last page.

    These say where a page stands, and how the list is sorted.
    """
    known.shop.place(48)
    await known.poll()
    asked.take()
    decoded.clear()
    known.restart()
    assert await known.poll() == []
    assert known.result.known == 60
    assert asked.take() == []
    assert "order" not in decoded
    assert len(decoded) <= 3 * known.result.requests + 2 * 6


async def test_after_a_restart_only_what_has_changed_is_compared(known: Watch, asked: AskedStore) -> None:
    known.shop.world.set_status(3, "fraud")
    known.shop.place(1)
    assert moved(3, "pending", "fraud") in await known.poll()
    assert set(asked.take()) == {"3", "13"}
    known.restart()
    assert await known.poll() == []
    assert asked.take() == []


async def test_after_an_upgrade_each_order_is_compared_once_and_nothing_is_announced(
    known: Watch, asked: AskedStore
) -> None:
    before = unmarked_rows(asked)
    with another_version():
        assert await known.poll() == []
        assert set(asked.take()) == {str(number) for number in range(1, 13)}
        assert unmarked_rows(asked) == before, "no order was written but its mark"
        for _ in range(2):
            assert await known.poll() == []
            assert asked.take() == []
            known.restart()


class KeysReversed(Fault, frozen=True):
    """The same orders, their fields in another order."""

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        answer["data"] = [dict(reversed(row.items())) for row in answer["data"]]
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


async def test_rows_that_are_written_otherwise_are_compared_once_and_are_no_news(
    known: Watch, asked: AskedStore
) -> None:
    known.shop.faults.set(KeysReversed())
    before = unmarked_rows(asked)
    assert await known.poll() == []
    assert set(asked.take()) == {str(number) for number in range(1, 13)}
    assert unmarked_rows(asked) == before
    for _ in range(2):
        assert await known.poll() == []
        assert asked.take() == []
        known.restart()


@pytest.mark.parametrize("restart", [True, False])
async def test_an_order_that_was_absent_is_looked_at_although_its_row_is_the_same(known: Watch, restart: bool) -> None:
    """Else its absence would not end, and the next one would make it vanish at once."""
    shop = known.shop
    before = await body_of(shop, 1), await body_of(shop, 2)
    for _ in range(2):
        order = shop.world.delete(5)
        assert await known.poll() == []
        shop.world.place(id=5, created_at=order.created_at, total=order.total)
        if restart:
            known.restart()
        assert await known.poll() == []
    assert (await body_of(shop, 1), await body_of(shop, 2)) == before
    shop.world.delete(5)
    assert await known.poll() == []
    assert await known.poll() == [vanished(5)]


def unmarked_rows(store: AskedStore) -> list[tuple[object, ...]]:
    """The stored orders, without their marks."""
    with contextlib.closing(sqlite3.connect(store.path)) as connection:
        return connection.execute("SELECT id, revision, number, status, vanished, doc FROM orders").fetchall()
