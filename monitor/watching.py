"""How each source is watched: how soon what is noticed. Said once in the log, and shown on the page."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from monitor.config.settings import Settings
from monitor.observers import Observer
from monitor.polling.bound import Within, bound_in_seconds, bound_in_words, noticed_within, reading_time
from monitor.polling.poller import PollResult
from monitor.polling.snapshot import Depth
from monitor.sources.http import HttpClient

_MUCH_LONGER = 1.5
_ROUTINE = (Depth.WATCH, Depth.CHANGES)
_log = structlog.get_logger("monitor")


class How(NamedTuple):
    """How a source is looked at: in words, why it is read whole, and seconds within which its changes are noticed."""

    words: str
    refusal: str
    within: float

    def is_news_after(self, told: How | None) -> bool:
        """Whether it is worth telling. What is noticed sooner than was told is none: no two looks take equally long."""
        return told is None or self[:2] != told[:2] or self.within > told.within * _MUCH_LONGER


class Watching(Observer):
    """Remembers the last poll of each source; says how it is watched whenever that changes or takes much longer."""

    def __init__(self, settings: Settings, client: HttpClient) -> None:
        self.results: dict[str, PollResult] = {}
        self._settings = settings
        self._client = client
        self._told: dict[str, How] = {}

    def serve(self, settings: Settings) -> None:
        """From now on, go by these."""
        self._settings = settings
        self.results = {name: result for name, result in self.results.items() if name in settings.sources}

    def polled(self, result: PollResult) -> None:
        """Say how the source is looked at, where that is news."""
        self.results[result.source] = result
        reading = self._reading(result)
        how = How(bound_in_words(result.bound, 0.0), result.refusal, noticed_within(result.bound.every, reading))
        if not how.is_news_after(self._told.get(result.source)):
            return
        self._told[result.source] = how
        _log.info("source_watched", source=result.source, notices=bound_in_words(result.bound, reading))
        if result.refusal:
            _log.info("source_read_whole", source=result.source, reason=result.refusal)

    def bound(self, source: str) -> str:
        """How soon what is noticed, in words; empty while nobody knows."""
        result = self.results.get(source)
        return bound_in_words(result.bound, self._reading(result)) if result else ""

    def within(self, source: str) -> Within | None:
        """The same in seconds."""
        result = self.results.get(source)
        return bound_in_seconds(result.bound, self._reading(result)) if result else None

    def _reading(self, result: PollResult) -> float:
        source = self._settings.sources.get(result.source)
        limit = self._client.per_minute(source.url) if source else None
        return max(reading_time(result.bound.requests, limit), _took(result))


def _took(result: PollResult) -> float:
    """Seconds that a look like this takes, where most looks are like this. Others on its host may have been in its way:
    they will be again."""
    is_routine = result.bound.sweep is None or result.snapshot.depth in _ROUTINE
    return result.seconds if is_routine and result.snapshot.error is None else 0.0
