"""The one transaction of a poll: compare, find the events, route them, write all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice

import msgspec

from monitor.alerting.routes import Router
from monitor.diff import Absences, Change, Coverage, Look, absent, compare, is_return, judge_absences
from monitor.model import Doubt, Event, EventKind, SourceState
from monitor.polling.health import after_failure, after_look, still_partial
from monitor.polling.snapshot import Snapshot
from monitor.store.base import Claim, Transaction

CHUNK = 1000
"""So many changed orders are held as objects at a time."""


class Findings(msgspec.Struct):
    """What a poll read, and what the commit must know besides.

    ``changed`` are the ids that may differ from the state, ``missing`` the known ones that were not seen, of
    ``known_count``. ``at`` turns monotonic seconds into wall time.
    """

    identity: str
    snapshot: Snapshot
    changed: Sequence[str]
    missing: Sequence[str]
    known_count: int
    now: datetime
    at: Callable[[float], datetime]
    down_after: int


class Committed(msgspec.Struct):
    """What a poll's commit came to."""

    events: Counter[EventKind]
    deliveries: int = 0
    new_orders: int = 0
    vanished: tuple[str, ...] = ()
    baseline: bool = False
    other_system: bool = False
    doubt: Doubt | None = None


def commit(tx: Transaction, claim: Claim, found: Findings, router: Router) -> Committed:
    """Write what this poll found; ClaimLost, and nothing written, if another daemon has polled the source since."""
    tx.check(claim)
    done = Committed(events=Counter())
    state = _own_state(tx, claim, found, done)
    look = Look(claim.source, state.baseline_at is not None, claim.fence, state.complete_at)
    changes = _sighted(tx, claim.source, found, look)
    while chunk := list(islice(changes, CHUNK)):
        _write(tx, claim.source, chunk, router, found.now, done)
    absences, doubt = _judge(state, found)
    gone = list(_absent(tx, claim.source, found, look, absences))
    _write(tx, claim.source, gone, router, found.now, done)
    state, health = _health(claim.source, state, found, doubt)
    for event in health:
        _tell(tx, event, router, found.now, done)
    done.baseline = look.baseline is False and state.baseline_at is not None
    done.doubt = state.doubt
    tx.save_source(claim.source, state)
    tx.release(claim)
    return done


def _own_state(tx: Transaction, claim: Claim, found: Findings, done: Committed) -> SourceState:
    """The source's state; a new one, without its orders, if the name stands for another system now (promise 1).

    Not before that one has answered: a mistyped address must not cost the baseline.
    """
    # Read again: its owner may have accepted a loss while the list was being read.
    state = tx.source(claim.source)
    silent = found.snapshot.error is not None and not found.snapshot.sightings
    if state is not None and (state.identity == found.identity or silent):
        return state
    done.other_system = state is not None
    tx.forget_orders(claim.source)
    return SourceState(found.identity)


def _sighted(tx: Transaction, source: str, found: Findings, look: Look) -> Iterator[Change]:
    ids = iter(found.changed)
    while chunk := list(islice(ids, CHUNK)):
        known = tx.known(source, chunk)
        for order_id in chunk:
            before, seen = known.get(order_id), found.snapshot.order(order_id)
            if before and is_return(before, seen) and order_id not in found.snapshot.confirmed:
                continue
            change = compare(before, seen, found.at(found.snapshot.sightings[order_id].received), look)
            if change is not None:
                yield change


def _judge(state: SourceState, found: Findings) -> tuple[Absences, Doubt | None]:
    """What the orders that were not seen prove, and what is in doubt after this look."""
    if found.snapshot.error is not None:
        return Absences.DOUBT, state.doubt
    if found.snapshot.coverage is Coverage.PARTIAL:
        return Absences.DOUBT, still_partial(state.doubt, found.snapshot.reason, found.now)
    return judge_absences(found.known_count, found.missing, state.doubt, state.accepted, found.now)


def _absent(tx: Transaction, source: str, found: Findings, look: Look, verdict: Absences) -> Iterator[Change]:
    if verdict is Absences.DOUBT:
        return
    ids = iter(found.missing)
    while chunk := list(islice(ids, CHUNK)):
        for known in tx.known(source, chunk).values():
            if known.vanished_at is None:
                yield absent(known, found.now, look, believed=verdict is Absences.BELIEVE)


def _write(
    tx: Transaction, source: str, changes: Sequence[Change], router: Router, now: datetime, done: Committed
) -> None:
    tx.save_orders(source, changes)
    done.new_orders += sum(change.new for change in changes)
    done.vanished += tuple(c.known.order.id for c in changes if c.known.vanished_at is not None)
    for change in changes:
        for event in change.events:
            _tell(tx, event, router, now, done)


def _tell(tx: Transaction, event: Event, router: Router, now: datetime, done: Committed) -> None:
    routing = router.route(event)
    event_id = tx.add_event(event, msgspec.json.encode(routing).decode())
    done.events[event.kind] += 1
    for planned in routing.planned:
        tx.add_delivery(planned.route, planned.destination, event, event_id, now)
        done.deliveries += 1


def _health(
    source: str, state: SourceState, found: Findings, doubt: Doubt | None
) -> tuple[SourceState, Sequence[Event]]:
    if found.snapshot.error is not None:
        return after_failure(source, state, str(found.snapshot.error), found.now, found.down_after)
    state, events = after_look(source, state, doubt, found.now, found.down_after)
    if found.snapshot.coverage is Coverage.COMPLETE and doubt is None:
        state = msgspec.structs.replace(
            state,
            baseline_at=state.baseline_at or found.now,
            complete_at=found.at(found.snapshot.began),
            newest_id=found.snapshot.newest_id(),
            total=found.snapshot.total,
            accepted=None,
        )
    return state, events
