"""What may be asked of a state's past. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from monitor.model import Delivery

if TYPE_CHECKING:
    from monitor.store.base import StoredEvent


class Stories(Protocol):
    """The part of a transaction's interface that is about the past."""

    def told(self, event_ids: Collection[int]) -> Mapping[int, list[Delivery]]:
        """The deliveries that tell of these events, by event, oldest first."""
        ...

    def told_of(self, delivery_ids: Collection[int]) -> Mapping[int, int]:
        """Of how many events each of these deliveries tells."""
        ...

    def events_between(self, since: datetime, until: datetime | None = None) -> Iterator[StoredEvent]:
        """What was observed from then on, until before then, in the order in which it was written; one at a time."""
        ...

    def told_between(self, since: datetime, until: datetime | None = None) -> Iterator[tuple[int, Delivery]]:
        """(event id, delivery) for each such event and each delivery that tells of it, by delivery."""
        ...

    def events_with(self, ids: Collection[int]) -> Mapping[int, StoredEvent]:
        """The events with these ids."""
        ...

    def labels_near(self, source: str, text: str) -> list[str]:
        """Numbers (else ids) of a source's orders that ``text`` may have meant: the same ending, or a neighbour."""
        ...
