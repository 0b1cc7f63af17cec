"""What a server has not changed is not sent again: ETag and Last-Modified, through real servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from aiohttp import web
from loopback import HeldClock, MakeReader, Serve

from monitor.errors import BadAnswer, NotFound, Stale
from monitor.sources.base import Request
from monitor.sources.conditional import Memory

ORDERS = Request("/api/v1/orders", (("page", "1"),))
BODY = b'{"data": ["Jane Doe"]}'


class Shop:
    """Serves one body with these headers, or 304 where the request's condition names them."""

    def __init__(self, headers: dict[str, str], body: bytes = BODY) -> None:
        self.body = body
        self.headers = headers
        self.asked: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        etag, modified = (request.headers.get(name) for name in ("If-None-Match", "If-Modified-Since"))
        same = (etag or modified) and (etag or modified) in self.headers.values()
        if same:
            return web.Response(status=304, content_type="text/plain", headers=self.headers)
        return web.Response(body=self.body, content_type="application/json", headers=self.headers)

    @property
    def conditions(self) -> list[str | None]:
        """What each request asked with."""
        return [
            request.headers.get("If-None-Match", request.headers.get("If-Modified-Since")) for request in self.asked
        ]


@pytest.mark.parametrize("etag", ['"abc"', 'W/"abc"', "unquoted"])
async def test_an_unchanged_answer_is_the_earlier_one_seen_anew(
    serve: Serve, make_reader: MakeReader, clock: HeldClock, etag: str
) -> None:
    shop, memory = Shop({"ETag": etag}), Memory()
    url = await serve(shop.answer)
    first = await make_reader(url, memory=memory).get(ORDERS)
    clock.passed += 60
    shop.headers["X-Seen"] = "second"
    reader = make_reader(url, memory=memory)
    again = await reader.get(ORDERS)
    assert shop.conditions == [None, etag]
    assert shop.asked[1].headers["Cache-Control"] == "no-cache"
    assert (again.status, again.url, again.body) == (200, first.url, BODY)
    assert (again.sent, again.received) == (1060, 1060)
    assert again.headers["content-type"].startswith("application/json")
    assert again.headers["x-seen"] == "second"
    assert (reader.requests, reader.bytes) == (1, 0)


async def test_a_changed_answer_is_read_and_kept_instead(serve: Serve, make_reader: MakeReader) -> None:
    shop = Shop({"ETag": '"one"'})
    reader = make_reader(await serve(shop.answer))
    await reader.get(ORDERS)
    shop.body, shop.headers = b"{}", {"ETag": '"two"'}
    changed = await reader.get(ORDERS)
    assert changed.body == b"{}"
    assert (await reader.get(ORDERS)).body == b"{}"
    assert shop.conditions == [None, '"one"', '"two"']


async def test_each_address_has_its_own(serve: Serve, make_reader: MakeReader) -> None:
    shop = Shop({"ETag": '"one"'})
    reader = make_reader(await serve(shop.answer))
    for page in ("1", "2", "1"):
        await reader.get(Request("/api/v1/orders", (("page", page),)))
    assert shop.conditions == [None, None, '"one"']


def modified(date: datetime, before: int) -> dict[str, str]:
    return {
        "Date": format_datetime(date, usegmt=True),
        "Last-Modified": format_datetime(date - timedelta(seconds=before), usegmt=True),
    }


async def test_a_time_of_change_is_asked_with_once_it_has_settled(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    """A change within the same second, or one stamped before it shows, would never be seen."""
    shop = Shop(modified(clock.start, 59))
    reader = make_reader(await serve(shop.answer))
    await reader.get(ORDERS)
    shop.headers = modified(clock.start + timedelta(seconds=1), 60)
    await reader.get(ORDERS)
    assert (await reader.get(ORDERS)).body == BODY
    assert reader.bytes == 2 * len(BODY)
    assert shop.conditions == [None, None, shop.headers["Last-Modified"]]


async def test_an_etag_is_asked_with_alone(serve: Serve, make_reader: MakeReader, clock: HeldClock) -> None:
    shop = Shop({"ETag": '"one"', **modified(clock.start, 3600)})
    reader = make_reader(await serve(shop.answer))
    await reader.get(ORDERS)
    await reader.get(ORDERS)
    assert "If-Modified-Since" not in shop.asked[1].headers
    assert shop.conditions[1] == '"one"'


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"ETag": '"one"', "Cache-Control": "private, No-Store"},
        {"ETag": '"one"', "Vary": "*"},
        {"ETag": '"' + "x" * 5000 + '"'},
        {"ETag": '"über"'},
        {"Last-Modified": "yesterday"},
        {"Last-Modified": format_datetime(datetime(2026, 4, 1, tzinfo=UTC)), "Date": "today"},
    ],
)
async def test_what_must_not_or_cannot_be_kept_is_not(
    serve: Serve, make_reader: MakeReader, headers: dict[str, str]
) -> None:
    memory = Memory()
    shop = Shop(headers)
    reader = make_reader(await serve(shop.answer), memory=memory)
    await reader.get(ORDERS)
    await reader.get(ORDERS)
    assert shop.conditions == [None, None]
    assert memory.bytes == 0


async def test_an_answer_no_longer_to_be_kept_takes_the_earlier_one_along(
    serve: Serve, make_reader: MakeReader
) -> None:
    shop = Shop({"ETag": '"one"'})
    memory = Memory()
    reader = make_reader(await serve(shop.answer), memory=memory)
    await reader.get(ORDERS)
    shop.headers = {"Cache-Control": "no-store"}
    await reader.get(ORDERS)
    assert memory.bytes == 0


async def test_an_error_is_no_answer_and_forgets_none(serve: Serve, make_reader: MakeReader) -> None:
    shop = Shop({"ETag": '"one"'})
    failing = False

    async def handler(request: web.Request) -> web.Response:
        if failing:
            return web.json_response({}, status=404, headers={"ETag": '"error"'})
        return await shop.answer(request)

    reader = make_reader(await serve(handler))
    await reader.get(ORDERS)
    failing = True
    with pytest.raises(NotFound):
        await reader.get(ORDERS)
    failing = False
    assert (await reader.get(ORDERS)).body == BODY
    assert shop.conditions == [None, '"one"']


async def test_one_source_never_sees_what_another_has_kept(serve: Serve, make_reader: MakeReader) -> None:
    """Their tokens show different orders at one address."""
    shop = Shop({"ETag": '"one"'})
    url = await serve(shop.answer)
    for _ in range(2):
        await make_reader(url, memory=Memory()).get(ORDERS)
    assert shop.conditions == [None, None]


async def test_an_answer_is_read_whole_again_after_an_hour(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    """Also when every minute it was said to be unchanged: validators may lie."""
    shop = Shop({"ETag": '"one"'})
    reader = make_reader(await serve(shop.answer))
    for _ in range(63):
        await reader.get(ORDERS)
        clock.passed += 60
    assert shop.conditions == [None, *['"one"'] * 60, None, '"one"']


async def test_what_was_used_last_is_kept_within_the_bytes(serve: Serve, make_reader: MakeReader) -> None:
    shop = Shop({"ETag": '"one"'}, b"x" * 20_000)
    memory = Memory(100_000)
    reader = make_reader(await serve(shop.answer), memory=memory)
    pages = [Request("/", (("page", str(page)),)) for page in range(6)]
    for page in (0, 1, 2, 3, 0, 4, 5):
        await reader.get(pages[page])
        assert memory.bytes <= 100_000
    shop.asked.clear()
    for page in (5, 4, 0, 3):
        await reader.get(pages[page])
    assert shop.conditions == ['"one"'] * 4
    await reader.get(pages[1])
    assert shop.conditions[4] is None


async def test_many_small_answers_are_bounded_too(serve: Serve, make_reader: MakeReader) -> None:
    memory = Memory(20_000)
    reader = make_reader(await serve(Shop({"ETag": '"one"'}, b"").answer), memory=memory)
    for number in range(40):
        await reader.get(Request(f"/{number}"))
    assert len(memory._kept) < 20


async def test_an_answer_larger_than_the_memory_is_not_kept_and_drives_none_out(
    serve: Serve, make_reader: MakeReader
) -> None:
    shop = Shop({"ETag": '"one"'})
    reader = make_reader(await serve(shop.answer), memory=Memory(100_000))
    await reader.get(ORDERS)
    shop.body = b"x" * 200_000
    for path in ("/large", "/large"):
        await reader.get(Request(path))
    await reader.get(ORDERS)
    assert shop.conditions == [None, None, None, '"one"']


async def test_only_a_plain_200_is_kept(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({}, status=202, headers={"ETag": '"one"'})

    memory = Memory()
    await make_reader(await serve(handler), memory=memory).get(ORDERS)
    assert memory.bytes == 0


async def test_unchanged_without_having_been_asked_is_a_bad_answer(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=304, headers={"Location": "/elsewhere"})

    reader = make_reader(await serve(handler))
    with pytest.raises(BadAnswer, match=r"304 from .*/api/v1/orders: nothing has changed, it says"):
        await reader.get(ORDERS)
    assert reader.requests == 1


async def test_an_old_unchanged_is_stale(serve: Serve, make_reader: MakeReader) -> None:
    shop = Shop({"ETag": '"one"'})
    reader = make_reader(await serve(shop.answer))
    await reader.get(ORDERS)
    shop.headers["Age"] = "61"
    with pytest.raises(Stale, match="61 s old"):
        await reader.get(ORDERS)


async def test_age_and_date_of_the_earlier_answer_are_not_those_of_this_one(
    serve: Serve, make_reader: MakeReader
) -> None:
    shop = Shop({"ETag": '"one"', "Age": "50"})
    reader = make_reader(await serve(shop.answer))
    await reader.get(ORDERS)
    del shop.headers["Age"]
    assert "age" not in (await reader.get(ORDERS)).headers


async def test_what_is_kept_is_never_printed(serve: Serve, make_reader: MakeReader) -> None:
    memory = Memory()
    reader = make_reader(await serve(Shop({"ETag": '"one"'}).answer), memory=memory)
    await reader.get(ORDERS)
    assert memory.bytes > 0
    assert "Jane" not in repr(memory) + repr(list(memory._kept.values())) + repr(vars(memory))
