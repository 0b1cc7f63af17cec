"""Requests that read by POST: what they send, that they are tried again whole, and that what they hold stays secret."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, quote, quote_plus

import pytest
from aiohttp import web
from loopback import MakeReader, Serve

from monitor.errors import BadAnswer, Redirected, Refused, Rejected
from monitor.sources.base import Request
from monitor.sources.conditional import Memory

SECRET = "canary-secret with + and ä"
FORM = Request("/api.php", form=(("call", "getOrders"), ("api_key", SECRET)), secrets=(SECRET,))


async def test_a_form_is_sent_as_browsers_send_it(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.method == "POST"
        return web.json_response([dict(parse_qsl(await request.text())), request.content_type])

    answer = await make_reader(await serve(handler)).get(FORM)
    shown = (
        '[{"call": "getOrders", "api_key": "canary-secret with + and \\u00e4"}, "application/x-www-form-urlencoded"]'
    )
    assert answer.body.decode() == shown


async def test_json_is_sent_as_it_was_given(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response([request.method, request.content_type, await request.text()])

    answer = await make_reader(await serve(handler)).get(Request("/", json=b'{"page":1}'))
    assert answer.body == b'["POST", "application/json", "{\\"page\\":1}"]'


async def test_a_post_that_fails_in_passing_is_sent_again_whole(serve: Serve, make_reader: MakeReader) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(await request.text())
        return web.json_response({}, status=200 if len(seen) > 1 else 503)

    await make_reader(await serve(handler)).get(FORM)
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_a_server_that_repeats_a_credential_does_not_get_it_into_an_error(
    serve: Serve, make_reader: MakeReader
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"message": f"Invalid key {SECRET}!"}, status=401)

    with pytest.raises(Refused) as caught:
        await make_reader(await serve(handler)).get(FORM)
    assert "Invalid key ***!" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("spelled", [quote, quote_plus])
async def test_nor_does_it_as_an_address_or_a_form_spells_it(
    serve: Serve, make_reader: MakeReader, spelled: Callable[[str], str]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"message": f"No such page: /?key={spelled(SECRET)}."}, status=400)

    with pytest.raises(Rejected, match=r"key=\*\*\*\.") as caught:
        await make_reader(await serve(handler)).get(FORM)
    assert "canary" not in str(caught.value)


async def test_a_request_prints_nothing_but_its_path() -> None:
    shown = repr(Request("/api.php", (("key", SECRET),), {"Authorization": SECRET}, (("key", SECRET),), b"", (SECRET,)))
    assert shown == "Request('/api.php')"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirected_post_is_not_sent_elsewhere(serve: Serve, make_reader: MakeReader, status: int) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, headers={"Location": f"/elsewhere/{quote(SECRET)}?key={SECRET}"})

    with pytest.raises(Redirected, match=r"/elsewhere/\*\*\*: set url") as caught:
        await make_reader(await serve(handler)).get(FORM)
    assert seen == ["/api.php"]
    assert "canary" not in str(caught.value)


async def test_an_answer_to_a_post_is_never_kept(serve: Serve, make_reader: MakeReader) -> None:
    asked: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.headers.get("If-None-Match"))
        return web.json_response({}, headers={"ETag": '"1"'}, status=200)

    memory = Memory()
    reader = make_reader(await serve(handler), memory=memory)
    await reader.get(FORM)
    await reader.get(FORM)
    assert asked == [None, None]
    assert memory.bytes == 0


async def test_304_to_a_post_is_no_answer(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({}, headers={"ETag": '"1"'})
        return web.Response(status=304)

    reader = make_reader(await serve(handler))
    await reader.get(Request("/api.php"))
    with pytest.raises(BadAnswer, match="that was not asked"):
        await reader.get(FORM)
