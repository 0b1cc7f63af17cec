"""Any history of orders against any sequence of looks tells just what a naive model tells."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from naive_model import DOWN_AFTER, NaiveModel, News
from polling_shop import Shop, SmallPages
from polling_stage import BreakableStore, BrokenTransaction, Watch, state, told

from monitor.model import OrderEvent
from monitor.simulator.faults import EmptyList, Failure, Fault, LyingTotal, RepeatedRows
from monitor.simulator.truth import TrueItem

IDS = st.integers(1, 9)
STATUSES = st.sampled_from(["pending", "active", "Active", "fraud", "cancelled"])
MINUTES = st.sampled_from([1, 1, 1, 25, 40])

Step = tuple[str, *tuple[Any, ...]]

HAPPENINGS = st.one_of(
    st.tuples(st.just("place"), IDS, STATUSES),
    st.tuples(st.just("set"), IDS, STATUSES),
    st.tuples(st.just("set"), IDS, STATUSES),
    st.tuples(st.just("total"), IDS, st.integers(0, 3)),
    st.tuples(st.just("items"), IDS, st.integers(0, 3)),
    st.tuples(st.just("delete"), IDS),
    st.tuples(st.just("delete_many"), st.integers(1, 9)),
    st.tuples(st.just("recreate"), IDS, STATUSES),
)
LOOKS = st.one_of(
    st.tuples(st.just("whole"), MINUTES),
    st.tuples(st.just("whole"), MINUTES),
    st.tuples(st.just("whole"), MINUTES),
    st.tuples(st.just("emptied"), MINUTES),
    st.tuples(st.just("partial"), MINUTES, st.sampled_from([-4, -1, 1, 4])),
    st.tuples(st.just("hiding"), MINUTES, st.integers(1, 2)),
    st.tuples(st.just("failed"), MINUTES, st.integers(1, 3)),
    st.tuples(st.just("broken"), MINUTES, st.integers(1, 25), st.booleans()),
)
STEPS = st.one_of(HAPPENINGS, LOOKS, LOOKS, st.tuples(st.just("restart")), st.tuples(st.just("accept")))


def histories(shortest: int, longest: int) -> st.SearchStrategy[tuple[int, list[Step]]]:
    """How many orders there are at first, and what happens then."""
    return st.tuples(st.integers(0, 9), st.lists(STEPS, min_size=shortest, max_size=longest))


class History:
    """A history as it happens: to the shop, to the product, and to the model."""

    def __init__(self, shop: Shop, store: BreakableStore) -> None:
        self.shop = shop
        self.world = shop.world
        self.store = store
        self.watch = Watch(shop, store, down_after=DOWN_AFTER)
        self.model = NaiveModel()

    async def step(self, step: Step) -> None:
        name, *rest = step
        await getattr(self, name)(*rest)

    # What happens in the shop

    async def place(self, order: int, status: str) -> None:
        if order not in self.world:
            self.world.place(id=order, status=status)

    async def set(self, order: int, status: str) -> None:
        if order in self.world:
            self.world.set_status(order, status)

    async def total(self, order: int, total: int) -> None:
        if order in self.world:
            self.world.change(order, total=total)

    async def items(self, order: int, kind: int) -> None:
        if order in self.world:
            self.world.change(order, items=[TrueItem(f"Item {kind}", 1, 500)])

    async def delete(self, order: int) -> None:
        if order in self.world:
            self.world.delete(order)

    async def delete_many(self, up_to: int) -> None:
        for order in range(1, up_to + 1):
            await self.delete(order)

    async def recreate(self, order: int, status: str) -> None:
        await self.delete(order)
        await self.place(order, status)

    # How it is looked at

    async def whole(self, minutes: int) -> None:
        await self._look("whole", minutes)

    async def emptied(self, minutes: int) -> None:
        await self._look("whole", minutes, EmptyList())

    async def partial(self, minutes: int, by: int) -> None:
        if len(self.world) + by >= 0:
            await self._look("partial", minutes, LyingTotal(by=by))

    async def hiding(self, minutes: int, rows: int) -> None:
        if len(self.world) >= 3:  # the whole first page, so that there is a row to hide
            await self._look("partial", minutes, RepeatedRows(rows=rows, hiding=True, page=1))

    async def failed(self, minutes: int, page: int) -> None:
        if len(self.world) > 3 * (page - 1):
            await self._look("failed", minutes, Failure(page=page, times=1))

    async def broken(self, minutes: int, operation: int, after: bool) -> None:  # drawn
        """The power goes off in the commit: the model hears of nothing, unless the commit was shorter than that."""
        self.store.break_at, self.store.after = operation, after
        await self._look("whole", minutes)

    async def restart(self) -> None:
        self.watch.restart()

    async def accept(self) -> None:
        assert await self.watch.accept() is self.model.accept()

    async def _look(self, ended: str, minutes: int, *faults: Fault) -> None:
        self.shop.served.clear()
        self.shop.clock.pass_(minutes=minutes)
        for fault in (SmallPages(), *faults):
            self.shop.faults.set(fault)
        try:
            result = await self.watch.poller.poll()
        except BrokenTransaction:
            assert await self._news() == Counter()
            self.watch.restart()
        else:
            assert result is not None
            assert await self._news() == self.model.poll(self.shop.served, ended, self.shop.clock.now())
        finally:
            self.shop.faults.clear()
            self.store.break_at = None

    async def _news(self) -> Counter[News]:
        news = [told(stored.event) for stored in await self.watch.news()]
        return Counter((str(one.kind), one.order, one.before, one.after) for one in news)


async def play(count: int, steps: list[Step]) -> None:
    async with state() as store:
        shop = Shop()
        shop.place(count)
        history = History(shop, BreakableStore(store))
        for step in steps:
            await history.step(step)
        events = await store.transact(lambda tx: tx.events())
        deliveries = await store.transact(lambda tx: tx.deliveries())
        assert len(deliveries) == len(events), "each event has its one delivery"
        for kind in {stored.event.kind for stored in events if isinstance(stored.event, OrderEvent)}:
            event(kind)


relaxed = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(relaxed, max_examples=40)
@given(histories(15, 45))
async def test_any_history_tells_what_a_naive_model_tells(history: tuple[int, list[Step]]) -> None:
    await play(*history)


@pytest.mark.torture
@settings(relaxed, max_examples=int(os.environ.get("ROUNDS", "1000")))
@given(histories(20, 120))
async def test_any_long_history_tells_what_a_naive_model_tells(history: tuple[int, list[Step]]) -> None:
    await play(*history)
