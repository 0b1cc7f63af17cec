"""Which of several daemons does what: each holds its share of the work for as long as it attends, and gives it up when
it cannot say so any more. Where a state serves one daemon, that one holds everything.

What is held has no time of its own: each daemon renews one row, however much it holds. Who finds that another's time
has run out buries it: then all that it held is free.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import NamedTuple

from monitor.clock import Clock
from monitor.shares import divide
from monitor.store.base import Store, Transaction
from monitor.store.leases import DAEMON, SOURCE

LEASE_S = 15.0
RENEWS_S = 4.0
"""Three renewals may fail before a daemon counts as dead."""
VISITOR = "visitor "
DUTY = "duty rounds"
"""What one daemon does for all: drills, heartbeats, housekeeping."""
_SWEEPS_EACH = 15
"""Beats in which nothing has changed: then, too, it is looked for what is held for nobody."""


class Beat(NamedTuple):
    """What a renewal came to: what is held now, how many daemons live, how far the database's clock is ahead of ours,
    whether we were known, and who was buried."""

    held: frozenset[str]
    daemons: int
    ahead_s: float
    known: bool
    buried: list[str]
    seen: Seen | None = None


class Seen(NamedTuple):
    """What a division rests on: while it is the same, everybody keeps what they have."""

    living: Mapping[str, str]
    counts: Mapping[str, int]


class Roster:
    """Holds this daemon's leases. ``beat`` must be called every ``RENEWS_S`` seconds.

    ``term`` counts how often it has begun anew: what was claimed in an earlier one may be another's by now. ``busy``
    says which sources are being polled, and so not given away.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        owner: str,
        lease_s: float = LEASE_S,
        busy: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._lease_s = lease_s
        self._busy = busy
        self._weights: Mapping[str, int] = {}
        self._unit_of: Mapping[str, str] = {}
        self._knows = ""
        self._held: frozenset[str] = frozenset()
        self._sources: frozenset[str] = frozenset()
        self._until = float("-inf")
        self._seen: Seen | None = None
        self._visits = True
        self._beats = 0
        self.daemons = 1
        self.term = 0

    def serve(self, units: Mapping[str, str]) -> None:
        """Divide these sources: by name, the unit to which it belongs. The sources of a unit stay together."""
        self._unit_of = {source: f"{SOURCE}{unit}" for source, unit in units.items()}
        self._weights = Counter(self._unit_of.values())
        # Daemons of the same sources share alike; what another does not know, it cannot take.
        known = "\n".join(f"{source}\t{unit}" for source, unit in sorted(units.items()))
        self._knows = hashlib.sha256(known.encode()).hexdigest()[:12]
        self._seen = None
        self._sources = self._of(self._held)

    @property
    def leases(self) -> Mapping[str, str]:
        """By source, the name of the lease of whichever daemon polls it."""
        return self._unit_of

    @property
    def is_valid(self) -> bool:
        """Whether what is held was renewed lately enough. By the monotonic clock: it goes on while a process is
        stopped, and no clock that is set changes it."""
        return self._clock.monotonic() < self._until

    def holds(self, source: str) -> bool:
        """Whether this daemon polls this source."""
        return source in self._sources and self.is_valid

    def held_sources(self) -> frozenset[str]:
        """The sources that this daemon polls."""
        return self._sources if self.is_valid else frozenset()

    def has_duty(self) -> bool:
        """Whether this daemon does what one does for all."""
        return DUTY in self._held and self.is_valid

    async def beat(self) -> Beat:
        """Renew what is held, take what nobody holds, give up what is too much. StateError: nothing is renewed."""
        self._visits = False
        return await self._attend(self._renew)

    async def visit(self) -> Beat:
        """Attend without a share: what is claimed meanwhile is respected. StateError: nothing is renewed."""
        self._visits = True
        return await self._attend(self._call)

    async def renew(self) -> Beat:
        """Attend as before: as a daemon, or as a visitor."""
        return await (self.visit() if self._visits else self.beat())

    async def leave(self) -> None:
        """Give everything up, so that others need not wait."""
        self._until = float("-inf")
        self._held = self._sources = frozenset()
        await self._store.transact(lambda tx: tx.depart(self._owner))

    async def take_for_visit(self, source: str) -> bool:
        """Whether a visitor may poll this source: one whose host may be asked only so often is its daemon's alone."""
        unit = self._unit_of.get(source, "")
        if not unit.startswith(f"{SOURCE}@"):
            return True
        return bool(await self._store.transact(lambda tx: tx.take_leases([unit], self._owner, None, 1)))

    async def _attend(self, work: Callable[[Transaction, bool], Beat]) -> Beat:
        began, was_valid = self._clock.monotonic(), self.is_valid
        beat = await self._store.transact(lambda tx: work(tx, was_valid))
        self._held, self.daemons = beat.held, beat.daemons
        self._sources = self._of(beat.held)
        self._until = began + self._lease_s
        self._seen = beat.seen
        self._beats += 1
        if not beat.known:
            self.term += 1
        return beat

    def _of(self, held: Collection[str]) -> frozenset[str]:
        return frozenset(source for source, unit in self._unit_of.items() if unit in held)

    def _call(self, tx: Transaction, was_valid: bool) -> Beat:  # as ``_renew``
        ahead_s = self._ahead(tx)
        known = tx.attend(f"{VISITOR}{self._owner}", self._owner, self._lease_s)
        return Beat(frozenset(), len(tx.leased(DAEMON)), ahead_s, known, [])

    def _renew(self, tx: Transaction, was_valid: bool) -> Beat:  # one of two callbacks
        ahead_s = self._ahead(tx)
        known = tx.attend(f"{DAEMON}{self._owner} {self._knows}", self._owner, self._lease_s)
        # Who comes back from an outage buries nobody at once: it was the others' outage as well.
        buried = tx.bury_owners() if was_valid and known else []
        living = {owner: name.rpartition(" ")[2] for name, owner in tx.leased(DAEMON).items()}
        held, seen = self._share(tx, living, self._seen if known else None)
        held -= {DUTY}
        if tx.take_leases([DUTY], self._owner, None, 1):
            held |= {DUTY}
            if seen is None or self._beats % _SWEEPS_EACH == 0:
                tx.sweep_leases()
        return Beat(held, len(living), ahead_s, known, buried, seen)

    def _ahead(self, tx: Transaction) -> float:
        """How far the database's clock is ahead; 0 as long as it may be the same, for all that we can tell."""
        before = self._clock.now()
        at, after = tx.database_now(before), self._clock.now()
        if before <= at <= after:
            return 0.0
        return (at - (before + (after - before) / 2)) / timedelta(seconds=1)

    def _share(
        self, tx: Transaction, living: Mapping[str, str], before: Seen | None
    ) -> tuple[frozenset[str], Seen | None]:
        """What is held after this daemon has taken, or given up, its part of what is to be moved.

        And what that rests on, if all is as it should be: else it is looked at again.
        """
        seen = Seen(living, tx.count_leased(SOURCE))
        if seen == before:
            return self._held, seen
        owners, busy = tx.leased(SOURCE), {self._unit_of[name] for name in self._busy() if name in self._unit_of}
        peers = {owner for owner, knows in living.items() if knows == self._knows} | {self._owner}
        gives, takes = divide(self._weights, owners, self._owner, peers, busy)
        mine = {unit for unit, owner in owners.items() if owner == self._owner}
        drops = {*gives, *(mine - busy - self._weights.keys())}
        if drops:
            tx.drop_leases(self._owner, drops)
        taken = tx.take_leases(takes, self._owner, None, len(takes))
        held = frozenset(mine - drops | set(taken))
        waits = busy and divide(self._weights, owners, self._owner, peers).gives
        settled = not drops and not takes and not waits and owners.keys() >= self._weights.keys()
        return held, seen if settled else None
