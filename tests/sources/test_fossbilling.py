"""The fossbilling adapter: orders as the staff API shows them, errors that have status 200, totals that count rows."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from fossbilling_rows import API_KEY, ROW, SOURCE, answer, failing, listed, only, page, result, source
from hostile_bodies import check_that_only_source_errors_leak, hostile_bodies
from hypothesis import given

from monitor.checks import CHECKS
from monitor.config import load
from monitor.errors import BadAnswer, NotFound, Refused
from monitor.model import Customer, Details, Item, Meaning, Money, Order, meaning_of
from monitor.sources.base import DetailSource, ListQuery, ListSource
from monitor.sources.fossbilling import MEANINGS, STATUSES, Fossbilling
from monitor.sources.registry import ADAPTERS

WHOLE = Order(
    id="7",
    status="pending_setup",
    total=Money(Decimal("22.5"), "EUR"),
    created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
    items=(Item("Starter Hosting", 2, Money(Decimal("11.25"), "EUR")),),
)
WORDS = (*ROW, *ROW["client"], "result", "error", "message", "code", "list", "total", "pages", "Order not found")


def test_it_lists_orders_and_shows_single_ones() -> None:
    lists: ListSource = SOURCE
    shows: DetailSource = SOURCE
    assert lists.identity == shows.identity == "fossbilling https://billing.example.com"


def test_requests_bear_the_key_as_the_password_of_admin() -> None:
    request = SOURCE.list_request(ListQuery(page=3, size=100, status="active"))
    basic = base64.b64encode(f"admin:{API_KEY}".encode()).decode()
    assert request.path == "/api/admin/order/get_list"
    assert request.params == (("page", "3"), ("per_page", "100"), ("status", "active"))
    assert request.headers == {"Authorization": f"Basic {basic}"}
    assert request.secrets == (API_KEY,)
    alone = SOURCE.order_request("7")
    assert (alone.path, alone.params, alone.headers) == ("/api/admin/order/get", (("id", "7"),), request.headers)
    assert "canary" not in repr(SOURCE) + repr(request)
    assert basic not in repr(SOURCE) + repr(request)


def test_no_more_orders_are_asked_for_than_a_page_may_have() -> None:
    assert dict(SOURCE.list_request(ListQuery(size=1000)).params)["per_page"] == "500"


def test_an_order_is_read_whole() -> None:
    assert only(ROW) == WHOLE


def test_nothing_private_is_in_an_order() -> None:
    decoded = msgspec.json.encode(only(ROW)).decode()
    assert [word for word in ("canary", "Quilla", "Call back", "Springfield") if word in decoded] == []


def test_details_carry_the_unpaid_invoice_and_the_customer() -> None:
    details = SOURCE.decode_details(result(ROW))
    customer = Customer("Quilla Tester", "Quillaworks", "7 Quilla Lane, 12345 Springfield, SE", "Call back")
    assert details == Details(WHOLE, "12", None, customer)
    assert b"canary" not in msgspec.json.encode(details)


@pytest.mark.parametrize("invoice", [None, 0, "0", "", []])
def test_details_without_any_of_it_are_the_order_alone(invoice: object) -> None:
    row = {"id": 7, "status": "active", "unpaid_invoice_id": invoice, "client": [], "notes": None}
    assert SOURCE.decode_details(result(row)) == Details(Order("7", "active"))


@pytest.mark.parametrize(
    ("written", "read"),
    [(22, "22"), (22.5, "22.5"), ("22.50", "22.50"), (0, "0"), (None, None), ("", None), ([], None)],
)
def test_totals_are_read_as_numbers_or_texts(written: object, read: str | None) -> None:
    assert only({**ROW, "total": written}).total == (Money(Decimal(read), "EUR") if read else None)


@pytest.mark.parametrize("code", [None, "", []])
def test_an_order_without_a_currency_has_an_amount_all_the_same(code: object) -> None:
    assert only({**ROW, "currency": code}).total == Money(Decimal("22.5"))


@pytest.mark.parametrize(
    ("written", "hour"), [("2026-04-01 09:15:00", 7), ("2026-04-01T09:15:00+00:00", 9), ("2026-04-01T09:15:00Z", 9)]
)
def test_dates_are_of_the_time_zone_in_the_settings_unless_they_say_it(written: str, hour: int) -> None:
    read = only({**ROW, "created_at": written}, time_zone="Europe/Stockholm").created_at
    assert read == datetime(2026, 4, 1, hour, 15, tzinfo=UTC)


def test_an_order_without_a_title_has_unknown_items() -> None:
    assert only({**ROW, "title": None}).items is None


def test_an_order_without_a_quantity_is_for_one() -> None:
    items = only({**ROW, "quantity": None}).items
    assert items == (Item("Starter Hosting", 1, Money(Decimal("11.25"), "EUR")),)


def test_each_status_has_a_meaning() -> None:
    assert {status: meaning_of(status, MEANINGS) for status in STATUSES} == {
        "pending_setup": Meaning.PENDING,
        "failed_setup": Meaning.FAILED,
        "failed_renew": Meaning.FAILED,
        "active": Meaning.ACTIVE,
        "suspended": Meaning.SUSPENDED,
        "canceled": Meaning.CANCELLED,
    }


@pytest.mark.parametrize("convert", [int, str])
def test_the_list_says_which_page_it_is(convert: type) -> None:
    claims = {"pages": convert(3), "page": convert(2), "per_page": convert(20), "total": convert(41)}
    decoded = source().decode_list(listed(ROW, **claims))
    assert (decoded.total, decoded.last_page, decoded.number, decoded.size) == (41, 3, 2, 20)


@pytest.mark.parametrize(
    ("total", "price", "quantity", "read"),
    [
        (3.3000000000000003, "1.10", 3, "3.30"),
        (3.3000000000000003, 1.1, "3", "3.3"),
        (22, "22.00", None, "22.00"),
        (20, "22.00", 1, "20"),
        (22.5, None, 2, "22.5"),
    ],
)
def test_a_total_is_exact_although_it_was_computed(total: object, price: object, quantity: object, read: str) -> None:
    found = only({**ROW, "total": total, "price": price, "quantity": quantity}).total
    assert found is not None
    assert str(found.amount) == read


def test_an_empty_list_has_no_pages() -> None:
    decoded = source().decode_list(listed(pages=0, page=1, per_page=100, total=0))
    assert (decoded.ids, decoded.total, decoded.last_page) == ([], 0, 0)


def test_a_total_that_counts_rows_is_not_taken_for_one_of_orders() -> None:
    """An order with two entries of metadata stands in the list twice, and is counted as often."""
    made = source()
    assert made.decode_list(listed(ROW, total=1)).total == 1
    twice = made.decode_list(listed(ROW, ROW, total=2, pages=1))
    assert (twice.ids, twice.repeated, twice.total, twice.last_page) == (["7", "7"], (), None, 1)
    assert made.decode_list(listed({**ROW, "id": 8}, total=3)).total is None


@pytest.mark.parametrize(("number", "total"), [(1, 5), (2, 4)])
def test_a_short_page_with_metadata_counts_rows_too(number: int, total: int) -> None:
    """From 0.8.5 on an order is shown once on a page, but counted for each entry of its metadata."""
    made, many = source(), {**ROW, "meta": {"domain": "example.com", "years": "1"}}
    claims = {"page": number, "per_page": 2, "total": total, "pages": 3}
    assert made.decode_list(listed(many, **claims)).total is None
    assert made.decode_list(listed({**ROW, "id": 8}, {**ROW, "id": 9}, **claims)).total is None


@pytest.mark.parametrize(
    ("shown", "total", "meta"), [(2, 5, {"a": "1", "b": "2"}), (1, 2, {"a": "1"}), (1, 2, []), (1, 1, {"a": 1, "b": 2})]
)
def test_no_other_page_speaks_against_its_total(shown: int, total: int, meta: object) -> None:
    """A short page alone may be a cut one: then its total shows that."""
    rows = [{**ROW, "id": row, "meta": meta} for row in range(shown)]
    assert source().decode_list(listed(*rows, page=1, per_page=2, total=total)).total == total


@pytest.mark.parametrize("row", [9, None, [], {}, {"id": 1}, {"status": "active"}])
def test_a_bad_row_is_told_and_the_others_stand(row: object) -> None:
    decoded = page(ROW, row, {**ROW, "id": "3"})
    assert decoded.ids == ["7", None, "3"]
    assert len(decoded.rejected) == 1


def test_rows_may_stand_under_numbers() -> None:
    assert source().decode_list(result({"list": {"0": ROW, "2": {**ROW, "id": 8}}})).ids == ["7", "8"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Authentication Failed", 204),
        ("Authentifizierung fehlgeschlagen", 205),
        ("Unauthorized IP", 1002),
        ("CSRF token invalid", "403"),
        ("Authentication Failed", None),
        ("You do not have permission to perform this action", 9999),
    ],
)
def test_an_error_of_the_credentials_is_a_refusal_whatever_its_status(message: str, code: object) -> None:
    for decode in (SOURCE.decode_list, SOURCE.decode_order, SOURCE.decode_details):
        with pytest.raises(Refused) as caught:
            decode(failing(message, code))
        assert str(caught.value).endswith(f"/api/admin/order/get_list says that it failed ({message})")


def test_any_other_error_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer, match="too large"):
        SOURCE.decode_list(failing("The number of items per page (per_page) is too large."))
    with pytest.raises(BadAnswer, match="says that it failed"):
        SOURCE.decode_list(failing(None, None))


def test_an_error_that_repeats_the_key_is_told_without_it() -> None:
    said = msgspec.structs.replace(failing(f"Unknown {API_KEY}"), secrets=lambda: {API_KEY})
    with pytest.raises(BadAnswer, match=r"Unknown \*\*\*"):
        SOURCE.decode_list(said)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is empty"),
        ("<html>", "is a web page"),
        ('{"result": null, "error": null}', "no list of orders under result"),
        ('{"result": {"total": 3}, "error": null}', "no list of orders under result.list"),
        ('{"result": {"list": 5}}', "no list of orders under result.list"),
        ('{"result": true}', "no list of orders under result"),
        ("[]", "no list of orders under result.list"),
    ],
)
def test_what_is_no_list_of_orders_is_a_bad_answer_in_words(body: str, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        SOURCE.decode_list(answer(body))


@pytest.mark.parametrize(("content", "words"), [(None, "no order under result"), ({"id": 1}, "status is missing")])
def test_what_is_no_order_is_a_bad_answer_in_words(content: object, words: str) -> None:
    with pytest.raises(BadAnswer, match=words):
        SOURCE.decode_details(result(content))


def test_the_systems_own_word_says_that_an_order_is_gone() -> None:
    for decode in (SOURCE.decode_order, SOURCE.decode_details):
        with pytest.raises(NotFound) as caught:
            decode(failing("Order not found"))
        assert SOURCE.is_gone(caught.value)


def test_an_order_that_is_lacking_is_no_missing_page() -> None:
    with pytest.raises(BadAnswer, match="Order not found"):
        SOURCE.decode_list(failing("Order not found"))


@pytest.mark.parametrize(
    "body", ["", "<html>Order not found", "{}", '{"error": "Order not found"}', '{"error": {"message": "Not found"}}']
)
def test_any_other_404_says_nothing_of_an_order(body: str) -> None:
    assert not SOURCE.is_gone(NotFound("", body=body.encode()))


@given(hostile_bodies(WORDS))
def test_no_body_raises_anything_but_a_source_error(body: bytes) -> None:
    check_that_only_source_errors_leak(SOURCE, answer(body))


@given(hostile_bodies(WORDS))
def test_no_row_and_no_detail_raises_anything_else(body: bytes) -> None:
    check_that_only_source_errors_leak(SOURCE, answer(b'{"result":{"list":[%b],"id":1,"status":%b}}' % (body, body)))


def test_the_words_of_an_error_are_read_and_no_others() -> None:
    assert SOURCE.error_text(failing("No", 7).body) == "No"
    assert SOURCE.error_text(json.dumps({"message": "a proxy's"}).encode()) is None


def test_the_registry_makes_the_adapter_from_the_example() -> None:
    environ = {"FOSSBILLING_API_KEY": API_KEY, "OPS_URL": "json://alerts.example.com"}
    settings = load(Path(__file__).parents[2] / "config" / "fossbilling.yaml", environ, CHECKS).sources["hosting"]
    made = ADAPTERS["fossbilling"].make(settings)
    assert isinstance(made, Fossbilling)
    assert made.identity == SOURCE.identity
    assert "canary" not in repr(settings)
