"""What a strategy is given for one poll."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec

from monitor.model import Doubt, SourceState
from monitor.polling.ledger import Ledger
from monitor.polling.listing import Get, Listing, OnPage
from monitor.polling.snapshot import Depth, Snapshot
from monitor.sources.base import ListSource, Source, lists_orders


class Sight(msgspec.Struct):
    """A source, the way to it, and what is known of it. ``look`` is the number of the last look at it.

    ``state`` is None where nothing is known yet, or only of another system. ``monotonic`` and ``until`` are seconds:
    a sweep that can go on in the next poll pauses at ``until``; None: it reads to its end. ``followed`` are the ids to
    read of a source that has no list.
    """

    adapter: Source
    get: Get
    ledger: Ledger
    state: SourceState | None
    look: int
    monotonic: Callable[[], float]
    until: float | None = None
    on_page: OnPage | None = None
    followed: Collection[str] = ()

    def snapshot(self, depth: Depth) -> Snapshot:
        """An empty snapshot of the next look."""
        self.look += 1
        return Snapshot(self.ledger, self.look, depth)

    def whole_list(self, snapshot: Snapshot) -> Listing:
        """The list of all orders."""
        return Listing(self.source, self.get, snapshot, on_page=self.on_page)

    @property
    def source(self) -> ListSource:
        """The adapter, as one that lists orders."""
        if not lists_orders(self.adapter):
            raise TypeError(f"{type(self.adapter).__name__} lists no orders")
        return self.adapter

    @property
    def doubt(self) -> Doubt | None:
        """What is in doubt about the source."""
        return self.state.doubt if self.state else None

    @property
    def loses_many(self) -> bool:
        """Whether the doubt is that too many orders are missing at once: then none of them is looked for."""
        return self.doubt is not None and self.doubt.missing > 0

    @property
    def late(self) -> bool:
        """Whether it is time to pause."""
        return self.until is not None and self.monotonic() >= self.until
