"""One poll of one source: claim → read → find what differs → confirm what is suspicious → commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Protocol

import msgspec

from monitor.alerting.routes import Router
from monitor.clock import Clock
from monitor.diff import is_return
from monitor.errors import MonitorError, OurFault
from monitor.polling.bound import Bound
from monitor.polling.choice import strategy_for
from monitor.polling.commit import CHUNK, Committed, Findings, commit
from monitor.polling.confirm import SecondLook
from monitor.polling.ledger import Ledger
from monitor.polling.settings import PollSettings
from monitor.polling.sight import Sight
from monitor.polling.snapshot import Snapshot
from monitor.sources.base import Answer, Request, Source, lists_orders
from monitor.store.base import Claim, Store, Transaction

LEASE_S = 15.0
SLICE = 0.7
"""Of the interval between two polls, a sweep may use so much: the next watch must not wait for it."""
OnCommit = Callable[[str, Committed], None]
"""Called after each look's commit: the source, and what it came to."""
OnPage = Callable[[str, int, int | None], None]
"""Called after each page of a sweep: the source, how many were read, and of how many, where the list says so."""


class Reading(Protocol):
    """The HTTP side of one poll, with its own patience and counters."""

    requests: int
    bytes: int

    async def get(self, request: Request) -> Answer:
        """The answer; SourceError if there is none after all patience."""
        ...


class PollResult(msgspec.Struct):
    """One poll, for the log, the metrics and the command line.

    ``snapshot`` is of its last look, ``committed`` the sum of all. ``bound`` is how soon changes are noticed now;
    ``refusal`` says why the source's list is read whole although it could be long. ``seconds`` is how long it took.
    """

    source: str
    snapshot: Snapshot
    committed: Committed
    known: int
    requests: int
    bytes: int
    seconds: float
    bound: Bound
    refusal: str = ""


class Poller:
    """Polls one source. It remembers the orders' marks, so that an unchanged order costs next to nothing."""

    def __init__(  # noqa: PLR0913  # a composition root's call, by keyword
        self,
        *,
        name: str,
        source: Source,
        settings: PollSettings,
        reading: Callable[[], Reading],
        store: Store,
        router: Router,
        clock: Clock,
        owner: str,
        on_page: OnPage | None = None,
        on_commit: OnCommit | None = None,
        followed: Collection[str] = (),
        hold_s: float = 0.0,
    ) -> None:
        self.name = name
        self._source = source
        self._settings = settings
        self._reading = reading
        self._store = store
        self._router = router
        self._clock = clock
        self._owner = owner
        self._on_page = partial(on_page, name) if on_page else None
        self._on_commit = on_commit
        self._hold_s = hold_s
        self._followed = followed
        self._strategy = strategy_for(source, settings)
        self._ledger = Ledger()
        self._fence = -1
        self._look = 0

    def reroute(self, router: Router) -> None:
        """From the next commit on, events go where this router says."""
        self._router = router

    async def poll(self, *, at_once: bool = False) -> PollResult | None:
        """Look at the source and commit what has changed; None if another daemon is polling it.

        ``at_once``: a sweep that is due is read to its end, as there may be no next poll that goes on with it.
        A source that fails is a result, not an error; StateError if the state cannot be used, and then nothing that
        was not committed before has been written.
        """
        started = self._clock.monotonic()
        claim = await self._claim()
        if claim is None:
            return None
        reading = self._reading()
        until = None if at_once else started + self._settings.every.total_seconds() * SLICE
        last, total = Snapshot(self._ledger, self._look), Committed(events=Counter())
        async with aclosing(self._looks(claim, reading, until)) as looks:
            async for snapshot, committed in looks:
                last = snapshot
                total.add(committed)
        return PollResult(
            source=self.name,
            snapshot=last,
            committed=total,
            known=len(self._ledger),
            requests=reading.requests,
            bytes=reading.bytes,
            seconds=self._clock.monotonic() - started,
            bound=self._strategy.bound,
            refusal=self._strategy.refusal,
        )

    async def _looks(
        self, claim: Claim, reading: Reading, until: float | None
    ) -> AsyncGenerator[tuple[Snapshot, Committed], None]:
        """Each look of a poll, committed. A bug of ours must not leave a source unwatched that nobody is told of."""
        proven: set[str] = set()
        try:
            async for snapshot, changed in self._sights(claim, reading, until):
                committed = await self._commit(claim, snapshot, changed, proven)
                proven.update(committed.unproven)
                yield snapshot, committed
        except MonitorError:
            self._fence = -1  # nobody knows what was written: the state does
            raise
        except Exception as error:  # noqa: BLE001  # becomes the poll's error, and is logged with its trace
            failed = Snapshot(self._ledger, self._look, error=OurFault.of(error))
            committed = await self._commit(claim, failed, [])
            self._fence = -1
            yield failed, committed

    async def _sights(
        self, claim: Claim, reading: Reading, until: float | None
    ) -> AsyncGenerator[tuple[Snapshot, list[str]], None]:
        """What each look has seen that may differ from the state, and is fit to be believed."""
        state = claim.state if claim.state and claim.state.identity == self._source.identity else None
        await self._load(claim, forget=state is None)
        sight = Sight(
            self._source,
            reading.get,
            self._ledger,
            state,
            self._look,
            self._clock.monotonic,
            until,
            self._on_page,
            await self._ids(),
        )
        second = SecondLook(self._source, reading.get)
        async with aclosing(self._strategy.look(sight, self._clock.now())) as looks:
            async for snapshot in looks:
                self._look = sight.look
                if state is not None:
                    await second.reject_stale(snapshot, state)
                # As people number them: whatever the list's order, and however its pages came in.
                changed = sorted(snapshot.changed(), key=lambda order_id: (len(order_id), order_id))
                if state is not None:
                    await self._confirm_returns(snapshot, changed, second)
                yield snapshot, changed
                if snapshot.error is not None:
                    return

    async def _commit(
        self, claim: Claim, snapshot: Snapshot, changed: list[str], proven: Collection[str] = ()
    ) -> Committed:
        found = self._findings(snapshot, changed, proven)
        committed = await self._store.transact(lambda tx: commit(tx, claim, found, self._router))
        self._remember(claim, snapshot, committed)
        if self._on_commit:
            self._on_commit(self.name, committed)
        return committed

    async def _claim(self) -> Claim | None:
        now = self._clock.now()
        return await self._store.transact(lambda tx: tx.claim(self.name, self._owner, now, LEASE_S))

    async def _ids(self) -> Collection[str]:
        """What to read of a source that has no list: the configuration's ids, and those named from the shell."""
        if lists_orders(self._source):
            return ()
        named = await self._store.read(lambda tx: tx.followed(self.name))
        return {*self._followed, *named}

    async def _load(self, claim: Claim, *, forget: bool) -> None:
        """The ledger holds while each claim follows our own last; else somebody else may have changed the orders."""
        if claim.fence == self._fence + 1 and not forget:
            return
        self._strategy.forget()
        self._look = 0
        if forget:
            self._ledger = Ledger()
            return
        self._ledger = await self._store.read(lambda tx: Ledger.load(tx.marks(self.name)))

    async def _confirm_returns(self, snapshot: Snapshot, changed: list[str], second: SecondLook) -> None:
        """A return to the previous status may be a stale answer: look again before believing it."""

        def returning(tx: Transaction) -> list[str]:
            suspects: list[str] = []
            ids = iter(changed)
            while chunk := list(islice(ids, CHUNK)):
                known = tx.known(self.name, chunk)
                suspects += [i for i, before in known.items() if is_return(before, snapshot.order(i))]
            return suspects

        suspects = await self._store.read(returning) if changed else []
        if suspects:
            await second.confirm(snapshot, suspects)

    def _findings(self, snapshot: Snapshot, changed: list[str], proven: Collection[str]) -> Findings:
        now, monotonic = self._clock.now(), self._clock.monotonic()

        def at(received: float) -> datetime:
            return now - timedelta(seconds=min(max(0.0, monotonic - received), now.timestamp()))

        return Findings(
            identity=self._source.identity,
            snapshot=snapshot,
            changed=changed,
            now=now,
            at=at,
            down_after=self._settings.down_after,
            proven=proven,
            hold_s=self._hold_s,
            every=self._settings.every,
        )

    def _remember(self, claim: Claim, snapshot: Snapshot, committed: Committed) -> None:
        """Orders that are doubted or absent get no mark: a look must see them, whatever they show."""
        self._ledger.write(committed.orders, snapshot.look)
        self._ledger.doubt([*committed.unproven, *snapshot.doubted])
        self._ledger.remove([*committed.vanished, *committed.forgotten])
        snapshot.part_is_committed()
        self._fence = claim.fence
