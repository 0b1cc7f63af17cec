"""What may be asked of a state about dead letters whose news goes elsewhere. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from monitor.model import Delivery, Destination


class StandingIn(Protocol):
    """The part of a transaction's interface that is about deliveries which stand in for dead letters."""

    def stood_for(self, delivery: Delivery) -> list[Delivery]:
        """The dead letter that this one stands for, the one that that stood for, and so on."""
        ...

    def stand_in(self, dead: Delivery, targets: Sequence[Destination], now: datetime) -> list[int]:
        """Write a delivery to each of these, due now, that tells what this dead letter was to tell; their ids.

        None if it has gone elsewhere before: it may have been sent again since, and have died again.
        """
        ...
