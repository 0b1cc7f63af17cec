"""What may be asked of a state's forgetting: what has been kept long enough, and what is to be erased. A part of the
interface in ``base.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

import msgspec


class Dropped(msgspec.Struct, frozen=True):
    """How much of the history was dropped; ``orders`` are such as had vanished."""

    events: int = 0
    deliveries: int = 0
    orders: int = 0


class Erased(msgspec.Struct, frozen=True):
    """What was erased of an order. Of the deliveries, ``unsent`` were still to be sent, and ``sending`` on their way.

    ``shared`` messages told of other orders, too: these stay, without the text.
    """

    known: bool = False
    events: int = 0
    deliveries: int = 0
    unsent: int = 0
    sending: int = 0
    attempts: int = 0
    shared: int = 0
    silences: int = 0

    @property
    def anything(self) -> bool:
        """Whether there was any trace of it."""
        return any(getattr(self, name) for name in self.__struct_fields__)


class Erasing(Protocol):
    """The part of a transaction's interface that forgets."""

    def drop_history(self, before: datetime, most: int, followed: Collection[str] = ()) -> Dropped:
        """Drop some of the events from before then, with the messages about them, ``most`` events at a time.

        Not what a message tells of that was settled later, or is still to be sent. An order that had vanished goes with
        the event of that, but for those of the ``followed`` sources, which are asked for by their ids.
        """
        ...

    def drop_silences(self, before: datetime) -> int:
        """Drop the silences that ended before then, and before the first event that is there; how many."""
        ...

    def called(self, source: str, id_or_number: str) -> list[str]:
        """The ids of the orders of a source with this id or number, be it only in its history."""
        ...

    def sending_of(self, source: str, order_id: str) -> int:
        """How many messages about this order are being sent."""
        ...

    def erase_order(self, source: str, order_id: str) -> Erased:
        """Erase an order from everything: its state, its history, and the outbox. A poll under way is refused."""
        ...
