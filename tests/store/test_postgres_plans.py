"""By which way PostgreSQL finds what is asked all the time: an index, never a whole table, however large it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from postgres_server import database
from store_examples import DAY, HOMES, HOUR, OPS, SENT, T0, changed, known, new, order_event, source_event

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold, Why
from monitor.diff import Change
from monitor.model import DeliveryState, EventKind
from monitor.store.base import Transaction
from monitor.store.listings import DeliveriesWanted, EventsWanted, OrderKey, OrdersWanted
from monitor.store.postgres_driver import PostgresDriver
from monitor.store.postgres_session import Connection, connect
from monitor.store.sql import to_us
from monitor.store.transaction import SqlTransaction

_LARGE = 100_000
# Ten sources, a tenth of the orders pending; of the deliveries one in 500 waits, the rest was sent or is dead.
_FILL = """
INSERT INTO orders SELECT 'shop' || n % 10, n, 1, 'ORD-' || n, CASE WHEN n % 10 = 3 THEN 'pending' ELSE 'active' END,
  :now - n * 1000000::bigint, CASE WHEN n % 100 = 0 THEN 1 ELSE 0 END, n, :order
  FROM generate_series(1, :large) AS n;
INSERT INTO events (source, order_id, kind, entered, revision, at, doc, routing)
  SELECT 'shop' || n % 10, n % 50000, CASE WHEN n % 50 = 0 THEN 'appeared' ELSE 'status_changed' END, 'active', n,
         :now - (:large - n) * 1000000::bigint, :event, '{}'
  FROM generate_series(1, :large) AS n;
INSERT INTO deliveries (route, channel, url_number, url, source, order_id, gathers, queue, state, created_at, due_at,
                        retry_in, wish, expires_at, attempts, fence, settled_at)
  SELECT 'paid', 'ops', 1, CASE WHEN n % 3 = 0 THEN 'b0' ELSE 'a0' END, 'shop' || n % 10, n % 50000,
         CASE WHEN n % 20 = 0 THEN 'group' ELSE '' END, 'order' || n % 50000,
         CASE WHEN n % 500 = 0 THEN 'waiting' WHEN n % 1000 = 7 THEN 'dead' ELSE 'sent' END, :now, :now, 0, 0,
         :now + 86400000000, 1, 1, CASE WHEN n % 500 = 0 THEN NULL ELSE :now END
  FROM generate_series(1, :large) AS n;
INSERT INTO delivery_events SELECT n, n FROM generate_series(1, :large) AS n;
INSERT INTO attempts (delivery_id, at, doc) SELECT n, :now, :outcome FROM generate_series(1, :large) AS n;
"""


class Explaining(PostgresDriver):
    """Notes how each statement would be answered; none of those that write is done."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.plans: list[str] = []

    def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        self._explain(sql, parameters)
        return super().rows(sql, **parameters)

    def run(self, sql: str, **parameters: Any) -> int:
        self._explain(sql, parameters)
        return super().run(sql, **parameters)

    def stream(self, sql: str, **parameters: Any) -> Iterator[tuple[Any, ...]]:
        self._explain(sql, parameters)
        return super().stream(sql, **parameters)

    def _explain(self, sql: str, parameters: dict[str, Any]) -> None:
        self.plans.append("\n".join(str(row[0]) for row in super().rows(f"EXPLAIN {sql}", **parameters)))


@pytest.fixture(scope="module")
def large() -> Iterator[Connection]:
    with database() as url:
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as filling:
            values = {
                "now": to_us(T0),
                "large": _LARGE,
                "order": msgspec.json.encode(known()).decode(),
                "outcome": msgspec.json.encode(SENT).decode(),
                "event": msgspec.json.encode(order_event()).decode(),
            }
            filling.execute(
                re.sub(r"(?<!:):(now|large|order|event|outcome)\b", r"%(\1)s", _FILL.replace("%", "%%")).encode(),
                values,
            )
            filling.execute("VACUUM ANALYZE")
        with connect(url) as connection:
            yield connection


def marks_of(tx: Transaction) -> object:
    return next(iter(tx.marks("shop3")))


def settle(tx: Transaction) -> object:
    delivery = tx.claim_delivery([OPS], "one", T0)
    assert delivery is not None
    return tx.settle(delivery, T0, SENT, "", "")


_GROUPED = Hold(Why.GROUP, T0 + HOUR, "key", 300.0)
ASKED: dict[str, Callable[[Transaction], object]] = {
    # Each poll
    "claim": lambda tx: tx.claim("shop1", "one", T0, 15.0),
    "known": lambda tx: tx.known("shop1", [str(n) for n in range(1, 1000, 10)]),
    "marks": marks_of,
    "find": lambda tx: tx.find_orders("shop1", "ORD-1"),
    "find anywhere": lambda tx: tx.order_page(OrdersWanted(text="ORD-77"), None, 10),
    "story": lambda tx: tx.story("shop1", "1", 99_999, 10),
    "statuses": lambda tx: tx.statuses("shop1"),
    "entered": lambda tx: list(tx.entered("shop1", T0 - HOUR)),
    # Each event
    "event": lambda tx: tx.add_event(order_event(), "{}"),
    "join": lambda tx: tx.join(Planned("paid", OPS), _GROUPED, order_event(), 1, T0),
    "alone": lambda tx: tx.alone(Planned("paid", OPS), _GROUPED, T0 - HOUR),
    "drop held": lambda tx: tx.drop_held(order_event(), [EventKind.STATUS_CHANGED], T0, "back"),
    # Each delivery
    "lanes": lambda tx: tx.lanes(T0, HOMES),
    "claim a delivery": lambda tx: tx.claim_delivery([OPS], "one", T0),
    "claim the next": lambda tx: tx.claim_delivery([OPS], "one", T0, 500),
    "settle": settle,
    "events of a delivery": lambda tx: list(tx.events_of(77)),
    "hasten": lambda tx: tx.hasten("a0", T0),
    "give back": lambda tx: tx.give_back("one", ["a0"]),
    "orphans": lambda tx: tx.orphans(HOMES),
    "attempts": lambda tx: tx.attempts(77),
    # Each page
    **{
        f"orders {wanted}": lambda tx, wanted=wanted: tx.order_page(wanted, None, 50)  # type: ignore[misc]  # a default
        for wanted in (
            OrdersWanted(),
            OrdersWanted("shop1", "active"),
            OrdersWanted(status="pending"),
            OrdersWanted(vanished=True),
        )
    },
    "orders further on": lambda tx: tx.order_page(OrdersWanted(), OrderKey(to_us(T0 - HOUR), "shop1", "77"), 50),
    "events": lambda tx: tx.event_page(EventsWanted(), None, 50),
    "events of a source": lambda tx: tx.event_page(EventsWanted("shop1"), None, 50),
    "events of a kind": lambda tx: tx.event_page(EventsWanted(kinds=(EventKind.APPEARED,)), None, 50),
    "events of an order": lambda tx: tx.event_page(EventsWanted("shop1", order_id="1"), None, 50),
    "events after": lambda tx: tx.events_after(99_000, 50),
    "by time": lambda tx: tx.events_by_time(("shop1",), T0 - HOUR, timedelta(minutes=1)),
    "deliveries": lambda tx: tx.delivery_page(DeliveriesWanted(), None, 50),
    "dead": lambda tx: tx.delivery_page(DeliveriesWanted((DeliveryState.DEAD,), route="paid"), None, 50),
    "waiting": lambda tx: tx.delivery_page(DeliveriesWanted((DeliveryState.WAITING, DeliveryState.SENDING)), None, 50),
    "gathering": lambda tx: tx.gathering(50),
    "outbox": lambda tx: tx.outbox(T0),
    "pulse": lambda tx: tx.pulse(),
    # Each half minute
    "signs": lambda tx: tx.signs(T0),
    "bury": lambda tx: tx.bury_owners(),
    # Writing
    "history": lambda tx: tx.drop_history(T0 - DAY, 500),
    "a change": lambda tx: tx.save_orders("shop1", [changed("1")], {}),
    "source event": lambda tx: tx.add_event(source_event(), "{}"),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_is_asked_all_the_time_reads_no_large_table(large: Connection, what: str) -> None:
    explaining = Explaining(large)
    large.execute("BEGIN")
    try:
        ASKED[what](SqlTransaction(explaining))
    finally:
        large.execute("ROLLBACK")
    assert explaining.plans
    whole = [plan for plan in explaining.plans if re.search(r"Seq Scan on (orders|events|deliver|attempts)", plan)]
    assert not whole, "\n\n".join(whole)


def test_tallies_read_indexes_alone(large: Connection) -> None:
    """Counting goes over all of it, but over nothing else."""
    explaining = Explaining(large)
    large.execute("BEGIN")
    tallies = SqlTransaction(explaining).tallies()
    large.execute("ROLLBACK")
    assert sum(tallies.orders.values()) == sum(tallies.events.values()) == sum(tallies.deliveries.values()) == _LARGE
    whole = [plan for plan in explaining.plans if re.search(r"Seq Scan on (orders|events)", plan)]
    assert not whole, "\n\n".join(whole)


def test_a_thousand_rows_are_written_by_their_keys(large: Connection) -> None:
    """However many: the planner guesses that there are a hundred."""
    large.execute("BEGIN")
    driver = PostgresDriver(large)
    tx = SqlTransaction(driver)
    plans: list[str] = []
    execute = large.execute

    def explained(query: Any, *arguments: Any) -> Any:
        plans.extend(str(row[0]) for row in execute(b"EXPLAIN " + query, *arguments).fetchall())
        return execute(query, *arguments)

    large.execute = explained  # type: ignore[method-assign, assignment]
    try:
        tx.save_orders("shop1", [Change(known(str(n), revision=2)) for n in range(1, 10_000, 10)], {})
        tx.save_orders("shop1", [new(f"x{n}") for n in range(1000)], {})
        tx.save_marks("shop1", {str(n): 7 for n in range(1, 10_000, 10)})
    finally:
        del large.execute
        large.execute("ROLLBACK")
    assert len(plans) > 3
    assert not [plan for plan in plans if "Seq Scan on orders" in plan], "\n".join(plans)
