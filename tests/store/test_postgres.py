"""What only PostgreSQL can do wrong: it is away, hangs, comes back, refuses; and other daemons are at work in it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any

import psycopg
import pytest
from postgres_server import PASSWORD, Server, database, database_url, restartable
from store_examples import T0, changed, known, new, order_event, present, save

from monitor.diff import Change
from monitor.errors import StateError, StateUnreachable
from monitor.store import postgres, postgres_session
from monitor.store.base import Claim, Transaction
from monitor.store.postgres import PostgresStore


@pytest.fixture(scope="module")
def server() -> Server:
    """One to stop and start, which asks for a password."""
    return restartable()


@pytest.fixture
async def store(server: Server) -> AsyncIterator[PostgresStore]:
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        connection.execute("TRUNCATE orders, sources, events")
    made = PostgresStore.open(server.url)
    yield made
    await made.aclose()


@pytest.fixture
async def others() -> AsyncIterator[Callable[[], PostgresStore]]:
    """Stores of several daemons, which share a database."""
    made: list[PostgresStore] = []
    with database() as url:

        def another() -> PostgresStore:
            made.append(PostgresStore.open(url))
            return made[-1]

        yield another
        for one in made:
            await one.aclose()


def backend(store: PostgresStore) -> int:
    """The server's process for this store; of its own connection, which is no business of others."""
    return store._session._connection.info.backend_pid


@contextmanager
def refused(*said: str) -> Iterator[None]:
    with pytest.raises(StateUnreachable) as caught:
        yield
    text = str(caught.value)
    assert text.startswith("PostgreSQL: ")
    assert "\n" not in text
    assert PASSWORD not in text
    for one in said:
        assert one in text


# A database that is away


async def test_a_server_that_was_restarted_meanwhile_is_noticed_by_nobody(server: Server, store: PostgresStore) -> None:
    await store.transact(lambda tx: save(tx, [new("1")]))
    server.stop("fast")
    server.start()
    await store.transact(lambda tx: save(tx, [new("2")]))
    assert await store.read(present) == ["1", "2"]
    assert store.failures == 0


async def test_a_server_that_stops_within_a_transaction_undoes_it_and_all_goes_on_once_it_is_back(
    server: Server, store: PostgresStore
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        save(tx, [new("lost")])
        begun.set()
        assert go_on.wait(30)
        save(tx, [new("lost, too")])

    task = asyncio.create_task(store.transact(work))
    await asyncio.to_thread(begun.wait, 10)
    await asyncio.to_thread(server.stop)
    go_on.set()
    try:
        with refused():
            await task
        with refused("failed"):
            await store.transact(lambda tx: save(tx, [new("away")]))
        with refused("failed"):
            await store.read(present)
        assert store.failures == 3
    finally:
        await asyncio.to_thread(server.start)
    await store.transact(lambda tx: save(tx, [new("back")]))
    assert await store.read(present) == ["back"]


def test_why_it_cannot_be_opened_is_said_without_a_password(server: Server) -> None:
    for url, said in (
        (f"postgresql://monitor:{PASSWORD}@127.0.0.1:1/monitor", "refused"),
        (server.url.replace(PASSWORD, "wrong"), 'password authentication failed for user "monitor"'),
        (server.url.replace("monitor:", "nobody:"), "password authentication failed"),
        (database_url(server.url, "missing"), 'database "missing" does not exist'),
        (f"postgresql://monitor:{PASSWORD}@{PASSWORD}/monitor", "…"),
        (f"postgresql://monitor:a/{PASSWORD}@host/monitor", "percent-encode"),
    ):
        for exclusive in (True, False):
            with refused(said):
                PostgresStore.open(url, exclusive=exclusive)


def test_a_database_that_cannot_hold_every_text_is_refused(server: Server) -> None:
    with closing(psycopg.connect(server.url, autocommit=True)) as connection:
        connection.execute("CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    with refused("LATIN1", "ENCODING 'UTF8'"):
        PostgresStore.open(database_url(server.url, "old"))


async def test_a_database_that_hangs_is_given_up_and_asked_anew(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "BEGIN_S", 0.3)
    await store.transact(lambda tx: save(tx, [new("1")]))
    hangs = backend(store)
    os.kill(hangs, signal.SIGSTOP)
    try:
        with refused("no answer for 0.3 s"):
            await store.transact(lambda tx: save(tx, [new("2")]))
    finally:
        os.kill(hangs, signal.SIGCONT)
    monkeypatch.undo()
    await store.transact(lambda tx: save(tx, [new("3")]))
    assert await store.read(present) == ["1", "3"]
    assert backend(store) != hangs


async def test_one_that_hangs_within_a_transaction_is_given_up_too(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_session, "PATIENCE_S", 0.3)

    def work(tx: Transaction) -> None:
        save(tx, [new("lost")])
        os.kill(backend(store), signal.SIGSTOP)
        save(tx, [new("lost, too")])

    hangs = backend(store)
    try:
        with refused("no answer for 0.3 s"):
            await store.transact(work)
    finally:
        os.kill(hangs, signal.SIGCONT)
    assert await store.read(present) == []


async def test_closing_does_not_wait_for_a_database_that_hangs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "CLOSE_S", 0.2)
    store = PostgresStore.open(server.url)
    hangs = backend(store)
    os.kill(hangs, signal.SIGSTOP)
    try:
        tasks = [asyncio.create_task(store.transact(lambda tx: save(tx, [new("lost")]))) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.wait_for(store.aclose(), postgres_session.BEGIN_S / 2)
        for task in tasks:
            with refused():
                await task
    finally:
        os.kill(hangs, signal.SIGCONT)


async def test_a_server_that_only_reads_now_is_left_for_the_one_that_writes(store: PostgresStore) -> None:
    """After a fail-over, the connection is still to the one that was the first before."""
    store._session._connection.execute("SET default_transaction_read_only = on")
    with refused("read-only transaction"):
        await store.transact(lambda tx: save(tx, [new("1")]))
    await store.transact(lambda tx: save(tx, [new("2")]))
    assert await store.read(present) == ["2"]


async def test_what_takes_too_long_is_ended_by_the_database(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_session, "STATEMENT_S", 0.2)
    store = PostgresStore.open(server.url)
    with refused("statement timeout"):
        await store.transact(lambda tx: tx._db.rows("SELECT pg_sleep(20)"))  # type: ignore[attr-defined]
    assert await store.read(lambda tx: tx.sources()) == {}
    await store.aclose()


async def test_every_error_of_the_database_is_one_of_ours(store: PostgresStore) -> None:
    def nonsense(tx: Any) -> None:
        tx._db.rows("SELECT nonsense")

    for ask in (store.transact, store.read):
        with refused('column "nonsense" does not exist'):
            await ask(nonsense)
    with pytest.raises(StateError):
        await store.transact(lambda tx: tx._db.rows("SELECT :huge::bigint", huge=2**80))  # type: ignore[attr-defined]


async def test_a_row_that_cannot_be_read_is_an_error_of_the_state(store: PostgresStore) -> None:
    await store.transact(lambda tx: save(tx, [new()]))
    await store.transact(lambda tx: tx._db.run("UPDATE orders SET doc = '{'"))  # type: ignore[attr-defined]
    with refused():
        await store.transact(lambda tx: tx.known("shop", ["88"]))
    assert await store.read(present) == ["88"]


# Others at work


async def test_readers_wait_for_no_writer_and_see_only_what_is_committed(
    others: Callable[[], PostgresStore],
) -> None:
    one, two = others(), others()
    written, read = threading.Event(), threading.Event()

    def write(tx: Transaction) -> None:
        save(tx, [new()])
        written.set()
        assert read.wait(10)

    writing = asyncio.create_task(one.transact(write))
    await asyncio.to_thread(written.wait, 10)
    assert await two.read(present) == []
    read.set()
    await writing
    assert await two.read(present) == ["88"]


async def test_a_view_does_not_change_while_it_is_looked_at(others: Callable[[], PostgresStore]) -> None:
    one, two = others(), others()
    looked, written = threading.Event(), threading.Event()

    def look(tx: Transaction) -> tuple[list[str], list[str]]:
        before = present(tx)
        looked.set()
        assert written.wait(10)
        return before, present(tx)

    looking = asyncio.create_task(one.read(look))
    await asyncio.to_thread(looked.wait, 10)
    await two.transact(lambda tx: save(tx, [new()]))
    written.set()
    assert await looking == ([], [])


def claiming(*sources: str, meet: Callable[[], object]) -> Callable[[Transaction], list[str]]:
    """Lock these sources, one after the other; ``meet`` stands between them."""

    def work(tx: Transaction) -> list[str]:
        for source in sources:
            tx.claim(source, "one", T0, 0.0)
            meet()
        return list(sources)

    return work


@pytest.mark.parametrize("shared", [False, True])
async def test_daemons_that_wait_for_each_other_both_get_their_turn(
    others: Callable[[], PostgresStore], shared: bool
) -> None:
    """One of them is told of the deadlock, and is done again; nobody hears of it."""
    one, two = others(), others()
    for store in (one, two):
        store._session._connection.execute("SET deadlock_timeout = '100ms'")
    both = threading.Barrier(2)

    def meet() -> None:
        if not both.broken:
            both.wait(10)
            both.abort()

    def once() -> None:
        with suppress(threading.BrokenBarrierError):
            meet()

    first = [asyncio.create_task(one.transact(lambda tx: save(tx, [new("before")])))] if shared else []
    done = asyncio.gather(
        one.transact(claiming("a", "b", meet=once)),
        two.transact(claiming("b", "a", meet=once)),
        *([one.transact(lambda tx: save(tx, [new("after")]))] if shared else []),
        *first,
    )
    assert (await asyncio.wait_for(done, 20))[:2] == [["a", "b"], ["b", "a"]]
    assert await one.read(present) == (["after", "before"] if shared else [])
    assert one.failures + two.failures == 0


async def test_who_waits_too_long_for_another_says_so(
    others: Callable[[], PostgresStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = others()
    monkeypatch.setattr(postgres_session, "LOCK_S", 0.2)
    two = others()
    begun, go_on = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        tx.claim("shop", "one", T0, 0.0)
        begun.set()
        assert go_on.wait(10)

    holding = asyncio.create_task(one.transact(hold))
    await asyncio.to_thread(begun.wait, 10)
    with refused("lock timeout"):
        await two.transact(lambda tx: tx.claim("shop", "two", T0, 0.0))
    go_on.set()
    await holding
    assert await two.transact(lambda tx: tx.claim("shop", "two", T0, 0.0)) is not None


HOLDS = """
import asyncio, sys
from datetime import UTC, datetime
from monitor.errors import StateUnreachable
from monitor.store import postgres, postgres_session
from monitor.store.postgres import PostgresStore
postgres_session.IDLE_S = 0.5

def hold(tx):
    tx.claim("shop", "stopped", datetime.now(UTC), 15.0)
    tx.lock_telling()
    print("holds", flush=True)
    sys.stdin.readline()
    tx.claim("other", "stopped", datetime.now(UTC), 15.0)

async def main():
    store = PostgresStore.open(sys.argv[1])
    try:
        await store.transact(hold)
    except StateUnreachable as error:
        print(error, flush=True)
    print("goes on", len(await store.read(lambda tx: tx.sources())), flush=True)
    await store.aclose()

asyncio.run(main())
"""


def take(tx: Transaction) -> Claim | None:
    tx.lock_telling()
    return tx.claim("shop", "two", T0, 15.0)


async def test_a_daemon_that_is_stopped_with_locks_holds_nobody_up_and_writes_nothing_later() -> None:
    assert postgres_session.IDLE_S < postgres_session.LOCK_S < 15.0, "all within a lease"
    with database() as url:
        process = subprocess.Popen(  # noqa: ASYNC220  # it is waited for in a thread
            [sys.executable, "-c", HOLDS, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "holds\n"
        process.send_signal(signal.SIGSTOP)
        store = PostgresStore.open(url)
        try:
            assert await store.transact(take) is not None
        finally:
            process.send_signal(signal.SIGCONT)
            said, _ = await asyncio.to_thread(process.communicate, "\n")
        assert said.startswith("PostgreSQL: ")
        assert "idle-in-transaction timeout" in said
        assert "goes on" in said
        owners = await store.read(lambda tx: tx._db.rows("SELECT name, owner FROM sources"))  # type: ignore[attr-defined]
        assert owners == [("shop", "two")]
        await store.aclose()


# What is written


async def test_a_nul_stands_there_as_what_cannot_be_shown(store: PostgresStore) -> None:
    """PostgreSQL holds none. No order's id has one (sources refuse it), but anything else may."""

    def write(tx: Transaction) -> None:
        save(tx, [new("1", number="ORD\0-1"), new("2", number="ORD\0-2")])
        save(tx, [new("3", number="ORD\0-3")])
        tx.add_event(order_event("1"), '{"said": "a\0b"}')

    await store.transact(write)
    for sought in ("ORD\0-1", "ORD\ufffd-1"):
        assert [one.order.id for one in await store.read(lambda tx, s=sought: tx.find_orders("shop", s))] == ["1"]  # type: ignore[misc]
    assert await store.read(lambda tx: tx.known("shop", ["1\0", "\\u0000"])) == {}
    numbers = await store.read(lambda tx: [one.order.number for one in tx.known("shop", ["1", "2", "3"]).values()])
    assert numbers == ["ORD\0-1", "ORD\0-2", "ORD\0-3"], "the orders are what the source said"


WEIRD = ("%s", "%(rows)s", ":id", "'; --", '"\\u0041', "a\\nb", "ö€😀", " ", "\u2028", "$$", "{}", "E'\\x'")


async def test_many_rows_are_written_as_they_are(store: PostgresStore) -> None:
    rows = [
        Change(known(f"{n}{WEIRD[n % len(WEIRD)]}", number=None if n % 3 else f"{WEIRD[n % len(WEIRD)]}{n}"), new=True)
        for n in range(2500)
    ]
    marks = {row.known.order.id: (-1) ** n * (2**63 - 1 - n) for n, row in enumerate(rows)}
    await store.transact(lambda tx: tx.save_orders("shop", rows, marks))
    found = await store.read(lambda tx: tx.known("shop", marks))
    assert found == {row.known.order.id: row.known for row in rows}
    assert await store.read(lambda tx: {id_: mark for id_, mark, _ in tx.marks("shop")}) == marks
    fewer = dict.fromkeys(list(marks)[::2], 0)
    await store.transact(lambda tx: tx.save_marks("shop", fewer))
    assert await store.read(lambda tx: {id_: mark for id_, mark, _ in tx.marks("shop")}) == marks | fewer


async def test_a_bulk_of_orders_takes_one_statement_for_a_thousand(store: PostgresStore) -> None:
    def write(tx: Any) -> int:
        before = statements(tx)
        tx.save_orders("shop", (new(str(n)) for n in range(5000)), {})
        tx.save_orders("shop", (changed(str(n)) for n in range(5000)), {})
        tx.save_marks("shop", {str(n): n for n in range(1000)})
        return statements(tx) - before

    asked = 0

    def statements(_: Any) -> int:
        return asked

    connection = store._session._connection
    execute = connection.execute

    def counting(*arguments: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*arguments, **options)

    connection.execute = counting  # type: ignore[method-assign]
    assert await store.transact(write) == 5 + 5 + 1
    connection.execute = execute  # type: ignore[method-assign]


async def test_what_is_deleted_is_wiped_beside_others_at_work(others: Callable[[], PostgresStore]) -> None:
    one, two = others(), others()
    await one.transact(lambda tx: save(tx, [new(str(n)) for n in range(3000)]))
    await one.transact(lambda tx: tx.forget_orders("shop"))
    assert await two.wipe()
    [(dead,)] = await one.read(lambda tx: tx._db.rows("SELECT pg_relation_size('orders')"))  # type: ignore[attr-defined]
    assert dead == 0
    await two.transact(lambda tx: save(tx, [new("1")]))
    assert await one.read(present) == ["1"]
