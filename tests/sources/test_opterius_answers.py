"""Bad rows are told and cost only themselves; what is no list of orders is a BadAnswer in words."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opterius_rows import DOCUMENTED, SOURCE, answer, page

from monitor.errors import BadAnswer

BAD_ROWS: list[tuple[object, str]] = [
    ({"status": "active"}, "id is missing"),
    ({"id": None, "status": "active"}, "id is missing"),
    ({"id": "", "status": "active"}, "id is missing"),
    ({"id": 1.5, "status": "active"}, "id is neither a number nor a text"),
    ({"id": "8\0", "status": "active"}, "id is neither a number nor a text"),
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
    assert decoded.ids == ["88", None, "90"]
    assert len(decoded.marks) == 3
    assert decoded.rejected == (f"row 2: {words}",)
    assert decoded.total == 3


def test_a_row_in_broken_utf8_costs_only_itself() -> None:
    body = b'{"data":[{"id":1,"status":"acti\xff"},{"id":2,"status":"active","order_number":"\xff"}]}'
    decoded = SOURCE.decode_list(answer(body))
    assert decoded.ids == [None, "2"]
    assert decoded.rejected == ("row 1: status is no text",)
    assert decoded.order("2").number is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"\ud83d", "\ufffd"),
        (r"\udd12", "\ufffd"),
        (r"\ud83d\udd12", "🔒"),
        (r"\\ud83d", r"\ud83d"),
        (r"\ud83d\ud83d\udd12", "\ufffd🔒"),
    ],
)
def test_half_a_surrogate_pair_costs_one_character_not_the_list(written: str, read: str) -> None:
    """PHP writes one when it cuts a text amid an emoji; msgspec refuses the whole answer."""
    body = f'{{"data":[{{"id":1,"status":"active","order_number":"A{written}"}},{{"id":2,"status":"fraud\ud800"}}]}}'
    decoded = SOURCE.decode_list(answer(body.encode("ascii", "backslashreplace")))
    assert decoded.order("1").number == f"A{read}"
    assert decoded.ids == ["1", "2"]


def test_what_is_said_of_a_bad_row_holds_nothing_of_it() -> None:
    decoded = page({"id": {"email": "jane@example.com"}, "status": "active", "customer": "Jane Doe"})
    assert "jane" not in str(decoded.rejected).lower()


def test_a_byte_order_mark_does_no_harm() -> None:
    assert SOURCE.decode_list(answer(b"\xef\xbb\xbf" + json.dumps({"data": [DOCUMENTED]}).encode())).ids == ["88"]


@pytest.mark.parametrize("flag", [{"success": True}, {"error": None}, {"error": False}, {"error": []}, {"error": ""}])
def test_an_answer_that_says_it_succeeded_is_believed(flag: dict[str, object]) -> None:
    assert page(DOCUMENTED, **flag).ids == ["88"]


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
    assert len(decoded.marks) == len(decoded.ids) == len(decoded.statuses)
    assert len(decoded.rejected) == decoded.ids.count(None) == decoded.statuses.count(None)
    assert set(decoded.repeated) <= set(decoded.ids)
    for row, order_id in enumerate(decoded.ids):
        assert decoded.id_at(row) == order_id
        assert order_id is None or decoded.order(order_id).id == order_id


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
