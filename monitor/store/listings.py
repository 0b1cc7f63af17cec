"""What pages, metrics and health checks ask of a state: by keyset, a page at a time, whatever there is of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from monitor.model import Delivery, DeliveryState, EventKind, Known

if TYPE_CHECKING:
    from monitor.store.base import StoredEvent


class OrderKey(NamedTuple):
    """Where a page of orders ended: by when the order entered its status (microseconds), its source and its id."""

    status_at: int
    source: str
    id: str


class OrdersWanted(msgspec.Struct, frozen=True):
    """Which orders a page is of. ``status`` is normalised. ``vanished``: only those that are gone; else only those
    that are there.

    ``text`` is the beginning of a number or an id, in any case, else what it ends with. Of what begins more than a
    thousand, some thousand are found, before the other conditions: a search is for few.
    """

    source: str | None = None
    status: str | None = None
    text: str = ""
    vanished: bool = False


class EventsWanted(msgspec.Struct, frozen=True):
    """Which events a page is of. ``kinds`` empty: of any. ``text`` stands somewhere in what was stored, in any case."""

    source: str | None = None
    kinds: tuple[EventKind, ...] = ()
    order_id: str | None = None
    text: str = ""


class DeliveriesWanted(msgspec.Struct, frozen=True):
    """Which deliveries a page is of; what is empty excludes none."""

    states: tuple[DeliveryState, ...] = ()
    route: str = ""
    channel: str = ""
    source: str = ""


class OrderPage(msgspec.Struct, frozen=True):
    """(source, order), the one that entered its status last first. ``next``: where the following page begins."""

    rows: Sequence[tuple[str, Known]]
    next: OrderKey | None


class EventPage(msgspec.Struct, frozen=True):
    """The newest first. ``next``: the id before which the following page begins, None at the end.

    A page may have fewer rows than asked for, even none, and a ``next`` all the same: so far back was searched.
    """

    rows: Sequence[StoredEvent]
    next: int | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """The newest first; ``next`` as in ``EventPage``."""

    rows: Sequence[Delivery]
    next: int | None


class Pulse(NamedTuple):
    """Changes whenever something else is to be seen: equal pulses, equal pages. Cheap to take of any state.

    ``silences``, ``sources`` and ``daemons`` count nothing: they are other numbers after each change there.
    """

    event: int
    delivery: int
    attempt: int
    silences: int
    unsettled: int
    dead: int
    sources: int
    sending: int = 0
    daemons: int = 0


class Outbox(msgspec.Struct, frozen=True):
    """The outbox at a glance: deliveries by state that are not settled well, and since when the oldest due one waits.

    ``gathering`` wait with others, in groups and digests, for their time; ``retried`` failed at least once.
    ``overdue_since``: when the oldest that could be sent became due, None if none is.
    """

    waiting: int
    gathering: int
    sending: int
    retried: int
    dead: int
    overdue_since: datetime | None


class Listings(Protocol):
    """The part of a transaction's interface that shows pages and counts."""

    def order_page(self, wanted: OrdersWanted, after: OrderKey | None, limit: int) -> OrderPage:
        """The orders that are wanted, of every source or one, those that entered their status last first."""
        ...

    def event_page(self, wanted: EventsWanted, before: int | None, limit: int) -> EventPage:
        """The events that are wanted, the newest first; it looks at some 20,000 rows at most."""
        ...

    def events_after(self, event_id: int, limit: int) -> list[StoredEvent]:
        """The next events after this one, oldest first."""
        ...

    def delivery_page(self, wanted: DeliveriesWanted, before: int | None, limit: int) -> DeliveryPage:
        """The deliveries that are wanted, the newest first; it looks at some 20,000 rows at most."""
        ...

    def delivery(self, delivery_id: int) -> Delivery | None:
        """One delivery."""
        ...

    def delivery_text(self, delivery_id: int) -> tuple[str, str] | None:
        """Title and body as they were sent, while they are kept."""
        ...

    def gathering(self, limit: int) -> list[Delivery]:
        """What waits with others or for its time (groups, digests, quiet hours, storms), the next due one first."""
        ...

    def events_by_time(
        self, sources: Collection[str], since: datetime, bucket: timedelta
    ) -> Mapping[tuple[str, EventKind, datetime], int]:
        """How many events there were since then, by source, kind, and the start of the bucket in which they fall."""
        ...

    def outbox(self, now: datetime) -> Outbox:
        """The outbox at a glance."""
        ...

    def pulse(self) -> Pulse:
        """What to compare to know whether something else is to be seen."""
        ...
