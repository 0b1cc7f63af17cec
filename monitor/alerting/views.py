"""What templates may see of an event: each text a single short line, so that an order's data can only ever be data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple

from monitor.alerting.moves import ServiceMove
from monitor.alerting.words import Words
from monitor.model import Item, Meanings, Money, Order, Service, Severity, meaning_of, normalise_status

NAME_LENGTH = 120
NUMBER_LENGTH = 60
REASON_LENGTH = 500
ITEMS_SHOWN = 100
SERVICES_SHOWN = 100
_MOST_READ = 10_000
_MOST_OF_AN_ITEM = 10**15
"""Beyond it a quantity is nonsense, and Python refuses to print integers of some thousand digits."""

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f"  # controls; the line breaks among them become spaces
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls, bidi marks, and what Unicode calls default ignorable: all that changes a text without being seen."""
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_PILE = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")


def plain(text: str, length: int) -> str:
    """``text`` as one visible line of at most ``length`` characters; ``?`` if nothing of it can be seen."""
    visible = _PILE.sub(r"\1", _INVISIBLE.sub("", text[:_MOST_READ]))
    return cut(" ".join(visible.split()) or "?", length)


def cut(text: str, length: int, note: str = "…") -> str:
    """``text``, or as much of it as leaves room for ``note`` within ``length``."""
    return text if len(text) <= length else text[: length - len(note)].rstrip() + note


class Look(NamedTuple):
    """How a status is shown."""

    emoji: str
    word: str
    severity: Severity


_LOOKS = {
    "pending": Look("⏳", "Pending", Severity.INFO),
    "processing": Look("⏳", "Processing", Severity.INFO),
    "active": Look("✅", "Active", Severity.SUCCESS),
    "accepted": Look("✅", "Accepted", Severity.SUCCESS),
    "paid": Look("✅", "Paid", Severity.SUCCESS),
    "completed": Look("✅", "Completed", Severity.SUCCESS),
    "unpaid": Look("⏳", "Unpaid", Severity.INFO),
    "on_hold": Look("✋", "On hold", Severity.WARNING),
    "suspended": Look("✋", "Suspended", Severity.WARNING),
    "overdue": Look("⏰", "Overdue", Severity.WARNING),
    "collections": Look("⏰", "Collections", Severity.WARNING),
    "cancelled": Look("🚫", "Cancelled", Severity.WARNING),
    "terminated": Look("🚫", "Terminated", Severity.WARNING),
    "expired": Look("🚫", "Expired", Severity.WARNING),
    "refunded": Look("💸", "Refunded", Severity.WARNING),
    "fraud": Look("🚨", "Fraud", Severity.FAILURE),
    "chargeback": Look("❌", "Chargeback", Severity.FAILURE),
    "failed": Look("❌", "Failed", Severity.FAILURE),
}
"""By meaning, and by what some systems say that has none."""
_NO_MEANINGS: Meanings = MappingProxyType({})
_LONGEST_CODE = 2


def look_of(status: str, meanings: Meanings = _NO_MEANINGS) -> Look:
    """How a status is shown: by its meaning, else by itself; one that we do not know, as the source writes it."""
    known = meaning_of(status, meanings) or normalise_status(status)
    return _LOOKS.get(known) or Look("🔔", plain(status, NUMBER_LENGTH), Severity.INFO)


def readable(status: str, meanings: Meanings = _NO_MEANINGS) -> str:
    """The status as the source writes it; beside one that is only a code, its meaning: ``n (pending)``."""
    said = plain(status, NUMBER_LENGTH)
    meaning = meaning_of(status, meanings)
    return f"{said} ({meaning})" if meaning and (len(said) <= _LONGEST_CODE or said.isdigit()) else said


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount that prints itself as people write it."""

    amount: Decimal
    currency: str | None
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ItemView:
    """One line of an order; prints itself as ``Starter Hosting Plan ×1``."""

    name: str
    quantity: int
    price: Amount | None

    def __str__(self) -> str:
        return f"{self.name} ×{self.quantity}"


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service of an order; prints itself as ``Starter Hosting: Active``."""

    name: str
    status: str
    id: str
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class MoveView:
    """A service that moved; prints itself as ``Starter Hosting: Active → Suspended``. ``before`` and ``after`` are
    statuses, empty where it was added or removed.
    """

    name: str
    id: str
    before: str
    after: str
    text: str = field(compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order; prints itself as its number."""

    number: str
    id: str
    status: str
    readable: str
    meaning: str
    word: str
    emoji: str
    total: Amount | None
    created_at: datetime | None
    items: tuple[ItemView, ...]
    item_count: int
    invoice_status: str
    services: tuple[ServiceView, ...]

    def __str__(self) -> str:
        return self.number


def view_order(order: Order, words: Words, meanings: Meanings = _NO_MEANINGS) -> OrderView:
    """The order as templates see it; what its source's statuses mean is in ``meanings``."""
    look = look_of(order.status, meanings)
    identity = plain(order.id, NUMBER_LENGTH)
    number = plain(order.number or "", NUMBER_LENGTH)
    return OrderView(
        number=identity if number == "?" else number,
        id=identity,
        status=plain(order.status, NUMBER_LENGTH),
        readable=readable(order.status, meanings),
        meaning=str(meaning_of(order.status, meanings) or ""),
        word=look.word,
        emoji=look.emoji,
        total=view_money(order.total, words),
        created_at=order.created_at,
        items=view_items(order.items or (), words),
        item_count=len(order.items or ()),
        invoice_status=plain(order.invoice_status, NUMBER_LENGTH) if order.invoice_status is not None else "",
        services=view_services(order.services or (), meanings),
    )


def view_items(items: Iterable[Item], words: Words) -> tuple[ItemView, ...]:
    """The first of the items as templates see them."""
    return tuple(_view_item(item, words) for item in islice(items, ITEMS_SHOWN))


def _view_item(item: Item, words: Words) -> ItemView:
    quantity = max(-_MOST_OF_AN_ITEM, min(item.quantity, _MOST_OF_AN_ITEM))
    return ItemView(plain(item.name, NAME_LENGTH), quantity, view_money(item.price, words))


def view_services(services: Iterable[Service], meanings: Meanings) -> tuple[ServiceView, ...]:
    """The first of the services as templates see them."""
    return tuple(_view_service(service, meanings) for service in islice(services, SERVICES_SHOWN))


def _view_service(service: Service, meanings: Meanings) -> ServiceView:
    name, status = service_name(service), plain(service.status, NUMBER_LENGTH)
    text = f"{name}: {readable(service.status, meanings)}"
    return ServiceView(name, status, plain(service.id, NUMBER_LENGTH), text)


def service_name(service: Service) -> str:
    """What people call the service: its name, else its id, on one visible line."""
    name = plain(service.name, NAME_LENGTH)
    return plain(service.id, NUMBER_LENGTH) if name == "?" else name


def view_moves(moves: Iterable[ServiceMove], meanings: Meanings) -> tuple[MoveView, ...]:
    """The first of the services that moved as templates see them."""
    return tuple(_view_move(move, meanings) for move in islice(moves, SERVICES_SHOWN))


def _view_move(move: ServiceMove, meanings: Meanings) -> MoveView:
    before, after = ("" if status is None else plain(status, NUMBER_LENGTH) for status in (move.before, move.after))
    identity = plain(move.service.id, NUMBER_LENGTH)
    return MoveView(service_name(move.service), identity, before, after, move_text(move, meanings))


def move_text(move: ServiceMove, meanings: Meanings) -> str:
    """``Starter Hosting: Active → Suspended``; ``…: added, Pending``; ``…: removed, was Active``."""
    name, status = service_name(move.service), readable(move.service.status, meanings)
    if move.before is None:
        return f"{name}: added, {status}"
    if move.after is None:
        return f"{name}: removed, was {status}"
    return f"{name}: {readable(move.before, meanings)} → {status}"


def view_money(money: Money | None, words: Words) -> Amount | None:
    """The amount as templates see it."""
    if money is None:
        return None
    currency = plain(money.currency, 12) if money.currency else None
    return Amount(money.amount, currency, words.money(money.amount, currency))


def items_only_in(left: Order, right: Order | None) -> tuple[Item, ...]:
    """The items of ``left`` that ``right`` has not, counting repeated ones; none where one of them is unknown."""
    if right is None or left.items is None or right.items is None:
        return ()
    return tuple((Counter(left.items) - Counter(right.items)).elements())
