"""The sweep over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from polling_shop import HandClock, Shop
from polling_sweep import Swept, seen

from monitor.clock import SystemClock
from monitor.diff import Coverage
from monitor.errors import BadAnswer, ServerFailed, Unreachable
from monitor.polling.snapshot import Snapshot
from monitor.simulator.dialect import ListOrder
from monitor.simulator.faults import (
    EmptyList,
    Failure,
    Fault,
    Latency,
    LoginPage,
    PageDrift,
    Truncated,
)
from monitor.simulator.server import Simulator
from monitor.simulator.world import World
from monitor.sources.http import HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.settings import HttpSettings

ORDERS: list[ListOrder] = ["newest", "oldest"]


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpClient]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = HttpClient()
    yield made
    await made.aclose()


async def look_over_http(simulator: Simulator, client: HttpClient, *, patient: bool = False) -> Snapshot:
    clock = SystemClock() if patient else _Impatient()
    reader = Reader(client, simulator.url, HttpSettings(), error_text, clock)
    return await Swept(Shop().source(simulator.url), reader.get, clock.monotonic).look()


class _Impatient(HandClock):
    """Real time between requests, and none between attempts."""

    def now(self) -> Any:
        return SystemClock().now()

    def monotonic(self) -> float:
        return SystemClock().monotonic() + self.passed.total_seconds()


def world_of(count: int) -> World:
    shop = Shop()
    shop.place(count)
    return shop.world


@pytest.mark.parametrize("dialect", ["documented", "released"])
@pytest.mark.parametrize("count", [0, 100, 1234])
async def test_both_dialects_are_read_whole_over_http(client: HttpClient, dialect: str, count: int) -> None:
    async with Simulator(world_of(count), dialect) as simulator:
        snapshot = await look_over_http(simulator, client)
        assert (snapshot.coverage, seen(snapshot)) == (Coverage.COMPLETE, set(simulator.world.ids()))


@pytest.mark.parametrize("order", ORDERS)
async def test_page_drift_over_http_with_requests_in_flight_costs_no_order(
    client: HttpClient, order: ListOrder
) -> None:
    async with Simulator(world_of(2000), order=order) as simulator:
        simulator.faults.set(PageDrift(times=21))
        snapshot = await look_over_http(simulator, client)
        assert seen(snapshot) >= set(range(1, 2001)) or snapshot.coverage is Coverage.PARTIAL
        assert snapshot.coverage is Coverage.PARTIAL or seen(snapshot) == set(simulator.world.ids())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Failure(code=500, page=2), ServerFailed),
        (LoginPage(page=2), BadAnswer),
        (Truncated(page=2), Unreachable),
    ],
)
async def test_a_page_that_fails_over_http_leaves_the_others(
    client: HttpClient, fault: Fault, error: type[Exception]
) -> None:
    async with Simulator(world_of(300)) as simulator:
        simulator.faults.set(fault)
        snapshot = await look_over_http(simulator, client)
        assert isinstance(snapshot.error, error)
        assert set(range(201, 301)) <= seen(snapshot)
        assert seen(snapshot).isdisjoint(range(101, 201))


async def test_a_slow_page_loses_no_other(client: HttpClient) -> None:
    async with Simulator(world_of(900)) as simulator:
        simulator.faults.set(Latency(seconds=0.05, page=4))
        snapshot = await look_over_http(simulator, client)
        assert (snapshot.coverage, len(seen(snapshot))) == (Coverage.COMPLETE, 900)


async def test_an_emptied_list_is_complete_here_and_doubted_later(client: HttpClient) -> None:
    async with Simulator(world_of(300)) as simulator:
        simulator.faults.set(EmptyList())
        snapshot = await look_over_http(simulator, client)
        assert (snapshot.coverage, seen(snapshot), snapshot.total) == (Coverage.COMPLETE, set(), 0)
