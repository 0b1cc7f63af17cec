"""What is deleted once it has been kept long enough, in pieces so small that no poll waits for one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from monitor.store.base import Store, Transaction
from monitor.store.erasing import Dropped

KEEP_BODIES = timedelta(days=7)
_PIECE = 500
"""Events in one transaction: with their messages, links and attempts some thousand rows."""
_MOST_PIECES = 200
"""In one round; the next one goes on."""
_CLOCK = "history"
_MOST_AT_ONCE = timedelta(days=1)
"""So much further the clock of the history goes in one round: a machine's clock that is set a year ahead by mistake
costs a day of the history with each, and not a year at once. After a year without rounds it catches up likewise."""
_log = structlog.get_logger("monitor")


async def drop_bodies(store: Store, now: datetime) -> None:
    """Delete the rendered messages of deliveries that were settled long enough ago."""
    dropped = await store.transact(lambda tx: tx.drop_bodies(now - KEEP_BODIES))
    if dropped:
        _log.info("bodies_dropped", deliveries=dropped)


def _believed(tx: Transaction, now: datetime) -> datetime:
    """What time it is, for what cannot be had back."""
    last = tx.seen_to(_CLOCK)
    time = min(now, last + _MOST_AT_ONCE) if last else now
    tx.see_to(_CLOCK, time)
    return time


async def drop_history(store: Store, keep: timedelta, now: datetime, followed: Collection[str]) -> None:
    """Delete the events of before ``keep``, and what belongs to them; ``followed`` are sources read by id."""
    before = await store.transact(lambda tx: _believed(tx, now)) - keep
    done: list[Dropped] = []
    while len(done) < _MOST_PIECES:
        piece = await store.transact(lambda tx: tx.drop_history(before, _PIECE, followed))
        if not piece.events:
            break
        done.append(piece)
    silences = await store.transact(lambda tx: tx.drop_silences(before))
    if done or silences:
        _log.info(
            "history_dropped",
            before=before.isoformat(timespec="seconds"),
            events=sum(piece.events for piece in done),
            deliveries=sum(piece.deliveries for piece in done),
            orders=sum(piece.orders for piece in done),
            silences=silences,
        )
