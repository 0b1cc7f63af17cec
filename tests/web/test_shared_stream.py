"""An open page is told what other processes write, whichever daemon it is of; and that the database is away."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from postgres_server import Server, database, own_server
from scraping import scrape
from shared_stage import SharedStage, sharing, until
from stream_reading import Frame, read_frames
from surfing import Browser, Seen
from swallowing import way_to
from web_stage import WebStage

from monitor.alerting.silences import Matcher
from monitor.store import postgres_session
from monitor.store.opening import open_store
from monitor.web import failures, hub, probes

_NOT_READY = re.compile(
    r"the state (cannot be read: the database (does not answer|refuses it \(SQLSTATE \w{5}\))"
    r"|does not answer within 4 s)\n"
)
"""Nobody has logged in to learn it: it names neither a host nor a socket."""


@pytest.fixture
def state() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture
def server() -> Iterator[Server]:
    made = own_server()
    yield made
    made.remove()


class Page:
    """An open page's stream, read as it comes; each frame with the time at which it came."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, Frame]] = []

    def named(self, event: str) -> list[Frame]:
        return [one for _, one in self.frames if one.event == event]

    def changed(self) -> set[str]:
        return {part for one in self.named("changed") for part in one.data["parts"]}

    async def read(self, one: WebStage, after: int) -> None:
        async with one.http.get(f"{one.url}/stream?after={after}") as answer:
            async for frame in read_frames(answer):
                self.frames.append((time.monotonic(), frame))


@asynccontextmanager
async def opened(one: WebStage) -> AsyncIterator[Page]:
    """A page that shows everything up to now."""
    page, last = Page(), (await one.app.store.read(lambda tx: tx.pulse())).event
    reading = asyncio.create_task(page.read(one, last))
    try:
        await until(lambda: bool(page.named("hello")))
        yield page
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


@pytest.fixture
def told_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages look when they are told something, and at no other time."""
    monkeypatch.setattr(hub, "_EVERY_S", 3600.0)


@pytest.mark.usefixtures("told_only")
async def test_what_another_daemon_finds_shows_within_a_second(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sharing(tmp_path, state, monkeypatch) as stage:
        holder, other = stage.holder("shop"), stage.other("shop")
        async with opened(other) as page:
            moved = holder.world.ids("active")[0]
            holder.world.set_status(moved, "fraud")
            await holder.app._poll("shop", at_once=True)
            committed = time.monotonic()
            await until(lambda: bool(page.named("event")))
            [(at, frame)] = [one for one in page.frames if one[1].event == "event"]
        assert frame.data["source"] == "shop"
        assert frame.data["kind"] == "status_changed"
        assert at - committed < 1.0


async def test_what_a_command_writes_shows_on_every_page(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command beside the daemons, or a form on another daemon's page."""
    async with sharing(tmp_path, state, monkeypatch) as stage, opened(stage.daemons[0]) as page:
        beside = await asyncio.to_thread(open_store, state, exclusive=False)
        now = stage.daemons[0].server.context.clock.now()
        await beside.transact(
            lambda tx: tx.add_silence(Matcher(source=("shop",)), now, now + timedelta(hours=1), "made up", "Ada")
        )
        await beside.aclose()
        assert await until(lambda: "silences" in page.changed()) < 2.5
        page.frames.clear()
        async with Browser(stage.daemons[1].url) as browser:
            await browser.get("/silences")
            assert (await browser.post("/silences/1/end", {"next": "/silences"})).status == 303
        assert await until(lambda: "silences" in page.changed()) < 2.5


async def test_a_daemon_that_comes_or_goes_shows(state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sharing(tmp_path, state, monkeypatch) as stage:
        first, second = stage.daemons
        async with opened(first) as page:
            assert second.app.sharing
            await second.app.sharing.roster.leave()
            assert await until(lambda: "daemons" in page.changed()) < 2.5
            page.frames.clear()
            await second.app.sharing.beat()
            assert await until(lambda: "daemons" in page.changed()) < 2.5


# The database away


async def ask(one: WebStage, path: str) -> Seen:
    async with Browser(one.url) as browser:
        return await browser.get(path)


async def is_away(one: WebStage, page: Page) -> None:
    """All that people and machines see while the database does not answer."""
    await until(lambda: bool(page.named("trouble")), 30)
    begun = time.monotonic()
    shown = await ask(one, "/")
    assert time.monotonic() - begun < failures.PATIENCE_S + 2.0
    assert shown.status == 503
    assert "The state cannot be used right now" in shown.text
    assert (shown.headers["Retry-After"], shown.headers["Refresh"]) == ("10", "10")
    assert (await ask(one, "/healthz")).status == 200
    begun = time.monotonic()
    ready = await ask(one, "/readyz")
    assert time.monotonic() - begun < probes.READ_WITHIN_S + 2.0
    assert ready.status == 503
    assert _NOT_READY.fullmatch(ready.text)
    assert (await scrape(one)).value("state_up") == 0
    checkup = await one.app._life.check()
    assert checkup.lives
    assert checkup.status != "watching 2 sources"


async def is_back(one: WebStage, page: Page) -> None:
    """As if nothing had been, without anybody's doing."""
    await until(lambda: page.frames[-1][1].event != "trouble", 30)
    assert page.named("resync")
    async with asyncio.timeout(30):
        while (await ask(one, "/")).status != 200:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.1)
    assert (await scrape(one)).value("state_up") == 1
    assert one.app.sharing
    sharing_ = one.app.sharing
    await until(lambda: sharing_.roster.is_valid, 30)
    assert (await ask(one, "/readyz")).text == "ok\n"
    one.world.set_status(one.world.ids("active")[0], "fraud")
    await one.app._poll("shop", at_once=True)
    await until(lambda: bool(page.named("event")))


@asynccontextmanager
async def alone(folder: Path, url: str, patch: pytest.MonkeyPatch) -> AsyncIterator[WebStage]:
    async with sharing(folder, url, patch, daemons=1) as stage:
        yield stage.daemons[0]


async def test_a_database_that_is_stopped_is_said_everywhere_and_what_follows_its_start_is_as_before(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with alone(tmp_path, server.url, monkeypatch) as one, opened(one) as page:
        await asyncio.to_thread(server.stop)
        await is_away(one, page)
        await asyncio.to_thread(server.start)
        await is_back(one, page)


async def test_a_network_that_swallows_everything_keeps_nobody_waiting(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is refused: it just never comes."""
    monkeypatch.setattr(failures, "PATIENCE_S", 1.0)
    monkeypatch.setattr(hub, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(postgres_session, "BEGIN_S", 8.0)
    async with way_to(state) as way, alone(tmp_path, way.url, monkeypatch) as one, opened(one) as page:
        way.swallows = True
        await is_away(one, page)
        way.swallows = False
        await is_back(one, page)


async def test_a_wish_that_cannot_be_passed_on_is_refused(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks is told, and can ask again: another daemon would have had to be told."""
    async with sharing(tmp_path, server.url, monkeypatch) as stage:
        other = stage.other("shop")
        async with Browser(other.url) as browser:
            await browser.get("/")
            await asyncio.to_thread(server.stop)
            seen = await browser.ask("POST", "/api/v1/sources/shop/poll", headers={"X-CSRF-Token": browser.token})
            assert seen.status == 503
            assert "Refresh" not in seen.headers
        await asyncio.to_thread(server.start)
        await _all_valid(stage)


async def _all_valid(stage: SharedStage) -> None:
    for one in stage.daemons:
        assert one.app.sharing
        await until(lambda roster=one.app.sharing.roster: roster.is_valid, 30)  # type: ignore[misc]  # of this round
