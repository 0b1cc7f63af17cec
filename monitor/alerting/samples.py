"""Made-up events, by which templates are tried before they are needed, and messages shown before there is news."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase as fnmatch

import msgspec

from monitor.alerting.settings import RouteSettings, WhenSettings
from monitor.model import Customer, Details, EventKind, Item, Money, Order, OrderEvent, Service, SourceEvent, Stuck

_AT = datetime(2025, 7, 1, 12, 22, tzinfo=UTC)
_PLACED = _AT - timedelta(minutes=133)
_PLAN = Item("Starter Hosting Plan", 1, Money(Decimal("49.00"), "USD"))
_HOSTING = Service("31", "Active", "Starter Hosting (example.com)")
_BEFORE = Order("88", "pending", "ORD-0088", Money(Decimal("49.00"), "USD"), _PLACED, (_PLAN,), "Unpaid", (_HOSTING,))
_DOMAIN = Item("Domain example.com", 1, Money(Decimal("10.00"), "USD"))
_SUSPENDED = msgspec.structs.replace(_HOSTING, status="Suspended")
_PRESENT = Order(
    "88", "fraud", "ORD-0088", Money(Decimal("59.00"), "USD"), _PLACED, (_PLAN, _DOMAIN), "Paid", (_SUSPENDED,)
)

SAMPLE_REF = "7K3F"
SAMPLE_CUSTOMER = Customer("John Doe", "Doe & Sons", "1 Main Street, Springfield", "Calls before noon")
SAMPLE_DETAILS = Details(
    Order("88", "fraud", invoice_status="Unpaid", services=(Service("412", "Pending", "Starter Hosting Plan"),)),
    "5120",
    "Stripe",
    SAMPLE_CUSTOMER,
)


def sample_event(kind: EventKind) -> OrderEvent:
    """An event of this kind, with all that such an event can have."""
    if kind is EventKind.STUCK:
        return _sample_stuck()
    return OrderEvent(
        source="shop",
        kind=kind,
        at=_AT,
        order=_PRESENT,
        revision=2,
        before=None if kind is EventKind.APPEARED else _BEFORE,
        after_time=_AT - timedelta(minutes=1),
        since=_PLACED,
    )


def _sample_stuck() -> OrderEvent:
    since = _AT - timedelta(hours=25)
    order = msgspec.structs.replace(_BEFORE, created_at=since)
    return OrderEvent("shop", EventKind.STUCK, _AT, order, revision=1, since=since, stuck=Stuck("stuck"))


def source_for(route: RouteSettings | None, sources: Mapping[str, Mapping[str, str]]) -> str:
    """The first of the sources, by their labels, whose name and labels the route asks for."""
    when = route.when if route else WhenSettings()
    for name, labels in sources.items():
        wanted = (when.labels or {}).items()
        if _fits(when.source, name) and all(_fits(patterns, labels.get(key, "")) for key, patterns in wanted):
            return name
    return next(iter(sources), "shop")


def _fits(patterns: Sequence[str] | None, text: str) -> bool:
    return patterns is None or any(fnmatch(text.casefold(), pattern.casefold()) for pattern in patterns)


def sample_for(route: RouteSettings | None, source: str) -> OrderEvent:
    """An event that the route is about: its first kind, and the first status, source and product that it spells out."""
    when = route.when if route else WhenSettings()
    event = sample_event(EventKind(when.event[0] if when.event else "status_changed"))
    order = _with_status(event.order, event.kind, when.status if event.kind is EventKind.STUCK else when.to)
    if when.product and order.items:
        bought = msgspec.structs.replace(order.items[0], name=_literal(when.product, order.items[0].name))
        order = msgspec.structs.replace(order, items=(bought, *order.items[1:]))
    before = event.before and _with_status(event.before, event.kind, when.from_)
    return msgspec.structs.replace(event, source=_literal(when.source, source), order=order, before=before)


def _with_status(order: Order, kind: EventKind, wanted: Sequence[str] | None) -> Order:
    """The order with the status that a route asks for, where an event of this kind shows it."""
    if kind is EventKind.INVOICE_CHANGED:
        return msgspec.structs.replace(order, invoice_status=_literal(wanted, order.invoice_status or ""))
    if kind is EventKind.SERVICE_CHANGED:
        services = order.services or ()
        moved = tuple(msgspec.structs.replace(one, status=_literal(wanted, one.status)) for one in services)
        return msgspec.structs.replace(order, services=moved)
    return msgspec.structs.replace(order, status=_literal(wanted, order.status))


def sample_story(event: OrderEvent) -> tuple[OrderEvent, ...]:
    """What may have happened to the order of a sample before."""
    if event.kind is EventKind.APPEARED:
        return ()
    order = event.before or event.order
    return (OrderEvent(event.source, EventKind.APPEARED, _PLACED + timedelta(minutes=1), order, revision=1),)


def sample_news(source: str) -> SourceEvent:
    """News of a source."""
    reason = f"502 from https://{source}.example.com: the server says that it cannot answer now"
    return SourceEvent(source, EventKind.SOURCE_DOWN, _AT, reason, _AT - timedelta(minutes=3))


def sample_rule(kind: EventKind, source: str = "shop", rule: str = "sample") -> SourceEvent:
    """What a rule finds out about a source."""
    if kind is EventKind.ABSENT:
        return SourceEvent(source, kind, _AT, "There was no new order for 6h", _AT - timedelta(hours=6), rule=rule)
    reason = "12 of the 80 orders that entered a status within 1h became fraud: 15%"
    return SourceEvent(source, kind, _AT, reason, rule=rule, about="fraud")


def _literal(patterns: Sequence[str] | None, default: str) -> str:
    """The first of the patterns without a wild card."""
    return next((pattern for pattern in patterns or () if not set(pattern) & set("*?")), default)
