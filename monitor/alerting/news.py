"""Several pieces of news about sources as one message, such as three that fail together on one host. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from monitor.alerting.headlines import GRAVITY, counted, headline, severity_of
from monitor.alerting.views import REASON_LENGTH, cut, plain
from monitor.alerting.words import Words
from monitor.model import EventKind, Severity, SourceEvent

MOST_KEPT = 200
"""Of so many sources the news are kept; of the others no more than how many there are."""
_NAMED = 5
_REASONS = 10
_ARE: Mapping[EventKind, str] = {
    EventKind.SOURCE_DOWN: "sources down",
    EventKind.SOURCE_UP: "sources well again",
    EventKind.SOURCE_DOUBTFUL: "sources doubtful",
}


class News(msgspec.Struct, frozen=True):
    """What a message says of several events of sources: the latest of each kind and source, as they happened.

    ``count`` is how many there are in all; ``digest`` names all of them.
    """

    count: int
    kept: tuple[SourceEvent, ...]
    digest: str

    @property
    def first(self) -> datetime:
        """When the first of them was seen."""
        return min(event.at for event in self.kept)

    @property
    def last(self) -> datetime:
        """When the last of them was seen."""
        return max(event.at for event in self.kept)


class NewsGatherer:
    """Reads each of the events once."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: dict[tuple[EventKind, str], SourceEvent] = {}
        self._digest = hashlib.sha256()

    def add(self, event: SourceEvent) -> None:
        """Take this one in."""
        key = (event.kind, event.source)
        self._digest.update(f"{event.kind}\0{event.source}\0{event.at.isoformat()}\n".encode())
        if key in self._kept or len(self._kept) < MOST_KEPT:
            self.count += key not in self._kept
            self._kept[key] = event
        else:
            self.count += 1

    def gathered(self) -> News:
        """What is to be told. ValueError if there is nothing."""
        if not self._kept:
            raise ValueError("there is no event to tell of")
        return News(self.count, tuple(self._kept.values()), self._digest.hexdigest()[:32])


def gravest(news: News, words: Words) -> SourceEvent:
    """The first of those that are the gravest."""
    return min(news.kept, key=lambda event: GRAVITY.index(severity_of(event, words)))


def severity_of_news(news: News, words: Words) -> Severity:
    """As grave as the gravest of them."""
    return severity_of(gravest(news, words), words)


def title_of(news: News, words: Words, hosts: Mapping[str, str]) -> str:
    """``🔴 3 sources down on billing.example.com: shop, shop2, shop3``; ``hosts`` by source."""
    emoji, kinds = headline(gravest(news, words), words).emoji, _kinds(news)
    if len(kinds) > 1:
        said = [(len(events), headline(events[0], words).word) for events in kinds.values()]
        return f"{emoji} {news.count} pieces of news: " + counted([(word, count) for count, word in said])
    kind, events = next(iter(kinds.items()))
    are = _ARE.get(kind, f"× {headline(events[0], words).word}")
    return f"{emoji} {news.count} {are}{_on(events, hosts)}: {_names(events, news.count - len(events))}"


def lines_of(news: News, words: Words) -> list[str]:
    """What happened and why, the same reason once; times as the reader writes them."""
    kinds = _kinds(news)
    lines: list[str] = []
    for kind, events in kinds.items():
        if len(kinds) > 1:
            told = headline(events[0], words)
            lines.append(f"{told.emoji} {told.word}: {_names(events)}")
        lines += _of_kind(kind, events, words)
    return lines


def _of_kind(kind: EventKind, events: Sequence[SourceEvent], words: Words) -> Iterator[str]:
    since = min((event.since for event in events if event.since), default=None)
    after = max(event.at for event in events)
    if kind is EventKind.SOURCE_UP:
        yield "Their answers are good again" + (f", after {words.duration(after - since)}" if since else "")
        yield from (f"The trouble was: {line}" for line in _reasons(events))
        return
    yield from _reasons(events)
    if kind is EventKind.SOURCE_DOWN:
        yield "Until they answer again, no change of their orders can be seen"
        if since:
            yield f"Failing since {words.time(since, after)}"


def _reasons(events: Sequence[SourceEvent]) -> Iterator[str]:
    by_reason: dict[str, list[SourceEvent]] = {}
    for event in events:
        if event.reason:
            by_reason.setdefault(plain(event.reason, REASON_LENGTH), []).append(event)
    for reason, same in list(by_reason.items())[:_REASONS]:
        yield reason if len(same) == len(events) else f"{_names(same)}: {reason}"
    if len(by_reason) > _REASONS:
        yield f"… and {len(by_reason) - _REASONS} more reasons"


def _kinds(news: News) -> dict[EventKind, list[SourceEvent]]:
    kinds: dict[EventKind, list[SourceEvent]] = {}
    for event in news.kept:
        kinds.setdefault(event.kind, []).append(event)
    return kinds


def _names(events: Iterable[SourceEvent], more: int = 0) -> str:
    names = list(dict.fromkeys(event.source for event in events))
    more += len(names[_NAMED:])
    return cut(", ".join(names[:_NAMED]), REASON_LENGTH) + (f" and {more} more" if more else "")


def _on(events: Iterable[SourceEvent], hosts: Mapping[str, str]) -> str:
    """The host that they share, if they share one that is known."""
    on = {hosts.get(event.source, "") for event in events}
    host = on.pop()
    return "" if on or not host else f" on {host}"
