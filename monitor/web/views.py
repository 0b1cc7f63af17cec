"""What pages show of events, orders, deliveries and silences: values made ready for a template. Pure.

Each text from a source is one visible line of limited length, as in messages; the templates escape it besides.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec
from babel.dates import format_skeleton

from monitor.alerting.composing import order_link
from monitor.alerting.drill import DRILL_SOURCE
from monitor.alerting.explaining import waiting
from monitor.alerting.headlines import amount_of, change, headline, label_of, severity_of
from monitor.alerting.routes import Routing
from monitor.alerting.silences import Silence
from monitor.alerting.views import NUMBER_LENGTH, plain, readable, view_money
from monitor.model import (
    Delivery,
    DeliveryState,
    Destination,
    Event,
    Known,
    Order,
    OrderEvent,
    Severity,
    SourceEvent,
    meaning_of,
)
from monitor.store.base import StoredEvent
from monitor.web.addresses import order_href, source_href
from monitor.web.site import Site

LONGEST = 500
"""Characters of a reason, or of what an endpoint said."""
_ROUTING = msgspec.json.Decoder(Routing)
_TONES = {Severity.INFO: "calm", Severity.SUCCESS: "good", Severity.WARNING: "warn", Severity.FAILURE: "bad"}
_STATES = {
    DeliveryState.WAITING: ("calm", "Waiting"),
    DeliveryState.SENDING: ("calm", "Sending"),
    DeliveryState.SENT: ("good", "Sent"),
    DeliveryState.DEAD: ("bad", "Dead letter"),
    DeliveryState.DROPPED: ("off", "Dropped"),
}
_STEPS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))
_NOW = timedelta(seconds=5)


class When(NamedTuple):
    """A time: for machines, for people who read it today, how far from now, and with its date, seconds and zone."""

    iso: str
    text: str
    near: str
    full: str


class Badge(NamedTuple):
    """A status: ``look`` is one of the style sheet's, with a colour and a shape; the word says it."""

    look: str
    word: str


class EventView(NamedTuple):
    """A row of the list of events. ``href`` leads to the order, or its source; ``told`` says who was told."""

    id: int
    kind: str
    when: When
    badge: Badge
    label: str
    href: str
    what: str
    amount: str
    source: str
    source_href: str
    told: str


class OrderView(NamedTuple):
    """A row of the list of orders."""

    label: str
    href: str
    source: str
    source_href: str
    badge: Badge
    total: str
    since: When
    first_seen: When
    vanished: When | None


class DeliveryView(NamedTuple):
    """A row of the list of deliveries. ``about`` is what it tells of; ``said`` what came of it so far."""

    id: int
    ref: str
    made: When
    settled: When | None
    badge: Badge
    route: str
    to: str
    about: str
    about_href: str
    attempts: int
    said: str
    title: str
    dead: bool
    href: str


class SilenceView(NamedTuple):
    """A row of the list of silences."""

    id: int
    what: str
    reason: str
    by: str
    set_at: When
    until: When
    left: str
    active: bool


class View:
    """How things look with this configuration, now."""

    def __init__(self, site: Site, now: datetime) -> None:
        self.site = site
        self.now = now
        self.words = site.words

    def when(self, time: datetime) -> When:
        """A time as it is shown."""
        words = self.words
        full = f"{words.date(time)}, {time.astimezone(words.zone):%H:%M:%S %Z}"
        iso = time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return When(iso, words.time(time, self.now, beside=self.now), self.near(time), full)

    def near(self, time: datetime) -> str:
        """``3 min ago``, ``in 2 h``; its largest unit alone."""
        span = abs(self.now - time)
        if span < _NOW:
            return "just now"
        said = self.span(span)
        return f"{said} ago" if time < self.now else f"in {said}"

    def span(self, span: timedelta) -> str:
        """``3 min``: the largest unit alone."""
        step = next((step for step in _STEPS if span >= step), _STEPS[-1])
        return self.words.duration(span // step * step)

    def step(self, time: datetime, hours: int) -> str:
        """What stands below a step of so many hours of a plot."""
        skeleton = "Hm" if hours == 1 else "Ed" if hours < 24 else "MMMd"
        local = time.astimezone(self.words.zone)
        return str(format_skeleton(skeleton, local, tzinfo=self.words.zone, locale=self.words.locale))

    def time(self, time: datetime | None) -> str:
        """A time within a sentence."""
        return self.words.time(time, self.now) if time else ""

    def status(self, source: str, status: str) -> Badge:
        """An order's status as its source writes it, with the look of what it means."""
        meanings = self.words.meanings(source)
        return Badge(str(meaning_of(status, meanings) or "other"), readable(status, meanings))

    def event(self, row: StoredEvent) -> EventView:
        """A row of the list of events."""
        event = row.event
        of_order = isinstance(event, OrderEvent)
        return EventView(
            id=row.id,
            kind=str(event.kind),
            when=self.when(event.at),
            badge=self.badge_of(event),
            label=label_of(event.order) if isinstance(event, OrderEvent) else event.source,
            href=order_href(event.source, event.order.id)
            if isinstance(event, OrderEvent)
            else self.source(event.source),
            what=self.what(event),
            amount=(amount_of(event, self.words) or "") if isinstance(event, OrderEvent) else "",
            source=event.source if of_order else "",
            source_href=self.source(event.source),
            told=told(_ROUTING.decode(row.routing)),
        )

    def badge_of(self, event: Event) -> Badge:
        """What happened in a word, as a message's headline has it, and how grave it is."""
        word = headline(event, self.words).word
        if isinstance(event, OrderEvent) and word.casefold() == readable(event.order.status).casefold():
            return Badge(self.status(event.source, event.order.status).look, word)
        return Badge(_TONES[severity_of(event, self.words)], word)

    def what(self, event: Event) -> str:
        """What happened, in some words."""
        if isinstance(event, SourceEvent):
            return plain(event.reason, LONGEST) if event.reason else ""
        said = change(event, self.words)
        return said[:1].upper() + said[1:]

    def source(self, name: str) -> str:
        """The address of a source's page; empty where it has none."""
        return source_href(name) if name in self.site.sources else ""

    def order(self, source: str, known: Known) -> OrderView:
        """A row of the list of orders."""
        order = known.order
        return OrderView(
            label=label_of(order),
            href=order_href(source, order.id),
            source=source,
            source_href=self.source(source),
            badge=self.status(source, order.status),
            total=self.money(order),
            since=self.when(known.status_at),
            first_seen=self.when(known.first_seen),
            vanished=self.when(known.vanished_at) if known.vanished_at else None,
        )

    def money(self, order: Order) -> str:
        """An order's total; empty where it shows none."""
        return str(view_money(order.total, self.words) or "")

    def delivery(self, row: Delivery, orders: int = 1) -> DeliveryView:
        """A row of the list of deliveries; ``orders``: of how many it tells."""
        about, href = self._about(row, orders)
        return DeliveryView(
            id=row.id,
            ref=row.ref,
            made=self.when(row.created_at),
            settled=self.when(row.settled_at) if row.settled_at else None,
            badge=self.state(row),
            route=row.route,
            to=str(Destination(row.channel, row.url_number)),
            about=about,
            about_href=href,
            attempts=row.attempts,
            said=plain(said, LONGEST) if (said := self._said(row)) else "",
            title=plain(row.title, LONGEST) if row.title else "",
            dead=row.state is DeliveryState.DEAD,
            href=f"/deliveries/{row.id}",
        )

    def state(self, row: Delivery) -> Badge:
        """What has become of a delivery, in a word."""
        if row.state is DeliveryState.WAITING and row.attempts:
            return Badge("warn", "Retrying")
        return Badge(*_STATES[row.state])

    def _about(self, row: Delivery, orders: int) -> tuple[str, str]:
        if orders > 1:
            return f"{orders:,} orders", ""
        if row.order_id is not None:
            href = "" if row.source == DRILL_SOURCE else order_href(row.source, row.order_id)
            return plain(row.order_id, NUMBER_LENGTH), href
        return row.source or "several", self.source(row.source)

    def _said(self, row: Delivery) -> str:
        if row.state is DeliveryState.WAITING:
            return waiting(row, self.time)
        return row.last_error or ""

    def silence(self, one: Silence) -> SilenceView:
        """A row of the list of silences."""
        active = one.is_active(self.now)
        return SilenceView(
            id=one.id,
            what=plain(str(one.matcher), LONGEST),
            reason=plain(one.reason, LONGEST),
            by=plain(one.by, LONGEST) if one.by else "",
            set_at=self.when(one.created_at),
            until=self.when(one.until),
            left=self.words.duration(one.until - self.now) if active else "",
            active=active,
        )

    def link_out(self, source: str, order: Order) -> str:
        """The order's page in its own system, where there is one; none but the web's schemes."""
        shown = self.site.sources.get(source)
        link = order_link(shown.order_url, order) if shown else None
        return link if link and urlsplit(link).scheme in ("http", "https") else ""


def told(routing: Routing) -> str:
    """Who was told of an event: ``ops, finance``; that it is muted; that no route wanted it."""
    channels = dict.fromkeys(planned.destination.channel for planned in routing.planned)
    if channels:
        return f"told {', '.join(channels)}"
    if routing.silenced:
        return "muted by a silence"
    return "no route wanted it"
