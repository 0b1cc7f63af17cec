"""The opterius adapter: both dialects by the shape of each row, valid rows kept, everything else said in words."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from opterius_rows import DOCUMENTED, RELEASED, SOURCE, only, page, raw_total
from versions import another_version

from monitor.model import Item, Money, Order
from monitor.sources.base import ListSource, Page


def test_it_is_a_list_source_with_pages() -> None:
    source: ListSource = SOURCE
    decoded: Page = page()
    assert source.identity == "opterius https://billing.example.com"
    assert (len(decoded.marks), list(decoded.ids), list(decoded.statuses)) == (0, [], [])


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
    assert decoded.ids == ["ord_1", str(10**30), "0032"]
    assert [decoded.id_at(row) for row in (0, 1, 2, -1)] == ["ord_1", str(10**30), "0032", "0032"]


def test_statuses_stand_beside_the_ids_as_they_are_written() -> None:
    decoded = page({**DOCUMENTED, "status": "On-Hold"}, {"id": 1}, {**DOCUMENTED, "id": 89})
    assert decoded.statuses == ["On-Hold", None, "active"]
    assert decoded.ids == ["88", None, "89"]
    assert decoded.id_at(1) is None


def test_a_number_may_be_a_json_number() -> None:
    assert only({**DOCUMENTED, "order_number": 88}).number == "88"
    assert only({**DOCUMENTED, "order_number": ""}).number is None


def test_marks_stay_while_a_rows_bytes_do_wherever_it_stands() -> None:
    other = {**DOCUMENTED, "id": 89}
    alone, among = page(DOCUMENTED).marks, page(other, DOCUMENTED, other, meta={"total": 3}).marks
    assert among[1] == alone[0]
    assert among[0] == among[2] != alone[0]
    assert page(DOCUMENTED, RELEASED).marks == page(DOCUMENTED, RELEASED).marks


def test_a_row_that_is_written_otherwise_has_another_mark() -> None:
    """Rows are told apart without reading them. Who finds another mark compares the order in full."""
    reordered = dict(reversed(DOCUMENTED.items()))
    for written in (reordered, {**DOCUMENTED, "note": "a field that is not decoded"}):
        assert page(written).marks != page(DOCUMENTED).marks
        assert page(written).order("88") == page(DOCUMENTED).order("88")


def test_a_mark_is_made_without_reading_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def reads(*_: object) -> None:
        raise AssertionError("a row was read")

    monkeypatch.setattr("monitor.sources.opterius._row", reads)
    decoded = page(DOCUMENTED, {**DOCUMENTED, "id": 89}, meta={"total": 2, "last_page": 1})
    assert len(decoded.marks) == decoded.total == 2


def test_another_version_of_ours_makes_other_marks() -> None:
    """It may decode what this one passes over: each order is to be compared once."""
    before = page(DOCUMENTED, RELEASED).marks
    with another_version():
        assert all(a != b for a, b in zip(page(DOCUMENTED, RELEASED).marks, before, strict=True))
    assert page(DOCUMENTED, RELEASED).marks == before


def test_a_mark_fits_where_it_is_stored() -> None:
    """A signed number of 64 bits, of both signs; 0 is for orders that must be looked at."""
    marks = page(*({**DOCUMENTED, "id": number} for number in range(200))).marks
    assert -(2**63) <= min(marks) < 0 < max(marks) < 2**63
    assert marks.typecode == "q"


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
    assert decoded.marks[0] == page(DOCUMENTED).marks[0]
    assert decoded.ids == ["88", "88", "89"]


def test_equal_rows_are_one_order_and_no_contradiction() -> None:
    decoded = page(DOCUMENTED, DOCUMENTED)
    assert decoded.repeated == ()
    assert decoded.ids == ["88", "88"]
    assert decoded.marks[0] == decoded.marks[1]


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
    assert len(decoded.marks) == 0
