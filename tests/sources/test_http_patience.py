"""How long a poll goes on trying: 15 s without a good answer, or what the server asks for, up to 60 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web
from loopback import Handler, HeldClock, MakeReader, Serve

from monitor.errors import RateLimited, Refused, ServerFailed, SourceError
from monitor.sources.base import Request
from monitor.sources.patience import Patience

ORDERS = Request("/api/v1/orders")


def failing(times: int, status: int = 503, **headers: str) -> Handler:
    """Fails so often, then answers."""
    left = times

    async def handler(request: web.Request) -> web.Response:
        nonlocal left
        left -= 1
        return web.json_response({}, status=status if left >= 0 else 200, headers=headers if left >= 0 else {})

    return handler


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_what_passes_is_tried_again(serve: Serve, make_reader: MakeReader, status: int) -> None:
    reader = make_reader(await serve(failing(3, status)))
    await reader.get(ORDERS)
    assert reader.requests == 4


async def test_a_broken_connection_is_tried_again(serve: Serve, make_reader: MakeReader) -> None:
    attempts = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        body = b"{}" if attempts > 2 else b"{"
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n" + body)
        await writer.drain()

    reader = make_reader(await serve.raw(handler))
    assert (await reader.get(ORDERS)).body == b"{}"
    assert reader.requests == 3


async def test_pauses_grow_and_patience_ends_after_fifteen_seconds(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    clock.chance = 0.9999999
    reader = make_reader(await serve(failing(99)))
    with pytest.raises(ServerFailed, match="503 from http"):
        await reader.get(ORDERS)
    assert clock.slept[:6] == pytest.approx([0.25, 0.5, 1, 2, 4, 4], rel=1e-3)
    assert sum(clock.slept) == pytest.approx(15)


async def test_pauses_have_jitter(serve: Serve, make_reader: MakeReader, clock: HeldClock) -> None:
    clock.chance = 0.0
    await make_reader(await serve(failing(2))).get(ORDERS)
    assert clock.slept == [0.125, 0.25]


async def test_the_servers_wish_is_waited_for(serve: Serve, make_reader: MakeReader, clock: HeldClock) -> None:
    await make_reader(await serve(failing(1, 429, **{"Retry-After": "40"}))).get(ORDERS)
    assert clock.slept == [40]


async def test_a_longer_wish_is_waited_for_a_minute_and_kept_on_the_error(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    reader = make_reader(await serve(failing(9, 429, **{"Retry-After": "3600"})))
    with pytest.raises(RateLimited, match="again after 3600 s") as caught:
        await reader.get(ORDERS)
    assert caught.value.retry_after == 3600
    assert clock.slept == [60]


async def test_a_limit_sent_as_403_is_waited_for(serve: Serve, make_reader: MakeReader, clock: HeldClock) -> None:
    await make_reader(await serve(failing(1, 403, **{"Retry-After": "2.5"}))).get(ORDERS)
    assert clock.slept == [2.5]


async def test_a_403_without_it_is_not(serve: Serve, make_reader: MakeReader) -> None:
    with pytest.raises(Refused):
        await make_reader(await serve(failing(1, 403))).get(ORDERS)


class StandingClock(HeldClock):
    """Time stands still, and sleepers with it, until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.one_sleeps = asyncio.Event()
        self.two_sleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        (self.one_sleeps if len(self.slept) == 1 else self.two_sleep).set()
        await self.go.wait()


async def test_what_the_server_says_to_one_request_all_heed(serve: Serve, make_reader: MakeReader) -> None:
    """Those of other sources on the same host too."""
    clock = StandingClock()
    url = await serve(failing(1, 429, **{"Retry-After": "30"}))
    shop, office = make_reader(url, clock=clock), make_reader(f"{url}/office", clock=clock)
    first = asyncio.ensure_future(shop.get(ORDERS))
    await asyncio.wait_for(clock.one_sleeps.wait(), 10)
    second = asyncio.ensure_future(office.get(ORDERS))
    await asyncio.wait_for(clock.two_sleep.wait(), 10)
    assert (shop.requests, office.requests) == (1, 0)
    assert clock.slept == [30, 30]
    clock.passed += 30
    clock.go.set()
    await asyncio.gather(first, second)
    assert (shop.requests, office.requests) == (2, 1)


async def test_another_host_is_not_held_up(serve: Serve, make_reader: MakeReader) -> None:
    clock = StandingClock()
    limited, free = await serve(failing(1, 429, **{"Retry-After": "30"})), await serve(failing(0))
    first = asyncio.ensure_future(make_reader(limited, clock=clock).get(ORDERS))
    await asyncio.wait_for(clock.one_sleeps.wait(), 10)
    await make_reader(free, clock=clock).get(ORDERS)
    first.cancel()


async def test_each_good_answer_renews_a_polls_patience(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    statuses = iter([200, 500, 200])

    async def handler(request: web.Request) -> web.Response:
        clock.passed += 10
        return web.json_response({}, status=next(statuses))

    reader = make_reader(await serve(handler))
    await reader.get(ORDERS)
    await reader.get(ORDERS)
    assert reader.requests == 3


async def test_time_between_requests_is_no_failure_of_the_server(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    """A sweep is spread over time: when its next page fails, there was no good answer for long, but none was asked."""
    reader = make_reader(await serve(failing(1)))
    clock.passed += 600
    await reader.get(ORDERS)
    assert reader.requests == 2


def failed(wish: float | None = None) -> SourceError:
    return ServerFailed("503", retry_after=wish)


def after(patience: Patience, clock: HeldClock) -> Callable[[float, SourceError], float | None]:
    def pause(seconds: float, error: SourceError) -> float | None:
        clock.passed = 1000.0 + seconds
        return patience.pause(error, 0)

    return pause


def test_a_good_answer_renews_patience(clock: HeldClock) -> None:
    patience = Patience(clock)
    pause = after(patience, clock)
    assert pause(14, failed()) is not None
    assert pause(15, failed()) is None
    patience.good(1010)
    assert pause(24, failed()) is not None
    assert pause(25, failed()) is None


def test_a_wish_extends_patience_up_to_a_minute(clock: HeldClock) -> None:
    pause = after(Patience(clock), clock)
    assert pause(1, failed(30)) == 30
    assert pause(30, failed(30)) is None
    assert pause(14, failed(60)) == 60
    assert pause(40, failed(60)) is None


def test_what_does_not_pass_has_no_patience(clock: HeldClock) -> None:
    assert Patience(clock).pause(Refused("401", retry_after=1), 0) is None


def test_a_thousandth_attempt_has_a_pause_as_well(clock: HeldClock) -> None:
    """While other pages of a long sweep are answered, one may fail for hours."""
    pause = Patience(clock).pause(failed(), 5000)
    assert pause is not None
    assert 2 <= pause <= 4


def test_a_later_attempt_takes_no_longer_than_patience(clock: HeldClock) -> None:
    patience = Patience(clock)
    assert patience.timeout(10, 0) == 10
    clock.passed += 10
    assert patience.timeout(10, 0) == 10
    assert patience.timeout(10, 1) == 5
    clock.passed += 4.9
    assert patience.timeout(10, 2) == 1
    clock.passed += 30
    assert patience.timeout(10, 3) == 10


def test_time_counts_while_any_request_is_on_its_way(clock: HeldClock) -> None:
    patience = Patience(clock)
    clock.passed += 100
    patience.begin()
    clock.passed += 10
    patience.begin()
    clock.passed += 4
    patience.end()
    patience.end()
    clock.passed += 100
    patience.begin()
    assert patience.pause(failed(), 0) is not None
    clock.passed += 1
    assert patience.pause(failed(), 0) is None
