"""By which way SQLite finds what a page asks: an index, never a whole table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from store_examples import (
    HOUR,
    OPS,
    REFUSED,
    T0,
    new,
    order_event,
    plan,
    save,
)

from monitor.model import DeliveryState, EventKind
from monitor.store.base import Transaction
from monitor.store.driver import SqliteDriver
from monitor.store.listings import (
    DeliveriesWanted,
    EventsWanted,
    OrdersWanted,
)
from monitor.store.schema import ensure_schema
from monitor.store.transaction import SqlTransaction


class Explaining(SqliteDriver):
    """Notes how each query is answered."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.steps: list[str] = []

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        plan = super().rows(f"EXPLAIN QUERY PLAN {sql}", **parameters)
        self.steps += [str(step[3]) for step in plan]
        return super().rows(sql, **parameters)


ASKED: dict[str, Callable[[Transaction], object]] = {
    **{
        f"orders {wanted}": lambda tx, wanted=wanted: tx.order_page(wanted, None, 2)  # type: ignore[misc]  # a default
        for wanted in (
            OrdersWanted(),
            OrdersWanted("shop", "active"),
            OrdersWanted(status="active"),
            OrdersWanted(vanished=True),
        )
    },
    "events": lambda tx: tx.event_page(EventsWanted(), None, 2),
    "events of a source": lambda tx: tx.event_page(EventsWanted("shop"), None, 2),
    "events of a kind": lambda tx: tx.event_page(EventsWanted(kinds=(EventKind.APPEARED,)), None, 2),
    "events with a text": lambda tx: tx.event_page(EventsWanted("shop", text="x"), None, 2),
    "events of an id": lambda tx: tx.event_page(EventsWanted(order_id="88"), None, 2),
    "events after": lambda tx: tx.events_after(1, 2),
    "deliveries": lambda tx: tx.delivery_page(DeliveriesWanted(), None, 2),
    "dead": lambda tx: tx.delivery_page(DeliveriesWanted((DeliveryState.DEAD,), route="x"), None, 2),
    "tallies": lambda tx: tx.tallies(),
    "pulse": lambda tx: tx.pulse(),
    "outbox": lambda tx: tx.outbox(T0),
}
SORTED: dict[str, Callable[[Transaction], object]] = {
    # What is sorted here is small: a few dozen ids, an order's own events, one source's buckets, what waits.
    "gathering": lambda tx: tx.gathering(2),
    "waiting": lambda tx: tx.delivery_page(DeliveriesWanted((DeliveryState.WAITING, DeliveryState.SENDING)), None, 2),
    "waiting for a route": lambda tx: tx.delivery_page(DeliveriesWanted((DeliveryState.WAITING,), "paid"), None, 2),
    "search": lambda tx: tx.order_page(OrdersWanted(text="1"), None, 2),
    "search for an end": lambda tx: tx.order_page(OrdersWanted(text="x"), None, 2),
    "events of an order": lambda tx: tx.event_page(EventsWanted("shop", order_id="1"), None, 2),
    "by time": lambda tx: tx.events_by_time(("shop",), T0, HOUR),
}
_WHOLE_TABLE = re.compile(
    r"SCAN (orders|events|deliveries|attempts|d|o)\b(?! USING (COVERING )?INDEX deliveries_(waiting|unsettled|sending))"
)
"""But for what waits, of which indexes hold nothing else."""


def steps_of(path: Path, ask: Callable[[Transaction], object]) -> Collection[str]:
    ensure_schema(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        explaining = Explaining(connection)
        tx: Transaction = SqlTransaction(explaining)
        save(tx, [new(str(n), vanished_at=T0 if n == 3 else None) for n in range(1, 9)])
        plan(tx, order_event(revision=7))
        tx.settle(tx.claim_delivery([OPS], "one", T0) or tx.deliveries()[0], T0, REFUSED, "", "")
        explaining.steps.clear()
        ask(tx)
    return explaining.steps


@pytest.mark.parametrize("what", [*ASKED, *SORTED])
def test_nothing_that_a_page_asks_reads_a_whole_table(tmp_path: Path, what: str) -> None:
    steps = steps_of(tmp_path / "state.db", (ASKED | SORTED)[what])
    assert steps
    assert not [step for step in steps if _WHOLE_TABLE.match(step) and what != "search for an end"]
    assert what in SORTED or not [step for step in steps if "TEMP B-TREE" in step]
