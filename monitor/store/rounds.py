"""What may be asked of a state beside polls and deliveries. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol


class Rounds(Protocol):
    """The part of a transaction's interface that is about schedules, and about whether all is well."""

    def seen_to(self, schedule: str) -> datetime | None:
        """Up to when this schedule has been seen to; None: never yet."""
        ...

    def see_to(self, schedule: str, up_to: datetime) -> None:
        """Note that it has been seen to up to then."""
        ...

    def note_reading(self, slow: Mapping[str, float], quick: Collection[str]) -> None:
        """How many seconds it takes to read these sources; of quick ones nothing need be known."""
        ...

    def reading_times(self) -> dict[str, float]:
        """By source, how long it takes to read it, as far as somebody has noted it."""
        ...

    def due_since(self) -> datetime | None:
        """Since when that message has been due which has been due the longest and is not settled; None: there is none.

        In the future, if all of them wait for their time.
        """
        ...

    def let_go_gathered(self, gathers: str, now: datetime) -> int:
        """Make due now what waits for others for this reason, and was not tried yet; how many."""
        ...
