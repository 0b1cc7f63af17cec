"""However a listing is paged through, each row that stays as it is comes once, in order, while others are written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.diff import Change
from monitor.model import Destination, EventKind, Known, Order, OrderEvent
from monitor.store.base import Store, Transaction
from monitor.store.schema import ensure_schema
from monitor.store.sqlite import SqliteStore
from monitor.web.api import routes as api
from monitor.web.context import CONTEXT

T0 = datetime(2026, 4, 11, 8, tzinfo=UTC)
OPS = Destination("ops", 1, "a0")
SOURCES = st.sampled_from(["shop", "blog"])
STATUSES = st.sampled_from(["active", "pending", "fraud"])
ROW = st.tuples(SOURCES, STATUSES, st.integers(-3, 3))
"""A source, a status, and when it was entered: many at the same time."""
ROWS = st.lists(ROW, max_size=14)
ROUNDS = settings(max_examples=60, deadline=None)


class Lists:
    """The API's listings of a state, without a network."""

    def __init__(self, store: Store) -> None:
        site = SimpleNamespace(sources={"shop": None, "blog": None})
        self._app = web.Application()
        context: Any = SimpleNamespace(reader=store, site=site)
        self._app[CONTEXT] = context
        self._handlers = {route.path: route.handler for route in api.ROUTES if route.method == "GET"}

    async def ask(self, listing: str, query: str) -> Any:
        request = make_mocked_request("GET", f"/api/v1/{listing}?{query}", app=self._app)
        handler: Any = self._handlers[f"/api/v1/{listing}"]
        answer = await handler(request)
        assert answer.status == 200, answer.text
        return json.loads(answer.body)

    async def pages(self, listing: str, query: str, limits: list[int], between: Callable[[], Any]) -> list[Any]:
        """All rows, page by page, each with the next of these limits; ``between`` two pages something happens."""
        found: list[Any] = []
        cursor, page = "", 0
        while True:
            limit = limits[page % len(limits)]
            answer = await self.ask(listing, f"{query}&limit={limit}{cursor}")
            assert len(answer["items"]) <= limit
            found += answer["items"]
            if answer["next"] is None:
                return found
            cursor, page = f"&cursor={answer['next']}", page + 1
            await between()


@cache
def empty_state() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state.db"
        ensure_schema(file)
        return file.read_bytes()


def run(work: Callable[[Store, Lists], Any]) -> None:
    """With a state of its own."""

    async def begin() -> None:
        with TemporaryDirectory() as folder:
            file = Path(folder) / "state.db"
            file.write_bytes(empty_state())
            store = SqliteStore.open(file)
            try:
                await work(store, Lists(store))
            finally:
                await store.aclose()

    asyncio.run(begin())


def add_orders(tx: Transaction, rows: list[tuple[str, str, int]], prefix: str) -> None:
    for number, (source, status, minutes) in enumerate(rows):
        at = T0 + timedelta(minutes=minutes)
        known = Known(Order(f"{prefix}{number}", status), 1, at, at, status_since=at)
        tx.save_orders(source, [Change(known, new=True)], {})


def add_events(tx: Transaction, rows: list[tuple[str, str, int]], prefix: str) -> None:
    for number, (source, status, minutes) in enumerate(rows):
        at = T0 + timedelta(minutes=minutes)
        kind = EventKind.APPEARED if status == "pending" else EventKind.STATUS_CHANGED
        event = OrderEvent(source, kind, at, Order(f"{prefix}{number}", status), 1)
        tx.add_delivery(status, OPS, event, tx.add_event(event, "{}"), at)


@ROUNDS
@given(
    rows=ROWS,
    late=st.lists(ROWS, max_size=6),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    data=st.data(),
)
def test_orders_come_once_each_while_others_are_placed(
    rows: list[tuple[str, str, int]], late: list[list[tuple[str, str, int]]], limits: list[int], data: st.DataObject
) -> None:
    query, wanted = data.draw(
        st.sampled_from(
            [("vanished=false", lambda *_: True), ("source=shop", lambda source, _: source == "shop"),
             ("status=Pending", lambda _, status: status == "pending"),
             ("source=blog&status=fraud", lambda source, status: (source, status) == ("blog", "fraud"))]
        )
    )  # fmt: skip

    async def work(store: Store, lists: Lists) -> None:
        await store.transact(lambda tx: add_orders(tx, rows, "a"))
        waves = iter(enumerate(late))

        async def between() -> None:
            if wave := next(waves, None):
                await store.transact(lambda tx: add_orders(tx, wave[1], f"late{wave[0]}x"))

        found = [
            (row["source"], row["order"]["id"], row["status_since"])
            for row in await lists.pages("orders", query, limits, between)
        ]
        assert len(set(found)) == len(found)
        times = [time for _, _, time in found]
        assert times == sorted(times, reverse=True)
        own = {(source, order_id) for source, order_id, _ in found if order_id.startswith("a")}
        assert own == {(source, f"a{n}") for n, (source, status, _) in enumerate(rows) if wanted(source, status)}

    run(work)


@pytest.mark.parametrize("listing", ["events", "deliveries"])
@ROUNDS
@given(
    rows=ROWS,
    late=st.lists(ROWS, max_size=6),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    query=st.sampled_from(["", "source=shop", "source=blog"]),
)
def test_events_and_deliveries_come_once_each_newest_first(
    listing: str,
    rows: list[tuple[str, str, int]],
    late: list[list[tuple[str, str, int]]],
    limits: list[int],
    query: str,
) -> None:
    async def work(store: Store, lists: Lists) -> None:
        await store.transact(lambda tx: add_events(tx, rows, "a"))
        waves = iter(enumerate(late))

        async def between() -> None:
            if wave := next(waves, None):
                await store.transact(lambda tx: add_events(tx, wave[1], f"late{wave[0]}x"))

        found = [row["id"] for row in await lists.pages(listing, query, limits, between)]
        wanted = [n for n, (source, _, _) in enumerate(rows, 1) if query in ("", f"source={source}")]
        assert found == wanted[::-1]

    run(work)


@ROUNDS
@given(
    rows=ROWS,
    late=st.lists(ROWS, max_size=6),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    narrowed=st.sampled_from(["", "&kind=appeared", "&source=blog"]),
    by_cursor=st.booleans(),
)
def test_who_follows_by_after_gets_each_event_once_oldest_first(
    rows: list[tuple[str, str, int]],
    late: list[list[tuple[str, str, int]]],
    limits: list[int],
    narrowed: str,
    by_cursor: bool,
) -> None:
    """By ``after`` of the answer, or by its cursor as long as there is one."""

    async def work(store: Store, lists: Lists) -> None:
        await store.transact(lambda tx: add_events(tx, rows, "a"))
        found: list[int] = []
        position = "after=0"
        for turn, wave in enumerate([*late, [], None]):
            while True:
                answer = await lists.ask("events", f"{position}&limit={limits[turn % len(limits)]}{narrowed}")
                found += [row["id"] for row in answer["items"]]
                is_last = answer["next"] is None
                position = f"cursor={answer['next']}" if by_cursor and not is_last else f"after={answer['after']}"
                if is_last or wave:
                    break
            if wave:
                await store.transact(partial(add_events, rows=wave, prefix=f"late{turn}x"))
        everything = await store.read(lambda tx: tx.events())
        if narrowed == "&kind=appeared":
            everything = [row for row in everything if row.event.kind is EventKind.APPEARED]
        elif narrowed:
            everything = [row for row in everything if row.event.source == "blog"]
        assert found == [row.id for row in everything]

    run(work)
