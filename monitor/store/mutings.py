"""What may be asked of a state's silences. A part of the interface in ``base.py``."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from monitor.alerting.silences import Matcher, Silence


class Mutings(Protocol):
    """The part of a transaction's interface that is about silences."""

    def add_silence(self, matcher: Matcher, now: datetime, until: datetime, reason: str, by: str = "") -> Silence:
        """Write a silence; its number is never given to another one."""
        ...

    def active_silences(self, now: datetime) -> list[Silence]:
        """The silences that mute now, oldest first."""
        ...

    def silences(self) -> list[Silence]:
        """Every silence that there ever was, oldest first."""
        ...

    def end_silence(self, number: int, now: datetime) -> Silence | None:
        """End a silence before its time; as it was until now, None if there is none with this number that is active."""
        ...
