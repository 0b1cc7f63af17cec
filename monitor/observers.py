"""Who is told what happens in the daemon while it happens: a terminal, the page, the metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import structlog

from monitor.delivery.verdicts import Verdict
from monitor.model import Delivery, Outcome
from monitor.polling.commit import Committed
from monitor.polling.poller import PollResult

_log = structlog.get_logger("monitor")


class Observer(Protocol):
    """Is told what happens while it happens. Must not take long. What it does not care for, it inherits."""

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


@contextmanager
def _unharmed() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  # whatever it is, a page or a number that is wrong must not cost a message
        _log.error("observer_failed", exc_info=error)


class Observers(list[Observer]):
    """Tells each of them. A fault of one harms neither the others nor what it is told of: polls and messages go on."""

    def page_read(self, source: str, read: int, of: int | None) -> None:
        for one in self:
            with _unharmed():
                one.page_read(source, read, of)

    def committed(self, source: str, committed: Committed) -> None:
        for one in self:
            with _unharmed():
                one.committed(source, committed)

    def polled(self, result: PollResult) -> None:
        for one in self:
            with _unharmed():
                one.polled(result)

    def unpolled(self, source: str, reason: str) -> None:
        for one in self:
            with _unharmed():
                one.unpolled(source, reason)

    def attempted(self, delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
        for one in self:
            with _unharmed():
                one.attempted(delivery, outcome, verdict, now)
