"""Daemons hear of each other's commits, whatever becomes of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from postgres_server import Server, database, restartable
from store_examples import order_event

from monitor.store.listener import Listener
from monitor.store.postgres import PostgresStore
from monitor.store.postgres_session import connect
from monitor.store.sql import GAP, NEWS


class Ear:
    """Notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._something = asyncio.Event()

    def hear(self, topic: str) -> None:
        self.heard.append(topic)
        self._something.set()

    async def hears(self) -> None:
        """Return once something is heard after the last time."""
        await asyncio.wait_for(self._something.wait(), 20)
        self._something.clear()


@pytest.fixture
async def url() -> AsyncIterator[str]:
    with database() as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Server:
    """One to stop and start, which asks for a password."""
    return restartable()


async def test_what_is_committed_is_heard_and_what_is_not_is_not(url: str) -> None:
    ear, store = Ear(), PostgresStore.open(url)
    listener = Listener(url, ear.hear)
    await ear.hears()  # that it listens now
    with pytest.raises(ZeroDivisionError):
        await store.transact(lambda tx: (tx.add_event(order_event(revision=1), "{}"), 1 / 0))
    await store.transact(lambda tx: tx.tell_others("other"))
    await ear.hears()
    assert ear.heard == [GAP, "other"]
    await store.transact(lambda tx: [tx.add_event(order_event(revision=n), "{}") for n in range(1, 50)])
    await ear.hears()
    assert ear.heard == [GAP, "other", NEWS], "one transaction wakes once"
    await listener.aclose()
    await store.transact(lambda tx: tx.add_event(order_event(revision=99), "{}"))
    assert len(ear.heard) == 3
    await store.aclose()


async def test_a_listener_outlives_a_restart_and_says_that_it_may_have_missed_something(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.store.listener._PAUSE_S", 0.05)
    ear = Ear()
    listener = Listener(server.url, ear.hear)
    await ear.hears()
    await asyncio.to_thread(server.stop, "fast")
    await asyncio.to_thread(server.start)
    await ear.hears()
    assert ear.heard == [GAP, GAP]
    store = PostgresStore.open(server.url)
    await store.transact(lambda tx: tx.tell_others("news"))
    await ear.hears()
    await listener.aclose()
    await store.aclose()


async def test_a_connection_that_is_cut_is_made_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.store.listener._PAUSE_S", 0.05)
    ear = Ear()
    listener = Listener(url, ear.hear)
    await ear.hears()
    with connect(url) as connection:
        cut = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        ).fetchall()
    assert len(cut) == 1
    await ear.hears()
    await listener.aclose()


async def test_it_can_be_closed_at_once_while_the_database_is_away() -> None:
    listener = Listener("postgresql://monitor@127.0.0.1:1/monitor", lambda _: None)
    await asyncio.wait_for(listener.aclose(), 1.5)


async def test_it_asks_nothing_while_nothing_happens(url: str) -> None:
    """A daemon that has nothing to do sleeps."""
    ear = Ear()
    listener = Listener(url, ear.hear)
    await ear.hears()
    with psycopg.connect(url, autocommit=True) as connection:
        asked = (
            "SELECT query_start, state FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        before = connection.execute(asked.encode()).fetchall()
        await asyncio.sleep(0.2)
        assert connection.execute(asked.encode()).fetchall() == before
    await listener.aclose()


async def test_a_loop_that_is_gone_is_nobodys_trouble(url: str) -> None:
    def listen() -> Listener:
        async def make() -> Listener:
            return Listener(url, lambda _: None)

        return asyncio.run(make())

    listener = await asyncio.to_thread(listen)
    await listener.aclose()
    assert not listener._thread.is_alive()
