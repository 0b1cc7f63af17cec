"""Conditions on values: exact, true as JMESPath has it, and never a way to lose an order."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from alerting_examples import SEEN, event, order, routes, serviced
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.alerting.routes import Router
from monitor.alerting.where import Where, document_of
from monitor.expressions import Written
from monitor.model import Money, OrderEvent

FRAUD = event()


def routed(when: str, happened: OrderEvent) -> tuple[bool, tuple[str, ...]]:
    """Whether a route matches, and which routes' expressions do not fit."""
    router = Router(routes(f"[{{name: only, when: {when}}}]"), {"ops": ["url-1"]})
    routing = router.route(happened, SEEN)
    return bool(routing.planned), routing.unfit


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("order.total.amount >= `49`", True),
        ("order.total.amount > `49.00`", False),
        ("order.total.amount == `49.0`", True),
        ("order.total.currency == 'USD'", True),
        ("kind == 'status_changed' && source == 'shop'", True),
        ("before.status == 'pending' && order.status == 'fraud'", True),
        ("length(order.items) > `1`", False),
        ("order.items[?contains(name, 'Hosting')]", True),
        ("order.items[?contains(name, 'Domain')]", False),
        ("sum(order.items[].price.amount) == `49`", True),
        ("order.number", True),
        ("order.invoice_status", False),
        ("`0`", True),
        ("''", False),
        ("`{}`", False),
        ("`false`", False),
        ("order.services", False),
        ("starts_with(at, '2025-07-01T12:')", True),
        ("revision == `2`", True),
        ("nothing.of.that", False),
    ],
)
def test_an_expression_is_true_as_jmespath_has_it(expression: str, expected: bool) -> None:
    assert Where(expression).of(FRAUD) is expected


def test_services_can_be_asked_for() -> None:
    happened = serviced(["31 Active Starter Hosting"], ["31 Suspended Starter Hosting"])
    assert Where("order.services[?status == 'Suspended'] && before.services[?status == 'Active']").of(happened)


def test_an_expression_sees_what_is_printed_but_for_amounts_which_are_numbers() -> None:
    printed = msgspec.to_builtins(FRAUD)
    seen = document_of(FRAUD)
    assert (printed["order"]["total"].pop("amount"), seen["order"]["total"].pop("amount")) == (
        "49.00",
        Written("49.00"),
    )
    for document in (printed, seen):
        del document["order"]["items"], document["before"]
    assert seen == printed


money = st.decimals(-(10**15), 10**15, places=4)


@example(Decimal("999999999999999.0001"), Decimal("0.0001"))
@example(Decimal("999999999999999.0001"), Decimal("-0.0001"))
@given(money, money | st.sampled_from([Decimal("0.0001"), Decimal("-0.0001"), Decimal(0)]))
def test_amounts_are_compared_exactly(left: Decimal, apart: Decimal) -> None:
    right = left + apart
    happened = event(order=msgspec.structs.replace(order(), total=Money(left, "USD")))
    threshold = f"to_number('{right:f}')"
    assert Where(f"order.total.amount < {threshold}").of(happened) is (left < right)
    assert Where(f"order.total.amount <= {threshold}").of(happened) is (left <= right)
    assert Where(f"order.total.amount > {threshold}").of(happened) is (left > right)
    assert Where(f"order.total.amount >= {threshold}").of(happened) is (left >= right)
    assert Where(f"order.total.amount == {threshold}").of(happened) is (left == right)
    assert Where(f"order.total.amount != {threshold}").of(happened) is (left != right)


@pytest.mark.parametrize(
    ("amount", "expression"),
    [
        ("9007199254740993.01", "order.total.amount > `9007199254740993`"),
        ("0.1", "order.total.amount == `0.1`"),
        ("0.30", "order.total.amount == sum([`0.1`, `0.2`])"),
        ("-0.01", "abs(order.total.amount) <= `0.01`"),
    ],
)
def test_no_amount_is_rounded(amount: str, expression: str) -> None:
    assert Where(expression).of(event(order=order(total=f"{amount} USD"))) is True


@pytest.mark.parametrize(
    "where", ["sum(order.items[].name) > `1`", "length(order.created_at)", "order.total.amount > `1`"]
)
def test_an_order_that_an_expression_does_not_fit_is_told_and_the_fault_is_named(where: str) -> None:
    """A fault never hides an order."""
    happened = event(order=order(total="NaN USD")) if "amount" in where else FRAUD
    assert routed(f'{{where: "{where}"}}', happened) == (True, ("only",))
    assert routed(f'{{not: {{where: "{where}"}}}}', happened) == (True, ("only",))


def test_a_number_beyond_all_bounds_is_compared_as_far_as_it_can_be() -> None:
    """The list of some system may hold it where others mark their end."""
    endless = Written("1e99999999999999999999")
    assert endless > 5
    assert endless != 5
    assert endless not in (None, False, "")


def test_an_expression_that_fits_hides_and_shows() -> None:
    assert routed("{where: 'order.total.amount > `40`'}", FRAUD) == (True, ())
    assert routed("{where: 'order.total.amount > `50`'}", FRAUD) == (False, ())
    assert routed("{not: {where: 'order.total.amount > `40`'}}", FRAUD) == (False, ())
    assert routed("{not: {where: 'order.total.amount > `50`'}}", FRAUD) == (True, ())


def test_a_fault_in_a_route_that_is_not_about_the_order_is_not_named() -> None:
    assert routed("{to: active, where: 'length(order.created_at)'}", FRAUD) == (False, ())


@pytest.mark.parametrize("deep", ["a || " * 3000 + "a", "!" * 3000 + "a"])
def test_an_expression_beyond_all_bounds_is_refused_like_others(deep: str) -> None:
    with pytest.raises(ValidationError, match="it is nested too deep"):
        routes(f"[{{name: one, when: {{where: '{deep}'}}}}]")


@pytest.mark.parametrize("text", ["order..total", "", "lenght(order)", "length()", "order.total > 5", "`1"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"expected a JMESPath expression such as order.total.amount"):
        routes(f"[{{name: one, when: {{where: '{text}'}}}}]")
