"""What was fetched for messages, in memory alone: it is about customers, and never written anywhere."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from monitor.model import Details, OrderEvent

MOST_EVENTS = 2_000
MOST_BYTES = 16 * 1024 * 1024
KEEP_S = 2 * 3600.0
"""A message that could not be sent for so long goes without."""
_MOST_CROWDS = 100


class Found(NamedTuple):
    """An order's details for a message, or why it goes ``without``; neither: it was not to have any."""

    details: Details | None = None
    without: str | None = None


class _Entry(NamedTuple):
    found: Found
    size: int
    since: float


def key_of(event: OrderEvent) -> Hashable:
    """What names the event for ever."""
    return event.source, event.order.id, event.revision, event.kind


class Kept:
    """By event, what was found; bounded by number, size and age (monotonic seconds)."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._crowds: deque[tuple[int, int]] = deque(maxlen=_MOST_CROWDS)
        self._bytes = 0

    def put(self, event: OrderEvent, found: Found, now: float, size: int = 0) -> None:
        """Keep this; ``size`` in bytes, roughly."""
        self._drop(key_of(event))
        self._entries[key_of(event)] = _Entry(found, size, now)
        self._bytes += size
        self.forget_old(now)

    def find(self, event: OrderEvent) -> Found | None:
        """What was found; None if nothing is kept of this event."""
        entry = self._entries.get(key_of(event))
        return entry and entry.found

    def crowd(self, deliveries: Sequence[int]) -> None:
        """These deliveries of one commit go without, for they are too many."""
        self._crowds.append((min(deliveries), max(deliveries)))

    def in_crowd(self, delivery: int) -> bool:
        """Whether it is one of those."""
        return any(first <= delivery <= last for first, last in self._crowds)

    def forget_old(self, now: float) -> None:
        """Drop what has been kept for too long, or is too much."""
        while self._entries and self._too_much(now):
            self._drop(next(iter(self._entries)))

    def _too_much(self, now: float) -> bool:
        oldest = next(iter(self._entries.values()))
        return len(self._entries) > MOST_EVENTS or self._bytes > MOST_BYTES or now - oldest.since > KEEP_S

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        self._bytes -= entry.size if entry else 0
