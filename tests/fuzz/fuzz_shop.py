"""A watched shop that answers nonsense for a while; and what must be true of it all the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from fuzz_corpus import NO_ORDERS, STRANGERS
from polling_shop import Shop, SmallPages
from polling_stage import Watch

from monitor.errors import OurFault
from monitor.model import EventKind, Known, OrderEvent, normalise_status
from monitor.polling.listing import SECOND_PAGE_SIZES
from monitor.simulator.dialect import ListOrder
from monitor.simulator.truth import TrueOrder
from monitor.sources.base import Answer, Request

MOST_REQUESTS = 600
"""However many pages an answer claims: more than this no poll of these small shops may ask for."""
Distort = Callable[[bytes], bytes]


class Spell(msgspec.Struct, frozen=True):
    """Which requests of a poll are answered with nonsense, counted from 0: of those ``which``, each ``every``-th."""

    distort: Distort
    which: str = "all"
    every: int = 1
    first: int = 0

    def strikes(self, request: Request, number: int) -> bool:
        query = dict(request.params)
        wanted = {
            "all": True,
            "whole list": "status" not in query,
            "status lists": "status" in query,
            "later pages": query.get("page") != "1",
            "first pages": query.get("page") == "1",
            "second reads": query.get("per_page") in {str(size) for size in SECOND_PAGE_SIZES},
        }
        return wanted[self.which] and number >= self.first and (number - self.first) % self.every == 0


def instead(name: str) -> Distort:
    """The body of the corpus by this name, whatever was asked for."""
    return lambda honest: NO_ORDERS[name]


class NonsenseShop(Shop):
    """Three of four orders are active. While it is under a spell some of its answers are distorted."""

    def __init__(self, dialect: str, orders: int, page_size: int, order: ListOrder) -> None:
        super().__init__(dialect=dialect, order=order)
        self.spell: Spell | None = None
        self.history: dict[str, list[str]] = {}
        self.asked = 0
        self.faults.set(SmallPages(most=page_size))
        for number in range(orders):
            self.world.place(status="pending" if number > orders - 4 else ("active", "active", "fraud")[number % 3])
        self.remember()

    async def get(self, request: Request) -> Answer:
        answer = await super().get(request)
        number = self.asked
        self.asked += 1
        assert self.asked <= MOST_REQUESTS
        if self.spell is None or not self.spell.strikes(request, number):
            return answer
        return msgspec.structs.replace(answer, body=self.spell.distort(answer.body))

    def orders(self) -> list[TrueOrder]:
        return [self.world.order(order_id) for order_id in self.world.ids()]

    def remember(self) -> None:
        """Which statuses each order has had, oldest first."""
        for order in self.orders():
            had = self.history.setdefault(str(order.id), [])
            if not had or had[-1] != order.status:
                had.append(order.status)


class Judge:
    """Follows what is told of a shop, and compares it with what has happened there.

    ``watches_by_status``: whether the last poll could do without the whole list.
    """

    def __init__(self, shop: NonsenseShop, watch: Watch) -> None:
        self._shop = shop
        self._watch = watch
        self._told: dict[str, str] = {}
        self.watches_by_status = False

    async def baseline(self) -> None:
        assert await self._watch.poll() == []
        self._told = {order_id: had[-1] for order_id, had in self._shop.history.items()}

    async def begin_anew(self) -> None:
        """A new process polls, which has been shown no nonsense yet, twice: it learns, then it knows."""
        self._watch.restart()
        await self.poll()
        await self.poll()

    async def poll(self, *, apart: float = 60) -> None:
        """One poll: without a fault of ours, no false event, and no order of the state harmed."""
        self._shop.remember()
        self._shop.asked = 0
        self._shop.clock.pass_(seconds=apart)
        result = await self._watch.poller.poll()
        assert result is not None
        self.watches_by_status = result.bound.settle is not None
        error = result.snapshot.error
        if isinstance(error, OurFault):
            raise error
        for stored in await self._watch.news():
            if isinstance(stored.event, OrderEvent) and stored.event.order.id not in STRANGERS:
                self._judge(stored.event)
        for known in (await self.saved()).values():
            self._is_intact(known)

    async def saved(self) -> dict[str, Known]:
        orders = await self._watch.store.read(lambda tx: list(tx.orders("shop")))
        return {known.order.id: known for _, known in orders if known.order.id not in STRANGERS}

    async def differing(self) -> list[tuple[str, str]]:
        """Of which orders, and as what, the state or what was told is not the truth."""
        truth = {(str(order.id), order.status) for order in self._shop.orders()}
        saved = {(i, known.order.status) for i, known in (await self.saved()).items()}
        return sorted((truth ^ saved) | (truth ^ set(self._told.items())))

    def _judge(self, event: OrderEvent) -> None:
        had, status = self._shop.history[event.order.id], event.order.status
        if event.kind is EventKind.APPEARED:
            assert event.order.id not in self._told
        else:
            assert event.kind is EventKind.STATUS_CHANGED, event
            assert event.before is not None
            assert self._told[event.order.id] == event.before.status != status
        assert status in had
        self._told[event.order.id] = status

    def _is_intact(self, known: Known) -> None:
        assert known.order.status in self._shop.history[known.order.id]
        assert known.vanished_at is None
        assert normalise_status(known.order.status)


def happen(shop: NonsenseShop, changes: Sequence[tuple[Any, ...]]) -> None:
    """Orders are placed, and move: never back to where they were, which a stale answer would show, too."""
    ids = list(shop.world.ids())
    for place, status in changes:
        if place is None:
            shop.world.place(status=status)
            continue
        order = shop.world.order(ids[place % len(ids)])
        if status not in shop.history.get(str(order.id), [order.status]):
            shop.world.set_status(order.id, status)
        shop.remember()
