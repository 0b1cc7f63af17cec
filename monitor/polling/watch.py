"""Watch and settle: orders by their status, read from the short lists; the longest one follows by elimination."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain, count

import msgspec

from monitor.errors import Rejected, SourceError
from monitor.model import normalise_status
from monitor.polling.gathering import all_of
from monitor.polling.habits import Direction, Habits
from monitor.polling.listing import MAX_PAGES, PAGE_SIZE, Listing
from monitor.polling.losses import find_losses
from monitor.polling.plan import Plan, pages_of
from monitor.polling.reckon import ALL, Differences, differences, in_words
from monitor.polling.seek import Seeker
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth, Snapshot
from monitor.sources.base import DetailSource, Page

MOST_SOUGHT = 2000
"""So many orders of doubtful whereabouts are looked for in one look."""


class Watched(msgspec.Struct):
    """What a look by status came to. ``lost`` orders were neither found nor proven absent."""

    snapshot: Snapshot
    differences: Differences
    lost: Collection[str] = ()

    @property
    def explained(self) -> bool:
        """Whether all that the source says agrees with what is known."""
        return not self.snapshot.reason and self.snapshot.error is None

    def accept_differences(self) -> None:
        """The totals are as they were after the last sweep: they say nothing new."""
        if not self.lost:
            self.snapshot.known_difference, self.snapshot.reason = self.snapshot.reason, ""


async def look_by_status(sight: Sight, habits: Habits, plan: Plan, depth: Depth) -> Watched:
    """Read the lists of this plan, and look up who has left them. A failure keeps what was read.

    What speaks against watching this source is noted in the habits.
    """
    snapshot = sight.snapshot(depth)
    done = Watched(snapshot, {})
    newest = Listing(sight.source, sight.get, snapshot)
    lists = {s: Listing(sight.source, sight.get, snapshot, status=s, size=_size(s, plan)) for s in _asked(plan)}
    try:
        await all_of(
            chain([_read_newest(newest, habits)], (_read(sight, habits, lists[s], s in plan.whole) for s in lists))
        )
        _judge(habits, sight, newest, lists.values())
        snapshot.total = newest.newest_total
        if not habits.refusal:
            await _find_who_left(sight, habits, plan, done)
            _conclude(habits, plan, done, newest, lists)
    except SourceError as error:
        snapshot.error, snapshot.reason, snapshot.total = error, str(error), newest.newest_total
    return done


def _asked(plan: Plan) -> tuple[str, ...]:
    return plan.whole + plan.counted


def _size(status: str, plan: Plan) -> int:
    return PAGE_SIZE if status in plan.whole else 1


async def _read_newest(listing: Listing, habits: Habits) -> None:
    """The end of the list at which new orders stand, as far as it shows no order that is known."""
    if habits.direction is Direction.OLDEST_FIRST:
        await _read_tail(listing, habits)
        return
    number, page = 1, await listing.read(1)
    while all(i not in listing.snapshot.ledger for i in page.ids if i) and _goes_on(listing, number):
        number += 1
        page = await listing.read(number)


async def _read_tail(listing: Listing, habits: Habits) -> None:
    """From where the list ended when it was known, to where it ends; and back, if it has lost many before that."""
    start, page = await _near_the_end(listing, habits)
    for number in count(start + 1):
        if not _goes_on(listing, number - 1):
            break
        await listing.read(number)
    while start > 1 and not _begins_known(page, listing):
        start -= 1
        page = await listing.read(start)


async def _near_the_end(listing: Listing, habits: Habits) -> tuple[int, Page]:
    """The page on which the last known order stands, if all of them are there still; else the list's last one."""
    number = pages_of(len(listing.snapshot.ledger), habits.page_size or listing.size)
    page = await listing.read(number)
    if not page.marks and number > 1:
        # Where there is no page past the end, only another one says how many there are.
        number = page.last_page or (await listing.read(1)).last_page or 1
        page = await listing.read(number)
    return min(number, page.last_page or number), page


def _goes_on(listing: Listing, number: int) -> bool:
    return number < min(listing.last_page, MAX_PAGES) and not listing.shows_nothing_new


def _begins_known(page: Page, listing: Listing) -> bool:
    first = page.id_at(0) if page.marks else None
    return first is not None and first in listing.snapshot.ledger


async def _read(sight: Sight, habits: Habits, listing: Listing, whole: bool) -> None:
    try:
        await listing.read(1)
        if whole:
            # From the end: who leaves the list meanwhile moves only those that were read.
            await listing.read_all(range(min(listing.last_page, MAX_PAGES), 1, -1), lambda: listing.shows_nothing_new)
    except Rejected:
        # This status cannot be asked for; a source that refuses everything fails by its list of all orders.
        habits.unfilterable[listing.status or ""] = sight.monotonic()


def _judge(habits: Habits, sight: Sight, newest: Listing, lists: Iterable[Listing]) -> None:
    """Whether the source can be watched by status after all."""
    asked = [listing for listing in lists if listing.status not in habits.unfilterable]
    if any(listing.foreign for listing in asked):
        habits.refuse("asked for one status it shows others too", sight.monotonic())
    elif newest.newest_total is None or any(listing.newest_total is None for listing in asked):
        habits.refuse("it does not say how many orders there are", sight.monotonic())
    elif not asked:
        habits.refuse("it cannot be asked for one status", sight.monotonic())
    elif habits.direction not in (None, Direction.NEITHER) and newest.directions - {habits.direction}:
        habits.direction = None
        if not isinstance(sight.adapter, DetailSource):
            habits.refuse(f"its list is sorted otherwise now ({newest.direction})", sight.monotonic())


async def _find_who_left(sight: Sight, habits: Habits, plan: Plan, done: Watched) -> None:
    """Known orders that should have been seen in this look, and others that were missed before, are looked up."""
    snapshot, ledger = done.snapshot, sight.ledger
    whole = [normalise_status(s) for s in habits.askable(plan.whole)]
    if plan.others:
        askable = {normalise_status(s) for s in habits.askable(_asked(plan))}
        whole += [status for status in ledger.counts() if status not in askable]
    left = [i for status in whole for i in ledger.with_status(status) if not snapshot.shows(i)]
    if not sight.loses_many:
        left += [i for i in ledger.unmarked() if not snapshot.shows(i)]
    if plan.others:
        left += await find_losses(sight, snapshot, habits)
    left = list(dict.fromkeys(left))
    if left:
        sought = await Seeker(sight, snapshot, habits).find(left[:MOST_SOUGHT])
        snapshot.absent = sought.absent
        left = sought.lost + left[MOST_SOUGHT:]
    done.lost = left


def _conclude(habits: Habits, plan: Plan, done: Watched, newest: Listing, lists: Mapping[str, Listing]) -> None:
    """What the totals say, and of which statuses each order was seen to have it still."""
    snapshot = done.snapshot
    asked = {s: lists[s] for s in habits.askable(lists)}
    totals = {normalise_status(s): listing.newest_total or 0 for s, listing in asked.items()}
    totals[ALL] = newest.newest_total or 0
    # Who was found counts as there, and who was proven absent as gone: else a new order could hide behind them.
    undecided = {i for i in (*snapshot.ledger.unmarked(), *done.lost) if not snapshot.shows(i)}
    done.differences = differences(snapshot, totals, undecided.difference(snapshot.absent))
    proven = asked if snapshot.depth is Depth.SETTLE else plan.whole
    snapshot.whole = frozenset(normalise_status(s) for s in proven if s in asked)
    snapshot.reason = in_words(done.differences) or (f"{len(done.lost):,} orders were not found" if done.lost else "")
