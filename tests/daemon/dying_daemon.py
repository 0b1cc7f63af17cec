"""``order-monitor run`` that kills itself: ``python dying_daemon.py BOUNDARY N -c FILE``, at the N-th crossing.

Nothing is replaced: what the daemon calls at a boundary is called, and the process dies right before or right after it.
With N = 0 it never does. ``--ahead SECONDS`` sets its clock, so that hours may lie between two lives;
``--command poll`` runs that instead.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar
from unittest.mock import patch

from monitor.cli import main
from monitor.clock import SystemClock
from monitor.delivery.claimed import Claimed
from monitor.model import Delivery, OrderEvent
from monitor.notifier import Notifier
from monitor.polling.commit import Committed
from monitor.sources.http import Reader
from monitor.store.base import Claim, Transaction
from monitor.store.postgres import PostgresStore
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")

BOUNDARIES = (
    "read",
    "poll claim written",
    "poll claimed",
    "commit written",
    "committed",
    "delivery claim written",
    "delivery claimed",
    "sent",
    "settling written",
    "settled",
)
"""In their order in the life of a change. What is "written" is not yet committed: the kill rolls it back."""

DRILL_BOUNDARIES = ("drill written", "drill held")
"""The same of the transaction that holds a drill."""

left = dict.fromkeys((*BOUNDARIES, *DRILL_BOUNDARIES), 0)
"""How many crossings of each boundary are still to come, the last of which is deadly."""


def crossing(boundary: str | None) -> None:
    """Die here, if this is the crossing to die at."""
    if boundary is None:
        return
    left[boundary] -= 1
    if left[boundary] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def boundaries_of(result: object) -> tuple[str | None, str | None]:
    """What a transaction with this result is called before and after its COMMIT."""
    match result:
        case Claim():
            return "poll claim written", "poll claimed"
        case Committed() if result.events or result.deliveries:
            return "commit written", "committed"
        case (Delivery(), *_):
            return "delivery claim written", "delivery claimed"
        case (dict(), None | Claimed()):
            return "settling written", "settled"
        case OrderEvent():
            return DRILL_BOUNDARIES
    return None, None


_send, _get = Notifier.send, Reader.get


def dying_at_commits(transact: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(transact)
    async def call(store: object, work: Callable[[Transaction], T]) -> T:
        def watched(tx: Transaction) -> T:
            result = work(tx)
            crossing(boundaries_of(result)[0])
            return result

        result: T = await transact(store, watched)
        crossing(boundaries_of(result)[1])
        return result

    return call


def dying_after(boundary: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    async def call(*arguments: Any) -> Any:
        result = await method(*arguments)
        crossing(boundary)
        return result

    return call


def set_clock(ahead: timedelta) -> None:
    patch.object(SystemClock, "now", lambda _: datetime.now(UTC) + ahead).start()


if __name__ == "__main__":
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("boundary", choices=left)
    parser.add_argument("crossing", type=int)
    parser.add_argument("--ahead", type=float, default=0.0)
    parser.add_argument("--command", default="run")
    options, rest = parser.parse_known_args()
    left[options.boundary] = options.crossing
    set_clock(timedelta(seconds=options.ahead))
    for store in (SqliteStore, PostgresStore):
        patch.object(store, "transact", dying_at_commits(store.transact)).start()
    patch.object(Notifier, "send", dying_after("sent", _send)).start()
    patch.object(Reader, "get", dying_after("read", _get)).start()
    sys.exit(main([options.command, *rest]))
