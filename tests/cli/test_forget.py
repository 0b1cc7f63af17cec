"""`forget` erases all that there is of an order, beside a running daemon, and says what that was."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typed import Hook, Keyboard

from monitor.app import open_app
from monitor.checks import CHECKS
from monitor.clock import SystemClock
from monitor.config import load
from monitor.logs import configure_logs
from monitor.redact import Redactor
from monitor.simulator.world import World
from monitor.store.sqlite_session import SqliteSession


class Ahead(SystemClock):
    """The machine's clock, so many days ahead."""

    def __init__(self, days: int) -> None:
        self._ahead = timedelta(days=days)

    def now(self) -> datetime:
        return super().now() + self._ahead


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(folder.glob("order-monitor.db*")))


def logged() -> io.StringIO:
    """What is logged from now on."""
    stream = io.StringIO()
    configure_logs("info", "json", redactor=Redactor([]), stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "order-monitor.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize("name", ["1", "ORD-0001"])
async def test_an_order_is_erased_by_its_id_and_by_its_number(
    watched: World, keyboard: Keyboard, tmp_path: Path, name: str
) -> None:
    done = await keyboard.beside("forget", "shop", name, "--yes")
    assert done.code == 0, done.err
    assert f"shop: erased of order {name}: the order, 1 event, 1 message, 1 attempt" in done.out
    assert "the next poll takes it for a new order" in done.out
    assert (await keyboard.beside("explain", "shop", "1")).code == 1
    assert b"ORD-0001" not in bytes_of(tmp_path)
    assert b"ORD-0002" in bytes_of(tmp_path)


async def test_a_large_state_is_written_anew_only_on_request(
    watched: World, keyboard: Keyboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For so long nobody would be told anything."""
    monkeypatch.setattr("monitor.cli.forget._SOON_WRITTEN", 0)
    state, written = tmp_path / "order-monitor.db", list[str]()
    insist = SqliteSession._insist

    def note(session: SqliteSession, sql: str) -> bool:
        written.append(sql)
        return insist(session, sql)

    monkeypatch.setattr(SqliteSession, "_insist", note)
    done = await keyboard.beside("forget", "shop", "1", "--yes")
    assert done.code == 0, done.err
    assert f"is too large to let the daemon wait: next time --wipe, or at a quiet time: sqlite3 {state} " in done.err
    assert written == ["PRAGMA wal_checkpoint(TRUNCATE)"]
    assert rows(tmp_path, "SELECT COUNT(*) FROM orders WHERE id = '1'") == [(0,)]
    done = await keyboard.beside("forget", "shop", "2", "--yes", "--wipe")
    assert (done.code, done.err) == (0, "")
    assert written[1:] == ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]


async def test_erasing_twice_says_that_there_is_nothing(watched: World, keyboard: Keyboard) -> None:
    await keyboard.beside("forget", "shop", "1", "--yes")
    again = await keyboard.beside("forget", "shop", "1", "--yes")
    assert (again.code, again.err) == (1, "shop: no order 1 is known, nor anything of it\n")


async def test_a_source_that_is_none_is_a_mistake(watched: World, keyboard: Keyboard) -> None:
    done = await keyboard.beside("forget", "shpo", "1", "--yes")
    assert done.code == 2
    assert "did you mean shop?" in done.err


async def test_without_a_terminal_it_must_be_said_that_it_is_meant(
    watched: World, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    done = await keyboard.beside("forget", "shop", "1")
    assert done.code == 2
    assert "--yes" in done.err
    assert (await keyboard.beside("explain", "shop", "1")).code == 0


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("Yes", 0), ("", 1), ("n", 1), ("yep", 1), (None, 1)])
async def test_on_a_terminal_it_asks(
    watched: World, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch, answer: str | None, code: int
) -> None:
    def reply(question: str) -> str:
        assert "Erase order 1 of shop for good" in question
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", reply)
    done = await keyboard.beside("forget", "shop", "1")
    assert done.code == code
    assert (await keyboard.beside("explain", "shop", "1")).code == 1 - code


async def test_a_message_that_waits_is_not_sent(shop: World, keyboard: Keyboard, hook: Hook) -> None:
    for number in range(1, 4):
        shop.place(id=number)
    await keyboard.beside("poll")
    hook.status = 503
    shop.set_status(1, "fraud")
    shop.set_status(2, "fraud")
    await keyboard.beside("poll")
    hook.posted.clear()
    hook.status = 200
    done = await keyboard.beside("forget", "shop", "1", "--yes")
    assert "not sent: 1 message that waited" in done.out
    assert rows(keyboard.file.parent, "SELECT order_id, state FROM deliveries") == [("2", "waiting")]
    shop.delete(1)
    await keyboard.beside("poll")
    assert not any("ORD-0001" in title for title in hook.titles)


async def test_one_that_the_source_still_shows_is_new_to_the_next_poll(
    watched: World, keyboard: Keyboard, hook: Hook
) -> None:
    await keyboard.beside("forget", "shop", "1", "--yes")
    await keyboard.beside("poll")
    assert "ORD-0001" in hook.titles[-1]
    assert (await keyboard.beside("explain", "shop", "1")).code == 0


async def test_one_that_the_source_does_not_show_any_more_is_never_heard_of_again(
    watched: World, keyboard: Keyboard, hook: Hook
) -> None:
    watched.delete(1)
    await keyboard.beside("forget", "shop", "1", "--yes")
    before = list(hook.titles)
    for _ in range(3):
        await keyboard.beside("poll")
    assert hook.titles == before


async def test_several_orders_of_one_number_are_told_apart_by_their_ids(shop: World, keyboard: Keyboard) -> None:
    shop.place(id=1)
    shop.place(id=2)
    await keyboard.beside("poll")
    connection = sqlite3.connect(keyboard.file.parent / "order-monitor.db")
    connection.execute("UPDATE orders SET number = 'X'")
    connection.commit()
    connection.close()
    done = await keyboard.beside("forget", "shop", "X", "--yes")
    assert (done.code, done.err) == (1, "shop: several orders are called X; name one by its id: 1, 2\n")


async def test_it_works_beside_a_running_daemon_which_does_not_write_it_back(
    watched: World, keyboard: Keyboard, hook: Hook, tmp_path: Path
) -> None:
    """The daemon remembers the orders of its last poll; what it has read before must not come back by that."""
    settings = load(keyboard.file, {}, CHECKS)
    async with open_app(settings, SystemClock()) as app:
        await app.poll_all()
        watched.delete(1)
        done = await keyboard.beside("forget", "shop", "1", "--yes")
        assert done.code == 0, done.err
        assert b"ORD-0001" not in bytes_of(tmp_path)
        before = list(hook.titles)
        watched.set_status(3, "fraud")
        for _ in range(3):
            await app.poll_all()
            await app.deliveries.drain()
        assert [title for title in hook.titles if title not in before]
        assert not any("ORD-0001" in title for title in hook.titles[len(before) :])
        assert b"ORD-0001" not in bytes_of(tmp_path)


async def test_a_poll_under_way_is_refused(watched: World, keyboard: Keyboard) -> None:
    settings = load(keyboard.file, {}, CHECKS)
    async with open_app(settings, SystemClock()) as app:
        read = app._pollers["shop"]._reading
        erased = asyncio.Event()

        def slow() -> object:
            reading = read()
            get = reading.get

            async def get_later(request: object) -> object:
                answer = await get(request)  # type: ignore[arg-type]
                if not erased.is_set():
                    erased.set()
                    await keyboard.beside("forget", "shop", "1", "--yes")
                return answer

            reading.get = get_later  # type: ignore[method-assign,assignment]
            return reading

        app._pollers["shop"]._reading = slow  # type: ignore[assignment]
        watched.set_status(1, "active")
        logs = logged()
        await app.poll_all()
    assert "poll_superseded" in [line["event"] for line in lines(logs)]
    assert (await keyboard.beside("explain", "shop", "1")).code == 1


async def test_an_order_that_the_file_follows_must_be_removed_there_first(keyboard: Keyboard, hook: Hook) -> None:
    keyboard.file.write_text(
        "sources: {cloud: {type: hostup, url: 'http://127.0.0.1:9', api_key: abcdefgh, orders: [32019]}}\n"
        f"channels: {{ops: {{url: '{hook.url}'}}}}\n"
    )
    await keyboard.beside("poll")
    connection = sqlite3.connect(keyboard.file.parent / "order-monitor.db")
    connection.execute("INSERT INTO orders VALUES ('cloud', '32019', 1, NULL, 'active', 0, 0, 0, '{}')")
    connection.commit()
    connection.close()
    done = await keyboard.beside("forget", "cloud", "32019", "--yes")
    assert done.code == 2
    assert "remove it there first; nothing was erased" in done.err


# History that is old


async def test_housekeeping_drops_what_is_older_than_keep_and_explain_says_so(
    watched: World, keyboard: Keyboard, tmp_path: Path
) -> None:
    keyboard.file.write_text(keyboard.file.read_text() + "keep: 2d\n")
    settings = load(keyboard.file, {}, CHECKS)
    async with open_app(settings, Ahead(3)) as app:
        logs = logged()
        for _ in range(4):
            await app.keep_house()
    (line,) = [line for line in lines(logs) if line["event"] == "history_dropped"]
    assert (line["events"], line["deliveries"], line["orders"], line["silences"]) == (3, 3, 0, 0)
    assert rows(tmp_path, "SELECT COUNT(*) FROM events") == [(0,)]
    assert rows(tmp_path, "SELECT COUNT(*) FROM orders") == [(61,)]
    connection = sqlite3.connect(tmp_path / "order-monitor.db")
    connection.execute("UPDATE orders SET doc = json_set(doc, '$.first_seen', '2020-01-01T00:00:00Z') WHERE id = '1'")
    connection.commit()
    connection.close()
    assert "was dropped: `keep` is 2d." in (await keyboard.beside("explain", "shop", "1")).out
    assert "was dropped" not in (await keyboard.beside("explain", "shop", "2")).out


async def test_a_clock_that_is_set_far_ahead_by_mistake_does_not_cost_the_history(
    watched: World, keyboard: Keyboard, tmp_path: Path
) -> None:
    settings = load(keyboard.file, {}, CHECKS)
    for clock in (Ahead(2000), SystemClock()):
        async with open_app(settings, clock) as app:
            for _ in range(24):
                await app.keep_house()
    assert rows(tmp_path, "SELECT COUNT(*) FROM events") == [(3,)]


async def test_much_history_goes_in_small_transactions_and_in_several_rounds(
    watched: World, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.housekeeping._PIECE", 1)
    monkeypatch.setattr("monitor.housekeeping._MOST_PIECES", 2)
    monkeypatch.setattr("monitor.housekeeping._MOST_AT_ONCE", timedelta(days=500))

    async with open_app(load(keyboard.file, {}, CHECKS), Ahead(500)) as app:
        logs = logged()
        await app.keep_house()
        await app.keep_house()
    assert [line["events"] for line in lines(logs) if line["event"] == "history_dropped"] == [2, 1]
