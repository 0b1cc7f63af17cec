"""Which answers of a rest source are believed, and what it shows of one order."""

from __future__ import annotations

from typing import Any

import pytest
from rest_shop import ORDER, PATH, URL, answer, page, source

from monitor.errors import BadAnswer, NotFound
from monitor.model import Customer, Details, Order
from monitor.sources.base import Answer, DetailSource
from monitor.sources.rest import RestWithOrders

GONE = {"error": {"code": "order_not_found"}}
SINGLE: dict[str, Any] = {
    "path": "/orders/{id}",
    "at": "data",
    "gone": "error.code == 'order_not_found'",
    "fields": {"status": "state"},
    "details": {"invoice": "invoice.number", "payment": "gateway", "customer": "join(' ', [first, last])"},
}


def single(**described: Any) -> RestWithOrders:
    made = source(order={**SINGLE, **described})
    assert isinstance(made, RestWithOrders)
    return made


@pytest.mark.parametrize("empty", ["[]", "{}", "null", "false", '""'])
@pytest.mark.parametrize("rows", ["data", "data.orders"])
def test_nothing_where_a_list_is_meant_is_an_empty_one(empty: str, rows: str) -> None:
    inner = empty if rows == "data" else f'{{"orders": {empty}}}'
    shown = page(f'{{"data": {inner}}}'.encode(), rows=rows)
    assert list(shown.ids) == []


@pytest.mark.parametrize("empty", [[], {}, False, ""])
def test_nothing_is_an_empty_list_for_an_expression_too(empty: object) -> None:
    assert page({"data": empty}, rows="more || data").ids == []


def test_values_take_what_php_writes_for_no_orders() -> None:
    assert page({"orders": {"17": ORDER}}, rows="values(orders)").ids == ["7"]
    assert page({"orders": []}, rows="values(orders)").ids == []


def test_an_object_with_numbers_for_keys_is_a_list() -> None:
    assert page({"orders": {"0": ORDER, "2": {**ORDER, "id": 8}}}, rows="orders").ids == ["7", "8"]


@pytest.mark.parametrize("rows", [None, "data", "data.orders", "values(data)", "data[].order"])
@pytest.mark.parametrize(
    "content", [{"message": "canary"}, {"data": 7}, {"data": "x"}, {"data": {"id": 1}}, 7, "x", True]
)
def test_an_answer_without_the_list_is_none(rows: str | None, content: object) -> None:
    if rows == "values(data)" and content == {"data": {"id": 1}}:
        assert page(content, rows=rows).rejected
        return
    with pytest.raises(BadAnswer, match=f"200 from {URL}{PATH} holds no list of orders"):
        page(content, rows=rows)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": [', b"\xff"])
def test_an_answer_that_is_no_json_is_none(body: bytes) -> None:
    for rows in (None, "data", "values(data)"):
        with pytest.raises(BadAnswer):
            page(body, rows=rows)


def test_a_byte_order_mark_and_half_an_emoji_cost_nothing() -> None:
    body = b'\xef\xbb\xbf{"data": [{"id": 7, "status": "active", "name": "\\ud83d"}], "more": true}'
    for rows in ("data", "data[?id]"):
        shown = page(body, rows=rows, fields={"number": "name"}, error={"when": "length(@) > `9`"})
        assert shown.order("7").number == "\ufffd"


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ({"success": False, "message": "No"}, {}, " (No)"),
        ({"error": "No", "data": []}, {}, " (No)"),
        ({"data": [], "error": {"message": "No"}}, {}, " (No)"),
        ({"result": "error", "why": "No", "data": [ORDER]}, {"when": "result == 'error'", "text": "why"}, " (No)"),
        ({"faults": [{"m": "No"}, {"m": "way"}]}, {"when": "faults", "text": "faults[].m"}, " (No way)"),
        ({"failed": True, "data": []}, {"when": "failed"}, ""),
    ],
)
def test_an_answer_that_says_that_it_failed_is_none(content: object, error: dict[str, str], said: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        page(content, rows="data", error=error)
    assert str(caught.value) == f"200 from {URL}{PATH} says that it failed{said}"


@pytest.mark.parametrize("error", [None, False, "", [], {}, 0])
def test_an_error_that_says_nothing_is_none(error: object) -> None:
    for described in ({}, {"error": {"when": "error"}}):
        assert page({"data": [ORDER], "error": error, "success": True}, rows="data", **described).ids == ["7"]


def test_a_condition_of_failure_that_is_described_stands_alone() -> None:
    described = {"error": {"when": "result == 'error'"}}
    assert page({"data": [ORDER], "error": "a warning"}, rows="data", **described).ids == ["7"]


def test_a_credential_that_an_error_repeats_is_not_shown() -> None:
    content = answer({"data": 7, "message": "bad key canary"})
    given = Answer(content.url, 200, {}, content.body, 0.0, 1.0, lambda: {"canary"})
    with pytest.raises(BadAnswer) as caught:
        source(rows="data").decode_list(given)
    assert str(caught.value).endswith("(bad key ***)")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"fault": {"reason": "No\\nway"}}', "No way"),
        (b'\xef\xbb\xbf{"fault": {"reason": "No way"}}', "No way"),
        (b'{"message": "Not so"}', "Not so"),
        (b'{"fault": {}}', None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_an_errors_text_is_where_it_is_described_else_where_it_mostly_is(body: bytes, said: str | None) -> None:
    assert source(error={"text": "fault.reason"}).error_text(body) == said


def test_one_order_is_read_where_it_stands() -> None:
    made: DetailSource = single()
    given = answer({"data": {"id": 7, "state": "fraud", "status": "ignored"}})
    shown = made.decode_order(given)
    assert shown.ids == ["7"]
    assert shown.order("7") == Order("7", "fraud")


def test_its_fields_stand_as_in_the_list_unless_they_are_said_to_stand_elsewhere() -> None:
    made = source(fields={"id": "uuid", "number": "ref"}, order={**SINGLE, "fields": {"status": "state"}})
    assert isinstance(made, RestWithOrders)
    shown = made.decode_order(answer({"data": {"uuid": "o7", "state": "fraud", "ref": "A-7", "id": 1}}))
    assert shown.order("o7") == Order("o7", "fraud", "A-7")


def test_its_details_are_read_with_it() -> None:
    row = {"id": 7, "state": "fraud", "invoice": {"number": 3001}, "gateway": "Card", "first": "Jo", "last": "Doe"}
    details = single().decode_details(answer({"data": row}))
    assert details == Details(Order("7", "fraud"), "3001", "Card", Customer("Jo Doe"))
    assert single().decode_details(answer({"data": {"id": 7, "state": "x"}})) == Details(Order("7", "x"))


@pytest.mark.parametrize("data", [None, [], 7, {"id": 7}])
def test_an_answer_without_the_order_shows_none(data: object) -> None:
    given = answer({"data": data})
    assert [order_id for order_id in single().decode_order(given).ids if order_id] == []
    with pytest.raises(BadAnswer, match="shows no order"):
        single().decode_details(given)


@pytest.mark.parametrize("order", [{"at": None}, {"at": "[data][0]"}, {"at": "data"}])
def test_an_order_may_stand_anywhere(order: dict[str, Any]) -> None:
    row = {"id": 7, "state": "active"}
    shown = single(**order).decode_order(answer(row if order["at"] is None else {"data": row}))
    assert shown.ids == ["7"]


def test_an_order_is_gone_only_in_the_words_that_are_described() -> None:
    made = single()
    assert made.is_gone(NotFound("", body=answer(GONE).body))
    for body in (b"", b"<html>", b"[]", b'{"error": {"code": "not_found"}}', b'{"message": "No route"}'):
        assert not made.is_gone(NotFound("", body=body))
    assert not single(gone=None).is_gone(NotFound("", body=answer(GONE).body))


def test_a_page_of_a_proxys_says_of_no_order_that_it_is_gone() -> None:
    """Nothing stands under data in it, to be sure."""
    made = single(gone="!data")
    assert made.is_gone(NotFound("", body=answer({"data": None}).body))
    for body in (b"", b"<html>404</html>", b'{"data": nul'):
        assert not made.is_gone(NotFound("", body=body))


def test_an_answer_of_status_200_may_say_that_an_order_is_gone() -> None:
    for decode in (single().decode_order, single().decode_details):
        with pytest.raises(NotFound) as caught:
            decode(answer(GONE))
        assert single().is_gone(caught.value)


def test_an_error_about_one_order_is_no_order() -> None:
    with pytest.raises(BadAnswer, match=r"says that it failed \(No\)"):
        single().decode_order(answer({"error": "No", "data": {"id": 7, "state": "active"}}))


def test_a_page_of_a_modified_list_is_stamped() -> None:
    fields = {"modified_at": "updated"}
    made = source(rows="data", fields=fields, modified={"param": "since"}, order={"path": "/o/{id}"})
    rows = [{**ORDER, "updated": "2026-04-01T09:15:00Z"}, {**ORDER, "id": 8, "updated": "soon"}]
    shown = made.decode_list(answer({"data": rows}))
    assert [time and time.isoformat() for time in shown.modified] == ["2026-04-01T09:15:00+00:00", None]  # type: ignore[attr-defined]  # of the stamped kind
