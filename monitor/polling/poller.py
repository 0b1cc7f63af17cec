"""One poll of one source: claim → read → find what differs → confirm what is suspicious → commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Protocol

import msgspec

from monitor.alerting.routes import Router
from monitor.clock import Clock
from monitor.diff import is_return
from monitor.errors import MonitorError, OurFault, SourceError, Stale
from monitor.polling.commit import CHUNK, Committed, Findings, commit
from monitor.polling.full import FullSnapshot
from monitor.polling.settings import PollSettings
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import Answer, ListSource, Request
from monitor.store.base import Claim, Store, Transaction

LEASE_S = 15.0
OnPage = Callable[[str, int, int | None], None]
"""Called after each page of a poll: the source, how many were read, and of how many, where the list says so."""


class Reading(Protocol):
    """The HTTP side of one poll, with its own patience and counters."""

    requests: int
    bytes: int

    async def get(self, request: Request) -> Answer:
        """The answer; SourceError if there is none after all patience."""
        ...


class PollResult(msgspec.Struct):
    """One poll, for the log, the metrics and the command line. ``seconds`` is how long it took."""

    source: str
    snapshot: Snapshot
    committed: Committed
    known: int
    requests: int
    bytes: int
    seconds: float


class Poller:
    """Polls one source. It remembers the orders' marks, so that an unchanged order costs one comparison."""

    def __init__(  # noqa: PLR0913  # a composition root's call, by keyword
        self,
        *,
        name: str,
        source: ListSource,
        settings: PollSettings,
        reading: Callable[[], Reading],
        store: Store,
        router: Router,
        clock: Clock,
        owner: str,
        on_page: OnPage | None = None,
    ) -> None:
        self.name = name
        self._source = source
        self._settings = settings
        self._reading = reading
        self._store = store
        self._router = router
        self._clock = clock
        self._owner = owner
        self._strategy = FullSnapshot(source, on_page=partial(on_page, name) if on_page else None)
        self._marks: dict[str, int] = {}
        self._marks_fence = -1

    def reroute(self, router: Router) -> None:
        """From the next commit on, events go where this router says."""
        self._router = router

    async def poll(self) -> PollResult | None:
        """Look at the source and commit what has changed; None if another daemon is polling it.

        A source that fails is a result, not an error; StateError if the state cannot be used, and then nothing of
        this poll has been written.
        """
        started = self._clock.monotonic()
        claim = await self._claim()
        if claim is None:
            return None
        reading = self._reading()
        try:
            found = await self._look(claim, reading)
            committed = await self._commit(claim, found)
        except MonitorError:
            raise
        except Exception as error:  # noqa: BLE001  # becomes the poll's error, and is logged with its trace
            # A bug of ours, in an adapter above all, must not leave a source unwatched that nobody is told of.
            found = self._findings(Snapshot(error=OurFault.of(error)), [])
            committed = await self._commit(claim, found)
        return PollResult(
            source=self.name,
            snapshot=found.snapshot,
            committed=committed,
            known=len(self._marks),
            requests=reading.requests,
            bytes=reading.bytes,
            seconds=self._clock.monotonic() - started,
        )

    async def _look(self, claim: Claim, reading: Reading) -> Findings:
        """Read the source, and find what differs from the state."""
        other_system = claim.state is not None and claim.state.identity != self._source.identity
        await self._load_marks(claim, forget=other_system)
        snapshot = await self._strategy.look(reading.get)
        await self._reject_stale(snapshot, claim, reading)
        # As people number them: whatever the list's order, and however its pages came in, events follow this one.
        changed = sorted(snapshot.changed_since(self._marks), key=lambda order_id: (len(order_id), order_id))
        if not other_system:
            await self._confirm_returns(snapshot, changed, reading)
        return self._findings(snapshot, changed)

    async def _commit(self, claim: Claim, found: Findings) -> Committed:
        committed = await self._store.transact(lambda tx: commit(tx, claim, found, self._router))
        self._remember(claim, found, committed)
        return committed

    async def _claim(self) -> Claim | None:
        now = self._clock.now()
        return await self._store.transact(lambda tx: tx.claim(self.name, self._owner, now, LEASE_S))

    async def _load_marks(self, claim: Claim, *, forget: bool) -> None:
        """Marks hold while each claim follows our own last commit; else somebody else may have changed the orders."""
        if claim.fence == self._marks_fence + 1 and not forget:
            return
        ids = [] if forget else await self._store.read(lambda tx: tx.present_ids(self.name))
        self._marks = dict.fromkeys(ids, 0)

    async def _reject_stale(self, snapshot: Snapshot, claim: Claim, reading: Reading) -> None:
        """A list that has gone back is read a second time, past any cache: if that one has not, no row is believed."""
        state = claim.state
        newest = snapshot.newest_id()
        if state is None or state.identity != self._source.identity or (snapshot.error and not snapshot.sightings):
            return
        # The newest order may stand on a page that could not be read.
        older = snapshot.error is None and _less(newest, state.newest_id)
        if not (older or _less(snapshot.total, state.total)):
            return
        try:
            newest_now, total_now = await self._strategy.newest(reading.get)
        except SourceError as error:
            snapshot.error = snapshot.error or error
            snapshot.sightings.clear()
            return
        if (older and _less(newest, newest_now)) or _less(snapshot.total, total_now):
            snapshot.error = Stale("the list is older than what was read before; a cache in front of it?")
            snapshot.sightings.clear()

    async def _confirm_returns(self, snapshot: Snapshot, changed: list[str], reading: Reading) -> None:
        """A return to the previous status may be a stale answer: look again before believing it."""

        def returning(tx: Transaction) -> list[str]:
            suspects: list[str] = []
            ids = iter(changed)
            while chunk := list(islice(ids, CHUNK)):
                known = tx.known(self.name, chunk)
                suspects += [i for i, before in known.items() if is_return(before, snapshot.order(i))]
            return suspects

        suspects = await self._store.read(returning)
        if suspects:
            await self._strategy.confirm(reading.get, snapshot, suspects)

    def _findings(self, snapshot: Snapshot, changed: list[str]) -> Findings:
        now, monotonic = self._clock.now(), self._clock.monotonic()

        def at(received: float) -> datetime:
            return now - timedelta(seconds=max(0.0, monotonic - received))

        return Findings(
            identity=self._source.identity,
            snapshot=snapshot,
            changed=changed,
            missing=[i for i in self._marks if i not in snapshot.sightings],
            known_count=len(self._marks),
            now=now,
            at=at,
            down_after=self._settings.down_after,
        )

    def _remember(self, claim: Claim, found: Findings, committed: Committed) -> None:
        """Orders that are doubted or missing get no mark, so that the next poll compares them whatever it sees."""
        snapshot = found.snapshot
        for order_id, sighting in snapshot.sightings.items():
            self._marks[order_id] = 0 if order_id in snapshot.doubted else sighting.page.marks[order_id]
        for order_id in found.missing:
            self._marks[order_id] = 0
        for order_id in committed.vanished:
            self._marks.pop(order_id, None)
        self._marks_fence = claim.fence


def _less(now: int | None, before: int | None) -> bool:
    return now is not None and before is not None and now < before
