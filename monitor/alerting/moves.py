"""The statuses that an event is about: each from what to what. An order has one, its invoice one, its services many."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from monitor.model import EventKind, Life, Meanings, Order, OrderEvent, Service, meaning_of, normalise_status


class Move(NamedTuple):
    """A status that became another one, as the source writes them; None: there was none, or there is none any more."""

    before: str | None
    after: str | None
    meanings: Meanings


class ServiceMove(NamedTuple):
    """A service, as it was last shown, and its status before and after; None: it was added, or it was removed."""

    service: Service
    before: str | None
    after: str | None


def moves_of(event: OrderEvent, meanings: Meanings) -> list[Move]:
    """What conditions on statuses are about: the invoice's, each service's that moved, else the order's.

    ``meanings`` are of the order's statuses. Services share the system's words; invoices have their own.
    """
    before, now = event.before, event.order
    if event.kind is EventKind.INVOICE_CHANGED:
        return [Move(before.invoice_status if before else None, now.invoice_status, {})]
    if event.kind is EventKind.SERVICE_CHANGED:
        return [Move(moved.before, moved.after, meanings) for moved in service_moves(before, now)]
    return [Move(before.status if before else None, now.status, meanings)]


def names_of(status: str | None, meanings: Meanings) -> frozenset[str]:
    """By what a status can be called: its own spelling, normalised, and its meaning; by nothing if there is none."""
    if status is None:
        return frozenset()
    meaning = meaning_of(status, meanings)
    return frozenset((normalise_status(status), *([str(meaning)] if meaning else [])))


def is_unusual(event: OrderEvent, meanings: Meanings, life: Life) -> bool:
    """Whether the order's status changed as it usually does not; of a status that ``life`` lacks nothing is known."""
    if event.kind is not EventKind.STATUS_CHANGED or event.before is None:
        return False
    before, meant = normalise_status(event.before.status), meaning_of(event.before.status, meanings)
    usual = life.get(before, life.get(str(meant)))
    if usual is None or (before not in life and meant is meaning_of(event.order.status, meanings)):
        return False
    return names_of(event.order.status, meanings).isdisjoint(usual)


def service_moves(before: Order | None, now: Order) -> tuple[ServiceMove, ...]:
    """The services that moved or were added, as the order has them now, then those that were removed.

    None where one of the two lists is unknown. A source may give two services one id: they are told apart by status.
    """
    if before is None or before.services is None or now.services is None:
        return ()
    left: defaultdict[str, deque[Service]] = defaultdict(deque)
    for service in _only_in(before.services, now.services):
        left[service.id].append(service)
    moved = [
        ServiceMove(service, left[service.id].popleft().status if left[service.id] else None, service.status)
        for service in _only_in(now.services, before.services)
    ]
    return (*moved, *(ServiceMove(gone, gone.status, None) for rest in left.values() for gone in rest))


def _only_in(services: Sequence[Service], others: Sequence[Service]) -> Iterator[Service]:
    """The services that the others have not with the same status; names may differ."""
    matched = Counter(map(_key, others))
    for service in services:
        if matched[_key(service)]:
            matched[_key(service)] -= 1
        else:
            yield service


def _key(service: Service) -> tuple[str, str]:
    return service.id, normalise_status(service.status)
