"""The hostup adapter alone: any JSON in any place is an order that can be kept, or is said in fit words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hostup_rows import CANARY, HOSTING, ORDER, SOURCE, answer, enveloped
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import BadAnswer, NotFound
from monitor.model import Order
from monitor.sources.base import Answer

LONGEST_TEXT = 400
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.sampled_from(["0000-00-00 00:00:00", "9999-12-31 23:59:59", "0001-01-01 00:00:00", "1e99", "\ud83d", CANARY]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*HOSTING, "0", "note"]), inner),
    max_leaves=6,
)  # fmt: skip


def says_it_well(said: str) -> None:
    assert said.isprintable()
    assert len(said) < LONGEST_TEXT


def takes(given_answer: Answer) -> None:
    """It is decoded, or refused in fit words."""
    try:
        page = SOURCE.decode_order(given_answer)
        details = SOURCE.decode_details(given_answer)
    except (BadAnswer, NotFound) as error:
        says_it_well(str(error))
        return
    (order_id,) = page.ids
    assert order_id is not None
    order = page.order(order_id)
    assert order == details.order
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order
    assert page.rejected == page.repeated == ()


@given(st.dictionaries(st.sampled_from([*ORDER, "unknown"]), JSON, max_size=5))
def test_any_fields_of_an_order(fields: dict[str, Any]) -> None:
    takes(enveloped({**ORDER, **fields}))


@given(JSON, JSON, JSON)
def test_any_envelope(success: object, data: object, error: object) -> None:
    for whole in ({"success": success, "data": data, "error": error}, {"data": {"order": data, "error": error}}, data):
        body = json.dumps(whole).encode()
        takes(answer(body))
        says_it_well(SOURCE.error_text(body) or "")
        SOURCE.is_gone(NotFound("404", body=body))


@given(st.binary())
def test_any_bytes(body: bytes) -> None:
    takes(answer(body))
    SOURCE.error_text(body)
    SOURCE.is_gone(NotFound("404", body=body))
