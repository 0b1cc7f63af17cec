"""What may be told of a world whose whole truth is known: written without a look at how the product finds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

import msgspec
from hammer_manners import Manners
from hammer_world import State, Truth, World

from monitor.model import EventKind, Known, Order, OrderEvent


class FalseNews(AssertionError):
    """The product told what is not so, or did not tell what is."""


class Poll(msgspec.Struct, frozen=True):
    """When a poll began and ended, in monotonic seconds, and what the state said after it.

    ``has_baseline`` and ``doubted`` are of the source; ``disturbed``: orders were moved while it read, or it failed.
    """

    begin: float
    end: float
    saved: Mapping[str, Known]
    has_baseline: bool = False
    doubted: bool = False
    disturbed: bool = False


class Said(msgspec.Struct):
    """What was said of an order last: that it is ``state``, or gone.

    ``version`` is the earliest of the truth's that this can mean; ``status_before`` what was said before that.
    """

    state: State
    version: int
    gone: bool = False
    status_before: str = ""


def shown(order: Order) -> State:
    """An order of the product's in the words of the world."""
    assert order.total is not None
    assert order.items is not None
    items = tuple((i.name, i.quantity, int(i.price.amount * 100)) for i in order.items if i.price)
    return State(order.status, int(order.total.amount * 100), items)


class Oracle:
    """Judges each poll's events and what was saved. ``polls`` are those that it has judged."""

    def __init__(self, world: World, manners: Manners) -> None:
        self.polls: list[Poll] = []
        self.said: dict[str, Said] = {}
        self._world = world
        self._manners = manners
        self._stale_s = manners.kept_s if manners.cached else 0.0
        self._baseline: Poll | None = None

    def judge(self, poll: Poll, events: Iterable[OrderEvent]) -> None:
        """FalseNews if one of these events is false, or one is lacking for what was saved."""
        for (order_id, _), group in groupby(events, lambda event: (event.order.id, event.revision)):
            self._judge_one(order_id, list(group), poll)
        if poll.has_baseline and self._baseline is None:
            self._baseline = poll
        for order_id, known in poll.saved.items():
            self._check_saved(order_id, known, poll)
        self.polls.append(poll)

    def _judge_one(self, order_id: str, group: list[OrderEvent], poll: Poll) -> None:
        """The events that one look made of one order: all of them show the same ``before`` and ``after``."""
        kinds = [event.kind for event in group]
        said, truth = self.said.get(order_id), self._world.orders.get(order_id)
        _must(truth is not None, order_id, "an event of an order that never was")
        assert truth
        _must(len(set(kinds)) == len(kinds), order_id, f"{kinds}: the same twice at once")
        after = shown(group[0].order)
        if EventKind.APPEARED in kinds:
            self._judge_appeared(truth, said, kinds, after, poll)
            return
        _must(said is not None, order_id, f"{kinds} of an order that was never seen")
        assert said
        before = group[0].before
        _must(before is not None and shown(before) == said.state, order_id, f"{kinds}: before was {said.state}")
        if EventKind.VANISHED in kinds:
            self._judge_vanished(truth, said, kinds, poll)
            return
        _must(said.gone == (EventKind.REAPPEARED in kinds), order_id, f"{kinds}, but gone is {said.gone}")
        moved = said.state.status != after.status
        _must(moved == (EventKind.STATUS_CHANGED in kinds), order_id, f"{kinds}: {said.state} → {after}")
        edited = said.state[1:] != after[1:]
        _must(edited == (EventKind.CHANGED in kinds), order_id, f"{kinds}: {said.state} → {after}")
        self._advance(truth, said, after, poll)

    def _judge_appeared(
        self, truth: Truth, said: Said | None, kinds: list[EventKind], after: State, poll: Poll
    ) -> None:
        _must(kinds == [EventKind.APPEARED] and said is None, truth.id, f"{kinds} of an order that is known: {said}")
        _must(self._baseline is not None, truth.id, "appeared, before there is a baseline")
        assert self._baseline
        absent = None in truth.during(self._baseline.begin - self._stale_s, poll.end)
        # A total that lies agrees by chance with a baseline that has missed an order which moved while it was read.
        by_chance = self._manners.totals in ("off", "random") and self._manners.amid > 0
        _must(absent or by_chance, truth.id, "appeared, but was there all the time since the baseline")
        new = self.said[truth.id] = Said(after, -1)
        self._advance(truth, new, after, poll)

    def _judge_vanished(self, truth: Truth, said: Said, kinds: list[EventKind], poll: Poll) -> None:
        _must(kinds == [EventKind.VANISHED] and not said.gone, truth.id, f"{kinds} of an order that is gone")
        if self._stale_s > 60:  # both looks may have been shown the same pages of different ages: nobody could tell
            said.gone = True
            return
        _must(None in self._true_in(truth, poll), truth.id, "vanished, but was there throughout this poll")
        twice = any(None in self._true_in(truth, earlier) for earlier in self.polls[-50:])
        _must(twice, truth.id, "vanished, but no poll before this one could see that")
        said.gone = True
        said.version = self._next_version(truth, said.version, None, poll)

    def _advance(self, truth: Truth, said: Said, after: State, poll: Poll) -> None:
        true = any(self._same(after, state) for state in self._true_in(truth, poll))
        _must(true, truth.id, f"{after} was not so at any time of this poll")
        if not self._stale_s:
            said.version = self._next_version(truth, said.version, after, poll)
        elif after.status != said.state.status:
            self._judge_under_cache(truth, said, after, poll)
        if after.status != said.state.status:
            said.status_before = said.state.status
        said.state, said.gone = after, False

    def _judge_under_cache(self, truth: Truth, said: Said, after: State, poll: Poll) -> None:
        """A cache that does not say so shows an order as it was: only a return to what was said before is confirmed.

        That one is true now; it may itself put right what the cache has shown before.
        """
        if after.status == said.status_before:
            now = truth.during(poll.begin, poll.end)
            _must(any(self._same(after, state) for state in now), truth.id, f"{after} has returned, but was not so now")

    def _true_in(self, truth: Truth, poll: Poll) -> list[State | None]:
        return truth.during(poll.begin - self._stale_s, poll.end)

    def _next_version(self, truth: Truth, version: int, state: State | None, poll: Poll) -> int:
        for number in range(version + 1, len(truth.versions)):
            if self._same(truth.versions[number].state, state) and truth.versions[number].at <= poll.end:
                return number
        raise FalseNews(f"{truth.id}: {state} was not so after what had been said before: it is told twice, or stale")

    def _same(self, one: State | None, other: State | None) -> bool:
        if self._stale_s and one and other:
            return one.status == other.status
        return one == other

    def _check_saved(self, order_id: str, known: Known, poll: Poll) -> None:
        """What was saved is what was said; a first sighting counts as said in the baseline."""
        state, said = shown(known.order), self.said.get(order_id)
        if said is None:
            first = self._baseline in (None, poll)
            _must(first, order_id, "was saved after the baseline, and appeared was not told")
            said = self.said[order_id] = Said(state, -1)
            self._advance(self._world.orders[order_id], said, state, poll)
        gone = known.vanished_at is not None
        _must((state, gone) == (said.state, said.gone), order_id, f"saved {state} gone={gone}, but said {said}")


def _must(holds: bool, order_id: str, otherwise: str) -> None:
    if not holds:
        raise FalseNews(f"{order_id}: {otherwise}")
