"""How late a change may be found, and what must be so once a shop is quiet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
from hammer_manners import OFFICIAL, Manners
from hammer_oracle import FalseNews, Poll, shown
from hammer_world import Truth, World

from monitor.model import Known


class Bounds(msgspec.Struct, frozen=True):
    """Seconds: what the settings promise."""

    every: float
    settle_every: float
    sweep_every: float


class Punctual:
    """Judges whether an honest shop's changes were found in time.

    A change's time is over with the first poll that began a bound after it. A poll in which orders were deleted while
    it read does not count: rows that move up a page under a reader can be missed by anybody; where new ones may stand
    anywhere those that move down can be too, and it must say so. Nor does the one after it, which proves what was left.
    """

    def __init__(self, world: World, manners: Manners, bounds: Bounds) -> None:
        self._world = world
        self._manners = manners
        self._bounds = bounds
        self._doubted_until = 0.0
        self._disturbed = False
        self._read_whole = manners.filter == "ignored"

    def judge(self, poll: Poll, *, had_baseline: bool) -> None:
        """FalseNews for a change whose time is over, and that the state does not show."""
        if poll.doubted:
            self._doubted_until = poll.end
        disturbed, self._disturbed = poll.disturbed or self._disturbed, poll.disturbed
        if not self._manners.honest or disturbed or not had_baseline:
            return
        for truth in self._world.orders.values():
            for late in self._late(truth, poll):
                raise FalseNews(f"{truth.id}: {late}")

    def _late(self, truth: Truth, poll: Poll) -> Iterator[str]:
        known, state = poll.saved.get(truth.id), truth.now
        if state is None:
            gone_since = max(truth.versions[-1].at, self._doubted_until)
            if known and known.vanished_at is None and self._over(gone_since, 2, poll):
                yield "was deleted two sweeps ago, and is still known"
            return
        since = truth.status_since()
        if poll.begin >= since + self._status_bound(truth, state.status, known):
            if known is None or known.vanished_at is not None:
                yield f"is {state.status} since {since:.1f}, but is not known"
            elif known.order.status != state.status:
                yield f"is {state.status} since {since:.1f}, but known as {known.order.status}"
        elif known and self._over(truth.versions[-1].at, 1, poll) and shown(known.order) != state:
            yield f"is {state}, but known as {known.order}"

    def _over(self, since: float, sweeps: int, poll: Poll) -> bool:
        return poll.begin >= since + sweeps * self._bounds.sweep_every

    def _status_bound(self, truth: Truth, status: str, known: Known | None) -> float:
        if self._read_whole:
            return 0.0
        if known is None or known.vanished_at is not None:
            # New ones stand at the list's end, if it has one; those that came back stand anywhere.
            new = truth.status_since() == truth.versions[0].at and self._manners.order != "shuffled"
            return 0.0 if new else self._bounds.sweep_every
        askable = {*OFFICIAL} - {self._manners.refused}
        if not {known.order.status, status} <= askable:
            return self._bounds.sweep_every
        return 0.0 if known.order.status == "pending" else self._bounds.settle_every


def unlike(world: World, manners: Manners, saved: Mapping[str, Known]) -> list[str]:
    """In what the state differs from the truth, as far as the shop lets anybody know it.

    Where a list cannot be known to be whole, nothing proves that an order is gone.
    """
    found = []
    for truth in world.orders.values():
        known = saved.get(truth.id)
        if truth.now is None:
            if manners.tells_all and known and known.vanished_at is None:
                found.append(f"{truth.id} is gone, and still known")
        elif known is None or known.vanished_at is not None:
            found.append(f"{truth.id} is there, and not known")
        elif shown(known.order) != truth.now:
            found.append(f"{truth.id} is {truth.now}, and known as {shown(known.order)}")
    return found + [f"{order_id} never was" for order_id in saved if order_id not in world.orders]
