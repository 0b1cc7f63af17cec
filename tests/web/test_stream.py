"""`GET /stream`: what an open page is told, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from shifted_clock import ShiftedClock
from stream_reading import Frame, read_frames
from surfing import PASSWORD, hashed
from web_stage import WebStage, served

from monitor.web.hub import MOST_STREAMS


class Reading:
    """An open stream: ``frames`` are those that have come, ``ended`` is set when it has ended."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.frames: list[Frame] = []
        self.ended = False

    async def read(self) -> None:
        async for frame in read_frames(self.answer):
            self.frames.append(frame)
        self.ended = True

    def of(self, event: str) -> list[Frame]:
        return [frame for frame in self.frames if frame.event == event]


@asynccontextmanager
async def open_stream(stage: WebStage, query: str = "", **headers: str) -> AsyncIterator[Reading]:
    """A stream that has said hello."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with stage.http.get(f"{stage.url}/stream{query}", headers=named) as answer:
        assert answer.status == 200
        reading = Reading(answer)
        task = asyncio.create_task(reading.read())
        try:
            await stage.until(lambda: bool(reading.of("hello")))
            yield reading
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def make_fraud(stage: WebStage, *orders: int) -> None:
    """These orders turn out to be fraud, which is seen."""
    for order in orders:
        stage.world.set_status(order, "fraud")
    await stage.app.poll_all()


async def test_a_change_is_told_as_a_row_with_what_filters_and_screen_readers_need(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, open_stream(stage) as reading:
        order = stage.world.order(stage.world.ids()[0])
        await make_fraud(stage, order.id)
        await stage.until(lambda: bool(reading.of("event")))
        frame = reading.of("event")[0]
        told = frame.data
        assert (told["source"], told["kind"], str(told["id"])) == ("shop", "status_changed", frame.id)
        assert order.number.lower() in told["text"]
        assert order.number in told["said"]
        assert told["said"].startswith("Fraud: ")
        assert order.number in told["html"]
        assert told["html"].startswith("<li")


async def test_a_stream_says_how_it_is_to_be_read(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, stage.http.get(f"{stage.url}/stream") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "trusted-types fragments" in answer.headers["Content-Security-Policy"]
        assert await answer.content.readline() == b"retry: 2000\n"


async def test_a_delivery_that_was_sent_changes_its_part_of_the_page(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, open_stream(stage) as reading:
        await make_fraud(stage, stage.world.ids()[0])
        await stage.until(lambda: "deliveries" in {part for one in reading.of("changed") for part in one.data["parts"]})
        assert "orders" in {part for one in reading.of("changed") for part in one.data["parts"]}


@pytest.mark.parametrize("way", ["the browser's", "the page's"])
async def test_a_connection_that_was_lost_resumes_where_it_was(tmp_path: Path, way: str) -> None:
    async with served(tmp_path) as stage:
        first, second, third = stage.world.ids()[:3]
        async with open_stream(stage) as reading:
            await make_fraud(stage, first)
            await stage.until(lambda: bool(reading.of("event")))
            last = reading.of("event")[0].id
        await make_fraud(stage, second, third)
        query, headers = (f"?after={last}", {}) if way == "the page's" else ("?after=0", {"Last_Event_ID": last})
        async with open_stream(stage, query, **headers) as reading:
            assert {int(one.id) for one in reading.of("event")} == {int(last) + 1, int(last) + 2}


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 40, "²"])
async def test_nonsense_for_the_last_event_is_as_none(tmp_path: Path, last: str) -> None:
    async with served(tmp_path) as stage:
        await make_fraud(stage, stage.world.ids()[0])
        async with open_stream(stage, Last_Event_ID=last) as reading:
            assert [one.event for one in reading.frames][:1] == ["hello"]


async def test_one_stream_too_many_is_refused_and_says_when_to_come_back(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        full = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=full) as http:
            answers = [await http.get(f"{stage.url}/stream") for _ in range(MOST_STREAMS)]
            assert {answer.status for answer in answers} == {200}
            async with http.get(f"{stage.url}/stream") as refused:
                assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
            answers[0].close()
            await until_admitted(http, f"{stage.url}/stream")
            for answer in answers:
                answer.close()


async def until_admitted(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(10):
        while True:
            async with http.get(url) as answer:
                if answer.status == 200:
                    return


async def test_streams_end_at_once_when_the_daemon_stops(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, open_stream(stage) as reading, open_stream(stage) as other:
        before = time.monotonic()
        await stage.app.serving.stop()
        assert time.monotonic() - before < 1.0
        await stage.until(lambda: reading.ended and other.ended)


async def test_a_reader_that_reads_nothing_holds_up_neither_the_others_nor_the_end(tmp_path: Path) -> None:
    async with served(tmp_path, orders=600) as stage:
        host, port = stage.url.removeprefix("http://").split(":")
        _, stuck = await asyncio.open_connection(host, int(port), limit=1024)
        stuck.write(f"GET /stream HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        async with open_stream(stage) as reading:
            for _ in range(4):
                for order in stage.world.ids():
                    now = stage.world.order(order).status
                    stage.world.set_status(order, "active" if now == "fraud" else "fraud")
                await stage.app.poll_all()
            await stage.until(lambda: bool(reading.of("event") or reading.of("resync")))
            before = time.monotonic()
            await stage.app.serving.stop()
            assert time.monotonic() - before < 1.0
        stuck.close()


async def test_a_session_that_ends_is_told_nothing_more(tmp_path: Path) -> None:
    clock = ShiftedClock()
    async with served(tmp_path, clock=clock, password=hashed(), session="1h") as stage:
        await log_in(stage)
        async with open_stream(stage) as reading:
            clock.pass_(timedelta(hours=2))
            stage.world.set_status(stage.world.ids()[0], "fraud")
            await stage.app.poll_all()
            await stage.until(lambda: reading.ended)
            assert not reading.of("event")


async def test_who_is_not_logged_in_gets_no_stream(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, stage.http.get(f"{stage.url}/stream") as answer:
        assert answer.status == 401


async def test_a_heartbeat_notices_a_log_out(tmp_path: Path) -> None:
    clock = ShiftedClock()
    async with served(tmp_path, clock=clock, password=hashed()) as stage:
        await log_in(stage)
        async with open_stream(stage) as reading:
            await post(stage, "/logout")
            clock.pass_(timedelta(seconds=16))
            await stage.until(lambda: reading.ended)


async def log_in(stage: WebStage) -> None:
    await post(stage, "/login", password=PASSWORD)


async def post(stage: WebStage, path: str, **fields: str) -> None:
    """Send a form with the token of the page that it is on."""
    async with stage.http.get(stage.url if path == "/logout" else stage.url + path) as page:
        text = await page.text()
    token = text.partition('name="csrf" value="')[2].partition('"')[0]
    async with stage.http.post(stage.url + path, data={"csrf": token, **fields}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
