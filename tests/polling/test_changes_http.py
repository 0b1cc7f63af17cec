"""Modified since, and single orders, over real HTTP: the Date is the server's own, and so is the shape of its 404."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from changes_shop import SINCE, ChangesShop, DetailedChangesSource
from connections import clean_up
from follow_shop import FollowShop, FollowWatch
from polling_shop import HandClock, Shop
from polling_stage import Watch, moved, vanished

from monitor.clock import SystemClock
from monitor.errors import NotFound
from monitor.simulator.dialect import Call
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.settings import HttpSettings
from monitor.store.sqlite import SqliteStore


class NearClock(HandClock):
    """The real time, and no waiting."""

    def now(self) -> datetime:
        return SystemClock().now() + self.passed

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.passed.total_seconds()


class Served:
    """Shops behind a real server; ``proxy_404``: somebody in front answers for single orders."""

    def __init__(self, client: HttpClient) -> None:
        self.proxy_404 = False
        self._client = client
        self._runners: list[web.AppRunner] = []

    async def serve(self, shop: Shop) -> None:
        """From now on this shop is read over HTTP."""

        async def handle(request: web.Request) -> web.Response:
            call = Call(request.path, dict(request.query), request.headers, SystemClock().now())
            shop.calls.append(call)
            if self.proxy_404 and "page" not in call.query:
                return web.Response(status=404, text="<html>nginx</html>", content_type="text/html")
            try:
                return web.Response(body=shop._body(call), content_type="application/json")
            except NotFound as error:
                return web.Response(status=404, body=error.body, content_type="application/json")

        app = web.Application()
        app.router.add_get("/{tail:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        shop.clock = NearClock()
        # A method of one shop only: how it is read is all that differs.
        shop.reading = lambda: Reader(self._client, url, HttpSettings(), error_text, shop.clock)  # type: ignore[method-assign]

    async def close(self) -> None:
        for runner in self._runners:
            await clean_up(runner)


@pytest.fixture
async def served(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    client = HttpClient()
    made = Served(client)
    yield made
    await made.close()
    await client.aclose()


async def test_the_date_of_real_answers_is_the_cursor(served: Served, store: SqliteStore) -> None:
    shop = ChangesShop(DetailedChangesSource)
    await served.serve(shop)
    shop.world.now = lambda: datetime.now(UTC)
    for _ in range(25):
        shop.world.place(at=datetime.now(UTC) - timedelta(hours=1))
    watch = Watch(shop, store)
    assert await watch.poll(apart=0) == []
    cursor = (await watch.state()).cursor
    assert cursor is not None
    assert timedelta(0) <= datetime.now(UTC) - cursor < timedelta(seconds=10)
    shop.world.set_status(3, "active")
    shop.asked()
    assert await watch.poll(apart=0) == [moved(3, "pending", "active")]
    assert await watch.poll(apart=0) == []
    assert [SINCE in call.query for call in shop.calls] == [True, True]


async def test_a_404_counts_in_the_system_s_own_shape_only(served: Served, store: SqliteStore) -> None:
    shop = FollowShop()
    shop.place(12)
    await served.serve(shop)
    watch = FollowWatch(shop, store, range(1, 13))
    assert await watch.poll(apart=0) == []
    shop.world.delete(3)
    served.proxy_404 = True
    assert await watch.poll(2, apart=0) == []
    served.proxy_404 = False
    assert await watch.poll(apart=0) == []
    assert await watch.poll(apart=0) == [vanished(3)]
