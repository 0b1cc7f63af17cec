"""Many events as one piece of news: what is kept of them, and what the message says."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from alerting_examples import SEEN, event, order

from monitor.alerting.gathering import CURRENCIES_SHOWN, ROWS_SHOWN, Gathered, gather
from monitor.alerting.render import Renderer
from monitor.alerting.timing import why_together
from monitor.alerting.words import Words
from monitor.model import Message, Money, OrderEvent, Severity

WORDS = Words("UTC", "en", {})


def numbered(number: int, status: str = "active", total: str | None = "10.00 USD", source: str = "shop") -> OrderEvent:
    """One of many: order ORD-0001 and so on, a second apart."""
    now = order(status, total, id=str(number), number=f"ORD-{number:04}")
    return msgspec.structs.replace(event(order=now, source=source), at=SEEN + timedelta(seconds=number))


def gathered(*events: OrderEvent) -> Gathered:
    found = gather(events, WORDS)
    assert isinstance(found, Gathered)
    return found


def together(events: list[OrderEvent], why: str = "storm") -> Message:
    renderer = Renderer([])
    return renderer.render_many("fraud", renderer.gather(events), "7K3F", now=SEEN, why=why_together(why))


def test_nothing_is_no_news() -> None:
    with pytest.raises(ValueError, match="no event"):
        gathered()


def test_the_gravest_are_shown_first_and_in_their_turn() -> None:
    events = [numbered(n, "fraud" if n % 40 == 7 else "active") for n in range(1, 201)]
    found = gathered(*events)
    shown = [one.order.id for one in found.shown]
    assert shown[:5] == ["7", "47", "87", "127", "167"]
    assert shown[5:] == [one.order.id for one in events if one.order.status == "active"][: ROWS_SHOWN - 5]
    assert (found.severity, found.emoji) == (Severity.FAILURE, "🚨")


def test_a_grave_one_that_comes_last_is_shown_too() -> None:
    found = gathered(*(numbered(n) for n in range(500)), numbered(500, "fraud"))
    assert (found.shown[0].order.id, len(found.shown)) == ("500", ROWS_SHOWN)


def test_everything_is_counted_shown_or_not() -> None:
    found = gathered(*(numbered(n, "fraud" if n < 30 else "active") for n in range(1_000)), numbered(999, "fraud"))
    assert (found.count, found.orders) == (1_001, 1_000)
    assert found.said == (("Active", 970), ("Fraud", 31))
    assert (found.first, found.last) == (SEEN, SEEN + timedelta(seconds=999))


def test_events_of_two_sources_are_news_of_both() -> None:
    assert gathered(numbered(1), numbered(1, source="blog")).sources == ("shop", "blog")
    assert gathered(numbered(1), numbered(1, source="blog")).orders == 2
    message = together([numbered(1), numbered(1, source="blog")])
    assert "shop" in message.title
    assert "blog" in message.title


def test_the_largest_amount_of_each_currency_is_named_and_none_is_added_up() -> None:
    totals = ["30.00 USD", "49.00 USD", "5.00 EUR", "700 JPY", "31.00 USD", "2.00"]
    found = gathered(*(numbered(n, "fraud", total) for n, total in enumerate(totals, 1)), numbered(7, total=None))
    assert [(one.total, one.label) for one in found.largest] == [
        (Money(Decimal("2.00")), "ORD-0006"),
        (Money(Decimal("5.00"), "EUR"), "ORD-0003"),
        (Money(Decimal(700), "JPY"), "ORD-0004"),
        (Money(Decimal("49.00"), "USD"), "ORD-0002"),
    ]
    body = together([numbered(n, "fraud", total) for n, total in enumerate(totals, 1)]).body
    assert "$49.00 (ORD-0002)" in body
    assert "€5.00 (ORD-0003)" in body
    assert "110" not in body


def test_an_amount_that_is_no_number_is_not_the_largest() -> None:
    found = gathered(numbered(1, total="NaN USD"), numbered(2, total="1.00 USD"))
    assert [one.label for one in found.largest] == ["ORD-0002"]


def test_a_storm_says_where_the_rest_is_and_its_message_stays_small() -> None:
    message = together([numbered(n, "fraud") for n in range(10_000)])
    assert message.title == "🚨 10,000 orders: 10,000 Fraud · shop"
    assert "order-monitor events" in message.body
    assert message.table
    assert len(message.table.rows) == ROWS_SHOWN
    assert message.table.more == 10_000 - ROWS_SHOWN
    assert len(message.body) < 10_000


def test_few_currencies_are_named_however_many_there_are() -> None:
    codes = [f"{a}{b}X" for a in "ABCD" for b in "ABCD"]
    found = gathered(*(numbered(n, total=f"{n}.00 {code}") for n, code in enumerate(codes, 1)))
    assert len(found.largest) == CURRENCIES_SHOWN


def test_other_events_make_another_message_and_the_same_ones_the_same() -> None:
    events = [numbered(1), numbered(2)]
    assert together(events).id == together(events).id
    assert together(events).id != together([*events, numbered(3)]).id
