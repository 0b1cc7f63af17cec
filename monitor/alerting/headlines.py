"""The first line of a message, and a mail's subject: the same facts, spelled for a lock screen and for an inbox."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from monitor.alerting.views import NUMBER_LENGTH, look_of, plain, view_money
from monitor.alerting.words import Words
from monitor.model import Event, EventKind, Order, OrderEvent, Severity, SourceEvent

_SOURCE_NEWS = {
    EventKind.SOURCE_DOWN: ("🔴", "Source down", Severity.FAILURE),
    EventKind.SOURCE_UP: ("🟢", "Source well again", Severity.SUCCESS),
    EventKind.SOURCE_DOUBTFUL: ("🟠", "Source doubtful", Severity.WARNING),
}
_GRAVITY = (Severity.FAILURE, Severity.WARNING, Severity.SUCCESS, Severity.INFO)
_NAMED = 3
"""So many sources, and so many kinds of news, are named in one line; the rest are counted."""


class Headline(NamedTuple):
    """``🚨 Fraud: ORD-0088 · $49.00 · shop`` in its parts."""

    emoji: str
    word: str
    label: str
    amount: str | None = None
    source: str | None = None

    @property
    def title(self) -> str:
        """The first line."""
        return f"{self.emoji} {self.word}: " + " · ".join(filter(None, (self.label, self.amount, self.source)))

    @property
    def subject(self) -> str:
        """``Fraud: ORD-0088, $49.00 (shop)``."""
        return f"{self.word}: " + ", ".join(filter(None, (self.label, self.amount))) + self._where

    @property
    def stable_subject(self) -> str:
        """``ORD-0088 (shop)``, whatever happens to it: for clients that thread by subject."""
        return f"{self.label}{self._where}" if self.source else f"Source {self.label}"

    @property
    def _where(self) -> str:
        return f" ({self.source})" if self.source else ""


def severity_of(event: Event) -> Severity:
    """How grave an event is; an order that appears, or comes back, as a fraud is as grave as one that becomes one."""
    if isinstance(event, SourceEvent):
        return _SOURCE_NEWS[event.kind][2]
    if event.kind is EventKind.CHANGED:
        return Severity.INFO
    if event.kind is EventKind.VANISHED:
        return Severity.WARNING
    severity = look_of(event.order.status).severity
    moved = event.kind is EventKind.STATUS_CHANGED
    return severity if moved or severity is Severity.FAILURE else Severity.INFO


def gravest_first(events: Sequence[OrderEvent]) -> list[OrderEvent]:
    """The events, grave ones first, and as they stood among those that are as grave."""
    return sorted(events, key=lambda event: _GRAVITY.index(severity_of(event)))


def headline(event: Event, words: Words) -> Headline:
    """The headline of one event."""
    if isinstance(event, SourceEvent):
        emoji, word, _ = _SOURCE_NEWS[event.kind]
        return Headline(emoji, word, event.source)
    emoji, word = _emoji_and_word(event)
    return Headline(emoji, word, label_of(event.order), _amount(event, words), event.source)


def headline_of_many(events: Sequence[OrderEvent]) -> Headline:
    """``🚨 12 orders: 10 Fraud, 2 Active · shop``."""
    emoji, _ = _emoji_and_word(gravest_first(events)[0])
    found = Counter(_emoji_and_word(event)[1] for event in events).most_common()
    said = [f"{count} {word}" for word, count in found[:_NAMED]]
    rest = sum(count for _, count in found[_NAMED:])
    orders = len({(event.source, event.order.id) for event in events})
    word = f"{orders} order{'' if orders == 1 else 's'}"
    return Headline(emoji, word, ", ".join([*said, f"{rest} more"] if rest else said), None, _sources(events))


def change(event: OrderEvent, words: Words) -> str:
    """What happened, on a part of a line: ``pending → fraud, after 2 h 13 min``."""
    status = plain(event.order.status, NUMBER_LENGTH)
    before = plain(event.before.status, NUMBER_LENGTH) if event.before else ""
    match event.kind:
        case EventKind.APPEARED:
            return f"appeared, {status}"
        case EventKind.VANISHED:
            return f"vanished, was {status}"
        case EventKind.REAPPEARED:
            return f"back, {status}"
        case EventKind.CHANGED:
            amount = _amount(event, words)
            return f"changed, {amount}" if amount else "changed"
    span = lasted(event)
    moved = f"{before} → {status}" if before else status
    return f"{moved}, after {words.duration(span)}" if span else moved


def label_of(order: Order) -> str:
    """What people call the order, on one visible line."""
    number = plain(order.number or "", NUMBER_LENGTH)
    return plain(order.id, NUMBER_LENGTH) if number == "?" else number


def lasted(event: Event) -> timedelta | None:
    """How long that which ended with this event had lasted, where it is known and worth telling."""
    span = event.at - event.since if event.since else timedelta(0)
    return span if span >= timedelta(seconds=1) else None


def _emoji_and_word(event: OrderEvent) -> tuple[str, str]:
    look = look_of(event.order.status)
    grave = look.severity is Severity.FAILURE
    match event.kind:
        case EventKind.APPEARED:
            return look.emoji if grave else "🆕", f"New, {plain(event.order.status, NUMBER_LENGTH)}"
        case EventKind.CHANGED:
            return "📝", "Changed"
        case EventKind.VANISHED:
            return "👻", "Vanished"
        case EventKind.REAPPEARED:
            return look.emoji if grave else "🔁", "Back"
    return look.emoji, look.word


def _amount(event: OrderEvent, words: Words) -> str | None:
    total = view_money(event.order.total, words)
    if total is None:
        return None
    before = view_money(event.before.total, words) if event.before else None
    repriced = event.kind is EventKind.CHANGED and before is not None and before != total
    return f"{before} → {total}" if repriced else str(total)


def _sources(events: Sequence[OrderEvent]) -> str:
    names = list(dict.fromkeys(event.source for event in events))
    return ", ".join(names) if len(names) <= _NAMED else f"{len(names)} sources"
