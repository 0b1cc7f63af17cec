"""Stored events through other routes: which messages these would have made. Nothing is sent.

What tells events to the outbox in truth does so here, into a throw-away state whose messages count as sent when they
are due: so groups, quiet hours, digests, storms and silences come out as they would have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

import msgspec

from monitor.alerting.explaining import closings
from monitor.alerting.routes import Router, Routing
from monitor.alerting.silences import Silence
from monitor.model import Destination, Event, OrderEvent, Outcome
from monitor.polling.stuck import ENDS
from monitor.polling.telling import Teller
from monitor.store.base import StoredEvent, Transaction

ONE_LOOK = timedelta(seconds=5)
"""Events of one source that follow each other this closely are taken for those of one look: no event names its own.

Where there are enough of them for a storm, they do; and two polls are seldom this close.
"""
_SENT = Outcome(delivered=True)
_US = "replay"
_ROUTING = msgspec.json.Decoder(Routing)


def replay(
    events: Iterable[StoredEvent],
    router: Router,
    homes: Collection[Destination],
    scratch: Transaction,
    silences: Iterable[Silence] = (),
) -> list[int]:
    """Let these events go through the routes into ``scratch``, which was empty, and all that they make be sent.

    ``homes`` are the destinations there are. The numbers of the events, in the order of those that ``scratch`` has
    given them, from 1: all that is kept of them.
    """
    for silence in silences:
        scratch.add_silence(silence.matcher, silence.created_at, silence.until, silence.reason, silence.by)
    numbers: list[int] = []
    endings = _Endings(router)
    now: datetime | None = None
    for look in looks_of(events):
        now = max(filter(None, (now, *(stored.event.at for stored in look))))
        _send_due(scratch, homes, now)
        teller = Teller(scratch, router, now)
        for stored in look:
            written = teller.tell(stored.event, endings.of(stored))
            endings.note(stored.event, written.routing)
            numbers.append(stored.id)
        teller.close()
    if now:
        _send_rest(scratch, homes, now)
    return numbers


class _Endings:
    """Who is to be told that an order is no longer stuck: those that were told that it is."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._told: defaultdict[tuple[str, str], dict[str, set[str]]] = defaultdict(dict)

    def note(self, event: Event, routing: Routing) -> None:
        """Remember whom an event told of a stuck order."""
        if isinstance(event, OrderEvent) and event.stuck:
            told = self._told[event.source, event.order.id].setdefault(event.stuck.rule, set())
            told.update(planned.destination.url for planned in routing.planned)

    def of(self, stored: StoredEvent) -> Mapping[str, Collection[str]]:
        """By rule, whom this event tells of the end; what was told before all that is replayed is as it was."""
        event = stored.event
        if not isinstance(event, OrderEvent) or event.kind not in ENDS:
            return {}
        told: Mapping[str, Collection[str]] | None = self._told.pop((event.source, event.order.id), None)
        return closings(self._router, event, _ROUTING.decode(stored.routing)) if told is None else told


def looks_of(events: Iterable[StoredEvent]) -> Iterator[Sequence[StoredEvent]]:
    """The events of each look, as far as can be told from what was seen where and when."""
    look = 0
    before: StoredEvent | None = None

    def number(stored: StoredEvent) -> int:
        nonlocal look, before
        if before is None or not _together(before, stored):
            look += 1
        before = stored
        return look

    return (list(found) for _, found in groupby(events, number))


def _together(one: StoredEvent, next_: StoredEvent) -> bool:
    return one.event.source == next_.event.source and abs(next_.event.at - one.event.at) < ONE_LOOK


def _send_due(tx: Transaction, homes: Collection[Destination], now: datetime) -> None:
    """All that is due by now has been sent when it was."""
    for url, due in tx.lanes(now, homes).items():
        at_url = [home for home in homes if home.url == url]
        while due <= now and (delivery := tx.claim_delivery(at_url, _US, now)):
            tx.settle(delivery, delivery.due_at, _SENT, "", "")


def _send_rest(tx: Transaction, homes: Collection[Destination], now: datetime) -> None:
    while lanes := tx.lanes(now, homes):
        now = max(now, *lanes.values())
        _send_due(tx, homes, now)
