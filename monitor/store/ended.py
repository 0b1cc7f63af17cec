"""Log-ins that were ended before their time. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol


class Ended(Protocol):
    """The part of a transaction's interface that is about sessions of the page."""

    def end_session(self, session: str, until: datetime, now: datetime) -> None:
        """Remember until then that this session was ended, and forget what is over."""
        ...

    def ended_sessions(self, now: datetime) -> Mapping[str, datetime]:
        """Each session that was ended and would not be over yet, and until when that counts."""
        ...
