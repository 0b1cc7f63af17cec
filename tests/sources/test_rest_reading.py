"""Whole lists read over HTTP, by each way of paging that a description knows."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from loopback import MakeReader, Serve
from rest_shop import PATH, source

from monitor.errors import Redirected, Refused
from monitor.sources.base import ListQuery
from monitor.sources.http import Reader
from monitor.sources.rest import RestSource

SECRET = "made-up-canary"
ROWS = [{"id": number, "status": "active"} for number in range(1, 26)]
SIZE = 10


async def shop(request: web.Request) -> web.Response:
    """Answers in all ways at once; ``page``, ``offset`` or ``after`` decides where its page begins."""
    asked = {**request.query, **(await request.post() if request.method == "POST" else {})}
    if SECRET not in (request.headers.get("X-Key"), request.headers.get("Authorization"), asked.get("key")):
        return web.json_response({"message": f"unknown: {dict(request.headers)} {asked}"}, status=401)
    start = int(str(asked.get("offset") or asked.get("after") or (int(str(asked.get("page", 1))) - 1) * SIZE))
    rows, end = ROWS[start : start + SIZE], start + SIZE
    more = end < len(ROWS)
    link = f"{request.url.path}?after={end}" if more else None
    shown = {"rows": rows, "total": len(ROWS), "next": link, "cursor": end if more else None, "more": more}
    return web.json_response(shown, headers={"Link": f'<{link}>; rel="next"'} if link else {})


async def read(made: RestSource, reader: Reader) -> list[str | None]:
    """All ids, to where the list ends by its own word."""
    ids: list[str | None] = []
    query = ListQuery()
    while True:
        shown = made.decode_list(await reader.get(made.list_request(query)))
        ids += shown.ids
        last = shown.last_page or -(-(shown.total or 0) // SIZE)
        if shown.following is None if made.chained else query.page >= last:
            return ids
        query = ListQuery(query.page + 1, after=shown.following)


@pytest.mark.parametrize(
    "described",
    [
        {"pages": {"by": "page"}, "total": "total"},
        {"pages": {"by": "page"}},
        {"pages": {"by": "page", "more": "more"}},
        {"pages": {"by": "offset", "size": SIZE}, "total": "total"},
        {"pages": {"by": "offset", "size": SIZE}},
        {"pages": {"by": "offset", "size": SIZE}, "send": "form"},
        # It gives fewer than it is asked for.
        {"pages": {"by": "offset"}},
        {"pages": {"by": "offset", "more": "more"}, "send": "form"},
        {"pages": {"by": "offset"}, "total": "total"},
        {"pages": {"by": "cursor", "param": "after", "next": "cursor"}},
        {"pages": {"by": "cursor", "param": "after"}},
        {"pages": {"by": "link", "next": "next"}},
        {"pages": {"by": "header"}},
    ],
)
async def test_a_described_list_is_read_to_its_end(
    serve: Serve, make_reader: MakeReader, described: dict[str, Any]
) -> None:
    url = await serve(shop)
    made = source(url=url, rows="rows", auth={"header": {"X-Key": SECRET}}, **described)
    assert await read(made, make_reader(url)) == [str(row["id"]) for row in ROWS]


@pytest.mark.parametrize(
    "described",
    [
        {"auth": {"header": {"Authorization": SECRET}}},
        {"auth": {"query": {"key": SECRET}}},
        {"auth": {"form": {"key": SECRET}}, "send": "form"},
    ],
)
async def test_a_credential_opens_and_shows_in_no_error(
    serve: Serve, make_reader: MakeReader, described: dict[str, Any]
) -> None:
    url = await serve(shop)
    made = source(url=url, rows="rows", **described)
    assert len(made.decode_list(await make_reader(url).get(made.list_request(ListQuery()))).ids) == SIZE
    wrong = source(url=url, rows="rows", **_with(described, "wrong-canary"))
    with pytest.raises(Refused, match="unknown") as caught:
        await make_reader(url).get(wrong.list_request(ListQuery()))
    assert "canary" not in str(caught.value)


def _with(described: Any, secret: str) -> Any:
    if isinstance(described, dict):
        return {key: _with(value, secret) for key, value in described.items()}
    return secret if described == SECRET else described


async def test_a_list_that_goes_on_elsewhere_is_left_where_it_does(serve: Serve, make_reader: MakeReader) -> None:
    asked_elsewhere: list[web.Request] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked_elsewhere.append(request)
        return web.json_response({"rows": []})

    other = await serve(elsewhere)

    async def leading_there(request: web.Request) -> web.Response:
        return web.json_response({"rows": ROWS[:SIZE], "next": f"{other}{PATH}?page=2"})

    url = await serve(leading_there)
    made = source(url=url, rows="rows", auth={"bearer": SECRET}, pages={"by": "link", "next": "next"})
    with pytest.raises(Redirected, match="on another host"):
        await read(made, make_reader(url))
    assert asked_elsewhere == []
