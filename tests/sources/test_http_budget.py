"""One budget and one quiet for all sources of a host, through real servers, on a clock in the hand."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import repeat

import pytest
from aiohttp import web
from loopback import HeldClock, Log, MakeReader, Serve, Still
from pydantic import ValidationError

from monitor.errors import NotFound, ServerFailed
from monitor.sources.base import Request
from monitor.sources.http import CONCURRENCY, HttpClient
from monitor.sources.settings import HttpSettings

ORDERS = Request("/api/v1/orders")


async def test_the_sources_of_a_host_share_the_smallest_budget(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    log = Log(clock)
    url = await serve(log.answer)
    shop, office = make_reader(f"{url}/shop"), make_reader(f"{url}/office")
    client.set_budgets([(f"{url}/office", 12), (f"{url}/shop", 60), (f"{url}/third", None)], clock.passed)
    for _ in range(10):
        await shop.get(ORDERS)
        await office.get(ORDERS)
    first_minute = [when for when in log.came if when < 1060]
    assert len(first_minute) <= 12
    assert log.came[:2] == [1000, 1000]
    assert log.came[-1] == pytest.approx(1000 + 18 * 61 / 11)


async def test_another_host_has_a_budget_of_its_own(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    limited, free = await serve(Log(clock).answer), await serve(Log(clock).answer)
    client.set_budgets([(limited, 1), (free, None)], clock.passed)
    await make_reader(limited).get(ORDERS)
    reader = make_reader(free)
    for _ in range(30):
        await reader.get(ORDERS)
    assert clock.slept == []


async def test_each_request_sent_counts_redirects_and_retries_too(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    came = []

    async def handler(request: web.Request) -> web.Response:
        came.append(clock.passed)
        if len(came) == 1:
            raise web.HTTPFound("/new")
        return web.json_response({}, status=500 if len(came) == 2 else 200)

    url = await serve(handler)
    client.set_budgets([(url, 2)], clock.passed)
    reader = make_reader(url)
    await reader.get(ORDERS)
    assert reader.requests == 4 - 1
    assert came == pytest.approx([1000, 1030.5, 1061])


async def test_waiting_requests_are_let_through_first_come_first_served(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    url = await serve(Log(clock).answer)
    client.set_budgets([(url, 6)], clock.passed)
    readers = [make_reader(url), make_reader(url)]
    answers = await asyncio.gather(*(readers[i % 2].get(ORDERS) for i in range(3 * CONCURRENCY)))
    assert [answer.sent for answer in answers] == pytest.approx([1000 + 61 / 6 * i for i in range(3 * CONCURRENCY)])


async def test_who_stops_waiting_costs_the_others_nothing(
    serve: Serve, client: HttpClient, make_reader: MakeReader
) -> None:
    clock = Still()
    log = Log(clock)
    url = await serve(log.answer)
    client.set_budgets([(url, 6)], clock.passed)
    reader = make_reader(url, clock=clock)
    await reader.get(Request("/first"))
    waiting = [asyncio.ensure_future(reader.get(Request(f"/{i}"))) for i in range(3 * CONCURRENCY)]
    await clock.sleeps.get()
    for task in waiting[:-1]:
        task.cancel()
    await asyncio.gather(*waiting[:-1], return_exceptions=True)
    await clock.sleeps.get()
    await clock.go(61 / 6 + 0.001)
    await waiting[-1]
    assert log.paths == ["/first", f"/{3 * CONCURRENCY - 1}"]
    await clock.go(61 / 6 + 0.001)
    await asyncio.wait_for(reader.get(Request("/later")), 10)
    assert clock.sleeps.empty()


async def test_our_own_waiting_costs_no_patience_and_no_timeout(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    """At one request a minute the second attempt comes a minute later, and is made all the same."""
    log = Log(clock)
    log.statuses = repeat(503)
    url = await serve(log.answer)
    client.set_budgets([(url, 1)], clock.passed)
    reader = make_reader(url, timeout=timedelta(milliseconds=500))
    with pytest.raises(ServerFailed):
        await reader.get(ORDERS)
    assert len(log.came) > 3
    assert log.came == pytest.approx([1000 + 61 * i for i in range(len(log.came))])


async def test_patience_ends_although_others_wait(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    """What is asked for besides must not make a poll of a dead server endless."""
    log = Log(clock)
    log.statuses = repeat(503)
    url = await serve(log.answer)
    client.set_budgets([(url, 6)], clock.passed)
    reader = make_reader(url)
    outcomes = await asyncio.gather(*(reader.get(ORDERS) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(outcome, ServerFailed) for outcome in outcomes)
    assert reader.requests < 120


async def test_a_new_budget_holds_at_once_and_for_polls_under_way(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    url = await serve(Log(clock).answer)
    reader = make_reader(url)
    client.set_budgets([(url, 120)], clock.passed)
    for _ in range(20):
        await reader.get(ORDERS)
    assert clock.slept == []
    client.set_budgets([(url, 1)], clock.passed)
    await reader.get(ORDERS)
    assert sum(clock.slept) == pytest.approx(61)
    client.set_budgets([(url, None)], clock.passed)
    for _ in range(50):
        await reader.get(ORDERS)
    assert sum(clock.slept) == pytest.approx(61)


async def test_an_unchanged_budget_is_not_filled_again_by_a_reload(
    serve: Serve, client: HttpClient, make_reader: MakeReader, clock: HeldClock
) -> None:
    url = await serve(Log(clock).answer)
    reader = make_reader(url)
    for _ in range(3):
        client.set_budgets([(url, 12)], clock.passed)
        await reader.get(ORDERS)
    assert len(clock.slept) == 1


async def test_a_place_is_given_back_by_who_fails_or_is_cancelled(
    serve: Serve, client: HttpClient, make_reader: MakeReader
) -> None:
    go = asyncio.Event()
    came = asyncio.Semaphore(0)

    async def handler(request: web.Request) -> web.Response:
        came.release()
        await go.wait()
        return web.json_response({}, status=404)

    reader = make_reader(await serve(handler))
    for _ in range(3):
        tasks = [asyncio.ensure_future(reader.get(ORDERS)) for _ in range(CONCURRENCY)]
        for _ in tasks:
            await came.acquire()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    go.set()
    for _ in range(2 * CONCURRENCY):
        with pytest.raises(NotFound):
            await reader.get(ORDERS)


@pytest.mark.parametrize("value", [0, -1, "many", 1.5])
def test_a_budget_is_a_whole_number_from_one_up(value: object) -> None:
    with pytest.raises(ValidationError):
        HttpSettings.model_validate({"max_requests_per_minute": value})
