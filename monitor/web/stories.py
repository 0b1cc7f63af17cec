"""What the page of one order shows: its facts, and its story with every message and attempt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.alerting.drill import DRILL_SOURCE
from monitor.alerting.explaining import Part, RouteSaid, agree, fate, first_sight, last_shown
from monitor.alerting.headlines import label_of
from monitor.alerting.views import NUMBER_LENGTH, ItemView, plain, readable, view_items, view_services
from monitor.asking.story import Happening, Message, Story
from monitor.model import Delivery, Destination, EventKind, Known
from monitor.store.base import Attempt
from monitor.store.overdue import StuckOrder
from monitor.web.addresses import order_href
from monitor.web.views import LONGEST, Badge, View, When

_ATTEMPTS_SHOWN = 10


class Fact(NamedTuple):
    """A line of what is known: a time beside it, where it is one."""

    name: str
    text: str
    when: When | None = None


class AttemptView(NamedTuple):
    """One attempt to send."""

    number: int
    when: When
    said: str
    look: str


class MessageView(NamedTuple):
    """A message that tells of an event, what has become of it, and its latest attempts."""

    href: str
    badge: Badge
    route: str
    to: str
    fate: str
    attempts: Sequence[AttemptView]
    earlier: int
    dead: int | None


class HappeningView(NamedTuple):
    """An event of the story. ``today``: what today's routes say of it; ``differs``: that is not what was decided."""

    id: int
    when: When
    badge: Badge
    what: str
    messages: Sequence[MessageView]
    untold: Sequence[str]
    today: Sequence[str]
    differs: bool


class StoryView(NamedTuple):
    """The page of one order."""

    href: str
    source: str
    source_href: str
    order_id: str
    label: str
    badge: Badge | None
    total: str
    note: str
    link: str
    facts: Sequence[Fact]
    items: Sequence[ItemView]
    services: Sequence[tuple[str, Badge]]
    happenings: Sequence[HappeningView]
    beginning: Sequence[Fact]


def view_story(story: Story, view: View) -> StoryView:
    """The story, its latest events first."""
    known = story.known
    order = known.order if known else story.happenings[-1].event.order
    return StoryView(
        href=order_href(story.source, story.order_id),
        source=story.source,
        source_href=view.source(story.source),
        order_id=story.order_id,
        label=label_of(order),
        badge=view.status(story.source, order.status) if known else None,
        total=view.money(order),
        note=_note(story),
        link=view.link_out(story.source, order) if known else "",
        facts=[*_facts(story, known, view)] if known else (),
        items=view_items(order.items or (), view.words),
        services=[
            (one.name, view.status(story.source, service.status))
            for one, service in zip(
                view_services(order.services or (), view.words.meanings(story.source)),
                order.services or (),
                strict=False,
            )
        ],
        happenings=[_happening(one, view) for one in reversed(story.happenings)],
        beginning=[*_beginning(story, known, view)] if known else (),
    )


def _note(story: Story) -> str:
    """What is to be said before all else."""
    if story.known is None:
        return "Made up, for a fire drill." if story.source == DRILL_SOURCE else "This order is not known any more."
    if story.known.vanished_at:
        return "This order is gone from its source."
    if story.known.missing:
        return "The last look lacked this order; it counts as vanished if the next one does, too."
    return ""


def _facts(story: Story, known: Known, view: View) -> Iterator[Fact]:
    order = known.order
    yield Fact("Id", plain(order.id, NUMBER_LENGTH))
    if order.total:
        yield Fact("Total", view.money(order))
    if known.status_since:
        meanings = view.words.meanings(story.source)
        before = f"before: {readable(known.previous_status, meanings)}" if known.previous_status else ""
        yield Fact("In its status since", before, view.when(known.status_since))
    if order.invoice_status is not None:
        yield Fact("Invoice", plain(order.invoice_status, NUMBER_LENGTH))
    yield Fact("Last shown", f"revision {known.revision}", view.when(last_shown(known, story.state)))
    if known.vanished_at:
        yield Fact("Vanished", "", view.when(known.vanished_at))
    yield from (Fact("Stuck", _stuck(one, view), view.when(one.status_at)) for one in story.stuck if one.told_at)
    yield from _of_source(story, view)


def _stuck(one: StuckOrder, view: View) -> str:
    times = "told once" if one.told == 1 else f"told {one.told} times" if one.told else "muted so far"
    next_ = f", next {view.time(one.next_at)}" if one.next_at else ""
    return f"says {one.route}; {times}{', escalated' if one.escalated else ''}{next_}"


def _of_source(story: Story, view: View) -> Iterator[Fact]:
    state = story.state
    if state and state.down:
        yield Fact("Source", f"down since {view.time(state.failing_since)}: {plain(state.error or '', LONGEST)}")
    elif state and state.doubt and state.doubt.announced:
        yield Fact("Source", f"doubtful since {view.time(state.doubt.since)}: {plain(state.doubt.reason, LONGEST)}")


def _beginning(story: Story, known: Known, view: View) -> Iterator[Fact]:
    """What was before the first event, the latest first."""
    events = [one.event for one in story.happenings]
    if not any(event.kind is EventKind.APPEARED and event.at == known.first_seen for event in events):
        yield Fact("First seen", first_sight(known, events), view.when(known.first_seen))
    if known.order.created_at:
        yield Fact("Placed", "says its source", view.when(known.order.created_at))


def _happening(one: Happening, view: View) -> HappeningView:
    by_id = {message.delivery.id: message.delivery for message in one.messages}
    told = {(message.delivery.route, _place(message.delivery)) for message in one.messages}
    differs = not agree(one.then, one.today)
    return HappeningView(
        id=one.id,
        when=view.when(one.event.at),
        badge=view.badge_of(one.event),
        what=view.what(one.event),
        messages=[_message(message, by_id.get(message.delivery.stands_for or 0), view) for message in one.messages],
        untold=[*_untold(one, told)],
        today=[
            plain(str(said), LONGEST) for said in one.today if differs or said.part in (Part.REFUSES, Part.NOT_ASKED)
        ],
        differs=differs,
    )


def _untold(one: Happening, told: set[tuple[str, str]]) -> Iterator[str]:
    """What was decided and shows in no message: what it made is deleted, or joined another route's."""
    for said in one.then:
        left = tuple(to for to in said.to if said.part is not Part.TELLS or (said.route, to) not in told)
        if left:
            yield plain(str(RouteSaid(said.route, said.part, left, said.by, said.why)), LONGEST)
    for route in one.routing.unfit:
        yield f"{route}: `where` says nothing of this: it counts as wanted"
    if not one.then:
        yield "No route wanted it."


def _message(message: Message, dead: Delivery | None, view: View) -> MessageView:
    delivery, attempts = message.delivery, message.attempts
    instead = f", instead of {_place(dead)} (ref {dead.ref})" if dead else ""
    numbered = list(enumerate(attempts, 1))[-_ATTEMPTS_SHOWN:]
    return MessageView(
        href=f"/deliveries/{delivery.id}",
        badge=view.state(delivery),
        route=delivery.route,
        to=_place(delivery) + instead,
        fate=plain(fate(delivery, message.others, view.time), LONGEST),
        attempts=[view_attempt(number, attempt, view) for number, attempt in numbered],
        earlier=max(0, len(attempts) - _ATTEMPTS_SHOWN),
        dead=delivery.id if view.delivery(delivery).dead else None,
    )


def view_attempt(number: int, attempt: Attempt, view: View) -> AttemptView:
    """One attempt to send, and what it came to."""
    outcome = attempt.outcome
    if outcome.delivered:
        said = "taken" + (f" ({outcome.status})" if outcome.status else "")
        return AttemptView(number, view.when(attempt.at), said, "good")
    return AttemptView(number, view.when(attempt.at), plain(outcome.reason, LONGEST), "bad")


def _place(delivery: Delivery) -> str:
    return str(Destination(delivery.channel, delivery.url_number))
