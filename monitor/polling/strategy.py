"""How little to read of a source that lists its orders, chosen by what it can do and what it shows: DESIGN.md §7."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from monitor.diff import Coverage
from monitor.errors import SourceError
from monitor.model import Routine, normalise_status
from monitor.polling.bound import Bound
from monitor.polling.habits import Direction, Habits, strictly
from monitor.polling.listing import PAGE_SIZE, Listing
from monitor.polling.plan import Plan, pages_of, plan, requests_of
from monitor.polling.settings import PollSettings
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth, Snapshot
from monitor.polling.sweep import Sweep
from monitor.polling.watch import MOST_SOUGHT, Watched, look_by_status
from monitor.sources.base import DetailSource, ListSource, is_chained


class ListStrategy:
    """Watches orders by their status where that is cheaper than the whole list, and can be proven."""

    def __init__(self, source: ListSource, settings: PollSettings) -> None:
        self.habits = Habits()
        self.by_status = False
        self._source = source
        self._settings = settings
        self._every = settings.every
        self._settle_every = settings.settle_every
        self._sweep_every = settings.sweep_every
        self.forget()

    def forget(self) -> None:
        """Begin anew, as after somebody else has changed what is known."""
        self._sweep: Sweep | None = None
        self._whole: tuple[str, ...] = ()
        self._settles = False
        self._requests = 0
        self._routine = Routine()

    @property
    def bound(self) -> Bound:
        """How soon a change is noticed, as the source is looked at now."""
        if not self.by_status:
            return Bound(self._every)
        asked = self.habits.askable(self._whole)
        watched = tuple(status for status in self._source.open_statuses if status in asked)
        return Bound.by_status(self._settings, watched, self._requests, settles=self._settles)

    @property
    def refusal(self) -> str:
        """Why the list is read whole although it could be long; empty where it is not."""
        return self.habits.refusal

    async def look(self, sight: Sight, now: datetime) -> AsyncGenerator[Snapshot, None]:
        """Look at the source. Each snapshot is to be committed before the next one is asked for."""
        self._routine = (sight.state and sight.state.routine) or Routine()
        self.habits.forget_unfilterable(sight.monotonic() - self._settle_every.total_seconds())
        self.by_status = self._can_watch(sight)
        if self.by_status and self._must_probe(sight):
            probe = await self._probe(sight)
            yield probe
            if probe.error is not None:
                return
            self.by_status = self._can_watch(sight)
        if self.by_status:
            async for snapshot in self._watch(sight, now):
                yield snapshot
            self.by_status = not self.habits.refusal
            if self.by_status and self._sweep_due(sight, now):
                async for snapshot in self._go_on_sweeping(sight, now):
                    yield snapshot
        if not self.by_status:
            async for snapshot in self._read_whole(sight):
                yield snapshot

    # How it is looked at

    def _can_watch(self, sight: Sight) -> bool:
        """Whether the orders can be watched by status, and whether that saves anything."""
        if sight.state is None or sight.state.baseline_at is None or not self._source.statuses:
            return False
        if self._refused(sight) or not self._saves(sight):
            return False
        if is_chained(self._source):
            self.habits.refuse("its pages can only be read one after the other", sight.monotonic())
            return False
        if self.habits.direction is Direction.NEITHER and not isinstance(self._source, DetailSource):
            self.habits.refuse("its list is sorted neither newest nor oldest first", sight.monotonic())
            return False
        if self._unaskable(sight) > MOST_SOUGHT:
            why = f"more than {MOST_SOUGHT:,} orders have a status that it cannot be asked for"
            self.habits.refuse(why, sight.monotonic())
            return False
        return True

    def _refused(self, sight: Sight) -> bool:
        """Whether something speaks against watching; it is tried again after a while."""
        shortest, longest = self._settle_every.total_seconds(), self._sweep_every.total_seconds()
        self.habits.try_again(sight.monotonic(), shortest, longest)
        return bool(self.habits.refusal)

    def _unaskable(self, sight: Sight) -> int:
        """How many orders have a status that the source cannot be asked for."""
        askable = {normalise_status(status) for status in self.habits.askable(self._source.statuses)}
        return sum(count for status, count in sight.ledger.counts().items() if status not in askable)

    def _saves(self, sight: Sight) -> bool:
        """Whether a watch takes fewer requests than the whole list."""
        counts, watch = sight.ledger.counts(), self._plan(sight, Depth.WATCH)
        self._whole, self._requests = watch.whole, requests_of(watch, counts, self._page_size)
        self._settles = watch.whole == self._plan(sight, Depth.SETTLE).whole
        return self._requests < pages_of(len(sight.ledger), self._page_size)

    def _must_probe(self, _: Sight) -> bool:
        return self.habits.direction is None

    async def _probe(self, sight: Sight) -> Snapshot:
        """How the list is sorted, and how much a page of it holds; what the page shows is as true as any other's."""
        snapshot = sight.snapshot(Depth.WATCH)
        listing = sight.whole_list(snapshot)
        try:
            page = await listing.read(1)
        except SourceError as error:
            snapshot.error = error
            return snapshot
        self.habits.direction = strictly(page) or Direction.NEITHER
        self.habits.page_size = listing.fits
        snapshot.more, snapshot.total = True, page.total
        return snapshot

    def _learn(self, listing: Listing, sight: Sight) -> None:
        """What a reading of the whole list has shown of it."""
        if listing.last_page < 2:
            return
        # Behind a total that lies, a short last page looks like one with others after it.
        if listing.snapshot.coverage is Coverage.COMPLETE or not self.habits.page_size:
            self.habits.page_size = listing.fits
        if listing.directions and listing.direction is not self.habits.direction:
            self.habits.direction = listing.strict_direction()
        if listing.repeats_first_page:
            self.habits.refuse("it ignores pages", sight.monotonic())
        elif listing.total is None and not listing.chained:
            self.habits.refuse("it does not say how many orders there are", sight.monotonic())

    def _plan(self, sight: Sight, depth: Depth) -> Plan:
        askable = self.habits.askable(self._source.statuses)
        return plan(depth, sight.ledger.counts(), askable, self._source.open_statuses, self._page_size)

    @property
    def _page_size(self) -> int:
        return self.habits.page_size or PAGE_SIZE

    # Watch and settle

    async def _watch(self, sight: Sight, now: datetime) -> AsyncIterator[Snapshot]:
        """Watch, or settle when it is time for that; what remains unexplained is settled at once, then swept."""
        # A sweep that is read to its end now proves what a settle would, and more.
        sweeps = sight.until is None and self._sweep_due(sight, now)
        depth = Depth.SETTLE if self._settle_due(sight, now) and not sweeps else Depth.WATCH
        for number, again in enumerate((depth, Depth.SETTLE, Depth.SETTLE)):
            if number and not self._may(self._routine.settle_after, now):
                return
            watched = await look_by_status(sight, self.habits, self._plan(sight, again), again)
            self._compare(watched)
            if watched.explained and sight.doubt is None:
                self.habits.refusals = 0
                self._note(settle_after=None, sweep_after=None)
            elif number == 2 and not watched.explained and watched.snapshot.error is None:
                self._note(settle_after=now + self._settle_every, sweep_wanted=True)
            watched.snapshot.routine = self._routine
            yield watched.snapshot
            if watched.explained or watched.snapshot.error or self.habits.refusal:
                return

    def _compare(self, watched: Watched) -> None:
        """A difference that a whole sweep has left is remembered, and explains itself as long as it stays the same."""
        found = dict(watched.differences)
        if self._routine.swept and found:
            self._note(differences=found)
        elif found != self._routine.differences:
            self._note(differences={})
        self._note(swept=False)
        if self._routine.differences:
            watched.accept_differences()

    def _note(self, **changes: Any) -> None:
        self._routine = msgspec.structs.replace(self._routine, **changes)

    def _may(self, after: datetime | None, now: datetime) -> bool:
        """Whether this time has come; one that is further ahead than it can be was written by another clock."""
        return after is None or not timedelta(0) < after - now <= self._settle_every

    def _settle_due(self, sight: Sight, now: datetime) -> bool:
        settled = sight.state.settled_at if sight.state else None
        may = self._may(self._routine.settle_after, now)
        return may and _is_due(settled, self._settle_every, self._every, now)

    # Sweep

    def _sweep_due(self, sight: Sight, now: datetime) -> bool:
        if self._sweep:
            return True
        complete = sight.state.complete_at if sight.state else None
        wanted = self._routine.sweep_wanted or sight.doubt is not None
        due = wanted or _is_due(complete, self._sweep_every, self._every, now)
        return due and self._may(self._routine.sweep_after, now)

    async def _go_on_sweeping(self, sight: Sight, now: datetime) -> AsyncIterator[Snapshot]:
        self._sweep = sweep = self._sweep or Sweep(sight, self.habits, look_up=True)
        async for snapshot in sweep.go_on(sight):
            if snapshot.error is not None:
                # The source answers, as the watch has shown: what is in doubt is whether all of it can be read.
                snapshot.error, snapshot.reason = None, str(snapshot.error)
            if sweep.done:
                # Not later: a snapshot that is rejected as stale ends the look, and another sweep must begin.
                self._sweep = None
                complete = snapshot.coverage is Coverage.COMPLETE
                self._note(sweep_wanted=False, swept=complete, sweep_after=now + self._settle_every)
                snapshot.routine = self._routine
            yield snapshot
        if sweep.done:
            self._learn(sweep.listing, sight)

    async def _read_whole(self, sight: Sight) -> AsyncIterator[Snapshot]:
        self._sweep = None
        sight.until = None
        sweep = Sweep(sight, self.habits)
        async for snapshot in sweep.go_on(sight):
            yield snapshot
        self._learn(sweep.listing, sight)
        self.by_status = self._promises(sight)

    def _promises(self, sight: Sight) -> bool:
        """Whether the next look will be by status, as far as this one has shown."""
        sorted_ = self.habits.direction not in (None, Direction.NEITHER) and not is_chained(self._source)
        return bool(self._source.statuses) and sorted_ and not self.habits.refusal and self._saves(sight)


def _is_due(last: datetime | None, interval: timedelta, every: timedelta, now: datetime) -> bool:
    """Whether it is time; half a poll's interval too early is better than half a one too late."""
    return last is None or not timedelta(0) <= now - last < interval - every / 2
