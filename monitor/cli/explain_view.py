"""How `explain` tells the story of an order as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from monitor.alerting.drill import DRILL_SOURCE
from monitor.alerting.explaining import Part, RouteSaid, agree, fate, first_sight, last_shown
from monitor.alerting.headlines import change
from monitor.alerting.views import NUMBER_LENGTH, plain, readable
from monitor.alerting.words import Words
from monitor.asking.story import Happening, Message, Story
from monitor.cli.output import at
from monitor.model import Delivery, Destination, Known
from monitor.store.base import Attempt
from monitor.store.overdue import StuckOrder

_ATTEMPTS_SHOWN = 10
_LONGEST_REASON = 500


def lines(story: Story, words: Words, zone: str, most: int) -> Iterator[str]:
    """All of it as text; of the events the newest ``most``."""
    return _Lines(story, words, zone).lines(most)


class _Lines:
    """The story as lines of text."""

    def __init__(self, story: Story, words: Words, zone: str) -> None:
        self._story = story
        self._words = words
        self._zone = zone

    def lines(self, most: int) -> Iterator[str]:
        yield from self._order()
        happenings = self._story.happenings
        if not happenings:
            yield "\nNothing has happened to it since."
        if len(happenings) > most:
            yield f"\n… the newest {most} of {len(happenings):,} events; --limit N shows more, --json all"
        for one in happenings[-most:]:
            yield from self._happening(one)

    def _time(self, time: datetime | None) -> str:
        return at(time, self._zone)

    def _order(self) -> Iterator[str]:
        story, known = self._story, self._story.known
        if known is None:
            why = "made up, for a fire drill" if story.source == DRILL_SOURCE else "not known any more"
            yield f"{story.source} {plain(story.order_id, NUMBER_LENGTH)}: {why}"
            return
        meanings = self._words.meanings(story.source)
        yield f"{story.source} {plain(known.order.label, NUMBER_LENGTH)}: {readable(known.order.status, meanings)}"
        for name, value in self._facts(known):
            yield f"  {name:<14}{value}"

    def _facts(self, known: Known) -> Iterator[tuple[str, str]]:
        order, events = known.order, [one.event for one in self._story.happenings]
        yield "id", plain(order.id, NUMBER_LENGTH)
        if order.total:
            yield "total", self._words.money(order.total.amount, order.total.currency)
        if order.created_at:
            yield "placed", self._time(order.created_at)
        yield "first seen", f"{self._time(known.first_seen)}, {first_sight(known, events)}"
        if known.status_since:
            before = f", before: {plain(known.previous_status, NUMBER_LENGTH)}" if known.previous_status else ""
            yield "status since", f"{self._time(known.status_since)}{before}"
        yield "last seen", f"{self._time(last_shown(known, self._story.state))}, revision {known.revision}"
        if known.vanished_at:
            yield "vanished", self._time(known.vanished_at)
        elif known.missing:
            yield "missing", "the last look lacked it; it counts as vanished if the next one does, too"
        for one in self._story.stuck:
            if one.told_at:
                yield "stuck", self._stuck(one)
        yield from self._source()

    def _stuck(self, one: StuckOrder) -> str:
        next_ = f"; next {self._time(one.next_at)}" if one.next_at else ""
        times = "once" if one.told == 1 else f"{one.told} times"
        told = f"told {times}, last {self._time(one.told_at)}" if one.told else "muted so far"
        said = f"since {self._time(one.status_at)}, says {one.route}; {told}"
        return said + (", escalated" if one.escalated else "") + next_

    def _source(self) -> Iterator[tuple[str, str]]:
        state = self._story.state
        if state and state.down:
            yield "source", f"down since {self._time(state.failing_since)}: {state.error}"
        elif state and state.doubt and state.doubt.announced:
            yield "source", f"doubtful since {self._time(state.doubt.since)}: {state.doubt.reason}"

    def _happening(self, one: Happening) -> Iterator[str]:
        yield f"\n{self._time(one.event.at)}  {one.event.kind}: {change(one.event, self._words)}"
        by_id = {message.delivery.id: message.delivery for message in one.messages}
        for message in one.messages:
            yield from self._message(message, by_id.get(message.delivery.stands_for or 0))
        told = {(message.delivery.route, _place(message.delivery)) for message in one.messages}
        yield from (f"  {said}" for said in _untold(one.then, told))
        yield from (f"  {route}: `where` says nothing of this: it counts as wanted" for route in one.routing.unfit)
        yield from (f"  {line}" for line in _today(one))

    def _message(self, message: Message, dead: Delivery | None) -> Iterator[str]:
        delivery = message.delivery
        said = fate(delivery, message.others, self._time)
        instead = f", instead of {_place(dead)} (ref {dead.ref})" if dead else ""
        yield f"  {delivery.route}: to {_place(delivery)}{instead}: {said}"
        attempts = message.attempts
        if len(attempts) > _ATTEMPTS_SHOWN:
            yield f"    … {len(attempts) - _ATTEMPTS_SHOWN:,} earlier attempts; --json shows them"
        for number, attempt in list(enumerate(attempts, 1))[-_ATTEMPTS_SHOWN:]:
            yield f"    attempt {number} {self._time(attempt.at)}: {_said(attempt)}"


def _today(one: Happening) -> Iterator[str]:
    """Why no other route wanted it; all that today's routes say, where that is something else than was decided."""
    if agree(one.then, one.today):
        yield from (str(said) for said in one.today if said.part in (Part.REFUSES, Part.NOT_ASKED))
        return
    if one.routing.stopped_by:
        yield f"{one.routing.stopped_by} stopped the search"
    if not one.then:
        yield "no route wanted it then"
    yield "the configuration of today says otherwise:"
    yield from (f"  {said}" for said in one.today)


def _untold(then: Sequence[RouteSaid], told: set[tuple[str, str]]) -> Iterator[RouteSaid]:
    """What was decided and shows in no message: what it made is deleted, or joined another route's."""
    for said in then:
        left = tuple(to for to in said.to if said.part is not Part.TELLS or (said.route, to) not in told)
        if left:
            yield msgspec.structs.replace(said, to=left)


def _place(delivery: Delivery) -> str:
    return str(Destination(delivery.channel, delivery.url_number))


def _said(attempt: Attempt) -> str:
    outcome = attempt.outcome
    if outcome.delivered:
        return "taken" + (f" ({outcome.status})" if outcome.status else "")
    return plain(outcome.reason, _LONGEST_REASON)
