"""Messages that the tests of formats and of mails are about, made as the monitor makes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from monitor.alerting.render import Renderer
from monitor.alerting.settings import ChannelStyle, RouteSettings
from monitor.model import Customer, Details, EventKind, Item, Message, Money, Order, OrderEvent, Service, Severity

SEEN = datetime(2025, 7, 1, 12, 22, tzinfo=UTC)
PLAN = Item("Starter Hosting Plan", 1, Money(Decimal("49.00"), "USD"))
FORTY_NINE = Money(Decimal("49.00"), "USD")
CUSTOMER = Customer("John Doe", "Doe & Sons", "1 Main Street\nSpringfield", "Calls before noon")
DETAILS = Details(Order("88", "fraud"), customer=CUSTOMER)
URLS = {"shop": "https://billing.example.com/admin/orders/{id}?tab=log&x=1"}
ROUTES = [RouteSettings.model_validate({"name": "fraud", "channels": ["mail"]})]

HOSTILE = (
    "<!channel> <!here> <@U123> <@&77> @everyone @here a@everyone @room a@room @all @jane",
    "**bold** *it* _it_ ~no~ ~~x~~ ||y|| `code` \\ {{ 7*7 }} &lt;b&gt; &amp;",
    "<script>alert(1)</script> <b>bold</b> <a href='http://evil.example'>pay</a> <img src=x onerror=y> <at>Jane</at>",
    "[pay](http://evil.example) <http://evil.example|words> ![i](http://evil.example/i.png)",
    "# head\n> quote\r\n- item\n1. one\nSubject: x\r\nBcc: all@example.com\r\n\r\n.\r\n--x",
    "x" * 10_000,
    "<&>" * 3_334,
    "🦊" * 10_000,
    "\u202egnp.exe\u2066 שלום עולם مرحبا",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e" + "\u0301" * 500,
    "\ud800\x00\x1b[31m\x9b",
)


def order(status: str = "fraud", **fields: Any) -> Order:
    """The order ORD-0088."""
    given: dict[str, Any] = {"id": "88", "number": "ORD-0088", "total": FORTY_NINE, "items": (PLAN,)}
    return Order(status=status, **(given | fields))


def event(kind: EventKind = EventKind.STATUS_CHANGED, **fields: Any) -> OrderEvent:
    """An order's event; by default pending → fraud, in the source shop."""
    given: dict[str, Any] = {
        "source": "shop",
        "at": SEEN,
        "order": order(),
        "revision": 3,
        "before": order("pending"),
        "after_time": SEEN - timedelta(minutes=1),
        "since": SEEN - timedelta(hours=2, minutes=13),
    }
    return OrderEvent(kind=kind, **(given | fields))


def hostile_order(text: str) -> Order:
    """An order all of which is ``text``."""
    return Order(text, text, text, Money(Decimal(5), text), SEEN, (Item(text, 2, Money(Decimal(5), text)),) * 20)


def renderer(style: ChannelStyle | None = None) -> Renderer:
    """What renders for the channel ``mail``; by default with everything that a message can have."""
    full = style or ChannelStyle(story=True, privacy="full")
    return Renderer(ROUTES, "Europe/Stockholm", styles={"mail": full}, order_urls=URLS)


def message(happened: OrderEvent | None = None, style: ChannelStyle | None = None, **more: Any) -> Message:
    """The message about an event for the channel ``mail``."""
    given: dict[str, Any] = {"now": SEEN, "channel": "mail", "details": DETAILS, "story": story()} | more
    return renderer(style).render("fraud", happened or event(), "7K3F", **given)


def hostile_message(text: str) -> Message:
    """A message all of which is from somebody who wants to do harm."""
    bad, customer = hostile_order(text), Customer(text, text, text, text)
    shown = Order(text, text, invoice_status=text, services=(Service(text, text, text),) * 20)
    happened = event(order=bad, before=bad, revision=9)
    earlier = [event(order=bad, before=bad, revision=number) for number in range(1, 9)]
    return message(happened, details=Details(shown, text, text, customer), story=earlier)


def many(count: int, text: str | None = None) -> Message:
    """The message about so many orders: every tenth a fraud, the others active."""
    events = [event(order=_numbered(number, text), before=order("pending")) for number in range(count)]
    words = renderer()
    return words.render_many("fraud", words.gather(events), "7K3F", now=SEEN, channel="mail")


def _numbered(number: int, text: str | None) -> Order:
    status = text or ("active" if number % 10 else "fraud")
    return order(status, id=f"{text or ''}{number}", number=f"{text or 'ORD-'}{number:04}")


def story() -> Sequence[OrderEvent]:
    """What had happened to the order before."""
    placed = event(EventKind.APPEARED, order=order("pending"), before=None, revision=1, at=SEEN - timedelta(days=1))
    paid = event(
        order=order("pending"), before=order("active"), revision=2, at=SEEN - timedelta(hours=2, minutes=13), since=None
    )
    return [placed, paid]


def bare() -> Message:
    """A message that nothing was rendered for, such as a channel's test."""
    return Message("Test: mail", "This channel works.", Severity.INFO, "TEST")
