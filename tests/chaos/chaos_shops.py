"""The billing systems of a chaos: their orders change all the while, and they know which daemon looked when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import NamedTuple

from daemons import TOKEN, world_of

from monitor.model import normalise_status
from monitor.simulator.dialect import Call
from monitor.simulator.server import Simulator
from monitor.simulator.truth import ChangeKind

SENDER_HEADER = "X-Daemon"
_STATUSES = ("pending", "active", "fraud", "cancelled")
_ORDERS, _BUSY_ORDERS = 40, 6
"""Of each system; the busy ones change again and again."""
_KINDS = {ChangeKind.PLACED: "appeared", ChangeKind.STATUS_CHANGED: "status_changed", ChangeKind.DELETED: "vanished"}

Seen = Mapping[tuple[str, int], str]
"""The status of each order that the state knows."""


class Transition(NamedTuple):
    """What both the world and the events can say of a change."""

    source: str
    order: int
    kind: str
    before: str | None
    after: str | None


class Look(NamedTuple):
    """One request to a source: when it came, and from which daemon."""

    at: float
    source: str
    sender: str


class Shops:
    """Systems by their sources' names, ``looks`` at them in their order."""

    def __init__(self, names: list[str], chance: Random) -> None:
        self.systems = {name: Simulator(world_of(_ORDERS), token=TOKEN) for name in names}
        self.looks: list[Look] = []
        self._chance = chance
        self._baselines = {name: system.world.revision for name, system in self.systems.items()}
        for name, system in self.systems.items():
            self._note_looks(name, system)

    def change_some(self, seen: Seen) -> None:
        """Change orders, each only when its last change has been seen: what is between two looks nobody can see."""
        for name, system in self.systems.items():
            world = system.world
            for order in self._chance.sample(range(1, _BUSY_ORDERS + 1), 2):
                status = world.order(order).status
                if seen.get((name, order)) == normalise_status(status):
                    world.set_status(order, self._chance.choice([other for other in _STATUSES if other != status]))
            match self._chance.random():
                case lot if lot < 0.04:
                    world.place()
                case lot if lot < 0.06:
                    known = sorted(order for source, order in seen if source == name)
                    # One at a time: a list that lacks many orders is doubted, as it should be.
                    if len(known) > _BUSY_ORDERS and all(order in world for order in known):
                        world.delete(self._chance.choice(known[_BUSY_ORDERS:]))

    def true_now(self) -> dict[tuple[str, int], str]:
        """The status of each order."""
        return {
            (name, order): normalise_status(system.world.order(order).status)
            for name, system in self.systems.items()
            for order in system.world.ids()
        }

    def transitions(self) -> list[Transition]:
        """All that has happened, in its order within each source."""
        return [
            Transition(
                name,
                change.order.id,
                _KINDS[change.kind],
                change.before.status if change.before else None,
                change.after.status if change.after else None,
            )
            for name, system in self.systems.items()
            for change in system.world.since(self._baselines[name])
        ]

    def sources_of(self, sender: str, since: float) -> set[str]:
        """Which sources this daemon has looked at last."""
        last = {look.source: look.sender for look in self.looks if look.at >= since}
        return {source for source, looker in last.items() if looker == sender}

    def next_look(self, source: str, at: float, but: str) -> float | None:
        """When somebody else looked at a source next."""
        later = (look.at for look in self.looks if look.at > at and look.source == source and look.sender != but)
        return next(later, None)

    def _note_looks(self, name: str, system: Simulator) -> None:
        def note(call: Call) -> None:
            self.looks.append(Look(asyncio.get_running_loop().time(), name, call.headers[SENDER_HEADER]))

        system.before_answer = note


@asynccontextmanager
async def serving_shops(count: int, chance: Random) -> AsyncIterator[Shops]:
    """So many systems that answer."""
    shops = Shops([f"shop{number}" for number in range(count)], chance)
    async with AsyncExitStack() as stack:
        for system in shops.systems.values():
            await stack.enter_async_context(system)
        yield shops
