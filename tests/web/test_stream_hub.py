"""The hub reads each event once for all who listen, and nothing while nobody does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from stream_reading import Frame, frames_of
from structlog.testing import capture_logs

from monitor.alerting.silences import Matcher
from monitor.clock import SystemClock
from monitor.errors import StateUnreachable
from monitor.model import EventKind, Order, OrderEvent
from monitor.store.base import StoredEvent, Transaction
from monitor.store.listings import Pulse
from monitor.store.sqlite import SqliteStore
from monitor.web.hub import MOST_EVENTS, MOST_STREAMS, Hub, changed_parts
from monitor.web.listener import Listener, frame

T = TypeVar("T")
NOW = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)


class Reader:
    """A state as the hub reads it: counts the looks, and fails when it is told to."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.looks = self.failures = 0
        self.fails = False

    async def read(self, work: Callable[[Transaction], T]) -> T:
        self.looks += 1
        if self.fails:
            raise StateUnreachable("the disk is gone")
        return await self._store.read(work)

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        raise AssertionError("the hub writes nothing")

    async def aclose(self) -> None:
        await self._store.aclose()


class Clock(SystemClock):
    """The machine's clock, which can be set ahead."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Line:
    """A connection: closed, or cut off by the server."""

    def __init__(self) -> None:
        self.closed = self.aborted = False

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.aborted = True


class Stage:
    """A hub over a state, and who writes into it."""

    def __init__(self, store: SqliteStore, reader: Reader) -> None:
        self.store = store
        self.reader = reader
        self.clock = Clock()
        self.hub = Hub(reader, self.clock)
        self.written: list[int] = []
        self.unwritable: set[int] = set()
        self._revision = 0

    def write(self, row: StoredEvent) -> bytes:
        if row.id in self.unwritable:
            raise ValueError("no such template")
        self.written.append(row.id)
        return frame("event", row.id, row.id)

    async def happen(self, count: int = 1) -> int:
        """So many events, about which nobody is poked; the last one's id."""

        def add(tx: Transaction) -> int:
            return [tx.add_event(self._event(), "{}") for _ in range(count)][-1]

        return await self.store.transact(add)

    def _event(self) -> OrderEvent:
        self._revision += 1
        return OrderEvent("shop", EventKind.CHANGED, NOW, Order("88", "pending"), self._revision)

    def listen(self, after: int | None = None, line: Line | None = None) -> Listener:
        listener = self.hub.join(line or Line(), after)
        assert listener is not None
        return listener


@asynccontextmanager
async def hub_stage(folder: Path) -> AsyncIterator[Stage]:
    store = SqliteStore.open(folder / "state.db")
    reader = Reader(SqliteStore.open(folder / "state.db", exclusive=False))
    stage = Stage(store, reader)
    running = asyncio.create_task(stage.hub.run(stage.write))
    try:
        yield stage
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await stage.hub.aclose()
        await reader.aclose()
        await store.aclose()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with hub_stage(tmp_path) as stage:
        yield stage


async def heard(listener: Listener, until: str) -> list[Frame]:
    """What it is told, up to the first frame of this kind."""
    frames: list[Frame] = []
    async with asyncio.timeout(10):
        while not any(one.event == until for one in frames):
            frames += frames_of(await listener.take())
    return frames


async def heard_ids(listener: Listener, last: int) -> list[int]:
    """The events it is told of, up to this one."""
    ids: list[int] = []
    async with asyncio.timeout(10):
        while last not in ids:
            ids += [one.data for one in frames_of(await listener.take()) if one.event == "event"]
    return ids


def said(logs: list[Any]) -> list[str]:
    return [line["event"] for line in logs]


async def test_nothing_is_read_while_nobody_listens(stage: Stage) -> None:
    await stage.happen()
    for _ in range(3):
        stage.hub.poke()
        await asyncio.sleep(0)
    assert stage.reader.looks == 0
    listener = stage.listen()
    await heard(listener, "hello")
    stage.hub.leave(listener)
    looks = stage.reader.looks
    stage.hub.poke()
    await stage.clock.sleep(0.2)
    assert stage.reader.looks <= looks + 1, "at most the look that was under way"


async def test_who_has_gone_away_is_let_go_within_a_second(stage: Stage) -> None:
    line = Line()
    listener = stage.listen(line=line)
    await heard(listener, "hello")
    line.closed = True
    async with asyncio.timeout(5):
        while await listener.take():
            pass


async def test_each_event_is_written_once_for_all_who_listen(stage: Stage) -> None:
    listeners = [stage.listen() for _ in range(20)]
    for listener in listeners:
        await heard(listener, "hello")
    last = await stage.happen(3)
    stage.hub.poke()
    expected = [last - 2, last - 1, last]
    assert [await heard_ids(listener, last) for listener in listeners] == [expected] * 20
    assert stage.written == expected


async def test_a_page_gets_what_came_after_the_last_event_that_it_shows(stage: Stage) -> None:
    first = await stage.happen()
    last = await stage.happen(4)
    frames = await heard(stage.listen(after=first), "hello")
    assert [one.id for one in frames] == [*map(str, range(first + 1, last + 1)), str(last)]
    assert frames[-1].event == "hello", "it says where the page is, once that is true"


async def test_a_page_that_shows_no_events_begins_with_the_next(stage: Stage) -> None:
    last = await stage.happen(4)
    listener = stage.listen()
    assert [(one.event, one.id) for one in await heard(listener, "hello")] == [("hello", str(last))]
    newer = await stage.happen()
    stage.hub.poke()
    assert await heard_ids(listener, newer) == [newer]


async def test_pages_that_come_back_share_what_was_written(stage: Stage) -> None:
    first = await stage.happen()
    last = await stage.happen(4)
    for after in (first, first + 1, first + 2):
        await heard(stage.listen(after=after), "hello")
    assert stage.written == list(range(first + 1, last + 1)), "once for all of them"


@pytest.mark.parametrize(("missed", "told"), [(MOST_EVENTS, MOST_EVENTS), (MOST_EVENTS + 1, 0)])
async def test_a_page_that_missed_too_much_reads_anew(stage: Stage, missed: int, told: int) -> None:
    first = await stage.happen()
    last = await stage.happen(missed)
    frames = await heard(stage.listen(after=first), "hello")
    assert len([one for one in frames if one.event == "event"]) == told
    assert [one.id for one in frames if one.event == "resync"] == ([] if told else [str(last)])


async def test_a_page_that_shows_more_than_there_is_reads_anew(stage: Stage) -> None:
    """The state was restored from a backup while the page was open."""
    last = await stage.happen()
    frames = await heard(stage.listen(after=last + 100), "hello")
    assert [(one.event, one.id) for one in frames] == [("resync", str(last)), ("hello", str(last))]


async def test_a_storm_makes_open_pages_read_anew_and_go_on(stage: Stage) -> None:
    listener = stage.listen()
    await heard(listener, "hello")
    last = await stage.happen(MOST_EVENTS + 1)
    stage.hub.poke()
    assert [one.id for one in await heard(listener, "resync") if one.event == "resync"] == [str(last)]
    newer = await stage.happen()
    stage.hub.poke()
    assert await heard_ids(listener, newer) == [newer]


async def test_a_reader_that_is_too_slow_reads_anew_and_nobody_waits_for_it(stage: Stage) -> None:
    slow, quick = stage.listen(), stage.listen()
    await heard(quick, "hello")
    for _ in range(5):
        last = await stage.happen(MOST_EVENTS)
        stage.hub.poke()
        assert len(await heard_ids(quick, last)) == MOST_EVENTS
    frames = await heard(slow, "resync")
    assert frames[0].event == "resync"
    async with asyncio.timeout(10):
        while str(last) not in {one.id for one in frames}:
            frames += frames_of(await slow.take())
    assert len(frames) <= 1001, "no more than that is kept for it"
    ids = [int(one.id) for one in frames if one.event == "event"]
    assert ids == list(range(ids[0], last + 1)), "after that it misses nothing"


async def test_no_more_streams_than_can_be_served_and_those_that_are_gone_make_room(stage: Stage) -> None:
    lines = [Line() for _ in range(MOST_STREAMS)]
    for line in lines:
        stage.listen(line=line)
    assert stage.hub.join(Line(), None) is None
    lines[7].closed = True
    assert stage.hub.join(Line(), None) is not None
    assert stage.hub.join(Line(), None) is None


async def test_a_silent_stream_says_that_it_lives(stage: Stage) -> None:
    listener = stage.listen()
    await heard(listener, "hello")
    stage.clock.ahead = 15.0
    async with asyncio.timeout(10):
        assert await listener.take() == b": still here\n\n"


async def test_what_another_process_wrote_is_told_within_a_second(stage: Stage) -> None:
    listener = stage.listen()
    await heard(listener, "hello")
    before = stage.clock.monotonic()
    await stage.store.transact(lambda tx: tx.add_silence(Matcher(), NOW, NOW + timedelta(hours=1), "test"))
    assert (await heard(listener, "changed"))[-1].data == {"parts": ["silences"]}
    assert stage.clock.monotonic() - before < 2.0


async def test_a_state_that_cannot_be_read_is_logged_once_and_tried_again(stage: Stage) -> None:
    listener = stage.listen()
    await heard(listener, "hello")
    with capture_logs() as logs:
        stage.reader.fails = True
        stage.hub.poke()
        await heard(listener, "trouble")
        looks = stage.reader.looks
        async with asyncio.timeout(10):
            while stage.reader.looks < looks + 2:
                stage.hub.poke()
                await asyncio.sleep(0.01)
        newcomer = stage.listen()
        assert [one.event for one in await heard(newcomer, "trouble")] == ["trouble"]
        stage.reader.fails = False
        assert [one.event for one in await heard(listener, "resync")] == ["resync"]
        await heard(newcomer, "hello")
    assert said(logs) == ["news_unread", "news_read"]
    assert logs[0]["reason"] == "the disk is gone"


async def test_an_event_that_cannot_be_shown_ends_no_stream(stage: Stage) -> None:
    listener = stage.listen()
    await heard(listener, "hello")
    bad = await stage.happen()
    stage.unwritable.add(bad)
    with capture_logs() as logs:
        stage.hub.poke()
        await heard(listener, "resync")
    assert said(logs) == ["news_unread", "news_read"]
    last = await stage.happen()
    stage.hub.poke()
    assert await heard_ids(listener, last) == [last]


async def test_at_the_end_each_stream_ends_and_nobody_joins(stage: Stage) -> None:
    reading, stuck_line = stage.listen(), Line()
    stuck = stage.listen(line=stuck_line)
    await heard(reading, "hello")
    await stage.hub.aclose()
    assert await reading.take() == await stuck.take() == b""
    assert stuck_line.aborted, "what waits for a reader that does not read is not waited for"
    assert stage.hub.join(Line(), None) is None


@pytest.mark.parametrize(
    ("number", "parts"),
    [
        ("event", ["orders"]),
        ("delivery", ["deliveries", "waiting"]),
        ("attempt", ["deliveries"]),
        ("silences", ["silences"]),
        ("unsettled", ["deliveries", "waiting"]),
        ("dead", ["deliveries"]),
        ("sources", ["sources"]),
    ],
)
def test_what_changes_says_which_parts_of_a_page_do(number: str, parts: list[str]) -> None:
    pulse = Pulse(1, 2, 3, 4, 5, 6, 7)
    assert changed_parts(pulse, pulse._replace(**{number: 99})) == parts
    assert changed_parts(pulse, pulse) == []
