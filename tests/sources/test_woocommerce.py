"""The WooCommerce adapter: what it asks, what it makes of the answers, and that nobody's secrets are among it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from woocommerce_rows import KEY, ROW, SECRET, SETTINGS, SOURCE, answer, only, page

from monitor.errors import BadAnswer, NotFound
from monitor.model import Customer, Item, Meaning, Money, Order, meaning_of
from monitor.sources.base import DetailSource, ListQuery, ModifiedSource, Stamped
from monitor.sources.woocommerce import MEANINGS, STATUSES, WooCommerceSettings

ORDER = Order(
    id="727",
    status="processing",
    number="2026-0727",
    total=Money(Decimal("29.35"), "USD"),
    created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
    items=(
        Item("Woo Single #1", 2, Money(Decimal(3), "USD")),
        Item("Ship Your Idea", 1, Money(Decimal("20.35"), "USD")),
    ),
)


def test_it_says_what_was_modified_and_shows_single_orders() -> None:
    listing: ModifiedSource = SOURCE
    detail: DetailSource = SOURCE
    assert isinstance(listing, ModifiedSource)
    assert isinstance(detail, DetailSource)
    assert isinstance(page(ROW), Stamped)
    assert listing.identity == "woocommerce https://shop.example.com"
    assert listing.overlap == timedelta(seconds=10)


def test_a_page_is_asked_for_in_a_lasting_order_and_of_any_status() -> None:
    request = SOURCE.list_request(ListQuery(page=3, size=500))
    assert request.path == "/wp-json/wc/v3/orders"
    asked = dict(request.params)
    assert asked.pop("_fields").startswith("id,number,status,")
    assert asked == {"page": "3", "per_page": "100", "orderby": "id", "order": "asc", "status": "any"}


def test_the_key_travels_in_a_header_alone() -> None:
    for request in (SOURCE.list_request(ListQuery()), SOURCE.order_request("727")):
        assert request.headers == {"Authorization": f"Basic {base64.b64encode(b'ck_made_up:cs_made_up').decode()}"}
        assert request.secrets == (KEY, SECRET)
        assert not {KEY, SECRET} & {value for _, value in request.params}
        assert KEY not in repr(request) + repr(SOURCE)


def test_nothing_private_is_asked_for_in_lists() -> None:
    fields = dict(SOURCE.list_request(ListQuery()).params)["_fields"].split(",")
    assert not {"billing", "shipping", "order_key", "customer_ip_address", "meta_data", "customer_note"} & {*fields}


def test_whatever_was_modified_in_a_second_is_asked_for_in_gmt_without_a_zone() -> None:
    """It shows what was modified after a time; and of a time with a zone it takes the shop's local time for GMT."""
    since = datetime(2026, 4, 11, 10, 0, 7, tzinfo=timezone(timedelta(hours=2)))
    asked = dict(SOURCE.list_request(ListQuery(status="on-hold", modified_since=since)).params)
    assert asked["status"] == "on-hold"
    assert (asked["modified_after"], asked["dates_are_gmt"]) == ("2026-04-11T08:00:06", "true")


def test_one_order_is_asked_for_by_its_id() -> None:
    assert SOURCE.order_request("727").path == "/wp-json/wc/v3/orders/727"
    assert SOURCE.order_request("7/../8?x").path == "/wp-json/wc/v3/orders/7%2F..%2F8%3Fx"


def test_an_order_is_read_whole() -> None:
    assert only(ROW) == ORDER


@pytest.mark.parametrize("price", ["0.1", "3.3333333333333335", '"12.50"', "12", "-5.00", "1e2", "1234567890123.45"])
def test_prices_are_exact_to_the_last_digit_written(price: str) -> None:
    row = f'[{{"id":1,"status":"failed","total":{price},"line_items":[{{"name":"x","quantity":1,"price":{price}}}]}}]'
    order = SOURCE.decode_list(answer(row)).order("1")
    exact = Money(Decimal(price.strip('"')))
    assert order.total == exact
    assert order.items == (Item("x", 1, exact),)


@pytest.mark.parametrize("nonsense", [None, True, "abc", "", {"a": 1}])
def test_a_field_that_is_nonsense_costs_the_field_not_the_order(nonsense: object) -> None:
    names = ("total", "date_created_gmt", "date_modified_gmt", "number", "currency", "line_items")
    row = {**ROW, **dict.fromkeys(names, nonsense)}
    order = only(row)
    assert (order.id, order.status, order.total, order.created_at) == ("727", "processing", None, None)
    assert page(row).modified == [None]


def test_lines_as_php_writes_them_are_read() -> None:
    assert only({**ROW, "line_items": {"3": {"name": "Cap", "quantity": "2"}, "7": None}}).items == (Item("Cap", 2),)
    assert only({**ROW, "line_items": ""}).items == ()
    assert only({**ROW, "line_items": None}).items is None
    assert only({**ROW, "line_items": [{}]}).items == (Item("(unnamed)"),)


def test_dates_without_a_zone_are_gmt() -> None:
    assert page(ROW).modified == [datetime(2026, 4, 2, 8, 0, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("private", "is no JSON object"),
        ({"status": "failed"}, "id is missing"),
        ({"id": {}, "status": "failed"}, "id is neither a number nor a text"),
        ({"id": 1, "status": None}, "status is missing"),
        ({"id": 1, "status": 5}, "status is no text"),
    ],
)
def test_a_bad_row_is_told_and_the_others_stand(row: object, words: str) -> None:
    decoded = page(ROW, row, {**ROW, "id": 728})
    assert decoded.ids == ["727", None, "728"]
    assert decoded.rejected == (f"row 2: {words}",)


@pytest.mark.parametrize(
    ("headers", "total", "last_page"),
    [
        ({"x-wp-total": "1500", "x-wp-totalpages": "15"}, 1500, 15),
        ({"x-wp-total": "0", "x-wp-totalpages": "0"}, 0, 0),
        ({}, None, None),
        ({"x-wp-total": "many", "x-wp-totalpages": "-1"}, None, None),
        ({"x-wp-total": "\udcff", "x-wp-totalpages": "9" * 40}, None, None),
    ],
)
def test_totals_stand_in_the_headers(headers: Mapping[str, str], total: int | None, last_page: int | None) -> None:
    decoded = page(ROW, headers=headers)
    assert (decoded.total, decoded.last_page, decoded.number, decoded.size) == (total, last_page, None, None)


def test_the_details_name_who_pays_how() -> None:
    details = SOURCE.decode_details(answer(json.dumps(ROW)))
    assert details.order == ORDER
    assert details.payment == "Direct Bank Transfer"
    address = "969 Market, 94103 San Francisco, CA, US"
    assert details.customer == Customer("Jane Doe", "Sample Ltd", address, "Ring twice")


@pytest.mark.parametrize("empty", [None, "", [], {}, 0])
def test_details_that_are_empty_are_none(empty: object) -> None:
    row = {**ROW, **dict.fromkeys(("payment_method", "payment_method_title", "billing", "customer_note"), empty)}
    details = SOURCE.decode_details(answer(json.dumps(row)))
    assert (details.order, details.payment or "0") == (ORDER, "0")
    assert details.customer in (None, Customer(notes="0"))


def test_nothing_private_is_decoded() -> None:
    details = SOURCE.decode_details(answer(json.dumps(ROW)))
    assert "canary" in json.dumps(ROW)
    assert b"canary" not in msgspec.json.encode([details, only(ROW)])


@pytest.mark.parametrize("body", ["null", "7", '{"code": "x", "message": "y"}', "<html></html>", '[{"id": 1', ""])
def test_an_answer_without_a_list_or_order_is_a_bad_answer(body: str) -> None:
    with pytest.raises(BadAnswer):
        SOURCE.decode_list(answer(body))
    with pytest.raises(BadAnswer):
        SOURCE.decode_order(answer(body))


def test_an_error_that_comes_as_a_good_answer_is_told() -> None:
    body = '{"code":"rest_forbidden","message":"Sorry, you are not allowed to do that."}'
    with pytest.raises(BadAnswer, match="Sorry, you are not allowed to do that"):
        SOURCE.decode_list(answer(body))


@pytest.mark.parametrize("json_part", ["[]", '[{"id": 1, "status": "failed"}]', '{"id": 1, "status": "failed"}\n'])
def test_messages_of_php_before_the_json_are_told_as_what_they_are(json_part: str) -> None:
    """They stand in the place of the headers, so that nobody knows of how many orders this page is."""
    body = f"<br />\n<b>Deprecated</b>: strlen() in /srv/plugin.php\n{json_part}"
    for decode in (SOURCE.decode_list, SOURCE.decode_order):
        with pytest.raises(BadAnswer, match="WP_DEBUG_DISPLAY"):
            decode(answer(body))


@pytest.mark.parametrize(
    ("body", "gone"),
    [
        (b'{"code":"woocommerce_rest_shop_order_invalid_id","message":"Invalid ID.","data":{"status":404}}', True),
        (b'\xef\xbb\xbf{"code":"woocommerce_rest_shop_order_invalid_id"}', True),
        (b'{"code":"rest_no_route","message":"No route was found","data":{"status":404}}', False),
        (b'{"code":404}', False),
        (b"<html>404</html>", False),
        (b"", False),
    ],
)
def test_gone_is_what_woocommerce_says_to_be_no_order(body: bytes, gone: bool) -> None:
    assert SOURCE.is_gone(NotFound("404", body=body)) is gone


def test_an_order_in_the_trash_is_gone() -> None:
    """As in the list, which does not show it."""
    for decode in (SOURCE.decode_order, SOURCE.decode_details):
        with pytest.raises(NotFound) as caught:
            decode(answer(json.dumps({**ROW, "status": "trash"})))
        assert SOURCE.is_gone(caught.value)
        assert "canary" not in str(caught.value)


def test_an_error_is_told_in_wordpresss_words() -> None:
    body = (
        b'{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot list resources.","data":{"status":401}}'
    )
    assert SOURCE.error_text(body) == "Sorry, you cannot list resources."
    assert SOURCE.error_text(b'{"error":"Not WordPress"}') is None


def test_its_statuses_mean_what_they_do_elsewhere() -> None:
    """Those of plugins mean nothing until their owner says so; a draft is a basket at the till."""
    assert {status: meaning_of(status, MEANINGS) for status in (*STATUSES, "checkout-draft", "shipped")} == {
        "pending": Meaning.PENDING,
        "processing": Meaning.ACTIVE,
        "on-hold": Meaning.PENDING,
        "completed": Meaning.COMPLETED,
        "cancelled": Meaning.CANCELLED,
        "refunded": Meaning.REFUNDED,
        "failed": Meaning.FAILED,
        "checkout-draft": None,
        "shipped": None,
    }


@pytest.mark.parametrize("lacking", ["consumer_key", "consumer_secret", "url"])
def test_half_a_credential_is_refused(lacking: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WooCommerceSettings.model_validate({key: value for key, value in SETTINGS.items() if key != lacking})
    assert "made_up" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), st.text() | st.integers() | st.none() | st.lists(st.none())))
def test_whatever_stands_in_its_fields_a_row_is_an_order_or_told(odd: dict[str, Any]) -> None:
    decoded = page({**ROW, **odd})
    assert len(decoded.rejected) == decoded.ids.count(None)
    for order_id in filter(None, decoded.ids):
        assert decoded.order(order_id).id == order_id
    assert len(decoded.modified) == 1
