"""The only way to a source, through real servers on loopback: what is asked, and what statuses lead to."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from loopback import HeldClock, MakeReader, Serve

from monitor.clock import SystemClock
from monitor.errors import (
    BadAnswer,
    NotFound,
    Redirected,
    Refused,
    Rejected,
    SourceError,
)
from monitor.sources.base import Request
from monitor.sources.http import CONCURRENCY, HttpClient, Reader
from monitor.sources.lenient import error_text
from monitor.sources.settings import HttpSettings

TOKEN = "canary-token"
ORDERS = Request("/api/v1/orders", (("page", "1"), ("status", "a+b&c")), {"Authorization": f"Bearer {TOKEN}"})


async def ok(request: web.Request) -> web.Response:
    return web.json_response({"data": []})


async def test_a_get_is_sent_as_the_adapter_states_it(serve: Serve, make_reader: MakeReader) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request)
        return web.json_response({"data": []})

    url = await serve(handler)
    reader = make_reader(f"{url}/shop/", headers={"X-Shop": "acme", "user-agent": "mine"})
    answer = await reader.get(ORDERS)
    assert (seen[0].method, seen[0].path) == ("GET", "/shop/api/v1/orders")
    assert dict(seen[0].query) == {"page": "1", "status": "a+b&c"}
    expected = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "Cache-Control": "no-cache",
        "Authorization": f"Bearer {TOKEN}",
        "X-Shop": "acme",
        "User-Agent": "mine",
    }
    assert {name: seen[0].headers.getall(name) for name in expected} == {k: [v] for k, v in expected.items()}
    assert (answer.url, answer.status, answer.body) == (f"{url}/shop/api/v1/orders", 200, b'{"data": []}')
    assert answer.headers["content-type"].startswith("application/json")
    assert (reader.requests, reader.bytes) == (1, 12)


async def test_it_says_who_asks(serve: Serve, make_reader: MakeReader) -> None:
    agents = []

    async def handler(request: web.Request) -> web.Response:
        agents.append(request.headers["User-Agent"])
        return web.json_response({})

    await make_reader(await serve(handler)).get(ORDERS)
    assert agents[0].startswith("order-monitor/")


async def test_an_answer_says_when_it_was_asked_for_and_received(serve: Serve, client: HttpClient) -> None:
    clock = SystemClock()
    before = clock.monotonic()
    reader = Reader(client, await serve(ok), HttpSettings(), error_text, clock)
    answer = await reader.get(ORDERS)
    assert before <= answer.sent < answer.received <= clock.monotonic()
    assert "data" not in repr(answer)


async def test_one_connection_serves_poll_after_poll(serve: Serve, make_reader: MakeReader) -> None:
    ports = set()

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({})

    url = await serve(handler)
    for _ in range(3):
        await make_reader(url).get(ORDERS)
    assert len(ports) == 1


async def test_no_more_requests_are_on_their_way_to_one_host_than_allowed(
    serve: Serve, make_reader: MakeReader
) -> None:
    running = peak = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.01)
        running -= 1
        return web.json_response({})

    url = await serve(handler)
    shop, office = make_reader(url), make_reader(f"{url}/office")
    await asyncio.gather(*(reader.get(ORDERS) for reader in (shop, office) for _ in range(9)))
    assert peak == CONCURRENCY == 8
    assert (shop.requests, office.requests) == (9, 9)


async def test_cookies_are_not_kept(serve: Serve, make_reader: MakeReader) -> None:
    cookies = []

    async def handler(request: web.Request) -> web.Response:
        cookies.append(request.headers.get("Cookie"))
        response = web.json_response({})
        response.set_cookie("session", "one")
        return response

    # By name: aiohttp keeps no cookies of bare addresses anyway.
    reader = make_reader((await serve(handler)).replace("127.0.0.1", "localhost"))
    await reader.get(ORDERS)
    await reader.get(ORDERS)
    assert cookies == [None, None]


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Refused), (403, Refused), (404, NotFound), (410, NotFound), (422, Rejected)]
)
async def test_what_does_not_pass_is_raised_at_once(
    serve: Serve, make_reader: MakeReader, clock: HeldClock, status: int, kind: type[SourceError]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"message": f"No:\n{TOKEN} is\u202e bad"}, status=status)

    reader = make_reader(await serve(handler))
    with pytest.raises(kind) as caught:
        await reader.get(ORDERS)
    assert "(No: *** is bad)" in str(caught.value)
    assert clock.slept == []
    assert reader.requests == 1


async def test_a_refusal_names_the_address_without_its_query(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"error": "Invalid or expired token."}, status=401)

    url = await serve(handler)
    with pytest.raises(Refused) as caught:
        await make_reader(url).get(ORDERS)
    assert str(caught.value) == f"401 from {url}/api/v1/orders: the token is refused (Invalid or expired token.)"


async def test_an_error_page_is_not_repeated(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="<h1>Jane Doe</h1>" * 100_000, content_type="text/html", status=404)

    with pytest.raises(NotFound) as caught:
        await make_reader(await serve(handler)).get(ORDERS)
    assert "Jane" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 202])
async def test_a_web_page_is_a_bad_answer(serve: Serve, make_reader: MakeReader, status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="<form>Log in", content_type="text/html", status=status)

    with pytest.raises(BadAnswer, match=r"is a web page \(log-in page, captcha\?\)"):
        await make_reader(await serve(handler)).get(ORDERS)


async def test_a_redirect_to_the_same_host_is_followed(serve: Serve, make_reader: MakeReader) -> None:
    tokens = []

    async def handler(request: web.Request) -> web.Response:
        tokens.append(request.headers.get("Authorization"))
        if request.path == "/new":
            return web.json_response({"data": []})
        raise web.HTTPFound("/new?page=1")

    url = await serve(handler)
    reader = make_reader(url)
    answer = await reader.get(ORDERS)
    assert answer.url == f"{url}/new"
    assert tokens == [f"Bearer {TOKEN}"] * 2
    assert reader.requests == 2


async def test_a_redirect_cannot_bring_credentials_of_its_own(serve: Serve, make_reader: MakeReader) -> None:
    tokens = []

    async def handler(request: web.Request) -> web.Response:
        tokens.append(request.headers.get("Authorization"))
        if request.path == "/new":
            return web.json_response({"data": []})
        raise web.HTTPFound(f"http://user:canary@{request.host}/new")

    answer = await make_reader(await serve(handler)).get(ORDERS)
    assert "canary" not in answer.url
    assert tokens == [f"Bearer {TOKEN}"] * 2


async def test_redirects_in_a_circle_end(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound(request.path)

    reader = make_reader(await serve(handler))
    with pytest.raises(Redirected, match="more than 3 redirects"):
        await reader.get(ORDERS)
    assert reader.requests == 4


async def test_no_redirect_carries_the_token_to_another_host(serve: Serve, make_reader: MakeReader) -> None:
    asked = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"data": []})

    other = await serve(elsewhere)

    async def handler(request: web.Request) -> web.Response:
        raise web.HTTPFound(other.replace("http://", "http://user:canary@") + "/login?next=canary")

    with pytest.raises(Redirected) as caught:
        await make_reader(await serve(handler)).get(ORDERS)
    assert f"redirects to another host: set url to {other} if" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert asked == []


@pytest.mark.parametrize("location", [None, "", "http://[", "mailto:canary@example.com", "javascript:canary"])
async def test_a_redirect_to_nowhere_is_told(serve: Serve, make_reader: MakeReader, location: str | None) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={} if location is None else {"Location": location})

    with pytest.raises(Redirected) as caught:
        await make_reader(await serve(handler)).get(ORDERS)
    assert "canary" not in str(caught.value)


async def test_cancelling_is_no_failure(serve: Serve, make_reader: MakeReader) -> None:
    asked = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.sleep(30)
        return web.json_response({})

    task = asyncio.create_task(make_reader(await serve(handler)).get(ORDERS))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
