"""Pages of orders of every store: each order once, whatever there is, by an index."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_examples import (
    HOUR,
    KINDS,
    T0,
    changed,
    new,
    opened,
    save,
)
from walking import SOURCES, often, undone, walked

from monitor.store.base import Store, Transaction
from monitor.store.listings import (
    OrderPage,
    OrdersWanted,
)


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The same for examples that are made up: they run outside the test's loop."""
    with KINDS[request.param](tmp_path) as made:
        yield made
        asyncio.run(made.aclose())


# Orders

orders_made = st.lists(
    st.tuples(
        st.sampled_from(SOURCES),
        st.integers(1, 30).map(str),
        st.sampled_from(("pending", "active", "On-Hold")),
        st.integers(0, 4),
        st.booleans(),
    ),
    unique_by=lambda order: order[:2],
    max_size=40,
)


def add_orders(tx: Transaction, made: Sequence[tuple[str, str, str, int, bool]]) -> None:
    for source, order_id, status, hours, gone in made:
        since = T0 + hours * HOUR
        save(tx, [new(order_id, status, status_since=since, vanished_at=T0 if gone else None)], source)


def labels(pages: Sequence[OrderPage]) -> list[tuple[str, str]]:
    return [(source, known.order.id) for page in pages for source, known in page.rows]


@given(
    made=orders_made,
    source=st.sampled_from((None, *SOURCES)),
    status=st.sampled_from((None, "pending", "on_hold")),
    gone=st.booleans(),
    limit=st.integers(1, 7),
)
@often
def test_pages_of_orders_show_each_order_once_the_latest_first(
    bench: Store,
    made: list[tuple[str, str, str, int, bool]],
    source: str | None,
    status: str | None,
    *,
    gone: bool,
    limit: int,
) -> None:
    wanted = OrdersWanted(source, status, vanished=gone)
    naive = sorted(
        (
            (hours, name, order_id)
            for name, order_id, spelled, hours, vanished in made
            if vanished == gone
            and source in (None, name)
            and status in (None, {"On-Hold": "on_hold"}.get(spelled, spelled))
        ),
        reverse=True,
    )

    def work(tx: Transaction) -> None:
        add_orders(tx, made)
        pages = walked(lambda after: tx.order_page(wanted, after, limit))
        assert labels(pages) == [(name, order_id) for _, name, order_id in naive]
        assert all(len(page.rows) == limit for page in pages[:-1])

    undone(bench, work)


async def test_orders_of_one_moment_are_paged_as_well(store: Store) -> None:
    """As after a baseline of a source that does not say when its orders were placed."""

    def work(tx: Transaction) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        made = [(source, str(n), ("active", "fraud")[n % 2], 1, False) for source in SOURCES for n in range(1, 25)]
        add_orders(tx, made)
        found = labels(walked(lambda after: tx.order_page(OrdersWanted(), after, 3)))
        return found, sorted(((row[0], row[1]) for row in made), reverse=True)

    found, naive = await store.transact(work)
    assert found == naive


@given(
    made=orders_made, text=st.sampled_from(("1", "2", "23", "ORD-1", "ord-2", " ORD-30 ", "D-5", "7", "x", "%", "_"))
)
@often
def test_a_search_finds_what_the_text_begins_else_what_it_ends(
    bench: Store, made: list[tuple[str, str, str, int, bool]], text: str
) -> None:
    sought = text.strip()
    begun = [row for row in made if row[1].startswith(sought) or f"ORD-{row[1]}".startswith(sought.upper())]
    naive = begun or [row for row in made if f"ORD-{row[1]}".endswith(sought)]

    def work(tx: Transaction) -> None:
        add_orders(tx, [(*row[:4], False) for row in made])
        found = labels(walked(lambda after: tx.order_page(OrdersWanted(text=text), after, 3)))
        assert found == [(row[0], row[1]) for row in sorted(naive, key=lambda row: (row[3], *row[:2]), reverse=True)]

    undone(bench, work)


async def test_a_search_keeps_to_the_source_the_status_and_what_is_there(store: Store) -> None:
    def work(tx: Transaction) -> dict[str, list[tuple[str, str]]]:
        add_orders(tx, [("shop", "11", "active", 0, False), ("shop", "12", "fraud", 0, False)])
        add_orders(tx, [("zoo", "13", "fraud", 0, False), ("zoo", "14", "fraud", 0, True)])
        asked = {
            "source": OrdersWanted("zoo", text="ORD-1"),
            "status": OrdersWanted(status="fraud", text="ORD-1"),
            "vanished": OrdersWanted(text="ORD-1", vanished=True),
            "ending": OrdersWanted("zoo", text="3"),
        }
        return {name: labels([tx.order_page(wanted, None, 10)]) for name, wanted in asked.items()}

    assert await store.transact(work) == {
        "source": [("zoo", "13")],
        "status": [("zoo", "13"), ("shop", "12")],
        "vanished": [("zoo", "14")],
        "ending": [("zoo", "13")],
    }


async def test_an_order_of_just_this_number_is_found_among_thousands_that_it_begins(store: Store) -> None:
    def work(tx: Transaction) -> list[tuple[str, str]]:
        save(tx, [new("1"), *(new(f"1{n:04}") for n in range(3000))])
        return labels(walked(lambda after: tx.order_page(OrdersWanted(text="ORD-1"), after, 100)))

    found = await store.transact(work)
    assert ("shop", "1") in found
    assert len(found) == len(set(found)) == 1001


async def test_orders_that_come_and_go_between_two_pages_neither_repeat_nor_hide_others(store: Store) -> None:
    def work(tx: Transaction) -> tuple[list[str], list[str]]:
        add_orders(tx, [("shop", str(n), "active", n, False) for n in range(1, 7)])
        add_orders(tx, [("zoo", str(n), "active", n, False) for n in range(1, 7)])
        first = tx.order_page(OrdersWanted(), None, 4)
        tx.forget_orders("zoo")
        add_orders(tx, [("shop", "99", "active", 9, False)])
        save(tx, [changed("6", "fraud", status_since=T0 + 10 * HOUR)])
        rest = walked(lambda after: tx.order_page(OrdersWanted(), after or first.next, 2))
        return [known.order.id for _, known in first.rows], [known.order.id for p in rest for _, known in p.rows]

    first, rest = await store.transact(work)
    assert first == ["6", "6", "5", "5"]
    assert rest == ["4", "3", "2", "1"]
