"""The opterius adapter: both dialects by the shape of each row, valid rows kept, everything else said in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from monitor.errors import BadAnswer
from monitor.model import Item, Money, Order
from monitor.sources.base import Answer, ListQuery, ListSource, Page
from monitor.sources.opterius import Opterius, OpteriusPage, OpteriusSettings
from monitor.sources.registry import ADAPTERS

URL = "https://billing.example.com"
TOKEN = "made-up-token"
SOURCE = Opterius(URL, SecretStr(TOKEN))
DOCUMENTED: dict[str, Any] = {
    "id": 88,
    "order_number": "ORD-0088",
    "status": "active",
    "total": 2200,
    "currency_code": "USD",
    "created_at": "2026-04-01T09:15:00Z",
    "items": [
        {"product_name": "Starter Hosting Plan", "qty": 1, "amount": 2000},
        {"product_name": "Domain Registration — .com", "qty": 2, "amount": 1200},
    ],
}
RELEASED: dict[str, Any] = {
    "id": 88,
    "status": "active",
    "total": 22.5,
    "currency": "USD",
    "created_at": "2026-04-01T09:15:00+00:00",
}


def answer(body: bytes | str) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(f"{URL}/api/v1/orders", 200, {}, raw, 0.0, 1.0)


def page(*rows: object, **envelope: object) -> OpteriusPage:
    return SOURCE.decode_list(answer(json.dumps({"data": rows, **envelope})))


def only(row: dict[str, Any]) -> Order:
    return page(row).order(str(row["id"]))


def raw_total(currency_key: str, total: str) -> Order:
    return SOURCE.decode_list(
        answer(f'{{"data":[{{"id":1,"status":"active","{currency_key}":"USD","total":{total}}}]}}')
    ).order("1")


def test_it_is_a_list_source_with_pages() -> None:
    source: ListSource = SOURCE
    decoded: Page = page()
    assert source.identity == "opterius https://billing.example.com"
    assert decoded.marks == {}


def test_a_documented_order_is_read_whole() -> None:
    assert only(DOCUMENTED) == Order(
        id="88",
        status="active",
        number="ORD-0088",
        total=Money(Decimal("22.00"), "USD"),
        created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
        items=(
            Item("Starter Hosting Plan", 1, Money(Decimal("20.00"), "USD")),
            Item("Domain Registration — .com", 2, Money(Decimal("12.00"), "USD")),
        ),
    )


def test_a_released_order_is_read_whole() -> None:
    assert only(RELEASED) == Order(
        id="88",
        status="active",
        total=Money(Decimal("22.5"), "USD"),
        created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
    )


def test_each_row_is_read_by_its_own_shape() -> None:
    decoded = page(DOCUMENTED, {**RELEASED, "id": 89, "total": 2200})
    assert decoded.order("88").total == Money(Decimal("22"), "USD")
    assert decoded.order("89").total == Money(Decimal("2200"), "USD")


@pytest.mark.parametrize(
    ("key", "written", "amount"),
    [
        ("currency", "22", "22"),
        ("currency", "0.1", "0.1"),
        ("currency", "1234567890123.45", "1234567890123.45"),
        ("currency", '"22.50"', "22.50"),
        ("currency", "11.941", "11.941"),
        ("currency_code", "2200", "22.00"),
        ("currency_code", '"2200"', "22.00"),
        ("currency_code", "9007199254740993", "90071992547409.93"),
        ("currency_code", "2200.5", "22.005"),
    ],
)
def test_totals_are_exact_to_the_last_digit_written(key: str, written: str, amount: str) -> None:
    """9007199254740993 is the first whole number that a float cannot hold."""
    total = raw_total(key, written).total
    assert total is not None
    assert str(total.amount) == amount


@pytest.mark.parametrize("nonsense", ["null", "true", '"abc"', "[]", "{}", "1e999999999", '""'])
def test_a_total_that_is_none_costs_the_field_not_the_order(nonsense: str) -> None:
    assert raw_total("currency", nonsense) == Order(id="1", status="active")


def test_an_amount_without_a_currency_field_has_no_known_unit() -> None:
    assert only({"id": 1, "status": "active", "total": 2200}).total is None


def test_an_unnamed_currency_leaves_the_unit_known() -> None:
    assert only({**DOCUMENTED, "currency_code": None}).total == Money(Decimal("22.00"), None)
    assert only({**RELEASED, "currency": None}).total == Money(Decimal("22.5"), None)


@pytest.mark.parametrize(
    ("code", "amount", "kept"),
    [("JPY", "2200", "JPY"), ("KWD", "2.200", "KWD"), ("usd", "22", "USD"), ("QQQ", "22", "QQQ")],
)
def test_minor_units_follow_the_currency_and_unknown_codes_stay(code: str, amount: str, kept: str) -> None:
    assert only({**DOCUMENTED, "currency_code": code}).total == Money(Decimal(amount), kept)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-04-01T09:15:00Z", 9),
        ("2026-04-01T09:15:00.000000Z", 9),
        ("2026-04-01T09:15:00+00:00", 9),
        ("2026-04-01T11:15:00+02:00", 9),
        ("2026-04-01 09:15:00", 9),
    ],
)
def test_times_are_read_in_each_form_and_naive_ones_are_utc(written: str, hour: int) -> None:
    assert only({**DOCUMENTED, "created_at": written}).created_at == datetime(2026, 4, 1, hour, 15, tzinfo=UTC)


@pytest.mark.parametrize("nonsense", ["0000-00-00 00:00:00", "soon", "", None, 12, [], "0001-01-01T00:00:00+23:00"])
def test_a_time_that_is_none_costs_the_field_not_the_order(nonsense: object) -> None:
    decoded = page({**DOCUMENTED, "created_at": nonsense})
    assert decoded.rejected == ()
    assert decoded.order("88").created_at is None


def test_absent_items_are_unknown_and_an_empty_list_is_none_of_them() -> None:
    assert only(RELEASED).items is None
    assert only({**DOCUMENTED, "items": None}).items is None
    assert only({**DOCUMENTED, "items": "x"}).items is None
    assert only({**DOCUMENTED, "items": []}).items == ()


def test_items_written_as_texts_are_read() -> None:
    items = only({**DOCUMENTED, "items": [{"product_name": "Mail", "qty": "3", "amount": "500"}, {}]}).items
    assert items == (Item("Mail", 3, Money(Decimal(5), "USD")), Item("(unnamed)", 1, None))


@pytest.mark.parametrize("status", ["On-Hold", "canceled", "Fraud", "réglé", "手"])
def test_unknown_statuses_stay_as_they_are_written(status: str) -> None:
    assert only({**DOCUMENTED, "status": status}).status == status


def test_ids_are_numbers_or_texts() -> None:
    decoded = page({**DOCUMENTED, "id": "ord_1"}, {**DOCUMENTED, "id": 10**30}, {**DOCUMENTED, "id": "0032"})
    assert list(decoded.marks) == ["ord_1", str(10**30), "0032"]


def test_a_number_may_be_a_json_number() -> None:
    assert only({**DOCUMENTED, "order_number": 88}).number == "88"
    assert only({**DOCUMENTED, "order_number": ""}).number is None


def test_marks_stay_while_nothing_decoded_changes() -> None:
    reordered = dict(reversed([*DOCUMENTED.items(), ("note", "a field that is not decoded")]))
    assert page(DOCUMENTED).marks == page(reordered).marks


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "fraud"),
        ("total", 2201),
        ("currency_code", "EUR"),
        ("currency", "EUR"),
        ("order_number", "ORD-0089"),
        ("created_at", "2026-04-01T09:15:01Z"),
        ("items", []),
    ],
)
def test_a_mark_changes_with_each_decoded_field(field: str, value: object) -> None:
    assert page(DOCUMENTED).marks != page({**DOCUMENTED, field: value}).marks


def test_an_order_that_is_not_on_the_page_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        page(DOCUMENTED).order("89")


def test_the_first_of_two_differing_rows_is_kept_and_the_id_told() -> None:
    decoded = page(DOCUMENTED, {**DOCUMENTED, "id": "88", "status": "fraud"}, {**DOCUMENTED, "id": 89})
    assert decoded.repeated == ("88",)
    assert decoded.order("88").status == "active"
    assert decoded.marks["88"] == page(DOCUMENTED).marks["88"]
    assert len(decoded.marks) == 2


def test_equal_rows_are_one_order_and_no_contradiction() -> None:
    decoded = page(DOCUMENTED, DOCUMENTED)
    assert decoded.repeated == ()
    assert list(decoded.marks) == ["88"]


@pytest.mark.parametrize("convert", [int, str])
def test_meta_is_read_as_numbers_or_texts(convert: type) -> None:
    meta = {"current_page": 2, "last_page": 3, "per_page": 15, "total": 40}
    decoded = page(meta={key: convert(value) for key, value in meta.items()})
    assert (decoded.number, decoded.last_page, decoded.size, decoded.total) == (2, 3, 15, 40)


@pytest.mark.parametrize("envelope", [{}, {"meta": None}, {"meta": []}, {"meta": {"total": "many", "last_page": -1}}])
def test_meta_that_says_nothing_claims_nothing(envelope: dict[str, object]) -> None:
    decoded = page(**envelope)
    assert (decoded.number, decoded.last_page, decoded.size, decoded.total) == (None, None, None, None)


def test_an_empty_list_of_an_old_laravel_is_accepted() -> None:
    decoded = page(meta={"current_page": 1, "last_page": 0, "per_page": 100, "total": 0})
    assert decoded.last_page == 0
    assert decoded.marks == {}


BAD_ROWS: list[tuple[object, str]] = [
    ({"status": "active"}, "id is missing"),
    ({"id": None, "status": "active"}, "id is missing"),
    ({"id": "", "status": "active"}, "id is missing"),
    ({"id": 1.5, "status": "active"}, "id is neither a number nor a text"),
    ({"id": True, "status": "active"}, "id is neither a number nor a text"),
    ({"id": 1}, "status is missing"),
    ({"id": 1, "status": None}, "status is missing"),
    ({"id": 1, "status": ""}, "status is missing"),
    ({"id": 1, "status": 3}, "status is no text"),
    ("private", "is no JSON object"),
    (None, "is no JSON object"),
]


@pytest.mark.parametrize(("row", "words"), BAD_ROWS)
def test_a_bad_row_is_told_and_the_others_stand(row: object, words: str) -> None:
    decoded = page(DOCUMENTED, row, {**DOCUMENTED, "id": 90}, meta={"total": 3})
    assert list(decoded.marks) == ["88", "90"]
    assert decoded.rejected == (f"row 2: {words}",)
    assert decoded.total == 3


def test_a_row_in_broken_utf8_costs_only_itself() -> None:
    body = b'{"data":[{"id":1,"status":"acti\xff"},{"id":2,"status":"active","order_number":"\xff"}]}'
    decoded = SOURCE.decode_list(answer(body))
    assert list(decoded.marks) == ["2"]
    assert decoded.rejected == ("row 1: status is no text",)
    assert decoded.order("2").number is None


def test_what_is_said_of_a_bad_row_holds_nothing_of_it() -> None:
    decoded = page({"id": {"email": "jane@example.com"}, "status": "active", "customer": "Jane Doe"})
    assert "jane" not in str(decoded.rejected).lower()


def test_a_byte_order_mark_does_no_harm() -> None:
    assert list(SOURCE.decode_list(answer(b"\xef\xbb\xbf" + json.dumps({"data": [DOCUMENTED]}).encode())).marks) == [
        "88"
    ]


@pytest.mark.parametrize("flag", [{"success": True}, {"error": None}, {"error": False}, {"error": []}, {"error": ""}])
def test_an_answer_that_says_it_succeeded_is_believed(flag: dict[str, object]) -> None:
    assert list(page(DOCUMENTED, **flag).marks) == ["88"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"success": false, "message": "Down for maintenance"}', "(Down for maintenance)"),
        ('{"success": false, "data": []}', "says that it failed"),
        ('{"success": false, "data": [{"id": 1}]}', "says that it failed"),
        ('{"error": "Unauthenticated.", "data": []}', "failed (Unauthenticated.)"),
        ('{"error": "Unauthenticated."}', "(Unauthenticated.)"),
        ('{"data": {"0": {"id": 1, "status": "active"}}}', "no list of orders under data"),
        ('{"data": null}', "no list of orders under data"),
        ('{"data": "x"}', "no list of orders under data"),
        ("{}", "no list of orders under data"),
        ("[]", "no list of orders under data"),
        ("12", "no list of orders under data"),
        ('"text"', "no list of orders under data"),
        ("null", "no list of orders under data"),
        ("", "is empty"),
        (" \n", "is empty"),
        ("\n <!DOCTYPE html><p>Log in", "is a web page, not JSON"),
        ('{"data": [{"id": 1, "status": "act', "cut off, or no JSON"),
        ('{"data": [{"id": 1, "status": "active"}]', "cut off, or no JSON"),
        ('{"data": [NaN]}', "cut off, or no JSON"),
        ("[" * 100_000, "cut off, or no JSON"),
        ('{"data": ' + "[" * 100_000, "cut off, or no JSON"),
    ],
)
def test_what_is_no_list_of_orders_is_a_bad_answer_in_words(body: str, words: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        SOURCE.decode_list(answer(body))
    text = str(caught.value)
    assert text.startswith("200 from https://billing.example.com/api/v1/orders ")
    assert words in text
    assert len(text) < 400
    assert text.isprintable()


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "meta", "id", "status", "total", "items", "error"]), inner)
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_no_body_raises_anything_but_a_bad_answer(body: bytes) -> None:
    try:
        decoded = SOURCE.decode_list(answer(body))
    except BadAnswer:
        return
    for order_id in decoded.marks:
        assert decoded.order(order_id).id == order_id


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"message": "Unauthenticated."}', "Unauthenticated."),
        ('{"error": "Invalid or expired token."}', "Invalid or expired token."),
        ('{"error": {"message": "No", "code": 7}}', "No"),
        (
            '{"message": "The given data was invalid.", "errors": {"status": ["The selected status is invalid."]}}',
            "The given data was invalid. The selected status is invalid.",
        ),
        ('{"message": "Same.", "errors": {"status": ["Same."]}}', "Same."),
        ('{"message": "two\\nlines\\u0007"}', "two lines"),
        ('{"message": ""}', None),
        ('{"other": "x"}', None),
        ("[1]", None),
        ("<html>", None),
        ("", None),
    ],
)
def test_an_error_in_the_systems_own_shape_is_read(body: str, said: str | None) -> None:
    assert SOURCE.error_text(body.encode()) == said


def test_an_errors_text_is_bounded() -> None:
    assert len(SOURCE.error_text(json.dumps({"message": "x" * 5000}).encode()) or "") == 200


def test_a_request_asks_for_its_part_and_bears_the_token() -> None:
    request = SOURCE.list_request(ListQuery(page=3, size=500, status="pending"))
    assert request.path == "/api/v1/orders"
    assert request.params == (("page", "3"), ("per_page", "100"), ("status", "pending"))
    assert request.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in repr(request) + repr(SOURCE)


def settings(**values: object) -> OpteriusSettings:
    return OpteriusSettings.model_validate({"type": "opterius", "url": URL, "token": TOKEN, **values})


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://billing.example.com/", "https://billing.example.com"),
        ("HTTPS://Billing.Example.com:443", "https://billing.example.com"),
        ("http://127.0.0.1:8080/shop//", "http://127.0.0.1:8080/shop"),
        (" https://[::1]:8443 ", "https://[::1]:8443"),
    ],
)
def test_one_address_has_one_spelling(written: str, url: str) -> None:
    """The address is part of a source's identity: a slash more is no other source."""
    assert settings(url=written).url == url


@pytest.mark.parametrize(
    "url",
    [
        "billing.example.com",
        "ftp://example.com",
        "https://",
        "https://canary@example.com",
        "https://user:canary@example.com",
        "https://example.com?token=canary",
        "https://example.com/?",
        "https://example.com#canary",
        "https://example.com:canary",
        "https://exa mple.com/canary",
        "https://example.com\\canary",
        "https://[::1",
    ],
)
def test_an_unusable_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(url=url)
    assert caught.value.error_count() == 1
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "tökén"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(token=token)
    assert token.strip() == "" or token not in str(caught.value)


def test_a_token_from_a_file_loses_its_line_break() -> None:
    values = {"type": "opterius", "url": URL, "token_file": "/run/secrets/shop_token"}
    read = OpteriusSettings.model_validate(values, context={"read_secret": lambda path: f"{TOKEN}\n"})
    assert read.token.get_secret_value() == TOKEN


def test_the_registry_makes_the_adapter_from_its_settings() -> None:
    entry = ADAPTERS["opterius"]
    assert entry.settings is OpteriusSettings
    made = entry.make(settings())
    assert isinstance(made, entry.adapter)
    assert made.identity == SOURCE.identity
