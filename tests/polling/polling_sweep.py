"""One sweep of a shop, committed as the poller does it, but to a ledger alone."""

from __future__ import annotations

from collections.abc import Callable

from polling_shop import Shop

from monitor.model import normalise_status
from monitor.polling.habits import Habits
from monitor.polling.ledger import Entry, Ledger
from monitor.polling.listing import Get
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Snapshot
from monitor.polling.sweep import Sweep
from monitor.sources.base import ListSource


class Swept:
    """What sweeps have seen. ``ledger`` holds what was committed; ``parts`` how many orders each commit was of."""

    def __init__(self, source: ListSource, get: Get, monotonic: Callable[[], float]) -> None:
        self.ledger = Ledger()
        self.parts: list[int] = []
        self.sight = Sight(source, get, self.ledger, None, 0, monotonic)

    async def look(self, in_flight: int = 8, *, look_up: bool = False, habits: Habits | None = None) -> Snapshot:
        """A new sweep, to its end; its last snapshot, uncommitted."""
        sweep = Sweep(self.sight, habits or Habits(), look_up=look_up)
        sweep.listing.in_flight = in_flight
        return await self.go_on(sweep)

    async def go_on(self, sweep: Sweep) -> Snapshot:
        """The last snapshot of this slice, uncommitted; the parts before it are committed."""
        last: Snapshot | None = None
        async for snapshot in sweep.go_on(self.sight):
            self.parts.append(len(snapshot.sightings))
            last = snapshot
            if snapshot.more:
                self.commit(snapshot)
        assert last is not None
        assert not last.more
        return last

    def commit(self, snapshot: Snapshot) -> None:
        """What becomes of a snapshot that is believed."""
        self.ledger.write(
            [Entry(i, snapshot.mark(i), normalise_status(snapshot.order(i).status)) for i in snapshot.sightings],
            snapshot.look,
        )
        self.ledger.remove(snapshot.absent)
        snapshot.part_is_committed()


def swept(shop: Shop, get: Get | None = None) -> Swept:
    """Nothing is known of this shop yet."""
    return Swept(shop.source(), get or shop.get, shop.clock.monotonic)


def seen(snapshot: Snapshot) -> set[int]:
    """The orders that were seen of a source of which nothing was known before."""
    ledger = snapshot.ledger
    known = [order_id for status in ledger.counts() for order_id in ledger.with_status(status)]
    return {int(order_id) for order_id in (*snapshot.sightings, *known) if snapshot.shows(order_id)}
