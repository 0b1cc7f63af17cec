"""Orders, events and routes that the tests of alerting are about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import yaml

from monitor.alerting.settings import RouteSettings
from monitor.model import EventKind, Item, Money, Order, OrderEvent, Service, SourceEvent

ORDER_KINDS = [kind for kind in EventKind if not kind.startswith("source") and kind not in ("absent", "spike")]
"""What can happen to an order."""
SEEN = datetime(2025, 7, 1, 12, 22, tzinfo=UTC)
PLAN = Item("Starter Hosting Plan", 1, Money(Decimal("49.00"), "USD"))


def order(status: str = "fraud", total: str | None = "49.00 USD", **fields: Any) -> Order:
    """The order ORD-0088; ``total`` as ``49.00 USD`` or ``49.00``."""
    given: dict[str, Any] = {"id": "88", "number": "ORD-0088", "items": (PLAN,)}
    return Order(status=status, total=money(total), **(given | fields))


def money(text: str | None) -> Money | None:
    if text is None:
        return None
    amount, _, currency = text.partition(" ")
    return Money(Decimal(amount), currency or None)


def event(kind: str = "status_changed", was: str | None = "pending", **fields: Any) -> OrderEvent:
    """An order's event; by default pending → fraud, seen at SEEN, in the source shop."""
    now = fields.pop("order", None) or order()
    given: dict[str, Any] = {
        "source": "shop",
        "before": None if was is None else order(was),
        "after_time": SEEN - timedelta(minutes=1),
        "since": SEEN - timedelta(hours=2, minutes=13),
    }
    return OrderEvent(kind=EventKind(kind), at=SEEN, order=now, revision=2, **(given | fields))


def services(*texts: str) -> tuple[Service, ...]:
    """Services, each as ``31 Active Starter Hosting``: id, status, name."""
    return tuple(Service(*text.split(" ", 2)) for text in texts)


def serviced(was: list[str], now: list[str], status: str = "active", **fields: Any) -> OrderEvent:
    """A service_changed of an order with these services."""
    before = order(status, services=services(*was))
    return event("service_changed", order=order(status, services=services(*now)), before=before, **fields)


def source_event(
    kind: str, reason: str = "401 from https://billing.example.com: the token is refused", *, acceptable: bool = False
) -> SourceEvent:
    return SourceEvent("shop", EventKind(kind), SEEN, reason, SEEN - timedelta(minutes=12), acceptable)


def routes(text: str) -> list[RouteSettings]:
    """The routes of a piece of YAML; ``channels: [ops]`` where it names none."""
    return [RouteSettings.model_validate({"channels": ["ops"]} | entry) for entry in yaml.safe_load(text)]
