"""What the rest of the house may ask of a state.

Everything is done in a ``Transaction``, by a plain function that the store runs: it commits when the function returns
and rolls back when it raises. So a step of the pipeline is one function over values, and no transaction can be held
open across an await. Times are aware UTC; the store keeps them as integer microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold
from monitor.diff import Change
from monitor.model import (
    Delivery,
    DeliveryState,
    Destination,
    Event,
    EventKind,
    Known,
    OrderEvent,
    Outcome,
    SourceState,
)
from monitor.store.ended import Ended
from monitor.store.erasing import Erasing
from monitor.store.leases import Leases
from monitor.store.listings import Listings
from monitor.store.mutings import Mutings
from monitor.store.overdue import Overdue
from monitor.store.rounds import Rounds
from monitor.store.standing_in import StandingIn
from monitor.store.stories import Stories
from monitor.store.vitals import Vitals

T = TypeVar("T")


class Claim(msgspec.Struct, frozen=True):
    """A source, leased. ``fence`` grows with each claim: a commit with an older one is refused.

    ``state`` is None for a source that was never polled.
    """

    source: str
    fence: int
    state: SourceState | None


class StoredEvent(msgspec.Struct, frozen=True):
    """An event with its id and what the routes made of it (JSON)."""

    id: int
    event: Event
    routing: str


class Held(msgspec.Struct, frozen=True):
    """An event whose deliveries (their ids) were written to wait until the order's details are there."""

    event: OrderEvent
    deliveries: tuple[int, ...]


class Attempt(msgspec.Struct, frozen=True):
    """One attempt to send a delivery, and what it came to."""

    at: datetime
    outcome: Outcome


class Tallies(msgspec.Struct, frozen=True):
    """How much a state holds: orders by (source, normalised status, vanished), events by kind, deliveries by state."""

    orders: Mapping[tuple[str, str, bool], int]
    events: Mapping[str, int]
    deliveries: Mapping[str, int]


class Transaction(Leases, Listings, Stories, Mutings, StandingIn, Rounds, Overdue, Vitals, Erasing, Ended, Protocol):
    """The operations, all or none of which take effect."""

    # Sources

    def claim(self, source: str, owner: str, now: datetime, lease_s: float) -> Claim | None:
        """Lease a source; None while another owner's lease runs."""
        ...

    def check(self, claim: Claim) -> None:
        """ClaimLost unless this claim is still the source's newest."""
        ...

    def release(self, claim: Claim) -> None:
        """End the lease, if it is still this claim's."""
        ...

    def source(self, name: str) -> SourceState | None:
        """What is known of a source."""
        ...

    def sources(self) -> Mapping[str, SourceState]:
        """What is known of every source that was ever polled."""
        ...

    def save_source(self, name: str, state: SourceState) -> None:
        """Write what is known of a source."""
        ...

    # Orders

    def known(self, source: str, ids: Iterable[str]) -> dict[str, Known]:
        """Those of these orders that the state holds."""
        ...

    def marks(self, source: str) -> Iterator[tuple[str, int, str]]:
        """Id, mark and status (normalised) of each order that has not vanished, shorter ids first; one at a time."""
        ...

    def find_orders(self, source: str | None, id_or_number: str) -> list[Known]:
        """The orders with this id or number; ``source`` None: of any source."""
        ...

    def orders(self, source: str | None = None, status: str | None = None) -> Iterator[tuple[str, Known]]:
        """(source, order), by source and id, shorter ids first as numbers go; ``status`` is normalised."""
        ...

    def save_orders(self, source: str, changes: Iterable[Change], marks: Mapping[str, int]) -> None:
        """Write changed orders; ClaimLost if somebody else changed one of them since it was read.

        ``marks``: by id, what tells their rows (64 bits, signed); where none is given, 0: it must be looked at.
        """
        ...

    def save_marks(self, source: str, marks: Mapping[str, int]) -> None:
        """Write the marks of orders that have others."""
        ...

    def forget_orders(self, source: str) -> None:
        """Drop a source's orders, as for a new baseline; its events stay."""
        ...

    # Orders that are followed by id

    def followed(self, source: str) -> Mapping[str, datetime]:
        """The ids that were named from the shell, shorter ones first, and since when each is followed."""
        ...

    def follow(self, source: str, order_id: str, since: datetime) -> bool:
        """Follow this order, too; False if it was named before."""
        ...

    def unfollow(self, source: str, order_id: str) -> bool:
        """Follow it no more, and forget it: a poll under way is refused. False if it was not named from the shell."""
        ...

    def keep_orders(self, source: str, ids: Collection[str]) -> list[str]:
        """Forget each order of a source but these, as they are not followed any more; which. Their events stay."""
        ...

    # Events and deliveries

    def add_event(self, event: Event, routing: str) -> int:
        """Write an event and what the routes made of it (JSON); its id. ClaimLost if it stands there already."""
        ...

    def events(
        self, source: str | None = None, order_id: str | None = None, limit: int | None = None
    ) -> list[StoredEvent]:
        """The newest ``limit`` events, oldest first."""
        ...

    def entered(self, source: str, after: datetime) -> Iterator[tuple[str, str]]:
        """The orders (ids) that appeared or changed their status after then, with each status (normalised) entered."""
        ...

    def story(self, source: str, order_id: str, up_to: int, limit: int) -> list[StoredEvent]:
        """The latest ``limit`` events of an order, none later than the one with the id ``up_to``, oldest first."""
        ...

    def add_delivery(
        self, route: str, to: Destination, event: Event, event_id: int, now: datetime, hold_s: float = 0.0
    ) -> int:
        """Write a delivery of this event, due in ``hold_s`` seconds; its id."""
        ...

    def join(self, planned: Planned, hold: Hold, event: Event, event_id: int, now: datetime) -> int:
        """Let this event join the delivery that waits for it, or write one that waits as ``hold`` says; its id."""
        ...

    def alone(self, planned: Planned, hold: Hold, since: datetime) -> set[int]:
        """What was written since then to go the same way, alone or in groups, or to wait ``FOR`` as long; their ids.

        Only what nobody has ever claimed.
        """
        ...

    def merge(self, ids: Collection[int], into: int) -> None:
        """Let one waiting delivery tell what these were to tell, which nobody has tried to send yet."""
        ...

    def drop_held(self, event: OrderEvent, kinds: Collection[EventKind], now: datetime, reason: str) -> int:
        """Drop what waited to see whether this event's order stays as it was after an earlier event of these kinds.

        How many. What it was to be told with is told without it.
        """
        ...

    def orders_told(self, ids: Collection[int]) -> Mapping[int, int]:
        """Of how many orders each of these deliveries tells."""
        ...

    def count_events(self, route: str, at: datetime, events: int) -> None:
        """Note that a route had so many more events."""
        ...

    def events_counted(self, route: str, since: datetime, now: datetime) -> int:
        """How many events a route has had since then."""
        ...

    def forget_counts(self, route: str, before: datetime) -> None:
        """Drop what was counted up to then."""
        ...

    def let_go(self, ids: Collection[int], now: datetime) -> int:
        """Make those of these deliveries due now that wait for their first attempt; how many."""
        ...

    def lanes(self, now: datetime, homes: Collection[Destination]) -> dict[str, datetime]:
        """When something for one of these destinations is next due, by the digest of its URL.

        What waits for any other destination cannot be sent, and holds up nothing.
        """
        ...

    def claim_delivery(
        self, homes: Sequence[Destination], owner: str, now: datetime, after: int | None = None
    ) -> Delivery | None:
        """The next due delivery to these destinations, all of one URL, that no earlier one about its order precedes.

        Next is what was tried least, then the oldest; with ``after`` (0 or an id), the oldest after that one.
        """
        ...

    def events_of(self, delivery_id: int) -> Iterator[StoredEvent]:
        """The events that a delivery tells of, oldest first; there may be thousands."""
        ...

    def settle(self, delivery: Delivery, at: datetime, outcome: Outcome, title: str, body: str) -> bool:
        """A delivered or dead one: ``outcome`` says which. False if this claim of it has been superseded."""
        ...

    def retry_at(self, delivery: Delivery, at: datetime, due_in_s: float, outcome: Outcome) -> bool:
        """Another attempt, so many seconds from now. False if this claim of it has been superseded."""
        ...

    def unclaim(self, delivery: Delivery) -> None:
        """Leave a claimed delivery as it was before the claim."""
        ...

    def give_back(self, owner: str, busy: Collection[str]) -> int:
        """Unclaim what this owner has claimed, but for these URLs (digests), where it is sending; how many."""
        ...

    def hasten(self, url: str, now: datetime, most_attempts: int | None = None) -> None:
        """What waits for another attempt at this URL (its digest) is due now: the URL answers again.

        Not what the endpoint asked to wait for longer. ``most_attempts``: only what was tried so often at most.
        """
        ...

    def orphans(self, homes: Collection[Destination]) -> dict[Destination, int]:
        """Where else deliveries wait for, and how many each."""
        ...

    def move(self, orphan: Destination, to: Destination) -> int:
        """Let what waits for a destination that is gone wait for this one, unless it got the event; how many."""
        ...

    def bury_orphans(self, orphan: Destination, now: datetime, reason: str) -> list[Delivery]:
        """Say why nothing of this lane is sent; bury what has waited for its whole day: what was buried."""
        ...

    def resurrect(self, ids: Sequence[int] | None, now: datetime) -> int:
        """Make dead letters (None: all of them) due again, for a new day; how many."""
        ...

    def deliveries(self, states: Sequence[DeliveryState] | None = None, limit: int | None = None) -> list[Delivery]:
        """The newest ``limit`` deliveries, oldest first."""
        ...

    def attempts(self, delivery_id: int) -> list[Attempt]:
        """What each attempt said, oldest first."""
        ...

    def drop_bodies(self, settled_before: datetime) -> int:
        """Delete the rendered text of deliveries that were settled before then; how many."""
        ...

    def tallies(self) -> Tallies:
        """How much there is of everything."""
        ...


class Store(Protocol):
    """A state that is open. ``failures``: how often it could not be used."""

    @property
    def failures(self) -> int:
        """How often it could not be used."""
        ...

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one transaction, off the event loop; StateError if the state cannot be used."""
        ...

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which writes nothing, on one unchanging view; no other process waits, or is waited for."""
        ...

    async def aclose(self) -> None:
        """Close the state, and give up the right to poll and send."""
        ...


class OpenedStore(Store, Protocol):
    """A state, as whoever opens it has it. ``created``: it was made by opening it."""

    created: bool

    async def wipe(self, *, anew: bool = True) -> bool:
        """Leave no bytes of what was deleted; False if others have kept them all the while."""
        ...
