"""The truth: orders that change at any time, and all that ever was true of them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import msgspec

Item = tuple[str, int, int]
"""Product, quantity, price in minor units."""


class State(NamedTuple):
    """What an order is: its row's content."""

    status: str
    total: int
    items: tuple[Item, ...]


class Version(NamedTuple):
    """From ``at`` (monotonic seconds) on the order is ``state``, or is not there at all."""

    at: float
    state: State | None


class Truth:
    """One order for all time. ``versions`` begin with its first placing, oldest first."""

    def __init__(self, order_id: str, created: str) -> None:
        self.id = order_id
        self.created = created
        self.versions: list[Version] = []
        self._row: tuple[State | None, bytes] = (None, b"")

    @property
    def now(self) -> State | None:
        return self.versions[-1].state

    def during(self, begin: float, end: float) -> list[State | None]:
        """All that it was at some instant between these two, oldest first; None where it was not there."""
        spans = pairwise([Version(float("-inf"), None), *self.versions, Version(float("inf"), None)])
        return [version.state for version, after in spans if version.at <= end and after.at >= begin]

    def status_since(self) -> float:
        """Since when it has had its status without a break."""
        since = self.versions[-1].at
        status = self.now and self.now.status
        for version in reversed(self.versions):
            if version.state is None or version.state.status != status:
                break
            since = version.at
        return since

    def row(self, id_as: Callable[[str], int | str]) -> bytes:
        """Its JSON as the API shows it now."""
        state = self.now
        assert state
        if self._row[0] is not state:
            self._row = state, self._encode(state, id_as(self.id))
        return self._row[1]

    def _encode(self, state: State, order_id: int | str) -> bytes:
        return msgspec.json.encode(
            {
                "id": order_id,
                "order_number": f"ORD-{self.id}",
                "status": state.status,
                "total": state.total,
                "currency_code": "USD",
                "created_at": self.created,
                "items": [{"product_name": n, "qty": q, "amount": p} for n, q, p in state.items],
            }
        )


class World:
    """All orders. ``listed`` are those that are there now, in the list's order: by their rank."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.orders: dict[str, Truth] = {}
        self.listed: list[str] = []
        self.story: list[tuple[float, str]] = []
        self._now = now
        self._ranks: dict[str, float] = {}

    def place(self, order_id: str, rank: float, state: State, created: str) -> None:
        """A new order; one that was deleted comes back in its old place."""
        truth = self.orders.setdefault(order_id, Truth(order_id, created))
        self._ranks.setdefault(order_id, rank)
        insort(self.listed, order_id, key=self._ranks.__getitem__)
        self._become(truth, state, f"is there, {state.status}")

    def set(self, order_id: str, state: State) -> None:
        truth = self.orders[order_id]
        before = truth.now
        assert before
        what = f"{before.status} → {state.status}" if before.status != state.status else "has other items"
        self._become(truth, state, what)

    def delete(self, order_id: str) -> None:
        self.listed.remove(order_id)
        self._become(self.orders[order_id], None, "is deleted")

    def _become(self, truth: Truth, state: State | None, what: str) -> None:
        truth.versions.append(Version(self._now(), state))
        self.story.append((self._now(), f"{truth.id} {what}"))
