"""What the example configurations of ``rest`` sources read in an order, beyond what each contract asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from contract_stage import CUSTOMER

from monitor.checks import CHECKS
from monitor.config import load
from monitor.errors import NotFound
from monitor.model import Customer, Details, Item, Money, Order
from monitor.simulator.dialect import Call, Dialect, Reply
from monitor.simulator.registry import DIALECTS
from monitor.simulator.server import answer
from monitor.simulator.truth import TrueItem
from monitor.simulator.world import World
from monitor.sources.base import Answer, DetailSource, ListQuery, ListSource, Page, Request, Stamped
from monitor.sources.registry import ADAPTERS

EXAMPLES = ("paymenter", "blesta", "stripe", "magento")
FOLDER = Path(__file__).parents[2] / "config"
KEY = "made-up-key"
PLACED = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
WHO, WHERE = CUSTOMER.name, CUSTOMER.address


class Example:
    """An example's source, and the simulated system that it describes."""

    def __init__(self, name: str) -> None:
        file = FOLDER / f"{name}.yaml"
        names = re.findall(r"\$\{(\w+)\}", file.read_text(encoding="utf-8"))
        settings = load(file, {**dict.fromkeys(names, KEY), "OPS_URL": "json://alerts.example.com/ops"}, CHECKS)
        (source,) = settings.sources.values()
        made = ADAPTERS[source.type].make(source)
        assert isinstance(made, ListSource)
        assert isinstance(made, DetailSource)
        self.listed: ListSource = made
        self.single: DetailSource = made
        self.dialect: Dialect = DIALECTS[name](KEY, "newest")
        self.world = World(now=lambda: PLACED)

    def page(self) -> Page:
        """The list's first page."""
        return self.listed.decode_list(self._answer(self.listed.list_request(ListQuery())))

    def orders(self) -> list[Order]:
        """The orders on it."""
        page = self.page()
        return [page.order(order_id) for order_id in page.ids if order_id]

    def details(self, order_id: str) -> Details:
        """What is read of one order; NotFound as the HTTP client would raise it."""
        return self.single.decode_details(self._answer(self.single.order_request(order_id)))

    def _answer(self, request: Request) -> Answer:
        call = Call(request.path, dict(request.params), request.headers, PLACED)
        reply = answer(self.dialect, call, self.world)
        if reply.status == 404:
            raise NotFound("not found", body=reply.body)
        assert reply.status == 200, reply.body
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Answer("https://billing.example.com", 200, headers, reply.body, 0.0, 0.0, request=request)


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    return Example(request.param)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def placed(name: str, **fields: Any) -> Example:
    """One order of two machines, paid by card."""
    made = Example(name)
    made.world.place(
        items=[TrueItem("VPS 2 GB", 2, 990)], customer=CUSTOMER, payment="Card", created_at=PLACED, **fields
    )
    return made


def test_paymenter_services_are_read_with_their_quantity() -> None:
    example = placed("paymenter")
    order = Order("1", "pending", None, usd("9.90"), PLACED, (Item("Service #1", 2, usd("9.90")),))
    assert example.orders() == [order]
    assert example.details("1") == Details(order)


def test_blesta_orders_are_read_with_their_invoice() -> None:
    example = placed("blesta")
    order = Order("1", "pending", "ORD-0001", usd("19.8000"), PLACED, invoice_status="open")
    assert example.orders() == [order]
    assert example.details("1") == Details(order, "INV-50001", None, Customer(WHO, CUSTOMER.company, WHERE))
    example.world.change(1, invoice_status="Paid")
    assert [paid.invoice_status for paid in example.orders()] == ["closed"]


def test_payment_intents_are_read_with_the_number_that_the_shop_wrote_into_them() -> None:
    example = placed("stripe")
    order = Order("pi_1", "processing", "ORD-0001", usd("19.80"), PLACED)
    assert example.orders() == [order]
    assert example.details("pi_1") == Details(order, None, "card", Customer(WHO, None, WHERE))


@pytest.mark.parametrize(
    ("currency", "total"), [("JPY", "1980"), ("KWD", "1.980"), ("ISK", None), ("UGX", None), ("MGA", None)]
)
def test_stripes_own_minor_units_show_no_amount_rather_than_a_wrong_one(currency: str, total: str | None) -> None:
    (order,) = placed("stripe", currency=currency).orders()
    assert order.total == (Money(Decimal(total), currency) if total else None)


def test_magento_orders_are_read_without_the_lines_that_cost_nothing() -> None:
    example = placed("magento")
    order = Order("1", "pending", "000000001", usd("19.8"), PLACED, (Item("VPS 2 GB", 2, usd("9.9")),))
    assert example.orders() == [order]
    assert example.details("1") == Details(order, None, "card", Customer(WHO, CUSTOMER.company, WHERE))


def test_magento_orders_show_when_they_were_updated() -> None:
    """Without it nobody could tell a filter that is ignored."""
    page = placed("magento").page()
    assert isinstance(page, Stamped)
    assert page.modified == [PLACED]


def test_stripe_errors_are_told_without_their_type() -> None:
    example = Example("stripe")
    refused = example.dialect.expired(Call("/", {}, {}, PLACED))
    assert example.listed.error_text(refused.body) == "Expired API Key provided: rk_live_***"


def test_magento_errors_are_told_with_what_fills_their_gaps() -> None:
    example = Example("magento")
    refused = example.dialect.expired(Call("/", {}, {}, PLACED))
    said = """The consumer isn't authorized to access %resources. {"resources":"Magento_Sales::actions_view"}"""
    assert example.listed.error_text(refused.body) == said
    assert example.listed.error_text(b'{"message": "Request does not match any route."}') == (
        "Request does not match any route."
    )


def test_an_order_without_a_customer_is_read_all_the_same(example: Example) -> None:
    example.world.place()
    (order,) = example.orders()
    details = example.details(order.id)
    assert details.order == order
    assert details.customer is None


def test_only_the_systems_own_words_prove_an_order_gone(example: Example) -> None:
    example.world.place()
    (order,) = example.orders()
    example.world.delete(1)
    with pytest.raises(NotFound) as gone:
        example.details(order.id)
    assert example.single.is_gone(gone.value)
    unknown: Reply = example.dialect.unknown(Call("/elsewhere", {}, {}, PLACED))
    for body in (unknown.body, b"<html>Not Found</html>", b"", b"null", b"[]", b'{"message": 7}'):
        assert not example.single.is_gone(NotFound("not found", body=body)), body


def test_an_empty_list_is_one_without_orders(example: Example) -> None:
    assert example.orders() == []
