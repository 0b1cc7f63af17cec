"""The whmcs adapter: orders as GetOrders shows them, in each way in which PHP writes a list, and nothing private."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hostile_bodies import check_that_only_source_errors_leak, hostile_bodies
from hypothesis import given
from whmcs_rows import ACCESS_KEY, IDENTIFIER, LINE, ROW, SECRET, SOURCE, answer, listed, only, page, source

from monitor.checks import CHECKS
from monitor.config import load
from monitor.errors import BadAnswer, NotFound, Refused
from monitor.model import Customer, Details, Item, Money, Order, Service
from monitor.sources.base import DetailSource, ListQuery, ListSource
from monitor.sources.registry import ADAPTERS
from monitor.sources.whmcs import Whmcs

WHOLE = Order(
    id="1",
    status="Active",
    number="7858259149",
    total=Money(Decimal("8.00"), "USD"),
    created_at=datetime(2020, 9, 23, 13, 59, 35, tzinfo=UTC),
    items=(Item("SSL Certificates - Rapid SSL (sample.example.com)", 1, Money(Decimal("8.00"), "USD")),),
    invoice_status="Paid",
    services=(Service("product-1", "Active", "SSL Certificates - Rapid SSL (sample.example.com)"),),
)
WORDS = (*ROW, *LINE, "result", "success", "error", "message", "totalresults", "orders", "order", "lineitem")


def test_it_lists_orders_and_shows_single_ones() -> None:
    lists: ListSource = SOURCE
    shows: DetailSource = SOURCE
    assert lists.identity == shows.identity == "whmcs https://billing.example.com"


def test_a_request_for_a_page_is_an_offset_in_a_form_with_the_credentials() -> None:
    request = source(access_key=ACCESS_KEY).list_request(ListQuery(page=3, size=50, status="Pending"))
    assert request.path == "/includes/api.php"
    assert dict(request.form or ()) == {
        "action": "GetOrders",
        "responsetype": "json",
        "identifier": IDENTIFIER,
        "secret": SECRET,
        "accesskey": ACCESS_KEY,
        "limitstart": "100",
        "limitnum": "50",
        "status": "Pending",
    }
    assert request.secrets == (IDENTIFIER, SECRET, ACCESS_KEY)
    assert request.params == ()


def test_without_an_access_key_or_a_status_none_is_sent() -> None:
    assert {"accesskey", "status"}.isdisjoint(dict(SOURCE.list_request(ListQuery()).form or ()))


def test_one_order_is_asked_for_by_its_id() -> None:
    assert dict(SOURCE.order_request("32").form or ()).items() >= {"action": "GetOrders", "id": "32"}.items()


def test_no_credential_is_printed() -> None:
    shown = repr(SOURCE) + repr(SOURCE.list_request(ListQuery())) + repr(SOURCE.order_request("1"))
    assert "canary" not in shown


def test_the_documented_order_is_read_whole() -> None:
    assert only(ROW) == WHOLE


def test_nothing_private_is_in_an_order() -> None:
    decoded = msgspec.json.encode(only(ROW)).decode()
    assert [word for word in ("canary", "Quilla", "Sample Notes") if word in decoded] == []


def test_details_carry_invoice_payment_and_customer() -> None:
    details = SOURCE.decode_details(answer(listed({"order": [ROW]})))
    assert details == Details(WHOLE, "17", "Stripe", Customer("Quilla Tester", notes="Sample Notes!"))
    assert b"canary" not in msgspec.json.encode(details)


def test_details_without_any_of_it_are_the_order_alone() -> None:
    row = {"id": 1, "status": "Active", "invoiceid": 0, "paymentmethod": "", "name": None, "notes": ""}
    assert SOURCE.decode_details(answer(listed({"order": row}))) == Details(Order("1", "Active"))


@pytest.mark.parametrize("orders", [{"order": [ROW]}, {"order": ROW}, {"order": {"3": ROW}}, [ROW]])
def test_one_row_is_read_in_each_way_in_which_it_is_written(orders: object) -> None:
    assert SOURCE.decode_list(answer(listed(orders))).order("1") == WHOLE


@pytest.mark.parametrize("orders", ["", [], {}, False, {"order": []}, {"order": ""}, {"order": {}}, None])
def test_an_empty_list_is_read_in_each_way_in_which_it_is_written(orders: object) -> None:
    decoded = SOURCE.decode_list(answer(listed(orders, totalresults=0)))
    assert (list(decoded.ids), decoded.total) == ([], 0)


def test_orders_that_are_left_out_are_none_only_where_there_are_none() -> None:
    assert SOURCE.decode_list(answer('{"result": "success", "totalresults": "0"}')).total == 0
    with pytest.raises(BadAnswer, match="no list of orders under orders"):
        SOURCE.decode_list(answer('{"result": "success", "totalresults": 12}'))


@pytest.mark.parametrize(
    ("row", "settings", "currency"),
    [
        ({"currencysuffix": " USD"}, {}, "USD"),
        ({"currencysuffix": "EUR"}, {"currency": "SEK"}, "EUR"),
        ({"currencysuffix": " kr"}, {"currency": "SEK"}, "SEK"),
        ({"currencysuffix": " kr"}, {}, None),
        ({"currencysuffix": ""}, {"currency": "GBP"}, "GBP"),
        ({"currencysuffix": None}, {}, None),
    ],
)
def test_the_currency_is_what_stands_after_an_amount_if_it_is_a_code(
    row: dict[str, Any], settings: dict[str, Any], currency: str | None
) -> None:
    assert only({**ROW, **row, "amount": "8.00"}, **settings).total == Money(Decimal("8.00"), currency)


@pytest.mark.parametrize(
    ("written", "amount"),
    [("$8.00 USD", "8.00"), ("$1,234.50 USD", "1234.50"), ("1,234,567", "1234567"), (8, "8"), ("-5.10", "-5.10")],
)
def test_an_amount_is_read_without_the_signs_around_it(written: object, amount: str) -> None:
    assert only({**ROW, "amount": written}).total == Money(Decimal(amount), "USD")


@pytest.mark.parametrize("nonsense", [None, "", "free", "1.234,50", [], {}, True, "1e999999999"])
def test_an_amount_that_is_none_costs_the_field_not_the_order(nonsense: object) -> None:
    assert only({**ROW, "amount": nonsense}).total is None


def test_dates_are_of_the_time_zone_in_the_settings() -> None:
    assert only(ROW, time_zone="Europe/Stockholm").created_at == datetime(2020, 9, 23, 11, 59, 35, tzinfo=UTC)
    assert only({**ROW, "date": "0000-00-00 00:00:00"}).created_at is None


def test_services_are_told_apart_by_kind_and_number() -> None:
    lines = [LINE, {**LINE, "type": "domain", "product": "", "status": "Pending"}, {**LINE, "relid": 0, "status": ""}]
    services = only({**ROW, "lineitems": {"lineitem": lines}}).services
    assert services == (
        Service("product-1", "Active", "SSL Certificates - Rapid SSL (sample.example.com)"),
        Service("domain-1", "Pending", "sample.example.com"),
    )


@pytest.mark.parametrize("lines", [{"lineitem": LINE}, {"lineitem": {"0": LINE}}, [LINE]])
def test_one_line_is_read_in_each_way_in_which_it_is_written(lines: object) -> None:
    assert only({**ROW, "lineitems": lines}).services == WHOLE.services


@pytest.mark.parametrize(
    ("lines", "items"), [("", ()), ([], ()), ({"lineitem": ""}, ()), (None, None), ({"lineitem": [7]}, None)]
)
def test_lines_that_make_no_sense_are_unknown_and_none_are_none(lines: object, items: object) -> None:
    read = only({**ROW, "lineitems": lines})
    assert (read.items, read.services) == (items, items)


@pytest.mark.parametrize("row", [7, None, [], {}, {"id": 1}, {"id": {"id": 1}, "status": "x"}, {"status": "Active"}])
def test_a_bad_row_is_told_and_the_others_stand(row: object) -> None:
    decoded = page(ROW, row, {**ROW, "id": "3"})
    assert decoded.ids == ["1", None, "3"]
    assert len(decoded.rejected) == 1


def test_half_a_surrogate_pair_costs_one_character_not_the_list() -> None:
    body = listed({"order": [{"id": 1, "status": "A#"}]}).replace("#", r"\ud83d")
    assert SOURCE.decode_list(answer(body)).statuses == ["A\ufffd"]


@pytest.mark.parametrize("convert", [int, str])
def test_a_page_claims_what_follows_from_how_many_orders_were_asked_for(convert: type) -> None:
    request = SOURCE.list_request(ListQuery(page=3, size=20))
    body = listed({"order": [ROW]}, totalresults=convert(41), startnumber=convert(40))
    decoded = SOURCE.decode_list(answer(body, request))
    assert (decoded.total, decoded.last_page, decoded.number, decoded.size) == (41, 3, 3, 20)


def test_a_server_that_shows_other_places_than_were_asked_for_is_found_out() -> None:
    request = SOURCE.list_request(ListQuery(page=3, size=20))
    assert SOURCE.decode_list(answer(listed({"order": [ROW]}, startnumber=0), request)).number == 1


def test_a_list_without_totals_claims_nothing() -> None:
    request = SOURCE.list_request(ListQuery())
    decoded = SOURCE.decode_list(answer(listed({"order": [ROW]}, totalresults="many"), request))
    assert (decoded.total, decoded.last_page, decoded.number, decoded.size) == (None, None, None, None)


@pytest.mark.parametrize(
    "said",
    [
        "Authentication Failed",
        "Invalid IP 203.0.113.9",
        "Invalid or missing credentials",
        'Invalid Permissions: API action "getorders" is not allowed',
        "Access Denied",
        "Invalid Access Key",
    ],
)
def test_an_error_of_the_credentials_is_a_refusal(said: str) -> None:
    with pytest.raises(Refused) as caught:
        SOURCE.decode_list(answer(json.dumps({"result": "error", "message": said})))
    assert str(caught.value) == f"200 from https://billing.example.com/includes/api.php says that it failed ({said})"


@pytest.mark.parametrize("said", ["Command Not Found", "Down for Maintenance", ""])
def test_any_other_error_is_a_bad_answer(said: str) -> None:
    with pytest.raises(BadAnswer, match=said or "failed"):
        SOURCE.decode_list(answer(json.dumps({"result": "error", "message": said})))


def test_an_error_that_repeats_a_credential_is_told_without_it() -> None:
    said = msgspec.structs.replace(
        answer(json.dumps({"result": "error", "message": f"Unknown {SECRET}"})), secrets=lambda: {SECRET}
    )
    with pytest.raises(BadAnswer, match=r"Unknown \*\*\*"):
        SOURCE.decode_list(said)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is empty"),
        ("<html>", "is a web page"),
        ('{"result": "success", "orders": 5, "totalresults": 3}', "no list of orders under orders"),
        ('{"result": "success", "orders": 5, "totalresults": 0}', "no list of orders under orders"),
        ('{"orders": {"order": []}}', "says that it failed"),
        ("{}", "says that it failed"),
        ("[]", "no list of orders under orders"),
        ("null", "no list of orders under orders"),
        ('{"result": "suc', "cut off"),
    ],
)
def test_what_is_no_list_of_orders_is_a_bad_answer_in_words(body: str, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        SOURCE.decode_list(answer(body))


def test_an_empty_list_of_an_id_says_that_the_order_is_gone() -> None:
    with pytest.raises(NotFound) as caught:
        SOURCE.decode_order(answer(listed("", totalresults=0)))
    assert SOURCE.is_gone(caught.value)
    with pytest.raises(NotFound):
        SOURCE.decode_details(answer(listed("", totalresults=0)))


@pytest.mark.parametrize("total", [3, "", None])
def test_a_list_that_does_not_say_that_it_is_empty_tells_nothing_of_an_order(total: object) -> None:
    assert SOURCE.decode_order(answer(listed("", totalresults=total))).ids == []


@pytest.mark.parametrize(
    "body", ["", "<html>Not Found", '{"result": "error", "totalresults": 0}', '{"totalresults": 0}', listed("")]
)
def test_any_other_404_says_nothing_of_an_order(body: str) -> None:
    assert not SOURCE.is_gone(NotFound("", body=body.encode()))


def test_a_server_that_ignores_the_id_shows_no_details() -> None:
    with pytest.raises(BadAnswer, match="2 orders"):
        SOURCE.decode_details(answer(listed({"order": [ROW, {**ROW, "id": 2}]}, totalresults=2)))
    assert SOURCE.decode_order(answer(listed({"order": [ROW, {**ROW, "id": 2}]}))).ids == ["1", "2"]


@given(hostile_bodies(WORDS))
def test_no_body_raises_anything_but_a_source_error(body: bytes) -> None:
    check_that_only_source_errors_leak(SOURCE, answer(body))


@given(hostile_bodies(WORDS))
def test_no_row_raises_anything(body: bytes) -> None:
    """As before, but the answer succeeds: the rows are reached."""
    within = b'{"result":"success","totalresults":1,"orders":{"order":[%b]}}' % body
    check_that_only_source_errors_leak(SOURCE, answer(within))


def test_the_registry_makes_the_adapter_from_the_example() -> None:
    environ = {"WHMCS_IDENTIFIER": IDENTIFIER, "WHMCS_SECRET": SECRET, "OPS_URL": "json://alerts.example.com"}
    settings = load(Path(__file__).parents[2] / "config" / "whmcs.yaml", environ, CHECKS).sources["shop"]
    made = ADAPTERS["whmcs"].make(settings)
    assert isinstance(made, Whmcs)
    assert made.identity == SOURCE.identity
    assert "canary" not in repr(settings)
