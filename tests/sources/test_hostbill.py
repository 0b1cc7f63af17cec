"""The hostbill adapter: lists and details of the admin API, nothing secret, and pages counted from 0 or from 1."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hostbill_rows import (
    API_ID,
    API_KEY,
    DETAILS,
    HOSTING,
    ROW,
    SOURCE,
    answer,
    detailed,
    failing,
    listed,
    only,
    page,
    source,
)
from hostile_bodies import check_that_only_source_errors_leak, hostile_bodies
from hypothesis import given

from monitor.checks import CHECKS
from monitor.config import load
from monitor.errors import BadAnswer, NotFound, Refused
from monitor.model import Customer, Details, Item, Money, Order, Service
from monitor.sources.base import Answer, DetailSource, ListQuery, ListSource
from monitor.sources.hostbill import Hostbill
from monitor.sources.registry import ADAPTERS

LISTED = Order(
    id="66",
    status="Active",
    number="565063300",
    total=Money(Decimal("11.94")),
    created_at=datetime(2011, 11, 22, 23, 35, 41, tzinfo=UTC),
    invoice_status="Paid",
)
WORDS = (
    *DETAILS,
    *HOSTING,
    "success",
    "error",
    "orders",
    "details",
    "sorter",
    "perpage",
    "sorterrecords",
    "sorterpage",
)


def test_it_lists_orders_and_shows_single_ones() -> None:
    lists: ListSource = SOURCE
    shows: DetailSource = SOURCE
    assert lists.identity == shows.identity == "hostbill https://billing.example.com"


def test_requests_are_forms_with_the_credentials() -> None:
    request = SOURCE.list_request(ListQuery(status="Pending"))
    credentials = {"api_id": API_ID, "api_key": API_KEY}
    assert request.path == "/admin/api.php"
    assert dict(request.form or ()) == {"call": "getOrders", "list": "pending", **credentials}
    assert dict(SOURCE.list_request(ListQuery()).form or ())["list"] == "all"
    assert dict(SOURCE.order_request("66").form or ()) == {"call": "getOrderDetails", "id": "66", **credentials}
    assert request.secrets == (API_ID, API_KEY)
    assert request.params == ()
    assert "canary" not in repr(SOURCE) + repr(request) + repr(SOURCE.order_request("66"))


def test_the_admin_folder_may_have_another_name() -> None:
    renamed = source(api_path="/hidden/api.php")
    assert {renamed.list_request(ListQuery()).path, renamed.order_request("1").path} == {"/hidden/api.php"}


@pytest.mark.parametrize("path", ["admin/api.php", "/admin/api.php?x=1", "/a b", "/", ""])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="api_path"):
        source(api_path=path)


def test_an_order_of_a_list_is_read_whole() -> None:
    assert only(ROW) == LISTED


@pytest.mark.parametrize(
    ("row", "currency"),
    [({}, "SEK"), ({"currency": {"code": "USD"}}, "USD"), ({"currency": []}, "SEK"), ({"currency": "x"}, "SEK")],
)
def test_the_currency_of_the_settings_is_for_orders_that_name_none(row: dict[str, object], currency: str) -> None:
    assert only({**ROW, **row}, currency="SEK").total == Money(Decimal("11.94"), currency)


def test_dates_are_of_the_time_zone_in_the_settings() -> None:
    in_warsaw = source(time_zone="Europe/Warsaw").decode_details(detailed(DETAILS)).order
    assert only(ROW, time_zone="Europe/Warsaw").created_at == in_warsaw.created_at
    assert in_warsaw.created_at == datetime(2011, 11, 22, 22, 35, 41, tzinfo=UTC)


def test_an_order_read_alone_is_as_the_list_would_show_it() -> None:
    """Else what the list never shows would be compared with what it was months ago."""
    decoded = SOURCE.decode_order(detailed(DETAILS))
    assert decoded.ids == ["66"]
    assert decoded.order("66") == msgspec.structs.replace(LISTED, total=Money(Decimal("11.94"), "EUR"))


def test_details_carry_all_that_a_message_may_show_and_no_secret() -> None:
    euros = Money(Decimal("11.94"), "EUR")
    details = SOURCE.decode_details(detailed(DETAILS))
    assert details == Details(
        msgspec.structs.replace(
            LISTED,
            total=euros,
            items=(Item("VPS 2 GB", 1, euros),),
            services=(Service("12", "Pending", "VPS 2 GB (sample.example.com)"),),
        ),
        "59",
        "PayPal",
        Customer("Quilla Tester", "Quillaworks"),
    )
    assert b"canary" not in msgspec.json.encode(details)


def test_details_have_the_currency_of_the_settings_too() -> None:
    details = source(currency="SEK").decode_details(detailed({**DETAILS, "currency": []}))
    assert details.order.total == Money(Decimal("11.94"), "SEK")


@pytest.mark.parametrize("orders", ["", [], {}, False])
def test_an_empty_list_is_read_in_each_way_in_which_it_is_written(orders: object) -> None:
    assert SOURCE.decode_list(answer(listed(orders))).ids == []


def test_rows_may_stand_under_numbers() -> None:
    assert SOURCE.decode_list(answer(listed({"1": ROW, "4": {**ROW, "id": "67"}}))).ids == ["66", "67"]


@pytest.mark.parametrize("row", [7, None, [], {}, {"id": 1}, {"status": "Active"}])
def test_a_bad_row_is_told_and_the_others_stand(row: object) -> None:
    decoded = page(ROW, row, {**ROW, "id": "3"})
    assert decoded.ids == ["66", None, "3"]
    assert len(decoded.rejected) == 1


@pytest.mark.parametrize("convert", [int, str])
def test_the_sorter_is_read_as_numbers_or_texts(convert: type) -> None:
    said = {"perpage": convert(25), "totalpages": convert(2), "sorterrecords": convert(40), "sorterpage": convert(1)}
    decoded = SOURCE.decode_list(answer(listed([ROW], **said)))
    assert (decoded.total, decoded.last_page, decoded.size, decoded.number) == (40, 2, 25, None)


def test_a_list_without_a_sorter_claims_nothing() -> None:
    decoded = SOURCE.decode_list(answer(json.dumps({"success": True, "orders": [ROW]})))
    assert (decoded.total, decoded.last_page, decoded.size, decoded.number) == (None, None, None, None)


@pytest.mark.parametrize(
    "said",
    [
        "Wrong API ID or API KEY",
        "Authentication failed",
        "Your IP is not allowed to use this API",
        "Access denied",
        "No permission to use method getOrders",
    ],
)
def test_an_error_of_the_credentials_is_a_refusal(said: str) -> None:
    with pytest.raises(Refused) as caught:
        SOURCE.decode_list(failing(said))
    assert str(caught.value) == f"200 from https://billing.example.com/admin/api.php says that it failed ({said})"
    with pytest.raises(Refused):
        SOURCE.decode_order(failing(said))


@pytest.mark.parametrize(
    "body",
    [
        '{"success": false, "error": ["Wrong parameter"]}',
        '{"success": false, "error": {"list": "Wrong parameter"}}',
        '{"error": ["Wrong parameter"], "orders": []}',
        '{"success": "0", "orders": [], "error": "Wrong parameter"}',
    ],
)
def test_any_other_error_is_a_bad_answer(body: str) -> None:
    with pytest.raises(BadAnswer, match="Wrong parameter"):
        SOURCE.decode_list(answer(body))
    with pytest.raises(BadAnswer, match="Wrong parameter"):
        SOURCE.decode_details(answer(body))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is empty"),
        ("<html>", "is a web page"),
        ('{"success": true, "orders": 5}', "no list of orders under orders"),
        ('{"success": true, "orders": {"order": ""}}', "no list of orders under orders"),
        ("{}", "no list of orders under orders"),
        ("[]", "no list of orders under orders"),
    ],
)
def test_what_is_no_list_of_orders_is_a_bad_answer_in_words(body: str, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        SOURCE.decode_list(answer(body))


@pytest.mark.parametrize(
    ("details", "words"), [(5, "no order under details"), ({"id": "1"}, "status is missing"), ([7], "no order")]
)
def test_what_is_no_order_is_a_bad_answer_in_words(details: object, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        SOURCE.decode_details(detailed(details))


@pytest.mark.parametrize("gone", [failing("Order not found"), failing("Order #66 does not exist"), detailed([])])
def test_the_systems_own_word_says_that_an_order_is_gone(gone: Answer) -> None:
    with pytest.raises(NotFound) as caught:
        SOURCE.decode_order(gone)
    assert SOURCE.is_gone(caught.value)
    with pytest.raises(NotFound):
        SOURCE.decode_details(gone)


@pytest.mark.parametrize(
    "body",
    ["", "<html>Order not found", "{}", '{"details": []}', '{"success": false, "error": ["Method not found"]}'],
)
def test_any_other_404_says_nothing_of_an_order(body: str) -> None:
    assert not SOURCE.is_gone(NotFound("", body=body.encode()))


@given(hostile_bodies(WORDS))
def test_no_body_raises_anything_but_a_source_error(body: bytes) -> None:
    check_that_only_source_errors_leak(SOURCE, answer(body))


@given(hostile_bodies(WORDS))
def test_no_row_and_no_detail_raises_anything_else(body: bytes) -> None:
    within = b'{"success":true,"orders":[%b],"details":%b,"sorter":%b}' % (body, body, body)
    check_that_only_source_errors_leak(SOURCE, answer(within))


def test_the_registry_makes_the_adapter_from_the_example() -> None:
    environ = {"HOSTBILL_API_ID": API_ID, "HOSTBILL_API_KEY": API_KEY, "OPS_URL": "json://alerts.example.com"}
    settings = load(Path(__file__).parents[2] / "config" / "hostbill.yaml", environ, CHECKS).sources["hosting"]
    made = ADAPTERS["hostbill"].make(settings)
    assert isinstance(made, Hostbill)
    assert made.identity == SOURCE.identity
    assert "canary" not in repr(settings)
