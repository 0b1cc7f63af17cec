"""The first line of a message, and a mail's subject: the same facts, spelled for a lock screen and for an inbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
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
    EventKind.ABSENT: ("🔕", "No new orders", Severity.WARNING),
    EventKind.SPIKE: ("📈", "Spike", Severity.WARNING),
}
_OVER = {
    EventKind.ABSENT: ("🟢", "Orders again", Severity.SUCCESS),
    EventKind.SPIKE: ("🟢", "Spike over", Severity.SUCCESS),
}
"""The end of what a rule has found."""
GRAVITY = (Severity.FAILURE, Severity.WARNING, Severity.SUCCESS, Severity.INFO)
_NAMED = 3
"""So many sources, services, and kinds of news, are named in one line; the rest are counted."""
_EMOJI = {
    EventKind.APPEARED: "🆕",
    EventKind.REAPPEARED: "🔁",
    EventKind.INVOICE_CHANGED: "🧾",
    EventKind.SERVICE_CHANGED: "💻",
}
"""Of the kinds of events that have one of their own, which gives way to that of a grave status."""
_PLAIN = {
    EventKind.CHANGED: ("📝", "Changed"),
    EventKind.VANISHED: ("👻", "Vanished"),
    EventKind.DRILL: ("🧪", "Drill"),
    EventKind.STUCK: ("⏳", "Stuck"),
}
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
        return _source_news(event)[2]
    if event.kind is EventKind.CHANGED:
        return Severity.INFO
    if event.kind is EventKind.VANISHED:
        return Severity.WARNING
    severity = _look(event, words).severity
    if event.kind is EventKind.STUCK:
        return severity if severity is Severity.FAILURE else Severity.WARNING
    moved = event.kind not in (EventKind.APPEARED, EventKind.REAPPEARED)
    return severity if moved or severity is Severity.FAILURE else Severity.INFO


def headline(event: Event, words: Words) -> Headline:
    """The headline of one event."""
    if isinstance(event, SourceEvent):
        emoji, word, _ = _source_news(event)
        return Headline(emoji, word, event.source, about=plain(event.about, NUMBER_LENGTH) if event.about else None)
    emoji, word = emoji_and_word(event, words)
    if event.kind is EventKind.DRILL:
        return Headline(emoji, word, label_of(event.order))
    if event.kind is EventKind.SERVICE_CHANGED:
        word, about = _services(event, words, word)
        return Headline(emoji, word, label_of(event.order), None, event.source, about)
    return Headline(emoji, word, label_of(event.order), amount_of(event, words), event.source)


def no_longer_stuck(event: OrderEvent, words: Words) -> Headline:
    """The headline where a channel was told that the order was stuck; a grave end keeps its own emoji."""
    emoji, _ = emoji_and_word(event, words)
    grave = event.kind is EventKind.VANISHED or severity_of(event, words) is Severity.FAILURE
    return Headline(
        emoji if grave else "✅", "No longer stuck", label_of(event.order), amount_of(event, words), event.source
    )


def _source_news(event: SourceEvent) -> tuple[str, str, Severity]:
    """Emoji, word and severity; a spike of a grave status is as grave."""
    if event.over:
        return _OVER[event.kind]
    emoji, word, severity = _SOURCE_NEWS[event.kind]
    grave = event.about and look_of(event.about).severity is Severity.FAILURE
    return emoji, word, Severity.FAILURE if grave else severity


def headline_of_many(
    emoji: str, said: Sequence[tuple[str, int]], orders: int, sources: Sequence[str], *, of: str = "order"
) -> Headline:
    """``🚨 12 orders: 10 Fraud, 2 Active · shop``: ``said`` is how often each thing happened, the most first."""
    where = ", ".join(sources) if len(sources) <= _NAMED else f"{len(sources)} sources"
    return Headline(emoji, f"{orders:,} {of}{'' if orders == 1 else 's'}", counted(said), None, where)


def counted(said: Sequence[tuple[str, int]]) -> str:
    """``10 Fraud, 2 Active``, as they come; what comes late is counted only."""
    named = [f"{count:,} {word}" for word, count in said[:_NAMED]]
    rest = sum(count for _, count in said[_NAMED:])
    return ", ".join([*named, f"{rest:,} more"] if rest else named)


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
        case EventKind.STUCK:
            age = age_of(event)
            said = f"stuck, {status}" + (f" for {words.duration(age)}" if age else "")
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
    if event.kind in (EventKind.INVOICE_CHANGED, EventKind.SERVICE_CHANGED, EventKind.STUCK):
        return None  # ``since`` is of the order's status, and that has not ended
    return _span(event)


def age_of(event: Event) -> timedelta | None:
    """How long a stuck order has had its status; None for all other events."""
    return _span(event) if event.kind is EventKind.STUCK else None


def _span(event: Event) -> timedelta | None:
    span = event.at - event.since if event.since else timedelta(0)
    return span if span >= timedelta(seconds=1) else None


def emoji_and_word(event: OrderEvent, words: Words) -> tuple[str, str]:
    """What stands first in a headline."""
    if event.stuck and event.stuck.reminder:
        return "⏳", "Still stuck"
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
            return min(looks, key=lambda look: GRAVITY.index(look.severity), default=_SERVICES_CHANGED)
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
    said = Counter(_look_of_move(move, meanings).word for move in moves)
    return f"{len(moves)} services", counted(said.most_common())


def amount_of(event: OrderEvent, words: Words) -> str | None:
    """The order's total as people write it; with the one before where that was another."""
    total = view_money(event.order.total, words)
    if total is None:
        return None
    before = view_money(event.before.total, words) if event.before else None
    repriced = event.kind is EventKind.CHANGED and before is not None and before != total
    return f"{before} → {total}" if repriced else str(total)
