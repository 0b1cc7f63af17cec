"""Followed ids: orders of a system that has no list, read one by one, all of them each time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from datetime import datetime

from monitor.diff import Coverage
from monitor.errors import SourceError
from monitor.polling.bound import Bound
from monitor.polling.details import Details, ReadAlone
from monitor.polling.settings import PollSettings
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Depth, Snapshot
from monitor.sources.base import DetailSource


class FollowedStrategy:
    """Reads each followed order. Ids that were put in lately announce nothing; those taken out are forgotten, so that
    they announce nothing either when they are put in again.

    Gone is who the source says to be gone, in its own words. Silence about an order that is not followed means nothing.
    """

    refusal = ""

    def __init__(self, source: DetailSource, settings: PollSettings) -> None:
        self._source = source
        self.bound = Bound(settings.every)

    def forget(self) -> None:
        """It remembers nothing."""

    async def look(self, sight: Sight, now: datetime) -> AsyncGenerator[Snapshot, None]:
        """Look at each followed order once. ``now`` is of no matter: each poll is alike."""
        snapshot = sight.snapshot(Depth.SWEEP)
        ids = sorted(set(sight.followed), key=lambda order_id: (len(order_id), order_id))
        snapshot.introduces = True
        snapshot.followed = ids
        # What is lost is measured by what is followed, not by what once was.
        snapshot.known = sum(order_id in sight.ledger for order_id in ids)
        snapshot.total = len(ids)
        snapshot.began = sight.monotonic()
        try:
            read = await Details(self._source, sight.get, snapshot).read(ids)
            _conclude(snapshot, ids, read)
        except SourceError as error:
            snapshot.error, snapshot.reason = error, str(error)
        yield snapshot


def _conclude(snapshot: Snapshot, ids: Collection[str], read: ReadAlone) -> None:
    """The verdict: an order that cannot be read while others can is no fault of the source as a whole."""
    snapshot.absent = sorted(order_id for order_id in read.gone if order_id in snapshot.ledger)
    snapshot.strangers = sorted(set(read.gone).difference(snapshot.absent))
    if not read.failed:
        snapshot.coverage = Coverage.COMPLETE
        return
    first = next(iter(read.failed.values()))
    if len(read.failed) == len(ids):
        raise first
    snapshot.reason = f"{len(read.failed):,} of {len(ids):,} followed orders cannot be read: {first}"
