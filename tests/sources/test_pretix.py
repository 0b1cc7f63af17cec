"""The pretix adapter: what it asks, what it makes of the answers, and that nobody's secrets are among it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pretix_rows import ROW, SETTINGS, SUMMER, TOKEN, WHOLE, answer, only, page, source
from pydantic import ValidationError

from monitor.errors import BadAnswer, NotFound
from monitor.model import Customer, Meaning, Money, Order, meaning_of
from monitor.sources.base import DetailSource, ListQuery, ModifiedSource, Stamped
from monitor.sources.pretix import MEANINGS, PretixSettings

ORDER = Order(
    id="summer-ABC37",
    status="p",
    number="ABC37",
    total=Money(Decimal("23.00"), "EUR"),
    created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
)


def test_it_says_what_was_modified_and_shows_single_orders() -> None:
    listing: ModifiedSource = WHOLE
    detail: DetailSource = WHOLE
    assert isinstance(listing, ModifiedSource)
    assert isinstance(detail, DetailSource)
    assert isinstance(page(ROW), Stamped)
    assert listing.overlap == timedelta(seconds=5)


def test_another_event_is_another_source() -> None:
    assert WHOLE.identity == "pretix https://tickets.example.com acme"
    assert SUMMER.identity == "pretix https://tickets.example.com acme/summer"


def test_a_page_of_an_organizer_is_asked_for_in_a_lasting_order() -> None:
    request = WHOLE.list_request(ListQuery(page=3, size=100))
    assert request.path == "/api/v1/organizers/acme/orders/"
    assert request.params[:3] == (("page", "3"), ("page_size", "100"), ("ordering", "datetime,code"))
    assert request.headers == {"Authorization": f"Token {TOKEN}", "Accept-Language": "en"}
    assert TOKEN not in repr(request) + repr(WHOLE)


def test_no_field_is_asked_for_that_is_not_read() -> None:
    included = [value for name, value in WHOLE.list_request(ListQuery()).params if name == "include"]
    assert included == ["code", "event", "status", "total", "datetime", "last_modified"]


def test_a_second_read_has_another_address() -> None:
    """Both show 50 orders, at the same places."""
    first, second = (WHOLE.list_request(ListQuery(size=size)) for size in (100, 99))
    assert first.params != second.params


def test_a_part_of_the_list_is_asked_for() -> None:
    since = datetime(2026, 4, 11, 10, 0, 7, tzinfo=timezone(timedelta(hours=2)))
    request = SUMMER.list_request(ListQuery(status="n", modified_since=since))
    assert request.path == "/api/v1/organizers/acme/events/summer/orders/"
    assert {("status", "n"), ("modified_since", "2026-04-11T08:00:07Z")} <= set(request.params)


def test_one_order_is_asked_for_in_its_event() -> None:
    assert WHOLE.order_request("winter-26-ABC37").path == "/api/v1/organizers/acme/events/winter-26/orders/ABC37/"
    assert SUMMER.order_request("summer-ABC37").path == "/api/v1/organizers/acme/events/summer/orders/ABC37/"


def test_an_order_is_read_whole() -> None:
    assert only(ROW) == only({**ROW, "event": None}, SUMMER) == ORDER


def test_one_code_in_two_events_is_two_orders() -> None:
    """Codes were once unique within an event only."""
    decoded = page(ROW, {**ROW, "event": "winter-26", "status": "n"})
    assert decoded.ids == ["summer-ABC37", "winter-26-ABC37"]
    assert decoded.repeated == ()
    assert [decoded.order(i or "").number for i in decoded.ids] == ["ABC37", "ABC37"]


def test_a_code_that_looks_like_a_number_has_no_place_in_the_list() -> None:
    """Such codes exist (3789 are digits), and say nothing of an order's age."""
    assert not (only({**ROW, "code": "37897"}, SUMMER).id).isdecimal()


def test_the_currency_is_the_events() -> None:
    assert only({**ROW, "event": "winter-26"}).total == Money(Decimal("23.00"), "CHF")
    assert only(ROW, source(currency=None)).total == Money(Decimal("23.00"), None)


@pytest.mark.parametrize("nonsense", [None, True, "abc", [], {}, ""])
def test_a_field_that_is_nonsense_costs_the_field_not_the_order(nonsense: object) -> None:
    row = {**ROW, "total": nonsense, "datetime": nonsense, "last_modified": nonsense}
    assert only(row) == Order(id="summer-ABC37", status="p", number="ABC37")
    assert page(row).modified == [None]


def test_rows_say_when_they_were_modified_wherever_they_were() -> None:
    rows = ({**ROW, "last_modified": written} for written in ("2026-04-02T10:00:00+02:00", "2026-04-02T08:00:00Z"))
    assert page(*rows).modified == [datetime(2026, 4, 2, 8, 0, tzinfo=UTC)] * 2


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("private", "is no JSON object"),
        (None, "is no JSON object"),
        ({**ROW, "code": None}, "code is missing, or none that pretix writes"),
        ({**ROW, "code": 37}, "code is missing, or none that pretix writes"),
        ({**ROW, "code": "../ABC"}, "code is missing, or none that pretix writes"),
        ({**ROW, "code": "AB-C"}, "code is missing, or none that pretix writes"),
        ({**ROW, "code": "ABC\n"}, "code is missing, or none that pretix writes"),
        ({**ROW, "status": ""}, "status is missing, or none that pretix writes"),
        ({**ROW, "status": 1}, "status is missing, or none that pretix writes"),
        ({**ROW, "event": None}, "event is missing, or none that pretix writes"),
        ({**ROW, "event": ".."}, "event is missing, or none that pretix writes"),
        ({**ROW, "event": "a/b"}, "event is missing, or none that pretix writes"),
    ],
)
def test_a_bad_row_is_told_and_the_others_stand(row: object, words: str) -> None:
    decoded = page(ROW, row, {**ROW, "code": "ABC38"})
    assert decoded.ids == ["summer-ABC37", None, "summer-ABC38"]
    assert decoded.rejected == (f"row 2: {words}",)


def test_where_a_page_stands_is_told_by_its_links() -> None:
    def claims(count: int, **links: Any) -> tuple[int | None, ...]:
        decoded = page(*[{**ROW, "code": f"A{n}"} for n in range(count)], count=120, **links)
        return decoded.total, decoded.last_page, decoded.number, decoded.size

    link = "https://tickets.example.com/api/v1/organizers/acme/orders/?include=code&page_size=100"
    assert claims(50, next=f"{link}&page=2") == (120, 3, 1, 50)
    assert claims(50, previous=link, next=f"{link}&page=3&include=x") == (120, 3, 2, 50)
    assert claims(20, previous=f"{link}&page=2") == (120, 3, 3, 50)
    assert claims(20, previous=link) == (120, 2, 2, 50)


@pytest.mark.parametrize("link", [None, "", 7, [], "https://[", "?page=0&page_size=0", "?page=-1", "?page=1e9"])
def test_links_that_are_nonsense_claim_little(link: object) -> None:
    decoded = page(ROW, count=link, next=link, previous=link)
    assert all(claim is None or claim >= 0 for claim in (decoded.last_page, decoded.number, decoded.size))


def test_one_page_is_the_last_one() -> None:
    decoded = page(ROW)
    assert (decoded.total, decoded.last_page, decoded.number, decoded.size) == (1, 1, 1, None)


def test_the_details_name_who_pays_how() -> None:
    details = WHOLE.decode_details(answer(json.dumps(ROW)))
    assert details.order == ORDER
    assert details.payment == "stripe"
    assert details.customer == Customer("Jane Doe", "Sample Ltd", "Test street 12 Back yard, 12345, Testington, DE")


@pytest.mark.parametrize(
    ("changes", "payment"),
    [
        (
            {"payments": [{"provider": "paypal", "state": "created"}, {"provider": "stripe", "state": "failed"}]},
            "stripe",
        ),
        ({"payments": []}, "banktransfer"),
        ({"payments": [3]}, "banktransfer"),
        ({"payments": None, "payment_provider": None}, None),
    ],
)
def test_a_payment_that_was_not_made_is_better_than_none(changes: dict[str, Any], payment: str | None) -> None:
    assert WHOLE.decode_details(answer(json.dumps({**ROW, **changes}))).payment == payment


def test_an_order_without_an_invoice_has_no_customer() -> None:
    assert WHOLE.decode_details(answer(json.dumps({**ROW, "invoice_address": None}))).customer is None


def test_nothing_private_is_decoded() -> None:
    details = WHOLE.decode_details(answer(json.dumps(ROW)))
    assert "canary" in json.dumps(ROW)
    assert b"canary" not in msgspec.json.encode([details, only(ROW)])


@pytest.mark.parametrize("row", ["null", "[]", "7", '{"detail": "Not found."}', "<html></html>", '{"code": "A', ""])
def test_an_answer_without_an_order_is_a_bad_answer(row: str) -> None:
    with pytest.raises(BadAnswer):
        WHOLE.decode_order(answer(row))
    with pytest.raises(BadAnswer):
        WHOLE.decode_list(answer(row))


@pytest.mark.parametrize(
    ("body", "gone"),
    [
        (b'{"detail":"No Order matches the given query."}', True),
        (b'{"detail":"Not found."}', True),
        (b'{"detail":"Invalid page."}', False),
        (b'{"detail":"No Event matches the given query."}', False),
        (b"<h1>Not found</h1>", False),
        (b"", False),
        (b'{"detail":[]}', False),
    ],
)
def test_gone_is_what_pretix_says_to_be_no_order(body: bytes, gone: bool) -> None:
    assert WHOLE.is_gone(NotFound("404", body=body)) is gone


def test_an_error_is_told_in_pretixs_words() -> None:
    assert WHOLE.error_text(b'{"detail":"Invalid token."}') == "Invalid token."
    assert WHOLE.error_text(b'{"message":"Not pretix"}') is None


def test_what_is_paid_is_active_as_elsewhere() -> None:
    """Routes for pending → active are about payments."""
    assert [meaning_of(status, MEANINGS) for status in "npecr"] == [
        Meaning.PENDING,
        Meaning.ACTIVE,
        Meaning.EXPIRED,
        Meaning.CANCELLED,
        Meaning.REFUNDED,
    ]


@pytest.mark.parametrize(
    "wrong",
    [{"organizer": ""}, {"organizer": "a/b"}, {"event": ".."}, {"currency": "euro"}, {"currencies": {"a": "€"}}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        PretixSettings.model_validate({**SETTINGS, **wrong})
    assert TOKEN not in str(caught.value)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), st.text() | st.integers() | st.none() | st.lists(st.none())))
def test_whatever_stands_in_its_fields_a_row_is_an_order_or_told(odd: dict[str, Any]) -> None:
    decoded = page({**ROW, **odd})
    assert len(decoded.rejected) == decoded.ids.count(None)
    for order_id in filter(None, decoded.ids):
        assert decoded.order(order_id).id == order_id
        assert WHOLE.order_request(order_id).path.startswith("/api/v1/organizers/acme/events/")
    assert len(decoded.modified) == 1
