"""Which strategy reads a source: by what its adapter can do. What the system really does, each finds out itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Protocol

from monitor.polling.bound import Bound
from monitor.polling.followed import FollowedStrategy
from monitor.polling.modified import ModifiedStrategy
from monitor.polling.settings import PollSettings
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Snapshot
from monitor.polling.strategy import ListStrategy
from monitor.sources.base import DetailSource, ListSource, ModifiedSource, Source


class Strategy(Protocol):
    """How little to read of a source. ``refusal`` says why it is more than it could be, if it is."""

    @property
    def bound(self) -> Bound: ...
    @property
    def refusal(self) -> str: ...

    def forget(self) -> None:
        """Begin anew, as after somebody else has changed what is known."""
        ...

    def look(self, sight: Sight, now: datetime) -> AsyncGenerator[Snapshot, None]:
        """Look at the source. Each snapshot is to be committed before the next one is asked for."""
        ...


def strategy_for(source: Source, settings: PollSettings) -> Strategy:
    """The strategy for this source."""
    if isinstance(source, ModifiedSource):
        return ModifiedStrategy(source, settings)
    if isinstance(source, ListSource):
        return ListStrategy(source, settings)
    if isinstance(source, DetailSource):
        return FollowedStrategy(source, settings)
    raise TypeError(f"{type(source).__name__} shows no orders")
