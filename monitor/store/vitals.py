"""What may be asked of a state about the life of its daemon. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from monitor.model import SourceState

STUCK_AFTER = timedelta(minutes=15)
"""How long a message may be due without anything being tried at its URL."""


class Signs(msgspec.Struct, frozen=True):
    """The signs of life in a state.

    ``alive_at`` is when its daemon, or one of several, last said that it lives, None while none runs; ``read_at`` when
    something was last read of a source whose poll goes on. ``stuck_since``: see ``Vitals.stuck_since``. ``ahead``: by
    how much the clock that they are timed by is ahead of this machine's, where that is another one.
    """

    sources: Mapping[str, SourceState]
    read_at: Mapping[str, datetime]
    alive_at: datetime | None
    stuck_since: datetime | None
    ahead: timedelta = timedelta(0)


class Vitals(Protocol):
    """The part of a transaction's interface that is about the daemon's life."""

    def live(self, now: datetime, read_at: Mapping[str, datetime], daemon: str = "") -> None:
        """Note that the daemon lives, or of several this one, and when it last read something of these sources."""
        ...

    def leave(self, daemon: str = "") -> None:
        """Note that this daemon runs no more."""
        ...

    def signs(self, now: datetime) -> Signs:
        """All signs of life."""
        ...

    def stuck_since(self, now: datetime) -> datetime | None:
        """When that message became due which has been stuck the longest; None: none is.

        It is stuck if it has been due for ``STUCK_AFTER``, nothing before it must go first, and in all that time
        nothing was tried at its URL. A URL that rests after a failure is not stuck, as it says itself when it is tried
        next; nor is what waits for a channel that is gone.
        """
        ...
