"""The hostup adapter: one order, whatever PHP makes of what is empty; nothing secret is ever decoded."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from types import FunctionType, ModuleType
from zoneinfo import ZoneInfo

import pytest
from hostup_rows import CANARY, HOSTING, ORDER, SOURCE, URL, answer, enveloped, order_with
from msgspec import Raw

from monitor.errors import BadAnswer, SourceError
from monitor.model import Customer, Details, Item, Meaning, Money, Order, Service, meaning_of
from monitor.sources.base import DetailSource, ListSource
from monitor.sources.hostup import MEANINGS

EMPTY = ["", [], {}, False]
"""What PHP writes where a list or an object is empty."""


def test_it_shows_single_orders_and_lists_none() -> None:
    assert isinstance(SOURCE, DetailSource)
    assert not isinstance(SOURCE, ListSource)
    assert SOURCE.identity == f"hostup {URL}"
    request = SOURCE.order_request("32019")
    assert (request.path, request.headers) == ("/api/billing/order/32019", {"X-API-Key": "made-up-key"})
    assert (request.params, request.form, request.json) == ((), None, None)


def test_an_order_is_read_whole() -> None:
    page = SOURCE.decode_order(enveloped(ORDER))
    assert (page.ids, page.statuses, page.rejected) == (["32019"], ["Pending"], ())
    assert page.order("32019") == Order(
        id="32019",
        status="Pending",
        number="812345",
        total=Money(Decimal("11.94"), "SEK"),
        created_at=datetime(2026, 4, 1, 11, 15, tzinfo=UTC),
        items=(Item("Starter", 1, Money(Decimal("9.94"), "SEK")), Item("Daily backups")),
        invoice_status="Unpaid",
        services=(Service("701", "Active", "Starter (example.com)"),),
    )


def test_the_customer_stands_in_the_details_alone() -> None:
    details = SOURCE.decode_details(enveloped(ORDER))
    assert details == Details(
        order_with(), "60123", "Stripe", Customer("Quilla Doe", "Quillaworks", None, "Call back\nPaid twice")
    )
    assert "Quilla" not in repr(order_with())


def test_numbers_may_be_numbers_too() -> None:
    order = order_with(id=32019, number=812345, total=11.94, hosting=[{**HOSTING, "id": 701, "qty": 1, "total": 9.94}])
    assert order == order_with()


# What is empty


@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_list_is_one_in_each_of_phps_ways(empty: object) -> None:
    order = order_with(hosting=empty, addons=empty, domains=empty, notes=empty)
    assert (order.items, order.services) == ((), ())


@pytest.mark.parametrize("empty", [*EMPTY, None])
def test_an_empty_currency_leaves_the_amount(empty: object) -> None:
    assert order_with(currency=empty).total == Money(Decimal("11.94"), None)


@pytest.mark.parametrize("empty", ["", None, [], {}, "0000-00-00 00:00:00", "0000-00-00"])
def test_what_is_not_said_is_none(empty: object) -> None:
    order = order_with(number=empty if empty != "0000-00-00" else "", date_created=empty, total=empty)
    assert (order.created_at, order.total) == (None, None)


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_no_invoice_no_payment_no_customer(empty: object) -> None:
    fields = ("invoice_id", "payment_module", "module", "firstname", "lastname", "companyname", "notes", "invstatus")
    details = SOURCE.decode_details(enveloped({**ORDER, **dict.fromkeys(fields, empty)}))
    assert (details.invoice, details.payment, details.customer) == (None, None, None)
    assert details.order.invoice_status is None


def test_a_reference_to_number_zero_is_none() -> None:
    assert SOURCE.decode_details(enveloped({**ORDER, "invoice_id": "0"})).invoice is None


def test_absent_fields_are_not_shown() -> None:
    page = SOURCE.decode_order(enveloped({"id": "7", "status": "Active"}))
    assert page.order("7") == Order("7", "Active")


@pytest.mark.parametrize("nothing", [None, 5, "text", {"a": 1}])
def test_a_list_that_is_none_makes_what_it_would_hold_unknown(nothing: object) -> None:
    """Else it would look as if something had ended."""
    order = order_with(hosting=nothing)
    assert (order.items, order.services) == (None, None)
    assert order_with(domains=nothing).items is None


def test_a_list_with_gaps_is_an_object_to_php() -> None:
    second = {**HOSTING, "id": "702"}
    order = order_with(hosting={"0": HOSTING, "2": second})
    assert [service.id for service in order.services or ()] == ["701", "702"]


def test_one_account_may_stand_alone() -> None:
    assert order_with(hosting=HOSTING) == order_with(hosting=[HOSTING])


@pytest.mark.parametrize("empty", ["[ ]", "{ }", "{\n}"])
def test_what_is_empty_may_be_written_with_blanks(empty: str) -> None:
    row = json.dumps({**ORDER, "hosting": "HERE"}).replace('"HERE"', empty)
    assert SOURCE.decode_order(answer(f'{{"data":{{"order":{row}}}}}')).order("32019").services == ()


@pytest.mark.parametrize("row", [None, 5, "text", [], {}, {**HOSTING, "id": ""}, {**HOSTING, "status": None}])
def test_a_service_that_makes_no_sense_makes_all_unknown(row: object) -> None:
    assert order_with(hosting=[HOSTING, row]).services is None


# Parts


@pytest.mark.parametrize(
    ("name", "domain", "called"),
    [("Starter", "", "Starter"), ("", "example.com", "example.com"), ("", None, ""), (None, [], "")],
)
def test_a_service_is_called_by_what_it_has(name: object, domain: object, called: str) -> None:
    (service,) = order_with(hosting=[{**HOSTING, "name": name, "domain": domain}]).services or ()
    assert service.name == called


def test_hosting_addons_and_domains_are_what_was_ordered() -> None:
    order = order_with(hosting=[], addons=[{"id": "1", "name": "SSL", "qty": "2"}], domains=["example.com", {"id": 4}])
    assert order.items == (Item("SSL", 2), Item("example.com"), Item("(unnamed)"))


def test_the_price_of_one_is_known_only_of_one() -> None:
    """What stands there is the total of all."""
    (item, _) = order_with(hosting=[{**HOSTING, "qty": "3", "total": "30.00"}]).items or ()
    assert item == Item("Starter", 3, None)


@pytest.mark.parametrize(
    ("currency", "code"),
    [({"iso": "eur", "code": "x"}, "EUR"), ({"iso": "752", "code": "SEK"}, "SEK"), ({"code": "kr"}, None)],
)
def test_the_currency_is_whichever_is_a_code(currency: object, code: str | None) -> None:
    assert order_with(currency=currency).total == Money(Decimal("11.94"), code)


def test_dates_are_of_the_zone_that_is_set() -> None:
    assert order_with(ZoneInfo("Europe/Stockholm")).created_at == datetime(2026, 4, 1, 9, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        ("Pending", Meaning.PENDING), ("Active", Meaning.ACTIVE), ("Fraud", Meaning.FRAUD),
        ("Cancelled", Meaning.CANCELLED), ("Suspended", Meaning.SUSPENDED), ("Terminated", Meaning.CANCELLED),
        ("Completed", Meaning.COMPLETED), ("Draft", Meaning.PENDING), ("Odd", None),
    ],
)  # fmt: skip
def test_what_its_statuses_mean(status: str, meaning: Meaning | None) -> None:
    assert meaning_of(status, MEANINGS) is meaning


def test_a_mark_is_of_what_is_understood() -> None:
    """A new note or password is no reason to look at the order again."""
    mark = SOURCE.decode_order(enveloped(ORDER)).marks
    assert SOURCE.decode_order(enveloped({**ORDER, "notes": "", "order_ip": "other"})).marks == mark
    assert SOURCE.decode_order(enveloped({**ORDER, "invstatus": "Paid"})).marks != mark


def test_half_a_letter_costs_no_order() -> None:
    body = enveloped({**ORDER, "number": "cut \ud83d"}).body
    assert SOURCE.decode_order(answer(body)).order("32019").number == "cut \ufffd"


# What is secret


def test_nothing_secret_is_in_any_object_that_is_made() -> None:
    made = [SOURCE.decode_order(enveloped(ORDER)), SOURCE.decode_details(enveloped(ORDER))]
    assert "Starter (example.com)" in _texts_in(made)
    assert [text for text in _texts_in(made) if CANARY in text] == []


@pytest.mark.parametrize(
    "order",
    [{**ORDER, "status": None}, {**ORDER, "id": [HOSTING]}, [ORDER], {"order": ORDER}, None],
)
def test_nothing_secret_is_in_an_error(order: object) -> None:
    said = _raised_by(enveloped(order).body)
    assert isinstance(said, BadAnswer)
    assert CANARY not in str(said)
    assert CANARY not in repr(said.__dict__)
    assert said.__context__ is None


@pytest.mark.parametrize("name", ["error", "message", "errors", "detail", "data"])
@pytest.mark.parametrize("said", [ORDER, [ORDER], {"0": HOSTING}, [[f"{CANARY} in a list"]], {"password": CANARY}])
def test_nothing_that_stands_deep_in_an_error_is_quoted(name: str, said: object) -> None:
    body = json.dumps({"success": False, "code": "FAILED", "error": "Server error", name: said}).encode()
    assert CANARY not in (SOURCE.error_text(body) or "")
    assert CANARY not in str(_raised_by(body))


def _raised_by(body: bytes) -> SourceError:
    with pytest.raises(SourceError) as raised:
        SOURCE.decode_order(answer(body))
    return raised.value


def _texts_in(made: list[object]) -> Iterator[str]:
    """Every text and every byte string that can be reached from these, but for code and modules."""
    seen: set[int] = set()
    waiting: list[object] = [made]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, ModuleType | FunctionType | type):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            yield one
        elif isinstance(one, bytes):
            yield one.decode(errors="replace")
        elif isinstance(one, Raw):
            yield bytes(one).decode(errors="replace")
        waiting += gc.get_referents(one)
