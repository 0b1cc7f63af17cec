"""Asking for an address whose answer is of no interest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from aiohttp import web
from connections import listening

from monitor.errors import Rejected, SourceError, Unreachable
from monitor.sources.http import HttpClient
from monitor.sources.ping import ping


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    made = HttpClient()
    yield made
    await made.aclose()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def answer(request: web.Request) -> web.Response:
        match request.path:
            case "/slow-secret":
                await asyncio.sleep(60)
            case "/from":
                raise web.HTTPFound("/to?with=query")
            case place if place.startswith("/to-"):
                return web.Response(status=302, headers={"Location": place.removeprefix("/to-")})
            case "/ring":
                raise web.HTTPFound("/ring")
            case "/failing-secret":
                return web.Response(status=500, text="no /failing-secret here")
        return web.Response(text="<html>OK</html>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with listening(app) as port:
        yield port


@pytest.mark.parametrize("path", ["plain", "from", "a%20b?status=up&msg=", "ö?x=ü"])
async def test_whatever_is_answered_is_taken(client: HttpClient, port: int, path: str) -> None:
    await ping(client, f"http://127.0.0.1:{port}/{path}")


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("slow-secret", Unreachable, "no whole answer within 0.1 s"),
        ("failing-secret", Rejected, "500 from http://127.0.0.1:"),
        ("ring", SourceError, "http://127.0.0.1:"),
    ],
)
async def test_a_failure_names_the_host_alone(
    client: HttpClient, port: int, path: str, kind: type[SourceError], says: str
) -> None:
    with pytest.raises(kind) as failed:
        await ping(client, f"http://127.0.0.1:{port}/{path}", seconds=0.1)
    assert says in str(failed.value)
    assert path not in str(failed.value)
    assert failed.value.__cause__ is failed.value.__context__ is None


@pytest.mark.parametrize("host", ["a..example", "a" * 64 + ".example"])
async def test_a_host_that_no_name_can_be_is_a_failure_like_others(client: HttpClient, host: str) -> None:
    with pytest.raises(SourceError, match=f"http://{host}: this is no address to read from") as failed:
        await ping(client, f"http://{host}/secret")
    assert "secret" not in str(failed.value)
    assert failed.value.__cause__ is failed.value.__context__ is None


@pytest.mark.parametrize("place", ["http://a..example/secret", "http://[::1/secret", "ftp://example.com/secret"])
async def test_a_redirect_to_no_address_is_a_failure_like_others(client: HttpClient, port: int, place: str) -> None:
    with pytest.raises(SourceError, match=f"http://127.0.0.1:{port}: ") as failed:
        await ping(client, f"http://127.0.0.1:{port}/to-{quote(place, safe='')}")
    assert "secret" not in str(failed.value)
