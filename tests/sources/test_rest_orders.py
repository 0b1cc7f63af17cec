"""How a described order is read: exact, each field by its expression, and nonsense costs a field, not the order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from rest_shop import ORDER, answer, only, page, source

from monitor.errors import SourceError
from monitor.expressions import Expression, raw_of
from monitor.model import Item, Money, Order, Service
from monitor.sources.rest_expressions import value_of

FIELDS = {
    "id": "uuid",
    "status": "attributes.state",
    "number": "attributes.reference",
    "total": "attributes.amount.value",
    "currency": "attributes.amount.currency",
    "created_at": "attributes.placed",
    "invoice_status": "attributes.invoice.status",
}
ROW: dict[str, Any] = {
    "uuid": "ord_7",
    "attributes": {
        "state": "pending",
        "reference": 1007,
        "amount": {"value": "22.10", "currency": "eur"},
        "placed": "2026-04-01T09:15:00Z",
        "invoice": {"status": "Unpaid"},
        "lines": [{"title": "Web hosting", "qty": "2", "price": "11.05"}],
        "services": [{"id": 5, "status": "Active", "domain": "example.com"}, {"id": None, "status": "Active"}],
    },
}


def written(json: str, **described: Any) -> Order:
    """An order whose ``total`` is written so."""
    row = f'[{{"id": 1, "status": "active", "total": {json}}}]'.encode()
    return only(row, fields={"total": "total"}, currency="USD", **described)


def test_an_order_is_read_whole() -> None:
    order = only(
        {"data": [ROW]},
        rows="data",
        fields=FIELDS,
        items={"rows": "attributes.lines", "name": "title", "quantity": "qty", "price": "price"},
        services={"rows": "attributes.services", "name": "domain"},
    )
    assert order == Order(
        id="ord_7",
        status="pending",
        number="1007",
        total=Money(Decimal("22.10"), "EUR"),
        created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
        items=(Item("Web hosting", 2, Money(Decimal("11.05"), "EUR")),),
        invoice_status="Unpaid",
        services=(Service("5", "Active", "example.com"),),
    )


def test_without_a_description_id_and_status_are_read() -> None:
    assert only([{**ORDER, "total": 5}]) == Order(id="7", status="active")


@pytest.mark.parametrize(
    ("json", "amount"),
    [
        ("22.10", "22.10"),
        ('"22.10"', "22.10"),
        ("1e2", "1E+2"),
        ("0.1", "0.1"),
        ("22", "22"),
        ("9007199254740993.01", "9007199254740993.01"),
        ("9007199254740993", "9007199254740993"),
    ],
)
@pytest.mark.parametrize("place", ["total", "total || other", "[total][0]", "to_string(total)", "to_number(total)"])
def test_amounts_are_exact_through_any_expression(json: str, amount: str, place: str) -> None:
    row = f'[{{"id": 1, "status": "active", "total": {json}}}]'.encode()
    total = only(row, fields={"total": place}).total
    assert total is not None
    assert total.amount == Decimal(amount)
    assert json.strip('"') == "1e2" or str(total.amount) == amount


def test_a_sum_is_exact() -> None:
    """0.1 + 0.2 is 0.3, and 9007199254740993 stays odd."""
    row = b'[{"id": 1, "status": "active", "lines": [{"price": 0.1}, {"price": 0.2}, {"price": 9007199254740993}]}]'
    total = only(row, fields={"total": "sum(lines[].price)"}).total
    assert total == Money(Decimal("9007199254740993.3"))


def test_an_absolute_amount_is_exact() -> None:
    row = b'[{"id": 1, "status": "active", "total": -22.10}, {"id": 2, "status": "active", "total": -22}]'
    shown = page(row, fields={"total": "abs(total)"})
    totals = [shown.order(order_id).total for order_id in ("1", "2")]
    assert [str(total.amount) for total in totals if total] == ["22.10", "22"]


def test_an_average_is_no_amount() -> None:
    """JMESPath computes it in floats."""
    row = b'[{"id": 1, "status": "active", "prices": [0.1, 0.2]}]'
    assert only(row, fields={"total": "avg(prices)"}).total is None


@pytest.mark.parametrize(
    ("json", "currency", "amount"), [("2210", "USD", "22.10"), ('"2210"', "JPY", "2210"), ("2210", "KWD", "2.210")]
)
def test_minor_units_follow_the_currency(json: str, currency: str, amount: str) -> None:
    row = f'[{{"id": 1, "status": "active", "total": {json}, "currency": "{currency}"}}]'.encode()
    total = only(row, fields={"total": "total", "currency": "currency"}, money="minor").total
    assert total == Money(Decimal(amount), currency)


@pytest.mark.parametrize("json", ["null", "true", '"1 234,50"', '"22.50 USD"', "[]", "{}", "1e999999999", '""'])
def test_an_amount_that_is_none_costs_the_field_not_the_order(json: str) -> None:
    assert written(json) == Order(id="1", status="active")


def test_the_currency_of_the_list_is_that_of_rows_that_name_none() -> None:
    assert written("22").total == Money(Decimal(22), "USD")
    row = {**ORDER, "total": 22, "code": "eur"}
    named = only([row], fields={"total": "total", "currency": "code"}, currency="USD")
    assert named.total == Money(Decimal(22), "EUR")


@pytest.mark.parametrize(
    ("value", "described", "hour"),
    [
        ("2026-04-01T09:15:00Z", {}, 9),
        ("2026-04-01 11:15:00", {"time_zone": "Europe/Stockholm"}, 9),
        (1775034900, {"times": "seconds"}, 9),
        ("1775034900", {"times": "seconds"}, 9),
        (1775034900000, {"times": "milliseconds"}, 9),
    ],
)
def test_times_are_read_as_they_are_written(value: object, described: dict[str, Any], hour: int) -> None:
    order = only([{**ORDER, "at": value}], fields={"created_at": "at"}, **described)
    assert order.created_at == datetime(2026, 4, 1, hour, 15, tzinfo=UTC)


@pytest.mark.parametrize("times", ["text", "seconds", "milliseconds"])
@pytest.mark.parametrize("value", ["soon", "0000-00-00 00:00:00", "", 0, "0", True, [], 1e300, -1e30, None])
def test_a_time_that_is_none_costs_the_field_not_the_order(value: object, times: str) -> None:
    order = only([{**ORDER, "at": value}], fields={"created_at": "at"}, times=times)
    assert order == Order(id="7", status="active")


@pytest.mark.parametrize(
    ("status", "shown"), [("On-Hold", "On-Hold"), (3, "3"), (True, "true"), (False, "false"), (1.50, "1.5")]
)
def test_statuses_are_texts_numbers_or_truths(status: object, shown: str) -> None:
    assert only([{"id": 1, "status": status}]).status == shown


def test_true_is_no_number() -> None:
    assert only([{**ORDER, "ref": True}], fields={"number": "ref"}).number is None


@pytest.mark.parametrize(("place", "number"), [("length(@)", "3"), ("join('-', *)", "x-7-active"), ("@.ref", "x")])
def test_an_expression_may_reach_keys_that_it_does_not_name(place: str, number: str) -> None:
    assert only([{"ref": "x", "id": "7", "status": "active"}], fields={"number": place}).number == number


def test_a_status_may_be_computed() -> None:
    place = "cancel_reason == 'fraud' && 'fraud' || financial_status"
    rows = [
        {"id": 1, "financial_status": "paid", "cancel_reason": None},
        {"id": 2, "financial_status": "paid", "cancel_reason": "fraud"},
    ]
    assert page(rows, fields={"status": place}).statuses == ["paid", "fraud"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"status": "active"}, "id is missing"),
        ({"id": "", "status": "active"}, "id is missing"),
        ({"id": 1.5, "status": "active"}, "id is neither a number nor a text"),
        ({"id": True, "status": "active"}, "id is neither a number nor a text"),
        ({"id": "a\0b", "status": "active"}, "id is neither a number nor a text"),
        ({"id": 1}, "status is missing"),
        ({"id": 1, "status": ["canary"]}, "status is neither a number nor a text"),
        ("canary", "is no JSON object"),
        (None, "is no JSON object"),
    ],
)
def test_a_row_that_is_no_order_is_rejected_and_the_others_stand(row: object, why: str) -> None:
    shown = page([ORDER, row, {**ORDER, "id": 8}])
    assert shown.rejected == (f"row 2: {why}",)
    assert shown.ids == ["7", None, "8"]


def test_an_expression_that_does_not_fit_one_row_costs_its_field_there() -> None:
    rows = [{**ORDER, "tags": ["a", "b"]}, {"id": 8, "status": "active", "tags": "canary"}]
    shown = page(rows, fields={"number": "join('-', tags)"})
    assert [shown.order(order_id).number for order_id in ("7", "8")] == ["a-b", None]


def test_an_expression_that_does_not_fit_an_id_costs_the_row() -> None:
    shown = page([{**ORDER, "tags": ["a"]}, {**ORDER, "tags": 5}], fields={"id": "join('-', tags)"})
    assert shown.ids == ["a", None]
    assert shown.rejected == ("row 2: id is missing",)


@pytest.mark.parametrize(
    ("lines", "items"),
    [
        ([{"name": "A"}, {}, "x"], (Item("A"), Item("(unnamed)"), Item("(unnamed)"))),
        ([{"name": "A", "qty": "2.0000"}, {"name": "B", "qty": 2.5}], (Item("A", 2), Item("B", 1))),
        ({"0": {"name": "A"}, "2": {"name": "B"}}, (Item("A"), Item("B"))),
        ([], ()),
        ("", ()),
        (False, ()),
        ({}, ()),
        (None, None),
        ("x", None),
        (7, None),
        ({"x": {"name": "A"}}, None),
    ],
)
def test_items_are_read_also_as_php_writes_them(lines: object, items: tuple[Item, ...] | None) -> None:
    order = only([{**ORDER, "lines": lines}], items={"rows": "lines", "name": "name", "quantity": "qty"})
    assert order.items == items


def test_what_no_expression_names_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def noted(raw: Raw) -> object:
        decoded.append(bytes(raw))
        return value_of(raw)

    monkeypatch.setattr("monitor.sources.rest_document.value_of", noted)
    order = only(
        [{**ORDER, "password": "canary", "total": 5}], fields={"total": "not_null(total, amount)", "number": "number"}
    )
    assert order.total == Money(Decimal(5))
    assert b"canary" not in b"".join(decoded)
    assert b"5" in decoded


def test_a_mark_is_made_without_reading_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def reads(*_: object) -> None:
        raise AssertionError("a row was read")

    monkeypatch.setattr("monitor.sources.rest_rows.RestRows.head", reads)
    monkeypatch.setattr("monitor.expressions.Expression.search", reads)
    content = {"data": {"orders": [ORDER, {**ORDER, "id": 8}]}, "meta": {"total": 2}}
    shown = page(content, rows="data.orders", total="meta.total", pages={"by": "page"})
    assert (len(shown.marks), shown.total) == (2, 2)
    assert shown.marks[0] != shown.marks[1]


def test_rows_that_an_expression_has_made_keep_their_marks_and_their_numbers() -> None:
    content = b'{"orders": {"a": {"id": 1, "status": "active", "total": 22.10}, "b": {"id": 2, "status": "active"}}}'
    shown, again = (page(content, rows="values(orders)", fields={"total": "total"}) for _ in range(2))
    assert shown.ids == ["1", "2"]
    assert shown.marks == again.marks
    total = shown.order("1").total
    assert total is not None
    assert str(total.amount) == "22.10"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "a", "b", "0"]), inner),
    max_leaves=8,
)
TRIED = [
    "a", "a.b", "a[0]", "a[].b", "values(@)", "sort_by(@, &a)", "a > b", "sum(a)", "to_number(a)", "length(@)", "*.a",
    "[&a]", "to_string(&a)",
    "max_by(a, &b)", "merge(a, b)", "&a", "to_string(@)", "abs(a)", "ceil(a)", "join(',', a)", "[?a > `1`]",
    "reverse(a)",
]  # fmt: skip


@given(value=JSON, expression=st.sampled_from(TRIED))
def test_no_value_and_no_expression_raise_anything_else(value: object, expression: str) -> None:
    found = Expression(expression).of(value_of(raw_of(value)))
    raw_of(found)
    shown = page(
        [{"x": value, **ORDER}],
        fields={"total": expression, "number": expression, "created_at": expression},
        items={"rows": expression, "name": expression, "quantity": expression},
        services={"rows": expression, "status": expression},
    )
    assert shown.order("7").id == "7"


@given(value=JSON, expression=st.sampled_from(TRIED))
def test_any_list_of_anything_is_a_page_or_a_bad_answer(value: object, expression: str) -> None:
    made = source(rows=expression, fields={"id": expression})
    try:
        shown = made.decode_list(answer(value))
    except SourceError:
        return
    assert len(shown.ids) == len(shown.marks) == len([*shown.statuses])
    assert isinstance(shown.rejected, tuple)
