"""The words of the house as values: orders, events, deliveries. Immutable, and without I/O.

Times are aware ``datetime`` objects in UTC unless a name says otherwise. Amounts are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
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


Meanings = Mapping[str, Meaning]
"""By normalised status, what it means. A status that is not in it means what it says, or nothing that we know."""


def meaning_of(status: str, meanings: Meanings) -> Meaning | None:
    """What a status (in any spelling) means, None if nobody says; one that is called as a meaning needs no entry."""
    spelled = normalise_status(status)
    return meanings.get(spelled) or _BY_NAME.get(spelled)


_BY_NAME = {str(meaning): meaning for meaning in Meaning}


class EventKind(StrEnum):
    """Every kind of event; the first group is about one order, the second about a source."""

    APPEARED = "appeared"
    STATUS_CHANGED = "status_changed"
    CHANGED = "changed"
    INVOICE_CHANGED = "invoice_changed"
    SERVICE_CHANGED = "service_changed"
    VANISHED = "vanished"
    REAPPEARED = "reappeared"

    SOURCE_DOWN = "source_down"
    SOURCE_UP = "source_up"
    SOURCE_DOUBTFUL = "source_doubtful"


class OrderEvent(msgspec.Struct, frozen=True, tag="order", omit_defaults=True):
    """One observed change of one order.

    ``at`` is when the answer that showed it was received; the change happened after ``after_time`` (the last look that
    still showed ``before``), where that is known. ``since`` is when ``before`` entered its status, as observed.
    ``revision`` numbers the states of an order from 1: (source, order id, revision, kind) names an event for ever.
    """

    source: str
    kind: EventKind
    at: datetime
    order: Order
    revision: int
    before: Order | None = None
    after_time: datetime | None = None
    since: datetime | None = None


class SourceEvent(msgspec.Struct, frozen=True, tag="source", omit_defaults=True):
    """A change of a source's health, with the reason in words that name no order and no credential.

    ``acceptable``: it is about a loss that the owner can accept as real.
    """

    source: str
    kind: EventKind
    at: datetime
    reason: str = ""
    since: datetime | None = None
    acceptable: bool = False


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


class SourceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a source itself. ``identity`` is its type and address; another one is another source.

    ``complete_at`` is when the last look began that showed every order, ``settled_at`` the last that proved each one's
    status, and ``proven_at`` the last that proved who has which status (normalised), where it was later than those.
    ``newest_id`` (the highest numeric id) and ``total`` are of the last look, to tell a stale answer by.
    ``accepted`` is how many missing orders its owner has accepted as gone. ``cursor`` is a time on the source's own
    clock before which nothing was modified that has not been seen.
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
    """``waiting`` until due, ``sending`` while claimed; ``sent`` and ``dead`` are settled."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message for one URL: a row of the outbox.

    ``url_number`` counts a channel's URLs from 1, as they were when it was written; ``url`` is the URL's digest.
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
