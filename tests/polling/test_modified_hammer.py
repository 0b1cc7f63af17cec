"""Modified since against a shop in which anything happens between any two requests, by seed."""

from __future__ import annotations

import os
from datetime import timedelta
from random import Random
from typing import get_args

import pytest
from changes_shop import ChangesShop, ChangesSource, DetailedChangesSource, Sort
from polling_stage import Watch, state

from monitor.model import OrderEvent
from monitor.simulator.dialect import Call
from monitor.simulator.truth import ChangeKind

STATUSES = ("pending", "active", "fraud", "cancelled")


class Restless:
    """Changes a shop at random; stamps are up to four seconds early. ``quiet``: nothing happens now."""

    def __init__(self, shop: ChangesShop, chance: Random) -> None:
        self.quiet = True
        self._shop = shop
        self._chance = chance
        shop.before_answer = self._between

    async def _between(self, call: Call) -> None:
        while not self.quiet and self._chance.random() < 0.4:
            self.change()

    def change(self) -> None:
        world, chance = self._shop.world, self._chance
        stamp = world.now() - timedelta(seconds=chance.uniform(0, 4))
        order_id = chance.choice(world.ids())
        what = chance.random()
        if what < 0.1:
            world.place(at=stamp)
        elif what < 0.15:
            world.delete(order_id)
        else:
            world.set_status(order_id, chance.choice(STATUSES), at=stamp)


async def known(watch: Watch) -> dict[int, str]:
    """The status of each order that is known and not gone."""

    return await watch.store.transact(
        lambda tx: {int(k.order.id): k.order.status for _, k in tx.orders("shop") if not k.vanished_at}
    )


async def assert_no_event_is_false(watch: Watch) -> None:
    """Each status that was told was true once, and who vanished is gone."""
    world = watch.shop.world
    true = {(c.after.id, c.after.status) for c in world.log if c.after}
    deleted = {c.order.id for c in world.log if c.kind is ChangeKind.DELETED}
    events = [stored.event for stored in await watch.store.transact(lambda tx: tx.events("shop"))]
    for event in events:
        if not isinstance(event, OrderEvent):
            continue  # that many are gone is doubted at first
        order_id = int(event.order.id)
        assert order_id in deleted if event.kind == "vanished" else (order_id, event.order.status) in true


def truth(watch: Watch) -> dict[int, str]:
    return {i: watch.shop.world.order(i).status for i in watch.shop.world.ids()}


async def a_history(seed: int) -> None:
    """Each change is found by the next quiet poll, each deletion by the sweep, and nothing false is told."""
    chance = Random(seed)
    shop = ChangesShop(chance.choice([ChangesSource, DetailedChangesSource]), size=chance.choice([4, 7, 10]))
    shop.apart = timedelta(hours=chance.choice([-5, 0, 5]))
    shop.sort = chance.choice(get_args(Sort))
    shop.place(40)
    restless = Restless(shop, chance)
    async with state() as store:
        watch = Watch(shop, store)
        await watch.poll()
        for _ in range(30):
            for _ in range(chance.choice([0, 1, 3, 12])):
                restless.change()
            restless.quiet = chance.random() < 0.5
            await watch.poll(apart=chance.choice([1, 10, 60, 3600]))
            if restless.quiet and not await watch.doubt():
                found, true = await known(watch), truth(watch)
                assert {i: found.get(i) for i in true} == true
        restless.quiet = True
        await watch.poll(apart=90000)
        await watch.poll(8, apart=1500)  # who is gone in doubtful numbers is believed after an hour
        assert await known(watch) == truth(watch)
        await assert_no_event_is_false(watch)


@pytest.mark.parametrize("seed", range(20))
async def test_each_change_is_found_by_the_next_poll_and_each_deletion_by_the_sweep(seed: int) -> None:
    await a_history(seed)


@pytest.mark.torture
@pytest.mark.timeout(0)
async def test_each_change_is_found_at_length() -> None:
    for seed in range(int(os.environ.get("ROUNDS", "1000"))):
        await a_history(seed)
