"""What happens in a shop: orders are placed, changed, deleted, restored, one by one and many at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import count

from hammer_manners import OFFICIAL, UNOFFICIAL, Manners
from hammer_world import State, World

_PRODUCTS = ("VPS 1", "Business Email Add-on", "Domain")


class Changes:
    """Changes the world at random, as the manners of its shop allow."""

    def __init__(self, manners: Manners, world: World, chance: random.Random) -> None:
        self.calm = False
        self.deleted = 0
        self._manners = manners
        self._world = world
        self._chance = chance
        self._numbers = count(1)
        self._statuses = OFFICIAL + (UNOFFICIAL if manners.unofficial else ())
        still: Sequence[tuple[Callable[[], None], int]] = ((self._edit, 3), (self._swap, 4), (self._bounce, 1))
        self._kinds: Sequence[tuple[Callable[[], None], int]] = (
            still
            if manners.sly
            else (
                (self._place, 5),
                (self._move, 8),
                (self._pay, 4),
                (self._edit, 3),
                (self._swap, 2),
                (self._bounce, 1),
                *(((self._delete, 4), (self._restore, 2), (self._purge, 1)) if manners.deletions else ()),
            )
        )

    def fill(self) -> None:
        """The orders that are there at first."""
        for _ in range(self._manners.orders):
            often = self._chance.random() < self._manners.share
            self._add(self._manners.majority if often else self._chance.choice(self._statuses))

    def happen(self) -> None:
        """One thing happens, unless all is calm or there is no order that it could happen to."""
        if self.calm:
            return
        kinds, weights = zip(*self._kinds, strict=True)
        kind = self._chance.choices(kinds, weights)[0]
        if self._world.listed or kind in (self._place, self._restore):
            kind()

    def _add(self, status: str) -> None:
        number = next(self._numbers)
        rank = {"newest": -number, "oldest": number}.get(self._manners.order, self._chance.random())
        words = self._manners.ids == "words"
        order_id = f"ord_{self._chance.randrange(16**6):06x}{number}" if words else str(100 + number)
        self._world.place(order_id, rank, self._state(status), "2026-04-11T08:00:00Z")

    def _state(self, status: str) -> State:
        item = self._chance.choice(_PRODUCTS), self._chance.randint(1, 3), 500
        return State(status, 500 * item[1] + self._chance.choice((0, 0, 100)), (item,))

    def _place(self) -> None:
        self._add("pending" if self._chance.random() < 0.8 else self._chance.choice(self._statuses))

    def _any(self) -> str:
        return self._chance.choice(self._world.listed)

    def _is(self, order_id: str) -> State:
        state = self._world.orders[order_id].now
        assert state
        return state

    def _set(self, order_id: str, status: str) -> None:
        state = self._is(order_id)
        if status != state.status:
            self._world.set(order_id, state._replace(status=status))

    def _move(self) -> None:
        self._set(self._any(), self._chance.choice(self._statuses))

    def _pay(self) -> None:
        pending = [order_id for order_id in self._world.listed if self._is(order_id).status == "pending"]
        if pending:
            self._set(self._chance.choice(pending), self._chance.choice(("active", "active", "fraud")))

    def _edit(self) -> None:
        order_id = self._any()
        before = self._is(order_id)
        after = self._state(before.status)
        if after != before:
            self._world.set(order_id, after)

    def _swap(self) -> None:
        """Two orders exchange their statuses: no total moves."""
        one, other = self._any(), self._any()
        first, second = self._is(one).status, self._is(other).status
        self._set(one, second)
        self._set(other, first)

    def _bounce(self) -> None:
        """Away and back before anybody can look."""
        order_id = self._any()
        before = self._is(order_id).status
        self._move_away(order_id)
        self._set(order_id, before)

    def _move_away(self, order_id: str) -> None:
        before = self._is(order_id).status
        self._set(order_id, self._chance.choice([status for status in self._statuses if status != before]))

    def _delete(self) -> None:
        self.deleted += 1
        self._world.delete(self._any())

    def _purge(self) -> None:
        """A client is deleted with all of its orders."""
        if self._chance.random() < 0.5:
            return
        for _ in range(min(len(self._world.listed), self._chance.choice((3, 8, 20, 1000)))):
            self._delete()

    def _restore(self) -> None:
        gone = [order_id for order_id, truth in self._world.orders.items() if truth.now is None]
        if gone:
            order_id = self._chance.choice(gone)
            self._world.place(order_id, 0, self._state(self._chance.choice(self._statuses)), "")
