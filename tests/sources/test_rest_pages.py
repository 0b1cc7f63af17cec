"""What a rest source's answer claims of its list, and where its next page begins: on its own origin, or nowhere."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from aiohttp import web
from loopback import MakeReader, Serve
from rest_shop import ORDER, PATH, URL, answer, page, source

from monitor.errors import BadAnswer, Redirected
from monitor.sources.base import Answer, ListQuery, Request

LINKS: dict[str, Any] = {"rows": "data", "pages": {"by": "link", "next": "links.next"}}
CURSOR: dict[str, Any] = {"rows": "data", "pages": {"by": "cursor", "next": "meta.next"}}


def following(content: object, headers: dict[str, str] | None = None, **described: Any) -> str | None:
    return page(content, headers, **described).following


def linked(link: object, **described: Any) -> Request:
    """The request that follows a link."""
    after = following({"data": [ORDER], "links": {"next": link}}, **{**LINKS, **described})
    assert after is not None
    return source(**{**LINKS, **described}).list_request(ListQuery(page=2, after=after))


@pytest.mark.parametrize("written", [40, "40"])
def test_claims_are_read_from_the_answer(written: object) -> None:
    shown = page(
        {"data": [ORDER], "meta": {"total": written, "last": 4, "page": 2, "size": 10}},
        rows="data",
        total="meta.total",
        pages={"by": "page", "count": "meta.last", "number": "meta.page", "per_page": "meta.size"},
    )
    assert (shown.total, shown.last_page, shown.number, shown.size) == (40, 4, 2, 10)
    assert shown.following is None


def test_claims_are_read_from_headers() -> None:
    shown = page(
        [ORDER],
        {"x-wp-total": "40", "x-wp-totalpages": "4"},
        total={"header": "X-WP-Total"},
        pages={"by": "page", "count": {"header": "X-WP-TotalPages"}},
    )
    assert (shown.total, shown.last_page) == (40, 4)


@pytest.mark.parametrize(
    ("pages", "size"),
    [({"size": 20}, 20), ({}, None), ({"size": 20, "size_param": "limit"}, None), ({"per_page": "n"}, 5)],
)
@pytest.mark.parametrize("by", ["page", "cursor"])
def test_a_page_holds_what_the_answer_says_or_the_description_where_it_cannot_be_chosen(
    by: str, pages: dict[str, Any], size: int | None
) -> None:
    assert page({"data": [ORDER], "n": 5}, rows="data", pages={"by": by, **pages}).size == size


def test_pages_that_are_counted_from_zero_are_counted_from_one() -> None:
    described: dict[str, Any] = {
        "rows": "content",
        "pages": {"by": "page", "first": 0, "number": "number", "count": "totalPages"},
    }
    shown = page({"content": [ORDER], "number": 0, "totalPages": 3}, **described)
    assert (shown.number, shown.last_page) == (1, 3)


@pytest.mark.parametrize("nonsense", [None, "many", -1, [], {}, True, 1.5])
def test_a_claim_that_is_none_is_not_made(nonsense: object) -> None:
    shown = page({"data": [ORDER], "total": nonsense}, rows="data", total="total", pages={"by": "page"})
    assert shown.total is None


def test_a_list_that_comes_whole_has_one_page_that_is_never_full() -> None:
    shown = page([{**ORDER, "id": number} for number in range(250)])
    assert (shown.last_page, shown.following, shown.total) == (1, None, None)
    assert (shown.size or 0) > 250


@pytest.mark.parametrize("by", ["page", "offset"])
def test_without_claims_pages_go_on_to_one_that_is_empty(by: str) -> None:
    first, second = (following([{**ORDER, "id": number}], pages={"by": by}) for number in (1, 2))
    assert first
    assert second
    assert first != second
    assert following([], pages={"by": by}) is None


def test_a_page_that_comes_twice_is_known_by_its_mark() -> None:
    assert following([ORDER], pages={"by": "page"}) == following([ORDER], pages={"by": "page"})


def test_an_offset_goes_on_from_what_was_shown() -> None:
    """Not from what was asked for: the most that the system gives may not be known."""
    made = source(pages={"by": "offset", "first": 1})
    first = msgspec.structs.replace(answer([ORDER] * 3), request=made.list_request(ListQuery()))
    after = made.decode_list(first).following
    assert made.list_request(ListQuery(2, after=after)).params == (("offset", "4"),)


@pytest.mark.parametrize("by", ["page", "offset"])
@pytest.mark.parametrize("more", [None, True])
def test_a_last_page_that_is_shown_for_ever_is_the_last(by: str, more: bool | None) -> None:
    """Unless it says that there is more: then it leads back, which proves nothing."""
    made = source(rows="data", pages={"by": by, **({"more": "more"} if more else {})})
    first = answer({"data": [ORDER], "more": more})
    after = made.decode_list(msgspec.structs.replace(first, request=made.list_request(ListQuery()))).following
    again = msgspec.structs.replace(first, request=made.list_request(ListQuery(2, after=after)))
    assert made.decode_list(again).following == (after if more else None)


def test_how_many_orders_an_offset_steps_over_is_learned_once() -> None:
    made = source(rows="data", total="total", pages={"by": "offset", "size_param": "limit"})
    for shown, begins in ((3, 3), (2, 3)):
        request = made.list_request(ListQuery())
        first = answer({"data": [ORDER] * shown, "total": 9})
        made.decode_list(msgspec.structs.replace(first, request=request))
        assert made.list_request(ListQuery(2)).params == (("offset", str(begins)), ("limit", "3"))


@pytest.mark.parametrize(("more", "goes_on"), [(True, True), (False, False), (None, False)])
@pytest.mark.parametrize("by", ["page", "offset", "cursor"])
def test_an_answer_may_say_whether_there_is_more(by: str, more: object, goes_on: bool) -> None:
    shown = following({"data": [ORDER], "more": more}, rows="data", pages={"by": by, "more": "more"})
    assert (shown is not None) is goes_on


@pytest.mark.parametrize(
    ("cursor", "after"), [("abc", "abc"), (17, "17"), (None, None), ("", None), (False, None), (0, None)]
)
def test_a_cursor_is_taken_from_the_answer(cursor: object, after: str | None) -> None:
    assert following({"data": [ORDER], "meta": {"next": cursor}}, **CURSOR) == after


@pytest.mark.parametrize(
    ("pages", "stated"),
    [
        ({"by": "page"}, False),
        ({"by": "page", "more": "more"}, True),
        ({"by": "cursor"}, False),
        ({"by": "cursor", "next": "next"}, True),
        ({"by": "link", "next": "next"}, True),
    ],
)
def test_that_there_is_a_next_page_is_stated_or_only_likely(pages: dict[str, Any], stated: bool) -> None:
    shown = page({"data": [ORDER], "more": True, "next": "/next"}, rows="data", pages=pages)
    assert shown.following is not None
    assert shown.stated is stated


def test_an_answer_without_a_cursor_is_the_last() -> None:
    assert following({"data": [ORDER]}, **CURSOR) is None


@pytest.mark.parametrize("cursor", [True, ["canary"], {"canary": 1}, 1.5])
def test_a_cursor_that_is_none_ends_no_list(cursor: object) -> None:
    """A list that seemed to end there would seem to lack all orders that follow."""
    with pytest.raises(BadAnswer, match="does not say where its next page begins") as caught:
        following({"data": [ORDER], "meta": {"next": cursor}}, **CURSOR)
    assert "canary" not in str(caught.value)


def test_an_expression_that_does_not_fit_ends_no_list() -> None:
    with pytest.raises(BadAnswer, match="does not say where"):
        following({"data": [ORDER], "meta": 7}, rows="data", pages={"by": "cursor", "next": "join('', meta)"})


def test_the_default_cursor_is_the_last_rows_id() -> None:
    pages = {"by": "cursor", "param": "starting_after", "more": "has_more"}
    rows = [ORDER, {**ORDER, "id": "pi_9"}]
    assert following({"data": rows, "has_more": True}, rows="data", pages=pages) == "pi_9"
    assert following({"data": [], "has_more": True}, rows="data", pages=pages) is None
    with pytest.raises(BadAnswer, match="ends with a row that has no id"):
        following({"data": [ORDER, {}], "has_more": True}, rows="data", pages=pages)


def test_a_cursor_may_be_computed_from_the_rows() -> None:
    pages = {"by": "cursor", "next": "has_more && data[-1].id"}
    assert following({"data": [ORDER], "has_more": True}, rows="data", pages=pages) == "7"
    assert following({"data": [ORDER], "has_more": False}, rows="data", pages=pages) is None


@pytest.mark.parametrize(
    "link",
    [
        f"{URL}{PATH}?page=2&f=a%2Bb",
        f"{PATH}?page=2&f=a%2Bb",
        "?page=2&f=a%2Bb",
        f"//shop.example.com{PATH}?page=2&f=a%2Bb#top",
        f"https://shop.example.com:443{PATH}?page=2&f=a%2Bb",
        f"https://user:canary@shop.example.com{PATH}?page=2&f=a%2Bb",
        f"http://shop.example.com{PATH}?page=2&f=a%2Bb",
    ],
)
def test_a_next_link_is_followed_by_its_path_and_query(link: str) -> None:
    """Also where a proxy ends TLS and the system behind it writes http: what is asked is our own address."""
    assert linked(link) == Request(PATH, (("page", "2"), ("f", "a+b")))


@pytest.mark.parametrize(
    ("link", "origin"),
    [
        ("https://evil.example.com/api/v1/orders?canary=1", "https://evil.example.com"),
        ("//evil.example.com/canary", "https://evil.example.com"),
        ("https://shop.example.com:8443/canary", "https://shop.example.com:8443"),
        ("https://shop.example.com@evil.example.com/canary", "https://evil.example.com"),
        ("https://shop.example.com.evil.example.com/", "https://shop.example.com.evil.example.com"),
        ("http://shop.example.com:8080/canary", "http://shop.example.com:8080"),
    ],
)
def test_a_next_link_to_another_origin_is_not_followed(link: str, origin: str) -> None:
    """The page that named it stands: only where the list goes on is unknown."""
    with pytest.raises(Redirected, match="is said to be on another host: set url to") as caught:
        linked(link, auth={"bearer": "canary"})
    assert f"set url to {origin} if" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("link", ["https://[", "https://a b/", "javascript:alert(1)", "x" * 9000, ["x"], True])
def test_a_next_link_that_is_no_address_ends_no_list(link: object) -> None:
    with pytest.raises(BadAnswer):
        linked(link)


def test_a_link_is_followed_below_the_path_of_the_url_only() -> None:
    below = "https://shop.example.com/billing"
    assert linked("/billing/api/v1/orders?page=2", url=below).path == "/api/v1/orders"
    for link in ("/api/v1/orders?page=2", "/billings/orders", *(f"{below}/{up}/shop" for up in ("..", "%2e%2E"))):
        with pytest.raises(Redirected, match="outside of it"):
            linked(link, url=below)


def test_a_link_may_lead_to_the_host_alone() -> None:
    assert linked(f"{URL}?page=2") == Request("/", (("page", "2"),))


def test_a_secret_that_a_link_repeats_is_not_kept() -> None:
    described = {**LINKS, "auth": {"query": {"api_key": "canary"}}}
    after = following({"data": [ORDER], "links": {"next": "?page=2&api_key=canary"}}, **described)
    assert "canary" not in str(after)
    request = source(**described).list_request(ListQuery(page=2, after=after))
    assert request.params == (("page", "2"), ("api_key", "canary"))


def test_what_a_link_leaves_out_is_sent_along_where_that_is_wanted() -> None:
    described: dict[str, Any] = {
        "params": {"sort": "-id", "page": "1"},
        "by_status": {"param": "status", "values": ["new"]},
        "pages": {"by": "link", "next": "links.next", "size_param": "per_page"},
    }
    query = ListQuery(page=2, status="new", after=f"{PATH}?page=2")
    assert source(**described).list_request(query).params == (("page", "2"),)
    described["pages"]["repeat_params"] = True
    request = source(**described).list_request(query)
    assert request.params == (("sort", "-id"), ("per_page", "100"), ("status", "new"), ("page", "2"))


@pytest.mark.parametrize(
    ("header", "params"),
    [
        ('<https://shop.example.com/o?page=2>; rel="next"', (("page", "2"),)),
        ('<https://shop.example.com/o?page=9>; rel="last", </o?a=1,2>; title="x"; rel=NEXT', (("a", "1,2"),)),
        ('<https://api.w.org/>; rel="https://api.w.org/", </o?page=2>; rel="prefetch next"', (("page", "2"),)),
    ],
)
def test_the_next_page_may_stand_in_the_link_header(header: str, params: tuple[tuple[str, str], ...]) -> None:
    made = source(pages={"by": "header"})
    after = made.decode_list(answer([ORDER], {"link": header})).following
    assert made.list_request(ListQuery(page=2, after=after)) == Request("/o", params)


@pytest.mark.parametrize("header", ["", "nonsense", '<x>; rel="prev"', '<x>; title="next"', '<x>; rel="nextish"'])
def test_without_a_next_link_in_the_header_the_list_ends(header: str) -> None:
    assert following([ORDER], {"link": header}, pages={"by": "header"}) is None


async def test_one_of_several_link_headers_leads_on(serve: Serve, make_reader: MakeReader) -> None:
    async def handler(request: web.Request) -> web.Response:
        shown = web.json_response([ORDER])
        for link in ('</o?page=2>; rel="next"', '<https://api.w.org/>; rel="https://api.w.org/"'):
            shown.headers.add("Link", link)
        return shown

    url = await serve(handler)
    made = source(url=url, pages={"by": "header"})
    given: Answer = await make_reader(url).get(made.list_request(ListQuery()))
    assert made.decode_list(given).following == "/o?page=2"
