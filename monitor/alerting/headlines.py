"""The first line of a message, and a mail's subject: the same facts, spelled for a lock screen and for an inbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from monitor.alerting.moves import ServiceMove, service_moves
from monitor.alerting.views import (
    NUMBER_LENGTH,
    Look,
    look_of,
    move_text,
    plain,
    readable,
    service_name,
    view_money,
)
from monitor.alerting.words import Words
from monitor.model import Event, EventKind, Meanings, Order, OrderEvent, Severity, SourceEvent

_SOURCE_NEWS = {
    EventKind.SOURCE_DOWN: ("🔴", "Source down", Severity.FAILURE),
    EventKind.SOURCE_UP: ("🟢", "Source well again", Severity.SUCCESS),
    EventKind.SOURCE_DOUBTFUL: ("🟠", "Source doubtful", Severity.WARNING),
}
_GRAVITY = (Severity.FAILURE, Severity.WARNING, Severity.SUCCESS, Severity.INFO)
_NAMED = 3
"""So many sources, services, and kinds of news, are named in one line; the rest are counted."""
_EMOJI = {
    EventKind.APPEARED: "🆕",
    EventKind.REAPPEARED: "🔁",
    EventKind.INVOICE_CHANGED: "🧾",
    EventKind.SERVICE_CHANGED: "💻",
}
"""Of the kinds of events that have one of their own, which gives way to that of a grave status."""
_PLAIN = {EventKind.CHANGED: ("📝", "Changed"), EventKind.VANISHED: ("👻", "Vanished")}
"""The kinds that are about no status."""
_SERVICES_CHANGED = Look("🔔", "Services changed", Severity.INFO)


class Headline(NamedTuple):
    """``🚨 Fraud: ORD-0088 · $49.00 · shop`` in its parts; ``about`` is what the word is about, if not the order."""

    emoji: str
    word: str
    label: str
    amount: str | None = None
    source: str | None = None
    about: str | None = None

    @property
    def title(self) -> str:
        """The first line."""
        parts = (self.about, self.label, self.amount, self.source)
        return f"{self.emoji} {self.word}: " + " · ".join(filter(None, parts))

    @property
    def subject(self) -> str:
        """``Fraud: ORD-0088, $49.00 (shop)``."""
        return f"{self.word}: " + ", ".join(filter(None, (self.about, self.label, self.amount))) + self._where

    @property
    def stable_subject(self) -> str:
        """``ORD-0088 (shop)``, whatever happens to it: for clients that thread by subject."""
        return f"{self.label}{self._where}" if self.source else f"Source {self.label}"

    @property
    def _where(self) -> str:
        return f" ({self.source})" if self.source else ""


def severity_of(event: Event, words: Words) -> Severity:
    """How grave an event is; an order that appears, or comes back, as a fraud is as grave as one that becomes one."""
    if isinstance(event, SourceEvent):
        return _SOURCE_NEWS[event.kind][2]
    if event.kind is EventKind.CHANGED:
        return Severity.INFO
    if event.kind is EventKind.VANISHED:
        return Severity.WARNING
    severity = _look(event, words).severity
    moved = event.kind not in (EventKind.APPEARED, EventKind.REAPPEARED)
    return severity if moved or severity is Severity.FAILURE else Severity.INFO


def gravest_first(events: Sequence[OrderEvent], words: Words) -> list[OrderEvent]:
    """The events, grave ones first, and as they stood among those that are as grave."""
    return sorted(events, key=lambda event: _GRAVITY.index(severity_of(event, words)))


def headline(event: Event, words: Words) -> Headline:
    """The headline of one event."""
    if isinstance(event, SourceEvent):
        emoji, word, _ = _SOURCE_NEWS[event.kind]
        return Headline(emoji, word, event.source)
    emoji, word = _emoji_and_word(event, words)
    if event.kind is EventKind.SERVICE_CHANGED:
        word, about = _services(event, words, word)
        return Headline(emoji, word, label_of(event.order), None, event.source, about)
    return Headline(emoji, word, label_of(event.order), amount_of(event, words), event.source)


def headline_of_many(events: Sequence[OrderEvent], words: Words) -> Headline:
    """``🚨 12 orders: 10 Fraud, 2 Active · shop``."""
    emoji, _ = _emoji_and_word(gravest_first(events, words)[0], words)
    said = _counted(_emoji_and_word(event, words)[1] for event in events)
    orders = len({(event.source, event.order.id) for event in events})
    word = f"{orders} order{'' if orders == 1 else 's'}"
    return Headline(emoji, word, said, None, _sources(events))


def _counted(found: Iterable[str]) -> str:
    """``10 Fraud, 2 Active``, the most first."""
    counts = Counter(found).most_common()
    said = [f"{count} {word}" for word, count in counts[:_NAMED]]
    rest = sum(count for _, count in counts[_NAMED:])
    return ", ".join([*said, f"{rest} more"] if rest else said)


def change(event: OrderEvent, words: Words) -> str:
    """What happened, on a part of a line: ``pending → fraud, after 2 h 13 min``."""
    status = readable(event.order.status, words.meanings(event.source))
    match event.kind:
        case EventKind.APPEARED:
            said = f"appeared, {status}"
        case EventKind.VANISHED:
            said = f"vanished, was {status}"
        case EventKind.REAPPEARED:
            said = f"back, {status}"
        case EventKind.CHANGED:
            said = ", ".join(filter(None, ("changed", amount_of(event, words))))
        case EventKind.INVOICE_CHANGED:
            said = f"invoice {_invoice(event.before)} → {_invoice(event.order)}"
        case EventKind.SERVICE_CHANGED:
            said = _services_moved(event, words)
        case _:
            said = _status_moved(event, status, words)
    return said


def _status_moved(event: OrderEvent, status: str, words: Words) -> str:
    before = readable(event.before.status, words.meanings(event.source)) if event.before else ""
    moved = f"{before} → {status}" if before else status
    span = lasted(event)
    return f"{moved}, after {words.duration(span)}" if span else moved


def _services_moved(event: OrderEvent, words: Words) -> str:
    moves = service_moves(event.before, event.order)
    said = [move_text(move, words.meanings(event.source)) for move in moves[:_NAMED]]
    rest = len(moves) - len(said)
    return "; ".join([*said, f"{rest} more"] if rest else said) or "services changed"


def _invoice(order: Order | None) -> str:
    return plain((order and order.invoice_status) or "", NUMBER_LENGTH)


def label_of(order: Order) -> str:
    """What people call the order, on one visible line."""
    number = plain(order.number or "", NUMBER_LENGTH)
    return plain(order.id, NUMBER_LENGTH) if number == "?" else number


def lasted(event: Event) -> timedelta | None:
    """How long that which ended with this event had lasted, where it is known and worth telling."""
    if event.kind in (EventKind.INVOICE_CHANGED, EventKind.SERVICE_CHANGED):
        return None  # ``since`` is of the order's status, and that has not ended
    span = event.at - event.since if event.since else timedelta(0)
    return span if span >= timedelta(seconds=1) else None


def _emoji_and_word(event: OrderEvent, words: Words) -> tuple[str, str]:
    if event.kind in _PLAIN:
        return _PLAIN[event.kind]
    look = _look(event, words)
    emoji = look.emoji if look.severity is Severity.FAILURE else _EMOJI.get(event.kind, look.emoji)
    match event.kind:
        case EventKind.APPEARED:
            return emoji, f"New, {readable(event.order.status, words.meanings(event.source))}"
        case EventKind.REAPPEARED:
            return emoji, "Back"
        case EventKind.INVOICE_CHANGED:
            return emoji, f"Invoice {look.word}"
    return emoji, look.word


def _look(event: OrderEvent, words: Words) -> Look:
    """How that is shown which the event is about: the order, its invoice, or the gravest of its services' moves."""
    meanings = words.meanings(event.source)
    match event.kind:
        case EventKind.INVOICE_CHANGED:
            return look_of(event.order.invoice_status or "")
        case EventKind.SERVICE_CHANGED:
            looks = [_look_of_move(move, meanings) for move in service_moves(event.before, event.order)]
            return min(looks, key=lambda look: _GRAVITY.index(look.severity), default=_SERVICES_CHANGED)
    return look_of(event.order.status, meanings)


def _look_of_move(move: ServiceMove, meanings: Meanings) -> Look:
    """As orders are told of: one more is no news of its status unless that is grave, and one less is a warning."""
    if move.after is None:
        return Look("🔔", "Removed", Severity.WARNING)
    look = look_of(move.after, meanings)
    if move.before is not None:
        return look
    severity = look.severity if look.severity is Severity.FAILURE else Severity.INFO
    return Look(look.emoji, "Added", severity)


def _services(event: OrderEvent, words: Words, word: str) -> tuple[str, str | None]:
    """The word of a headline and what it is about: ``Suspended``, ``Starter Hosting``; ``3 services``, ``2 Active``."""
    moves = service_moves(event.before, event.order)
    if len(moves) <= 1:
        return word, next((service_name(move.service) for move in moves), None)
    meanings = words.meanings(event.source)
    return f"{len(moves)} services", _counted(_look_of_move(move, meanings).word for move in moves)


def amount_of(event: OrderEvent, words: Words) -> str | None:
    """The order's total as people write it; with the one before where that was another."""
    total = view_money(event.order.total, words)
    if total is None:
        return None
    before = view_money(event.before.total, words) if event.before else None
    repriced = event.kind is EventKind.CHANGED and before is not None and before != total
    return f"{before} → {total}" if repriced else str(total)


def _sources(events: Sequence[OrderEvent]) -> str:
    names = list(dict.fromkeys(event.source for event in events))
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} sources"
