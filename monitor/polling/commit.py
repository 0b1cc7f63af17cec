"""The one transaction of a look: compare, find the events, route them, write all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from monitor.alerting.routes import Router
from monitor.diff import Absences, Change, Coverage, Look, absent, compare, is_return, judge_absences
from monitor.model import Doubt, EventKind, SourceEvent, SourceState, normalise_status
from monitor.polling.health import after_failure, after_look, after_telling, still_partial
from monitor.polling.ledger import Entry
from monitor.polling.rules import Judge, is_well, noticed
from monitor.polling.snapshot import Depth, Snapshot
from monitor.polling.stuck import ENDS, StuckOrders, Sure, is_fit, sure_after
from monitor.polling.telling import Teller
from monitor.store.base import Claim, Held, Transaction

CHUNK = 1000
"""So many changed orders are held as objects at a time."""


class Findings(msgspec.Struct):
    """What a look read, and what the commit must know besides.

    ``changed`` are the ids that may differ from the state. ``at`` turns monotonic seconds into wall time. ``proven``
    are the orders that an earlier look of the same poll has proven absent. ``hold_s``: so long the messages about an
    order wait for its details, if they are to have any. ``every``: so far apart looks are meant to be.
    """

    identity: str
    snapshot: Snapshot
    changed: Sequence[str]
    now: datetime
    at: Callable[[float], datetime]
    down_after: int
    proven: Collection[str] = ()
    hold_s: float = 0.0
    every: timedelta = timedelta(minutes=1)


class Committed(msgspec.Struct):
    """What a look's commit came to.

    ``orders`` are known as this now; ``unproven`` have been absent once; ``vanished`` are gone; ``forgotten`` are
    followed no more. The rest is what telling of it came to: see ``Told``.
    """

    events: Counter[EventKind]
    deliveries: int = 0
    new_orders: int = 0
    orders: list[Entry] = []
    unproven: list[str] = []
    vanished: list[str] = []
    forgotten: list[str] = []
    baseline: bool = False
    other_system: bool = False
    doubt: Doubt | None = None
    held: list[Held] = []
    unheld: list[int] = []
    silenced: int = 0
    dropped: int = 0
    unfit: set[str] = set()

    def add(self, later: Committed) -> None:
        """Count in what a later look of the same poll came to; the orders themselves are left out."""
        self.events += later.events
        self.deliveries += later.deliveries
        self.silenced += later.silenced
        self.dropped += later.dropped
        self.unfit |= later.unfit
        self.new_orders += later.new_orders
        self.baseline |= later.baseline
        self.other_system |= later.other_system
        self.doubt = later.doubt


def commit(tx: Transaction, claim: Claim, found: Findings, router: Router) -> Committed:
    """Write what this look found; ClaimLost, and nothing written, if another daemon has polled the source since."""
    tx.check(claim)
    return _Commit(tx, claim, found, router).run()


class _Commit:
    """The steps of one commit, and what they have in common."""

    def __init__(self, tx: Transaction, claim: Claim, found: Findings, router: Router) -> None:
        self._tx = tx
        self._claim = claim
        self._source = claim.source
        self._found = found
        self._snapshot = found.snapshot
        self._router = router
        self._teller = Teller(tx, router, found.now, found.hold_s)
        self._stuck = StuckOrders(tx, self._teller, self._source, router.stuck_rules(self._source), found.now)
        self._done = Committed(events=Counter())

    def run(self) -> Committed:
        state = self._own_state()
        announces = state.baseline_at is not None and not self._snapshot.introduces
        look = Look(self._source, announces, self._claim.fence, state.complete_at, state.proven_at)
        self._forget_unfollowed()
        self._write_sighted(look)
        before, state = state, noticed(state, self._teller.told.events, self._found.now)
        if not self._snapshot.more:
            state = self._conclude(state, look)
            state = self._judge_rules(before, state)
        self._teller.close()
        self._tx.save_source(self._source, state)
        self._tx.release(self._claim)
        return self._with_told()

    def _with_told(self) -> Committed:
        told, done = self._teller.told, self._done
        done.events, done.deliveries = told.events, len(told.deliveries)
        done.held, done.unheld, done.silenced = told.held, told.unheld, told.silenced
        done.dropped, done.unfit = told.dropped, told.unfit
        return done

    def _own_state(self) -> SourceState:
        """The source's state; a new one, without its orders, if the name stands for another system now (promise 1).

        Not before that one has answered: a mistyped address must not cost the baseline.
        """
        # Read again: its owner may have accepted a loss while the list was being read.
        state = self._tx.source(self._source)
        silent = self._snapshot.error is not None and not self._snapshot.sightings
        if state is not None and (state.identity == self._found.identity or silent):
            return state
        self._done.other_system = state is not None
        self._tx.forget_orders(self._source)
        return SourceState(self._found.identity)

    def _forget_unfollowed(self) -> None:
        """What is not followed is not known: followed again, it must announce nothing old."""
        if self._snapshot.followed is not None:
            self._done.forgotten = self._tx.keep_orders(self._source, self._snapshot.followed)

    def _write_sighted(self, look: Look) -> None:
        ids = iter(self._found.changed)
        while chunk := list(islice(ids, CHUNK)):
            marks = {order_id: self._snapshot.mark(order_id) for order_id in chunk}
            changes = list(self._compare(chunk, marks, look))
            self._write(changes, marks)
            # Bytes that changed and mean the same: the next process must not compare them again.
            self._tx.save_marks(self._source, marks)

    def _compare(self, chunk: Sequence[str], marks: dict[str, int], look: Look) -> Iterator[Change]:
        """What changed; orders of which nothing is believed yet keep the mark that they have."""
        known = self._tx.known(self._source, chunk)
        for order_id in chunk:
            before, seen = known.get(order_id), self._snapshot.order(order_id)
            if before and is_return(before, seen) and order_id not in self._snapshot.confirmed:
                del marks[order_id]
                continue
            self._done.orders.append(Entry(order_id, marks[order_id], normalise_status(seen.status)))
            change = compare(before, seen, self._found.at(self._snapshot.sightings[order_id].received), look)
            if change is not None:
                yield change

    def _conclude(self, state: SourceState, look: Look) -> SourceState:
        """What the look proves as a whole: who is absent, and how the source is."""
        had_baseline = state.baseline_at is not None
        absences, doubt = self._judge(state)
        self._write(list(self._absent(look, absences)), {})
        state, health = self._health(state, doubt)
        state = self._tell_health(state, health)
        if self._snapshot.routine is not None:
            state = msgspec.structs.replace(state, routine=self._snapshot.routine)
        self._done.baseline = not had_baseline and state.baseline_at is not None
        self._done.doubt = state.doubt
        return self._look_for_stuck(state)

    def _look_for_stuck(self, state: SourceState) -> SourceState:
        """The state with the statuses that are sure now; if the look is good, the stuck orders of these are told of."""
        sure = sure_after(state, self._snapshot)
        if is_fit(state, self._snapshot):
            self._stuck.look(Sure(sure, self._snapshot.doubted))
        return msgspec.structs.replace(state, sure=sure)

    def _tell_health(self, state: SourceState, news: Sequence[SourceEvent]) -> SourceState:
        """The state after this news; what silences kept back before is told where they have ended."""
        for event in news:
            written = self._teller.tell(event)
            state = after_telling(state, event, written.number, written.routing.muted)
        if not news and state.untold is not None:
            state = msgspec.structs.replace(state, untold=self._teller.tell_late(self._source, state.untold))
        return state

    def _judge_rules(self, before: SourceState, state: SourceState) -> SourceState:
        """What routes ask of the source as a whole; while it is down or in doubt nobody asks."""
        if not is_well(state, self._snapshot):
            return state
        lists = self._snapshot.followed is None
        judge = Judge(self._tx, self._source, self._router.meanings(self._source), before, self._found.every, lists)
        state, news = judge.judge(state, self._router.rules(self._source), self._found.now)
        for event in news:
            self._teller.tell(event)
        return state

    def _judge(self, state: SourceState) -> tuple[Absences, Doubt | None]:
        """What the orders that were not seen prove, and what is in doubt after this look."""
        snapshot, now = self._snapshot, self._found.now
        if snapshot.error is not None:
            return Absences.DOUBT, state.doubt
        if snapshot.coverage is Coverage.COMPLETE:
            verdict, doubt = judge_absences(self._watched, snapshot.absent, state.doubt, state.accepted, now)
            return verdict, doubt or self._never_there(state.doubt)
        if snapshot.depth is Depth.SWEEP and snapshot.reason and not snapshot.unfinished:
            return self._few(), still_partial(state.doubt, snapshot.reason, now)
        return self._few(), state.doubt

    def _never_there(self, before: Doubt | None) -> Doubt | None:
        """The doubt about followed ids that the source does not know, and never did: its orders may have others."""
        strangers = self._snapshot.strangers
        never = len(strangers) - len(self._tx.known(self._source, strangers)) if strangers else 0
        if not never:
            return None
        followed = len(self._snapshot.followed or ())
        reason = (
            f"{never:,} of {followed:,} followed ids are of no order: `order-monitor follow {self._source}` shows them"
        )
        return still_partial(None if before and before.missing else before, reason, self._found.now)

    @property
    def _watched(self) -> int:
        """How many known orders the look could have found absent."""
        known = self._snapshot.known
        return len(self._snapshot.ledger) if known is None else known

    def _few(self) -> Absences:
        """What a look that need not be whole proves of the orders in whose places it looked."""
        verdict, _ = judge_absences(self._watched, self._snapshot.absent, None, None, self._found.now)
        return verdict

    def _absent(self, look: Look, verdict: Absences) -> Iterator[Change]:
        if verdict is Absences.DOUBT:
            return
        # Two proofs of one poll are one: promise 6 wants those of two polls.
        once_a_poll = () if verdict is Absences.BELIEVE else self._found.proven
        ids = (order_id for order_id in self._snapshot.absent if order_id not in once_a_poll)
        while chunk := list(islice(ids, CHUNK)):
            for known in self._tx.known(self._source, chunk).values():
                if known.vanished_at is None:
                    yield absent(known, self._found.now, look, believed=verdict is Absences.BELIEVE)

    def _write(self, changes: Sequence[Change], marks: dict[str, int]) -> None:
        self._tx.save_orders(self._source, changes, marks)
        self._done.new_orders += sum(change.new for change in changes)
        self._done.vanished += [c.known.order.id for c in changes if c.known.vanished_at is not None]
        self._done.unproven += [c.known.order.id for c in changes if c.known.missing and c.known.vanished_at is None]
        closes = self._stuck.note(changes)
        for change in changes:
            for event in change.events:
                self._teller.tell(event, closes.get(change.known.order.id, {}) if event.kind in ENDS else {})

    def _health(self, state: SourceState, doubt: Doubt | None) -> tuple[SourceState, Sequence[SourceEvent]]:
        found, snapshot = self._found, self._snapshot
        if snapshot.error is not None:
            if state.baseline_at is None:
                state = msgspec.structs.replace(state, complete_at=None)
            return after_failure(self._source, state, str(snapshot.error), found.now, found.down_after)
        state, events = after_look(self._source, state, doubt, found.now, found.down_after)
        return _noted(state, snapshot, found, doubt), events


def _noted(state: SourceState, snapshot: Snapshot, found: Findings, doubt: Doubt | None) -> SourceState:
    """The state with what this look proved: until when it is known to have been true."""
    began = found.at(snapshot.began)
    if snapshot.cursor is not None and not snapshot.doubted:
        # What is doubted must be shown again.
        state = msgspec.structs.replace(state, cursor=snapshot.cursor)
    if snapshot.coverage is Coverage.COMPLETE and not (doubt and doubt.missing):
        # A system that is just starting shows an empty list: it is the baseline once a second poll shows it too.
        believed = state.complete_at is not None or not snapshot.shows_none
        return msgspec.structs.replace(
            state,
            baseline_at=state.baseline_at or (found.now if believed else None),
            complete_at=began,
            settled_at=began,
            proven_at={},
            newest_id=snapshot.newest_id(),
            total=snapshot.total,
            accepted=None,
        )
    if snapshot.depth is Depth.SWEEP or snapshot.reason:
        return state
    state = msgspec.structs.replace(state, proven_at={**state.proven_at, **dict.fromkeys(snapshot.whole, began)})
    if snapshot.depth is Depth.CHANGES:
        return state
    return msgspec.structs.replace(
        state,
        settled_at=began if snapshot.depth is Depth.SETTLE else state.settled_at,
        newest_id=snapshot.newest_id(),
        total=snapshot.total,
    )
