"""The words of the house as values: orders, events, deliveries. Immutable, and without I/O.

Times are aware ``datetime`` objects in UTC unless a name says otherwise. Amounts are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

import msgspec


class Money(msgspec.Struct, frozen=True):
    """An exact amount in major units (``Decimal("22.00")``) and its ISO 4217 code, None where the source names none.

    Equal by value: ``22`` USD is ``22.00`` USD. An amount finer than its currency allows is kept as it is.
    """

    amount: Decimal
    currency: str | None = None


class Item(msgspec.Struct, frozen=True):
    """One line of an order: what, how many, and the price of one (None where unknown)."""

    name: str
    quantity: int = 1
    price: Money | None = None


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was ordered, as it runs: a hosting account, say, with a status of its own. ``name`` is for people."""

    id: str
    status: str
    name: str = ""


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order as a source shows it. None means that the source did not show this field, which is never a change.

    Statuses (its own, its invoice's, its services') are as the source writes them.
    """

    id: str
    status: str
    number: str | None = None
    total: Money | None = None
    created_at: datetime | None = None
    items: tuple[Item, ...] | None = None
    invoice_status: str | None = None
    services: tuple[Service, ...] | None = None

    @property
    def label(self) -> str:
        """What people call the order: its number as the source writes it, else its id."""
        return self.number or self.id


_SEPARATORS = re.compile(r"[\s_-]+")


@lru_cache(maxsize=1024)
def normalise_status(raw: str) -> str:
    """The spelling in which statuses are compared: ``"On-Hold"`` is ``on_hold``; ``canceled`` is ``cancelled``."""
    spelled = _SEPARATORS.sub("_", raw.strip().casefold())
    return "cancelled" if spelled == "canceled" else spelled


class Meaning(StrEnum):
    """What a source's own statuses are mapped onto, so that one route serves many systems."""

    PENDING = "pending"
    ACTIVE = "active"
    FRAUD = "fraud"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    SUSPENDED = "suspended"
    REFUNDED = "refunded"
    EXPIRED = "expired"


Life = Mapping[str, tuple[str, ...]]
"""The usual life of an order: by status, normalised, or by meaning, those that usually follow. Of a status that is not
in it nothing is said.
"""

Meanings = Mapping[str, Meaning]
"""By normalised status, what it means. A status that is not in it means what it says, or nothing that we know."""


def meaning_of(status: str, meanings: Meanings) -> Meaning | None:
    """What a status (in any spelling) means, None if nobody says; one that is called as a meaning needs no entry."""
    spelled = normalise_status(status)
    return meanings.get(spelled) or _BY_NAME.get(spelled)


_BY_NAME = {str(meaning): meaning for meaning in Meaning}


class EventKind(StrEnum):
    """Every kind of event; the first group is about one order, the second about a source's health, the third what a
    route's rule finds out about a source. A drill is about nothing.
    """

    APPEARED = "appeared"
    STATUS_CHANGED = "status_changed"
    CHANGED = "changed"
    INVOICE_CHANGED = "invoice_changed"
    SERVICE_CHANGED = "service_changed"
    VANISHED = "vanished"
    REAPPEARED = "reappeared"
    STUCK = "stuck"

    SOURCE_DOWN = "source_down"
    SOURCE_UP = "source_up"
    SOURCE_DOUBTFUL = "source_doubtful"

    ABSENT = "absent"
    SPIKE = "spike"

    DRILL = "drill"


class Stuck(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a stuck order's event says besides: by which ``rule``, a route's name, it was found.

    ``reminder`` counts how often that was told before. ``already``: it had been stuck when the rule, or it, was first
    seen, or while it was silenced. ``channels``: the route's are told; ``escalated``: those that it escalates to are.
    """

    rule: str
    reminder: int = 0
    already: bool = False
    channels: bool = True
    escalated: bool = False


class OrderEvent(msgspec.Struct, frozen=True, tag="order", omit_defaults=True):
    """One observed change of one order.

    ``at`` is when the answer that showed it was received; the change happened after ``after_time`` (the last look that
    still showed ``before``), where that is known. ``since`` is when ``before`` entered its status, as observed.
    ``revision`` numbers the states of an order from 1: (source, order id, revision, kind) names an event for ever. A
    state can be ``stuck`` more than once: there ``since`` is when it began, and ``at`` is part of the name.
    """

    source: str
    kind: EventKind
    at: datetime
    order: Order
    revision: int
    before: Order | None = None
    after_time: datetime | None = None
    since: datetime | None = None
    stuck: Stuck | None = None


class SourceEvent(msgspec.Struct, frozen=True, tag="source", omit_defaults=True):
    """A change of a source, with the reason in words that name no order and no credential.

    ``acceptable``: it is about a loss that the owner can accept as real. ``rule`` is the name of the route that asked
    for it, whose news it is; ``about`` the status that a spike is of; ``over``: it tells of the end.
    """

    source: str
    kind: EventKind
    at: datetime
    reason: str = ""
    since: datetime | None = None
    acceptable: bool = False
    rule: str = ""
    about: str = ""
    over: bool = False


Event = OrderEvent | SourceEvent


class Known(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order as the state holds it. Each write adds one to ``revision``, so that of two writers one notices.

    ``status_since`` is when it entered its status, if that was observed; ``previous_status`` is the one before,
    normalised. ``missing`` counts the looks in a row that proved it absent; ``vanished_at`` is set once it is gone.
    """

    order: Order
    revision: int
    first_seen: datetime
    seen_at: datetime
    status_since: datetime | None = None
    previous_status: str | None = None
    missing: int = 0
    vanished_at: datetime | None = None

    @property
    def status_at(self) -> datetime:
        """When it entered its status: as observed, else when it was placed, else when it was seen first."""
        placed = self.order.created_at
        # What is placed after it was seen has another clock, or makes no sense.
        return self.status_since or (placed if placed and placed < self.first_seen else self.first_seen)


class Doubt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why successive looks at a source were not believed: ``looks`` of them in a row since ``since``.

    ``missing`` orders were lacking in the last complete one, whose ids have this ``digest``; ``agreeing`` complete
    looks since ``agreeing_since`` lacked just these.
    """

    reason: str
    since: datetime
    looks: int = 1
    missing: int = 0
    digest: str = ""
    agreeing: int = 0
    agreeing_since: datetime | None = None
    announced: bool = False


class Routine(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the strategy for a source remembers from poll to poll.

    ``differences`` in its totals, by status, that the last sweep has left; ``swept`` right after that sweep.
    ``sweep_wanted`` by a difference. Before ``settle_after`` and ``sweep_after`` no difference leads to another one.
    """

    differences: dict[str, int] = {}
    swept: bool = False
    sweep_wanted: bool = False
    settle_after: datetime | None = None
    sweep_after: datetime | None = None


class Untold(msgspec.Struct, frozen=True):
    """The latest news of a source's health, which silences have kept from these URLs (digests).

    They still believe the opposite. ``event`` is the number of its row.
    """

    event: int
    kind: EventKind
    urls: tuple[str, ...]


class RuleState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known for a rule about a source, which is in force since ``begun``.

    ``lacking`` is for how long, of the hours that matter, no new order has been seen. ``on``: it was told, and is not
    over; then ``since`` is since when, where that is known.
    """

    begun: datetime
    lacking: timedelta = timedelta(0)
    on: bool = False
    since: datetime | None = None


class SourceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a source itself. ``identity`` is its type and address; another one is another source.

    ``complete_at`` is when the last look began that showed every order, ``settled_at`` the last that proved each one's
    status, and ``proven_at`` the last that proved who has which status (normalised), where it was later than those.
    ``newest_id`` (the highest numeric id) and ``total`` are of the last look, to tell a stale answer by.
    ``accepted`` is how many missing orders its owner has accepted as gone. ``cursor`` is a time on the source's own
    clock before which nothing was modified that has not been seen. ``good_at`` is
    when the last poll ended that had a usable answer. ``untold`` is told once the silences end.

    ``well_since`` is since when it has been seen without a gap, and believed, and ``well_at`` when last; rules count by
    these. ``new_order_at`` is when an order was seen last that was new, and ``entered_at`` one that entered a status.
    ``sure`` are the statuses (normalised; ``*`` for all) of which each order was seen to have it still since the last
    trouble.
    """

    identity: str
    baseline_at: datetime | None = None
    polled_at: datetime | None = None
    complete_at: datetime | None = None
    settled_at: datetime | None = None
    proven_at: dict[str, datetime] = {}
    failures: int = 0
    failing_since: datetime | None = None
    error: str | None = None
    down: bool = False
    doubt: Doubt | None = None
    accepted: int | None = None
    routine: Routine | None = None
    newest_id: int | None = None
    total: int | None = None
    cursor: datetime | None = None
    good_at: datetime | None = None
    untold: Untold | None = None
    well_since: datetime | None = None
    well_at: datetime | None = None
    new_order_at: datetime | None = None
    entered_at: datetime | None = None
    rules: dict[str, RuleState] = {}
    sure: tuple[str, ...] = ()


class Severity(StrEnum):
    """How a channel may colour a message; the values are Apprise's notification types."""

    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"


class Customer(msgspec.Struct, frozen=True):
    """Who an order is from, where its source says so. Fetched for a message, and never stored."""

    name: str | None = None
    company: str | None = None
    address: str | None = None
    notes: str | None = None


class Details(msgspec.Struct, frozen=True):
    """What a source's detail of one order says beyond a list's row; fetched for a message, and never stored.

    ``invoice`` is what people call the invoice, its status stands in the order; ``payment`` is how it is paid.
    """

    order: Order
    invoice: str | None = None
    payment: str | None = None
    customer: Customer | None = None


class Moment(msgspec.Struct, frozen=True):
    """One line of an order's story: ``when``, as people read it, and ``what`` happened."""

    when: str
    what: str

    def __str__(self) -> str:
        return f"{self.when} {self.what}"


class Row(msgspec.Struct, frozen=True):
    """A row of a Table. The first cell names the order, and leads to ``link``."""

    cells: tuple[str, ...]
    link: str | None = None

    def __str__(self) -> str:
        return " · ".join(filter(None, self.cells))


class Table(msgspec.Struct, frozen=True):
    """Several orders, each row with a cell below each heading; ``more`` counts those that are not shown."""

    heading: tuple[str, ...]
    rows: tuple[Row, ...]
    more: int = 0


class Message(msgspec.Struct, frozen=True):
    """What is sent: plain text, first line in ``title``. ``ref`` is the delivery's short reference.

    ``problem`` says which template failed, where the default text stands in for it. The rest is for channels that show
    more than plain text. ``body`` has all of it but ``customer``, which is never stored, and ``footer``:

    ``subject`` is a mail's; ``label`` the order's number, which leads to ``link``; ``text`` the body without what
    follows here, None where it is all of it; ``small`` the lines that matter least. ``footer`` says why this was sent,
    and how to stop it. ``thread`` names the order, opaquely and for ever, and ``id`` the message: a second copy has the
    same one.
    """

    title: str
    body: str
    severity: Severity
    ref: str
    problem: str | None = None
    subject: str = ""
    label: str = ""
    link: str | None = None
    text: str | None = None
    customer: tuple[str, ...] = ()
    story: tuple[Moment, ...] = ()
    table: Table | None = None
    small: tuple[str, ...] = ()
    footer: str = ""
    route: str = ""
    thread: str = ""
    id: str = ""


class DeliveryState(StrEnum):
    """``waiting`` until due, ``sending`` while claimed; ``sent``, ``dead`` and ``dropped`` are settled.

    Dropped is what was no longer true when it could have gone.
    """

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message for one URL: a row of the outbox.

    ``url_number`` counts a channel's URLs from 1, as they were when it was written; ``url`` is the URL's digest.
    ``gathers`` says why it tells of several events, or has waited; empty: it tells of one as it happens. One that
    tells of several sources or orders names none. ``stands_for`` is the dead letter whose news it tells instead.
    """

    id: int
    ref: str
    route: str
    channel: str
    url_number: int
    source: str
    order_id: str | None
    state: DeliveryState
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    attempts: int = 0
    last_error: str | None = None
    settled_at: datetime | None = None
    title: str | None = None
    fence: int = 0
    url: str = ""
    gathers: str = ""
    stands_for: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What one attempt to send came to. ``status`` is the endpoint's HTTP or SMTP code, where there was one.

    ``permanent`` says that another attempt cannot help; ``retry_after`` is the endpoint's own wish, in seconds.
    """

    delivered: bool
    reason: str = ""
    status: int | None = None
    permanent: bool = False
    retry_after: float | None = None


class Destination(msgspec.Struct, frozen=True):
    """One URL of a channel, without the URL: ``ops_slack``, ``ops_slack#2``. Counted from 1.

    ``url`` is the URL's digest (``monitor.redact.url_keys``): equal where two destinations are the same URL.
    """

    channel: str
    number: int = 1
    url: str = ""

    def __str__(self) -> str:
        return self.channel if self.number == 1 else f"{self.channel}#{self.number}"
