"""Rules about a source as a whole, judged at the end of a look: what a route wants to know besides single orders.

While a source is down or in doubt nothing is judged, and what was not seen proves nothing: no new order is lacking in a
time that nobody looked at, and what a first look after it shows may have happened at any time in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from monitor.alerting.moves import names_of
from monitor.alerting.rules import AbsentRule, Entered, Rule, Sight, SpikeRule, Verdict, judge_absence, judge_spike
from monitor.diff import Coverage
from monitor.model import EventKind, Meanings, RuleState, SourceEvent, SourceState
from monitor.polling.snapshot import Depth, Snapshot
from monitor.store.base import Transaction

LONGEST_GAP = timedelta(minutes=90)
"""Between two looks, if they are not meant to be further apart: cron can look once an hour."""
_SPARE = 3
"""So many intervals may lie between two looks."""
_TICK = timedelta(microseconds=1)


def noticed(state: SourceState, events: Mapping[EventKind, int], now: datetime) -> SourceState:
    """The state after these events, whether or not the look that found them is believed as a whole."""
    appeared, moved = events.get(EventKind.APPEARED, 0), events.get(EventKind.STATUS_CHANGED, 0)
    return msgspec.structs.replace(
        state,
        new_order_at=now if appeared else state.new_order_at,
        entered_at=now if appeared or moved else state.entered_at,
    )


def is_well(state: SourceState, snapshot: Snapshot) -> bool:
    """Whether a look that left this state is one to judge by: it read what it meant to, and is believed."""
    if snapshot.error is not None or state.down or state.doubt is not None or state.baseline_at is None:
        return False
    return snapshot.coverage is Coverage.COMPLETE or (snapshot.depth is not Depth.SWEEP and not snapshot.reason)


class Judge:
    """Judges a source's rules after a good look. ``before`` is the source's state as the look found it.

    ``every`` is how far apart looks are meant to be; ``lists``: orders that are new would show.
    """

    def __init__(
        self, tx: Transaction, source: str, meanings: Meanings, before: SourceState, every: timedelta, lists: bool
    ) -> None:
        self._tx = tx
        self._source = source
        self._meanings = meanings
        self._before = before
        self._longest = max(LONGEST_GAP, every * _SPARE)
        self._lists = lists

    def judge(self, state: SourceState, rules: Sequence[Rule], now: datetime) -> tuple[SourceState, list[SourceEvent]]:
        """The state after this look, and what the rules have found out."""
        since = self._before.well_since if self._goes_on(now) else None
        state = msgspec.structs.replace(state, well_since=since or now, well_at=now)
        kept: dict[str, RuleState] = {}
        news: list[SourceEvent] = []
        for rule in rules:
            known = state.rules.get(rule.name) or RuleState(now)
            kept[rule.name], event = self._verdict(rule, known, state, now)
            if event is not None:
                # Events of a source are told apart by their time.
                news.append(msgspec.structs.replace(event, at=now + len(news) * _TICK))
        return msgspec.structs.replace(state, rules=kept), news

    def _goes_on(self, now: datetime) -> bool:
        """Whether the source has been watched since the last good look, and did not go down or into doubt."""
        before = self._before
        if before.down or before.doubt is not None or before.well_at is None:
            return False
        return timedelta(0) <= now - before.well_at <= self._longest

    def _verdict(self, rule: Rule, known: RuleState, state: SourceState, now: datetime) -> Verdict:
        if isinstance(rule, AbsentRule):
            return judge_absence(rule, known, self._sight(known, state, now)) if self._lists else (known, None)
        if known.on or self._is_after_last(state.entered_at):
            return judge_spike(rule, known, self._entered(rule, known, state, now), self._source, now)
        return known, None

    def _sight(self, known: RuleState, state: SourceState, now: datetime) -> Sight:
        seen = self._goes_on(now) and not self._before.failures and known.begun < now
        return Sight(
            self._source,
            now,
            seen_from=self._before.well_at if seen else None,
            new_order_at=state.new_order_at,
            is_new=state.new_order_at != self._before.new_order_at or self._is_after_last(state.new_order_at),
        )

    def _is_after_last(self, at: datetime | None) -> bool:
        """Whether this is later than the last good look."""
        return at is not None and (self._before.well_at is None or at > self._before.well_at)

    def _entered(self, rule: SpikeRule, known: RuleState, state: SourceState, now: datetime) -> Entered:
        seen_from = max(filter(None, (state.well_since, known.begun)))
        orders: set[str] = set()
        hits: set[str] = set()
        for order_id, status in self._tx.entered(self._source, max(now - rule.within, seen_from)):
            orders.add(order_id)
            if any(map(rule.is_it, names_of(status, self._meanings))):
                hits.add(order_id)
        return Entered(len(orders), len(hits), whole=seen_from <= now - rule.within)
