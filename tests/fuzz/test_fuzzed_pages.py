"""The adapter alone: any bytes are a page that can be used, or BadAnswer; in time, and in bounded memory."""

from __future__ import annotations

import os
import time
import tracemalloc
from itertools import product

import msgspec
import pytest
from fuzz_corpus import CLAIMED, CLAIMS, JUNK, META, NO_ORDERS, ODD_ROWS, PAGE, ROW, meta_of, page_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opterius_rows import SOURCE, answer

from monitor.errors import BadAnswer
from monitor.model import normalise_status
from monitor.polling.habits import direction, strictly
from monitor.polling.ledger import Entry, Ledger
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import ListQuery
from monitor.sources.opterius import OpteriusPage
from monitor.sources.rows import MOST_REASONS

LONGEST_TEXT = 400
MEGABYTE = 1024 * 1024


def read(body: bytes) -> OpteriusPage | None:
    """The page in this body, all of it looked at; None where there is none, and that is said in fit words."""
    page = decoded(body)
    if page is None:
        return None
    rows_agree(page)
    claims_are_counts(page)
    orders_can_be_kept(page)
    poller_can_take(page, body)
    return page


def decoded(body: bytes) -> OpteriusPage | None:
    try:
        return SOURCE.decode_list(answer(body))
    except BadAnswer as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < LONGEST_TEXT
    return None


def rows_agree(page: OpteriusPage) -> None:
    assert len(page.marks) == len(page.ids) == len(page.statuses)
    assert [page.id_at(row) for row in range(len(page.ids))] == page.ids
    assert [i is None for i in page.ids] == [status is None for status in page.statuses]
    assert len(page.rejected) == min(page.ids.count(None), MOST_REASONS)
    assert all(why.isprintable() and len(why) < LONGEST_TEXT for why in page.rejected)
    assert set(page.repeated) <= set(page.ids)
    assert page.dialect in ("documented", "released", "")


def claims_are_counts(page: OpteriusPage) -> None:
    for claim in (page.total, page.last_page, page.number, page.size):
        assert claim is None or 0 <= claim < 10**15


def orders_can_be_kept(page: OpteriusPage) -> None:
    for order_id, status in zip(page.ids, page.statuses, strict=True):
        if order_id is None:
            continue
        order = page.order(order_id)
        assert order.id == order_id
        assert "\0" not in order_id
        assert msgspec.json.decode(msgspec.json.encode(order), type=type(order)) == order
        assert order.total is None or len(f"{order.total.amount:f}") < 200
        assert normalise_status(status or "") == normalise_status(status or "").strip()
    with pytest.raises(KeyError):
        page.order("no such id")


def poller_can_take(page: OpteriusPage, body: bytes) -> None:
    """As a look does it: against a ledger that knows nothing, then against one that knows all of it."""
    ledger = Ledger()
    snapshot = Snapshot(ledger, 1)
    assert snapshot.add(page, answer(body), ListQuery(1)) or not any(page.ids)
    assert set(snapshot.changed()) == set(filter(None, page.ids))
    entries = [Entry(i, snapshot.mark(i), normalise_status(snapshot.order(i).status)) for i in snapshot.changed()]
    snapshot.newest_id()
    direction(page), strictly(page)
    ledger.write(entries, 1)
    again = SOURCE.decode_list(answer(body))
    assert again.marks == page.marks
    assert {page.ids[row] for row in ledger.see(again, 2)} <= {None, *page.repeated}


@pytest.mark.parametrize("name", NO_ORDERS)
def test_no_body_of_the_corpus_is_an_order(name: str) -> None:
    page = read(NO_ORDERS[name])
    assert page is None or not any(page.ids)


def test_a_list_that_comes_with_a_failure_is_not_believed() -> None:
    for name in ("success false with data", "success as text", "an error with data"):
        assert read(NO_ORDERS[name]) is None


@pytest.mark.parametrize("number", range(len(ODD_ROWS)))
def test_an_odd_row_is_an_order_or_is_none_and_costs_no_other(number: int) -> None:
    odd = ODD_ROWS[number]
    page = read(page_of([ROW, odd, ROW.replace(b"7", b"6", 1)]))
    assert page is not None
    assert {"7", "6"} <= set(page.ids)
    if odd in JUNK:
        assert page.ids[1] is None


@pytest.mark.parametrize("name", CLAIMED)
def test_an_odd_claim_is_a_count_or_none(name: str) -> None:
    for claim in CLAIMS:
        assert read(page_of([ROW], meta_of({name: claim}))) is not None


def test_odd_paging_information_costs_no_row() -> None:
    for meta in META:
        page = read(page_of([ROW], meta))
        assert page is not None
        assert (page.ids, page.total, page.last_page) == (["7"], None, None)


TOKENS = st.sampled_from(
    [
        *CLAIMS,
        *ODD_ROWS[:40],
        *META,
        b'"',
        b"\\",
        b"\\u",
        b"\\ud800",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"\0",
        b"\xff",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "status", "data", "meta", "total", "items", "error"]), inner, max_size=5
        )
    ),
    max_leaves=20,
)


@st.composite
def mutated_pages(draw: st.DrawFn) -> bytes:
    """A page in which some places were cut out, doubled, or have something odd instead."""
    body = page_of(draw(st.lists(st.sampled_from([ROW, *ODD_ROWS]), max_size=3)), PAGE[PAGE.index(b'{"cur') : -1])
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        stop = draw(st.integers(start, min(start + 12, len(body))))
        put = draw(st.one_of(st.just(b""), st.just(body[start:stop] * 2), TOKENS, st.binary(max_size=4)))
        body = body[:start] + put + body[stop:]
    return body


@st.composite
def random_pages(draw: st.DrawFn) -> bytes:
    """JSON in the shape of a page, of anything."""
    row = st.fixed_dictionaries({"id": JSON, "status": JSON}, optional={"total": JSON, "items": JSON, "currency": JSON})
    page = {"data": draw(st.lists(row, max_size=4) | JSON), "meta": draw(JSON), "success": draw(JSON)}
    return msgspec.json.encode({key: value for key, value in page.items() if draw(st.booleans())})


ANY_BODY = st.one_of(st.binary(max_size=200), JSON.map(msgspec.json.encode), random_pages(), mutated_pages())
AT_LENGTH = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck))
BRIEFLY = settings(AT_LENGTH, max_examples=200, derandomize=True)


@given(ANY_BODY)
@BRIEFLY
def test_any_bytes_are_a_page_or_a_bad_answer(body: bytes) -> None:
    read(body)


@pytest.mark.torture
@given(ANY_BODY)
@settings(AT_LENGTH, max_examples=20 * int(os.environ.get("ROUNDS", "1000")))
def test_any_bytes_are_a_page_or_a_bad_answer_at_length(body: bytes) -> None:
    read(body)


FLOODS = {
    "numbers": b'{"data":[' + b"1," * MEGABYTE + b"1]}",
    "empty texts": b'{"data":[' + b'"",' * MEGABYTE + b"1]}",
    "empty rows": b'{"data":[' + b"{}," * MEGABYTE + b"{}]}",
    "rows with half a surrogate": b'{"data":[' + b'{"id":[],"x":"\\ud800"},' * (MEGABYTE // 24) + b"{}]}",
    "fields": b'{"data":[{' + b",".join(b'"%d":0' % n for n in range(MEGABYTE // 4)) + b"}]}",
    "a text of escapes": b'{"data":[{"id":"' + b"\\ud800" * (MEGABYTE // 4) + b'","status":"active"}]}',
    "backslashes": b'{"data":[{"id":"' + b"\\\\" * MEGABYTE + b'","status":0}]}',
    "digits": b'{"data":[{"id":' + b"9" * 2 * MEGABYTE + b"}]}",
    "items": b'{"data":[{"id":1,"status":"active","items":[' + b"1," * MEGABYTE + b"1]}]}",
    "errors": b'{"errors":[' + b'"no such order",' * (MEGABYTE // 8) + b'"x"]}',
    "deep errors": b'{"errors":' + b"[" * 400 + b'"no such order",' * (MEGABYTE // 8) + b'"x"' + b"]" * 400 + b"}",
    "no JSON": b"[" * 2 * MEGABYTE,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_taken_in_time_and_in_bounded_memory(name: str) -> None:
    """As a look takes it: marks, ids, statuses, and why some rows are none."""
    started = time.process_time()
    take(FLOODS[name])
    assert time.process_time() - started < 2
    tracemalloc.start()
    take(FLOODS[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * len(FLOODS[name])


def take(body: bytes) -> None:
    page = decoded(body)
    if page is not None:
        assert len(page.ids) == len(page.statuses) == len(page.marks)
        assert len(page.rejected) <= MOST_REASONS
        assert page.repeated == ()


@pytest.mark.parametrize(("first", "second"), list(product((b"1", b'"1"', b" 1"), (b"2", b'"2"'))))
def test_an_id_said_twice_is_the_later_one(first: bytes, second: bytes) -> None:
    page = read(b'{"data":[{"id":%b,"status":"active","id":%b}]}' % (first, second))
    assert page is not None
    assert page.ids == ["2"]
