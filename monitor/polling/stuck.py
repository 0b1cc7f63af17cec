"""Stuck orders, in a look's transaction: who has been in a status for too long, who is reminded, for whom it is over.

A rule looks only at orders that have passed its age since it looked last, at those that were written since though they
had passed it before, and at what it is to tell again: each is a range of an index.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from monitor.alerting.stuck import StuckRule
from monitor.diff import Change, Coverage
from monitor.model import EventKind, Known, OrderEvent, SourceState, Stuck, normalise_status
from monitor.polling.snapshot import Depth, Snapshot
from monitor.polling.telling import Teller
from monitor.store.base import Transaction
from monitor.store.overdue import BEGINNING, Aged, Looked, StuckOrder

EVERY_STATUS = "*"
MOST = 10_000
"""So many orders of a status a rule tells of in one transaction, and reminds of; of the rest in the next ones."""
_CHUNK = 1000
ENDS = (EventKind.STATUS_CHANGED, EventKind.VANISHED)
"""With these an order is no longer stuck."""
Urls = Mapping[str, tuple[str, ...]]
"""By rule, the digests of those URLs that were told."""


class Sure(NamedTuple):
    """Of which orders a look is sure that they are as they are known: by status, but for these."""

    statuses: Collection[str]
    doubted: Collection[str]

    def of(self, known: Known) -> bool:
        """Whether this order can be told of."""
        return not known.missing and known.order.id not in self.doubted and self.of_all(known.order.status)

    def of_all(self, status: str) -> bool:
        """Whether this status (in any spelling) is known to be that of all orders that had it."""
        return EVERY_STATUS in self.statuses or normalise_status(status) in self.statuses


def sure_after(state: SourceState, snapshot: Snapshot) -> tuple[str, ...]:
    """The statuses of which each order was seen to have it still, since the last trouble; ``state`` after the look."""
    if snapshot.error is not None or state.doubt is not None:
        return ()
    whole = snapshot.depth is Depth.SETTLE and not snapshot.reason
    if snapshot.coverage is Coverage.COMPLETE or whole or EVERY_STATUS in state.sure:
        return (EVERY_STATUS,)
    return tuple(sorted({*state.sure, *(() if snapshot.reason else snapshot.whole)}))


def is_fit(state: SourceState, snapshot: Snapshot) -> bool:
    """Whether rules may look at the orders after this look; while a source is in trouble they are muted."""
    return state.baseline_at is not None and not snapshot.error and not snapshot.reason and state.doubt is None


class StuckOrders:
    """The stuck orders of one source. ``rules`` are those in force for it."""

    def __init__(self, tx: Transaction, teller: Teller, source: str, rules: Sequence[StuckRule], now: datetime) -> None:
        self._tx = tx
        self._teller = teller
        self._source = source
        self._rules = {rule.name: rule for rule in rules}
        self._now = now
        self._looked: dict[tuple[str, str], Looked] | None = None

    # What a look writes

    def note(self, changes: Sequence[Change]) -> Mapping[str, Urls]:
        """Take in what was written; by order that is no longer stuck, whom its rules had told."""
        if not self._rules and not self._known_to_rules:
            return {}
        for rule in self._rules.values():
            self._look_again(rule, changes)
        return self._end([c.known.order.id for c in changes if any(e.kind in ENDS for e in c.events)])

    def _end(self, ids: Collection[str]) -> Mapping[str, Urls]:
        told: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for stuck in self._tx.end_stuck(self._source, ids) if ids else ():
            if stuck.urls and stuck.route in self._rules:
                told[stuck.order_id][stuck.route] = stuck.urls
        return told

    def _look_again(self, rule: StuckRule, changes: Sequence[Change]) -> None:
        """What is older than what the rule has looked at would else never be looked at."""
        late = {c.known.order.id: c.known.status_at for c in changes if self._is_behind(rule, c.known)}
        if late:
            self._tx.look_again(self._source, rule.name, late, self._now)

    def _is_behind(self, rule: StuckRule, known: Known) -> bool:
        looked = self._known_to_rules.get((rule.name, normalise_status(known.order.status)))
        return looked is not None and Aged(known.status_at, known.order.id) <= looked.up_to

    @property
    def _known_to_rules(self) -> dict[tuple[str, str], Looked]:
        if self._looked is None:
            self._looked = {(one.route, one.status): one for one in self._tx.looked(self._source)}
        return self._looked

    # What it finds

    def look(self, sure: Sure) -> None:
        """Tell of the orders that are stuck now, and of those that still are."""
        for route in {route for route, _ in self._known_to_rules} - self._rules.keys():
            self._tx.drop_rule(self._source, route)
        if not self._rules:
            return
        statuses = list(filter(sure.of_all, self._tx.statuses(self._source)))
        for rule in self._rules.values():
            self._renew(rule)
            for status in filter(rule.covers, statuses):
                self._find(rule, status, sure)
            self._tell_again(rule, sure)

    def _find(self, rule: StuckRule, status: str, sure: Sure) -> None:
        """Look at the orders that have passed the rule's age since it looked last."""
        start = Looked(rule.name, status, rule.fingerprint, self._now, BEGINNING)
        looked = self._known_to_rules.get((rule.name, status), start)
        self._tx.mend_ages(self._source, status, self._now)
        until, up_to = self._now - rule.after, looked.up_to
        for _ in range(MOST // _CHUNK):
            found = self._tx.overdue(self._source, rule.name, status, up_to, until, _CHUNK)
            # As people number them, where many are as old.
            orders = sorted(found, key=lambda one: (one.status_at, len(one.order_id), one.order_id))
            self._consider(rule, [StuckOrder(one.order_id, rule.name, one.status_at) for one in orders], sure)
            up_to = found[-1] if len(found) == _CHUNK else Aged(until, "")
            if len(found) < _CHUNK:
                break
        self._save(msgspec.structs.replace(looked, up_to=up_to))

    def _tell_again(self, rule: StuckRule, sure: Sure) -> None:
        """Remind of orders, escalate them, and look at those that could not be looked at before."""
        due = self._tx.stuck_due(self._source, rule.name, self._now, self._now + rule.longest, MOST)
        self._consider(rule, due, sure)

    def _renew(self, rule: StuckRule) -> None:
        """A rule that asks for something else looks at everything anew. What it told of and still would, stays told."""
        old = [one for one in self._known_to_rules.values() if one.route == rule.name]
        if all(one.fingerprint == rule.fingerprint for one in old):
            return
        for one in old:
            self._save(Looked(rule.name, one.status, rule.fingerprint, self._now, BEGINNING))
        self._each(rule, self._tx.stuck(self._source, rule.name), self._renewed)

    def _consider(self, rule: StuckRule, orders: Sequence[StuckOrder], sure: Sure) -> None:
        self._each(rule, orders, lambda rule, stuck, known: self._judge(rule, stuck, known, sure))

    def _each(self, rule: StuckRule, orders: Sequence[StuckOrder], judge: _Verdict) -> None:
        """Write what becomes of these, or forget them, where nothing is to become of them."""
        for start in range(0, len(orders), _CHUNK):
            chunk = orders[start : start + _CHUNK]
            known = self._tx.known(self._source, [stuck.order_id for stuck in chunk])
            after = {stuck.order_id: self._verdict(rule, stuck, known, judge) for stuck in chunk}
            self._tx.save_stuck(self._source, filter(None, after.values()))
            self._tx.drop_stuck(self._source, rule.name, [order_id for order_id, stuck in after.items() if not stuck])

    def _verdict(
        self, rule: StuckRule, stuck: StuckOrder, known: Mapping[str, Known], judge: _Verdict
    ) -> StuckOrder | None:
        order = known.get(stuck.order_id)
        if order is None or order.vanished_at is not None or not rule.covers(order.order.status):
            return None
        return judge(rule, stuck, order)

    def _renewed(self, rule: StuckRule, stuck: StuckOrder, known: Known) -> StuckOrder | None:
        told = stuck.told_at is not None and self._now - stuck.status_at >= rule.after
        if stuck.told_at is None or not told or not rule.wants(self._event(rule, stuck, known, Stuck(rule.name))):
            return None
        next_at = rule.next_at(stuck.status_at, stuck.told_at, escalated=stuck.escalated)
        return msgspec.structs.replace(stuck, next_at=next_at)

    def _judge(self, rule: StuckRule, stuck: StuckOrder, known: Known, sure: Sure) -> StuckOrder | None:
        """Tell of it, if it is time, and it is sure. What was told once is stuck as long as it stays as it is."""
        if not sure.of(known):
            return msgspec.structs.replace(stuck, next_at=self._now)
        # A clock that has been set back since must not make it younger than new.
        stuck = msgspec.structs.replace(stuck, status_at=min(stuck.status_at, self._now))
        age = self._now - stuck.status_at
        if stuck.told_at is None:
            return self._tell(rule, stuck, known, escalates=rule.escalates(age)) if age >= rule.after else None
        escalates = rule.escalates(age) and not stuck.escalated
        reminds = rule.remind_every is not None and not timedelta(0) <= self._now - stuck.told_at < rule.remind_every
        if reminds or escalates:
            return self._tell(rule, stuck, known, reminds=reminds, escalates=escalates)
        next_at = rule.next_at(stuck.status_at, stuck.told_at, escalated=stuck.escalated)
        return msgspec.structs.replace(stuck, next_at=next_at)

    def _tell(
        self, rule: StuckRule, stuck: StuckOrder, known: Known, *, reminds: bool = True, escalates: bool
    ) -> StuckOrder | None:
        """Write the event; what is known of it then, or None if the rule does not want this order."""
        escalated = stuck.escalated or escalates
        said = Stuck(
            rule.name,
            reminder=stuck.told,
            already=not stuck.told and (stuck.told_at is not None or self._was_before(rule, stuck, known)),
            channels=reminds,
            escalated=escalated if reminds else escalates,
        )
        event = self._event(rule, stuck, known, said)
        if not rule.wants(event):
            return None
        routing = self._teller.tell(event).routing
        told_at = stuck.told_at if stuck.told_at and not reminds else self._now
        return msgspec.structs.replace(
            stuck,
            told_at=told_at,
            told=stuck.told + bool(routing.planned),
            escalated=escalated,
            urls=tuple(dict.fromkeys((*stuck.urls, *(planned.destination.url for planned in routing.planned)))),
            next_at=rule.next_at(stuck.status_at, told_at, escalated=escalated),
        )

    def _was_before(self, rule: StuckRule, stuck: StuckOrder, known: Known) -> bool:
        """Whether it was stuck before the rule looked first, or before the order was seen first."""
        looked = self._known_to_rules.get((rule.name, normalise_status(known.order.status)))
        times = (looked.since if looked else self._now, known.first_seen)
        # Later than now they were written by a clock that has been set back since.
        return any(stuck.status_at + rule.after <= at <= self._now for at in times)

    def _event(self, rule: StuckRule, stuck: StuckOrder, known: Known, said: Stuck) -> OrderEvent:
        # A microsecond for each rule: two may find the same order in one look, and each says so.
        at = self._now + timedelta(microseconds=rule.place)
        return OrderEvent(
            self._source, EventKind.STUCK, at, known.order, known.revision, since=stuck.status_at, stuck=said
        )

    def _save(self, looked: Looked) -> None:
        self._tx.save_looked(self._source, looked)
        self._known_to_rules[looked.route, looked.status] = looked


_Verdict = Callable[[StuckRule, StuckOrder, Known], StuckOrder | None]
