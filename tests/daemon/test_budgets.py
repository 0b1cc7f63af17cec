"""What the sources of one host share, and what they do not, when the whole monitor runs and is reloaded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from aiohttp import web
from connections import clean_up

from monitor.app import open_app
from monitor.checks import CHECKS
from monitor.config import Settings, load

ETAG = '"unchanged"'


class Shop:
    """An Opterius Commerce with one order that never changes, and says so."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str | None]] = []

    async def answer(self, request: web.Request) -> web.Response:
        condition = request.headers.get("If-None-Match")
        self.asked.append((request.headers["Authorization"], condition))
        if condition == ETAG:
            return web.Response(status=304, headers={"ETag": ETAG})
        return web.json_response({"data": [{"id": 1, "status": "active"}]}, headers={"ETag": ETAG})


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.passed = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 4, 1, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds

    def random(self) -> float:
        return 0.5


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop, app = Shop(), web.Application()
    app.router.add_get("/{tail:.*}", shop.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield shop
    await clean_up(runner)


def settings(folder: Path, url: str, **sources: str) -> Settings:
    """Sources of these names on one host, each with more keys of its own."""
    lines = [f"  {name}: {{type: opterius, url: '{url}', token: of-{name}{more}}}" for name, more in sources.items()]
    file = folder / "monitor.yaml"
    file.write_text("\n".join(["sources:", *lines, "channels: {ops: {url: 'json://localhost:9'}}"]))
    return load(file, os.environ, CHECKS)


async def test_a_reload_changes_the_budget_of_all_sources_on_the_host(tmp_path: Path, shop: Shop) -> None:
    clock = Clock()
    limited = settings(tmp_path, shop.url, one=", max_requests_per_minute: 2", two="")
    async with open_app(limited, clock) as app:
        await app.poll_all()
        assert clock.passed == pytest.approx(1030.5)
        await app.reload(settings(tmp_path, shop.url, one="", two=""))
        await app.poll_all()
        assert clock.passed == pytest.approx(1030.5)
        await app.reload(limited)
        await app.poll_all()
        assert clock.passed == pytest.approx(1061)


async def test_each_source_asks_for_news_of_its_own_until_it_is_changed(tmp_path: Path, shop: Shop) -> None:
    async with open_app(settings(tmp_path, shop.url, one="", two=""), Clock()) as app:
        for _ in range(2):
            results = await app.poll_all()
            assert [result and result.snapshot.error for result in results.values()] == [None, None]
        await app.reload(settings(tmp_path, shop.url, one=", every: 5m", two=""))
        await app.poll_all()
    first, again, reloaded = (sorted(shop.asked[start : start + 2]) for start in (0, 2, 4))
    assert first == [("Bearer of-one", None), ("Bearer of-two", None)]
    assert again == [("Bearer of-one", ETAG), ("Bearer of-two", ETAG)]
    assert reloaded == [("Bearer of-one", None), ("Bearer of-two", ETAG)]


async def test_what_a_shared_budget_makes_of_a_bound_is_told_and_told_once(tmp_path: Path, shop: Shop) -> None:
    async with open_app(settings(tmp_path, shop.url, one=", max_requests_per_minute: 1", two=""), Clock()) as app:
        with structlog.testing.capture_logs() as logs:
            for _ in range(4):
                await app.poll_all()
    told = [(log["source"], log["notices"]) for log in logs if log["event"] == "source_watched"]
    assert {source for source, _ in told} == {"one", "two"}
    assert told[-1][1] == "changes within 4 min 4 s", "a look of each, 61 s apart, behind one of each"
    assert len(told) < 6
