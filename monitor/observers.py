"""Who is told what happens in the daemon while it happens: a terminal, the page, the metrics."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from monitor.delivery.verdicts import Verdict
from monitor.model import Delivery, Outcome
from monitor.polling.commit import Committed
from monitor.polling.poller import PollResult


class Observer(Protocol):
    """Is told what happens while it happens. Must not raise, nor take long. What it does not care for, it inherits."""

    def page_read(self, source: str, read: int, of: int | None) -> None:
        """A poll has read so many pages, of how many where the list says so."""
        return

    def committed(self, source: str, committed: Committed) -> None:
        """A look has been written."""
        return

    def polled(self, result: PollResult) -> None:
        """A poll has ended and is committed."""
        return

    def unpolled(self, source: str, reason: str) -> None:
        """A poll has come to nothing: ``superseded`` by another daemon's, or ``lost``, as the state cannot be used."""
        return

    def attempted(self, delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
        """An attempt to send has been settled."""
        return


class Observers(list[Observer]):
    """Tells each of them."""

    def page_read(self, source: str, read: int, of: int | None) -> None:
        for one in self:
            one.page_read(source, read, of)

    def committed(self, source: str, committed: Committed) -> None:
        for one in self:
            one.committed(source, committed)

    def polled(self, result: PollResult) -> None:
        for one in self:
            one.polled(result)

    def unpolled(self, source: str, reason: str) -> None:
        for one in self:
            one.unpolled(source, reason)

    def attempted(self, delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
        for one in self:
            one.attempted(delivery, outcome, verdict, now)
