"""One page of a list of orders is enough to describe it; what a page cannot tell is said, not made up."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from monitor.errors import BadAnswer
from monitor.sources import rest
from monitor.sources.base import Answer
from monitor.sources.guess import Guess, guess
from monitor.sources.rest_settings import RestSettings

ROW = {"id": 7, "status": "pending"}
OTHER = {"id": 8, "status": "active"}


def answer(body: object, headers: dict[str, str] | None = None) -> Answer:
    return Answer("https://shop.example.com/orders", 200, headers or {}, msgspec.json.encode(body), 0, 0)


def guessed(body: object, headers: dict[str, str] | None = None, query: tuple[tuple[str, str], ...] = ()) -> Guess:
    """The guess; that it describes a source which reads this very page is checked each time."""
    page = answer(body, headers)
    found = guess(page, query)
    described = {"type": "rest", "url": "https://shop.example.com", "path": "/orders", **found.settings}
    described.pop("statuses", None)
    read = rest.make(RestSettings.model_validate(described)).decode_list(page)
    assert len(read.marks) > 0
    assert None not in read.ids
    return found


LARAVEL = {
    "data": [{**ROW, "total": 2200, "currency_code": "USD", "created_at": "2026-04-01T10:00:00Z"}, OTHER],
    "links": {"next": "https://shop.example.com/orders?page=2"},
    "meta": {"current_page": 1, "last_page": 7, "per_page": 2, "total": 14},
}
STRIPE = {
    "object": "list",
    "has_more": True,
    "data": [{"id": f"pi_{n}", "status": "succeeded", "amount": 2200, "created": 1_700_000_000 + n} for n in (1, 2)],
}
MAGENTO = {
    "items": [
        {"entity_id": n, "increment_id": f"00{n}", "status": "fraud", "items": [{"name": "Hat", "qty_ordered": 1}]}
        for n in (1, 2)
    ],
    "search_criteria": {"page_size": 2, "current_page": 1},
    "total_count": 9,
}
JSON_API = {"data": [{"id": "1", "attributes": {"status": "active", "price": "5.00"}}], "links": {"next": None}}


@pytest.mark.parametrize(
    ("body", "rows", "fields"),
    [
        ([ROW, OTHER], None, {"id": "id", "status": "status"}),
        ({"data": {"orders": [ROW]}}, "data.orders", {"id": "id", "status": "status"}),
        ({"orders": {"0": ROW, "1": OTHER}}, "values(orders)", {"id": "id", "status": "status"}),
        ({"the-orders": [ROW]}, '"the-orders"', {"id": "id", "status": "status"}),
        ({"log": [{"text": "x"}] * 9, "found": [ROW]}, "found", {"id": "id", "status": "status"}),
        (MAGENTO, "items", {"id": "entity_id", "status": "status", "number": "increment_id"}),
        (JSON_API, "data", {"id": "id", "status": "attributes.status", "total": "attributes.price"}),
        (
            [{"id": 1, "orderStatus": "open", "amount": {"value": "1.00", "currency": "EUR"}}],
            None,
            {"id": "id", "status": "orderStatus", "total": "amount.value", "currency": "amount.currency"},
        ),
        (
            [{"code": "ABC", "status": "n", "datetime": "2026-04-01T10:00:00+02:00", "last_modified": "2026-04-01"}],
            None,
            {"id": "code", "status": "status", "created_at": "datetime", "modified_at": "last_modified"},
        ),
    ],
)
def test_the_list_and_its_fields_are_found(body: object, rows: str | None, fields: dict[str, str]) -> None:
    settings = guessed(body).settings
    assert settings.get("rows") == rows
    assert settings["fields"] == fields


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"total": "many"}, "total"),
        ({"currency": "United States dollar"}, "currency"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"number": True}, "number"),
    ],
)
def test_a_field_whose_values_do_not_fit_its_name_is_not_taken(row: dict[str, Any], field: str) -> None:
    assert field not in guessed([{**ROW, **row}]).settings["fields"]


def test_what_is_the_same_in_two_rows_identifies_none() -> None:
    rows = [{"id": 1, "uuid": "a", "status": "x"}, {"id": 1, "uuid": "b", "status": "x"}]
    assert guessed(rows).settings["fields"]["id"] == "uuid"


@pytest.mark.parametrize(
    ("body", "headers", "pages"),
    [
        (LARAVEL, {}, {"by": "page", "count": "meta.last_page", "size_param": "per_page", "size": 2}),
        ([ROW], {"x-wp-totalpages": "3"}, {"by": "page", "count": {"header": "x-wp-totalpages"}, "size": 1}),
        ([ROW], {"link": '</orders?page=2>; rel="next"'}, {"by": "header", "size": 1}),
        (JSON_API, {}, {"by": "link", "next": "links.next", "size": 1}),
        ({"data": [ROW], "nextCursor": "x"}, {}, {"by": "cursor", "next": "nextCursor", "size": 1}),
        (STRIPE, {}, {"by": "cursor", "more": "has_more", "size": 2}),
        (
            {"list": [ROW], "offset": 0, "limit": 5},
            {},
            {"by": "offset", "param": "offset", "size_param": "limit", "size": 1},
        ),
        (MAGENTO, {}, {"by": "page", "size_param": "page_size", "size": 2}),
    ],
)
def test_how_the_list_is_paged_is_found(body: object, headers: dict[str, str], pages: dict[str, Any]) -> None:
    assert guessed(body, headers).settings["pages"] == pages


def test_a_list_that_says_nothing_of_pages_has_none_and_that_is_said() -> None:
    found = guessed([ROW])
    assert "pages" not in found.settings
    assert any("nothing says that there are pages" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("body", "headers", "total"),
    [
        (LARAVEL, {}, "meta.total"),
        ([ROW], {"x-total-count": "30"}, {"header": "x-total-count"}),
        ({"data": [ROW, OTHER], "total": 1}, {}, None),
        ({"data": [ROW, OTHER], "count": 2}, {}, None),
        ({"data": [ROW, OTHER], "total": "2"}, {}, "total"),
        ({"data": [ROW], "total": True}, {}, None),
    ],
)
def test_a_total_is_one_that_can_be_true_of_the_whole_list(
    body: object, headers: dict[str, str], total: object
) -> None:
    assert guessed(body, headers).settings.get("total") == total


def test_a_long_page_s_count_of_itself_is_no_total() -> None:
    body = {"data": [{"id": number, "status": "pending"} for number in range(250)], "count": 250}
    assert "total" not in guessed(body).settings


def test_a_page_is_as_long_as_it_is() -> None:
    body = {"data": [{"id": number, "status": "pending"} for number in range(250)], "total": 1000}
    assert guessed(body).settings["pages"]["size"] == 250


def test_parameters_that_were_sent_are_kept_where_they_belong() -> None:
    settings = guessed(LARAVEL, query=(("sort", "-id"), ("per_page", "2"), ("page", "1"))).settings
    assert settings["params"] == {"sort": "-id"}
    assert settings["pages"] | {"param": "page", "size_param": "per_page"} == settings["pages"]


def test_times_that_count_from_1970_are_known_by_their_size() -> None:
    assert guessed(STRIPE).settings["times"] == "seconds"
    assert guessed([{**ROW, "created_at": 1_700_000_000_000}]).settings["times"] == "milliseconds"


def test_a_field_that_speaks_of_cents_is_in_minor_units_and_of_other_whole_numbers_it_is_asked() -> None:
    assert guessed([{**ROW, "cents": {"amount": 2200}}]).settings["money"] == "minor"
    found = guessed(LARAVEL)
    assert "money" not in found.settings
    assert any("if 2200 means 22.00" in remark for remark in found.remarks)


def test_statuses_that_do_not_say_it_themselves_get_a_meaning_or_a_question() -> None:
    rows = [{"id": n, "status": status} for n, status in enumerate(("on-hold", "Active", "canceled", "blue"))]
    found = guessed(rows)
    assert found.settings["statuses"] == {"on-hold": "pending"}
    assert [remark for remark in found.remarks if "meaning" in remark] == [
        "which of the nine meanings has the status blue? See `statuses`"
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "shows no order: ask for a list that holds some"),
        ({"data": []}, "shows no order: ask for a list that holds some"),
        ({"message": "hello"}, "holds no list whose rows have an id and a status"),
        ([{"name": "x"}], "holds no list whose rows have an id and a status"),
        ([1, 2], "holds no list whose rows have an id and a status"),
        ("text", "holds no list whose rows have an id and a status"),
    ],
)
def test_what_holds_no_orders_is_refused_with_the_reason(body: object, said: str) -> None:
    with pytest.raises(BadAnswer, match=said):
        guess(answer(body))


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(BadAnswer, match="web page"):
        guess(Answer("https://shop.example.com/", 200, {}, b"<html>", 0, 0))
