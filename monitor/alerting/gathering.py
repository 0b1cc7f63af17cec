"""Many events as one piece of news: what is kept of them is bounded, however many there are. Pure."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import msgspec

from monitor.alerting.headlines import GRAVITY, emoji_and_word, label_of, severity_of
from monitor.alerting.news import News, NewsGatherer
from monitor.alerting.words import Words
from monitor.model import Event, Money, OrderEvent, Severity

ROWS_SHOWN = 50
"""So many of them stand in a message, the gravest ones."""
CURRENCIES_SHOWN = 5


class Largest(msgspec.Struct, frozen=True):
    """The largest total of a currency, and what people call its order."""

    total: Money
    label: str


class Gathered(msgspec.Struct, frozen=True):
    """What a message about many events says of them.

    ``shown`` are the gravest, as they happened among those that are as grave; ``said`` how often each thing happened,
    in a headline's words. ``digest`` names all of them. ``news`` are what happened to sources besides.
    """

    count: int
    orders: int
    shown: tuple[OrderEvent, ...]
    said: tuple[tuple[str, int], ...]
    emoji: str
    severity: Severity
    sources: tuple[str, ...]
    first: datetime
    last: datetime
    largest: tuple[Largest, ...]
    digest: str
    news: News | None = None


def gather(events: Iterable[Event], words: Words) -> Gathered | News:
    """Read each of these once, and keep what is to be told. ValueError if there is none."""
    gatherer, news = _Gatherer(words), NewsGatherer()
    for event in events:
        if isinstance(event, OrderEvent):
            gatherer.add(event)
        else:
            news.add(event)
    if not gatherer.count:
        return news.gathered()
    return gatherer.gathered(news.gathered() if news.count else None)


def identity(event: OrderEvent) -> str:
    """What names an event for ever, and when it was seen."""
    return "\0".join((event.source, event.order.id, str(event.revision), event.kind, event.at.isoformat()))


class _Gatherer:
    def __init__(self, words: Words) -> None:
        self._words = words
        self.count = 0
        self._orders: set[tuple[str, str]] = set()
        self._said: Counter[str] = Counter()
        self._sources: dict[str, None] = {}
        self._shown: list[tuple[int, int, OrderEvent]] = []
        self._largest: dict[str, Largest] = {}
        self._times: list[datetime] = []
        self._digest = hashlib.sha256()

    def add(self, event: OrderEvent) -> None:
        _, word = emoji_and_word(event, self._words)
        self._said[word] += 1
        self.count += 1
        self._orders.add((event.source, event.order.id))
        self._sources[event.source] = None
        self._times = [min(*self._times, event.at), max(*self._times, event.at)] if self._times else [event.at] * 2
        self._digest.update(f"{identity(event)}\n".encode("utf-8", "surrogatepass"))
        self._show(event)
        self._measure(event)

    def _show(self, event: OrderEvent) -> None:
        # The worst of the heap is its first: the least grave, and of these the last that came.
        entry = (-GRAVITY.index(severity_of(event, self._words)), -self.count, event)
        if len(self._shown) < ROWS_SHOWN:
            heapq.heappush(self._shown, entry)
        elif entry[:2] > self._shown[0][:2]:
            heapq.heapreplace(self._shown, entry)

    def _measure(self, event: OrderEvent) -> None:
        total = event.order.total
        if total is None or total.amount.is_nan():
            return
        before = self._largest.get(total.currency or "")
        if before is None or total.amount > before.total.amount:
            self._largest[total.currency or ""] = Largest(total, label_of(event.order))

    def gathered(self, news: News | None) -> Gathered:
        if not self._shown:
            raise ValueError("there is no event to tell of")
        shown = tuple(entry[2] for entry in sorted(self._shown, key=lambda entry: entry[:2], reverse=True))
        emoji, _ = emoji_and_word(shown[0], self._words)
        return Gathered(
            count=self.count,
            orders=len(self._orders),
            shown=shown,
            said=tuple(self._said.most_common()),
            emoji=emoji,
            severity=severity_of(shown[0], self._words),
            sources=tuple(self._sources),
            first=self._times[0],
            last=self._times[1],
            largest=tuple(self._largest[code] for code in sorted(self._largest))[:CURRENCIES_SHOWN],
            digest=self._digest.hexdigest()[:32],
            news=news,
        )
