"""What waits for a channel that is gone, or for a URL that it has no more: moved, said, at last buried."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from monitor.delivery.fallback import fall_back
from monitor.delivery.outfit import Outfit
from monitor.model import Delivery, Destination
from monitor.store.base import Transaction


class Orphans(msgspec.Struct):
    """How many were moved where, how many wait for what, and which were buried."""

    moved: dict[Destination, int]
    waiting: dict[Destination, int]
    buried: list[Delivery]


def tend(tx: Transaction, outfit: Outfit, now: datetime) -> Orphans:
    """See to every delivery that waits for none of the outfit's destinations.

    Where its channel has a new URL that the event has not been led to, it goes there: that URL replaces the old one.
    What is buried falls back.
    """
    tended, homes = Orphans({}, {}, []), outfit.destinations
    for orphan, count in tx.orphans(homes).items():
        left = count - _move(tx, orphan, homes, tended)
        if not left:
            continue
        buried = tx.bury_orphans(orphan, now, _reason(orphan, homes))
        tended.buried += buried
        for dead in buried:
            fall_back(tx, dead, outfit, now)
        tended.waiting[orphan] = left - len(buried)
    return tended


def _move(tx: Transaction, orphan: Destination, homes: Collection[Destination], tended: Orphans) -> int:
    moved = 0
    for home in sorted((home for home in homes if home.channel == orphan.channel), key=lambda home: home.number):
        if went := tx.move(orphan, home):
            tended.moved[home] = tended.moved.get(home, 0) + went
            moved += went
    return moved


def _reason(orphan: Destination, homes: Collection[Destination]) -> str:
    if any(home.channel == orphan.channel for home in homes):
        return f"waits: channel {orphan.channel} no longer has the URL that this was for"
    return f"waits: the configuration has no channel {orphan.channel}"
