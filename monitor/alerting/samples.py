"""One made-up event of each kind, by which templates are tried before they are needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from monitor.model import EventKind, Item, Money, Order, OrderEvent

_AT = datetime(2025, 7, 1, 12, 22, tzinfo=UTC)
_PLAN = Item("Starter Hosting Plan", 1, Money(Decimal("49.00"), "USD"))
_BEFORE = Order("88", "pending", "ORD-0088", Money(Decimal("49.00"), "USD"), _AT - timedelta(minutes=133), (_PLAN,))
_DOMAIN = Item("Domain example.com", 1, Money(Decimal("10.00"), "USD"))
_PRESENT = Order("88", "fraud", "ORD-0088", Money(Decimal("59.00"), "USD"), _BEFORE.created_at, (_PLAN, _DOMAIN))


def sample_event(kind: EventKind) -> OrderEvent:
    """An event of this kind, with all that such an event can have."""
    return OrderEvent(
        source="shop",
        kind=kind,
        at=_AT,
        order=_PRESENT,
        revision=2,
        before=None if kind is EventKind.APPEARED else _BEFORE,
        after_time=_AT - timedelta(minutes=1),
        since=_BEFORE.created_at,
    )
