"""What changed, and what may be believed. Pure: known and seen in, changes and verdicts out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from monitor.model import Doubt, EventKind, Item, Known, Meaning, Money, Order, OrderEvent, normalise_status

AGREEING_LOOKS = 3
"""Complete looks in a row that must lack the same orders before a doubtful loss is believed …"""
AGREEING_TIME = timedelta(hours=1)
"""… and the time that they must span (DESIGN.md, promise 6)."""


class Coverage(StrEnum):
    """COMPLETE: absence means something; PARTIAL: it does not."""

    COMPLETE = "complete"
    PARTIAL = "partial"


class Look(msgspec.Struct, frozen=True):
    """What the diff must know of a look: whose it is, whether the source has its baseline, when it was last whole.

    ``first_revision`` numbers orders that are seen for the first time; ``last_complete`` is when that look began, and
    ``proven_at`` when a later one did that saw all orders of a status (normalised).
    """

    source: str
    baseline: bool
    first_revision: int
    last_complete: datetime | None = None
    proven_at: Mapping[str, datetime] = {}


class Change(msgspec.Struct, frozen=True):
    """What to write of one order, and what to tell: ``events`` is empty where nothing is to be told."""

    known: Known
    events: tuple[OrderEvent, ...] = ()
    new: bool = False


def is_return(known: Known, seen: Order) -> bool:
    """Whether ``seen`` shows the order's previous status again: what a stale answer shows too (promise 5)."""
    status = normalise_status(seen.status)
    return status == known.previous_status and status != normalise_status(known.order.status)


def compare(known: Known | None, seen: Order, at: datetime, look: Look) -> Change | None:
    """What a sighting changes: None where it changes nothing that is stored."""
    if known is None:
        return _first_sighting(seen, at, look)
    order = _keep_unshown(known.order, seen)
    kinds = tuple(_kinds(known, order))
    if not kinds and order == known.order and not known.missing:
        return None
    moved = EventKind.STATUS_CHANGED in kinds
    after = msgspec.structs.replace(
        known,
        order=order,
        revision=known.revision + 1,
        seen_at=at,
        status_since=at if moved else known.status_since,
        previous_status=normalise_status(known.order.status) if moved else known.previous_status,
        missing=0,
        vanished_at=None,
    )
    return Change(after, tuple(_event(kind, known, after, at, look) for kind in kinds))


def absent(known: Known, at: datetime, look: Look, *, believed: bool = False) -> Change:
    """What one more proof of absence changes: the second in a row, or a ``believed`` one, says that it is gone."""
    gone = believed or known.missing >= 1
    after = msgspec.structs.replace(
        known,
        revision=known.revision + 1,
        seen_at=_last_shown(known, look),
        missing=known.missing + 1,
        vanished_at=at if gone else None,
    )
    return Change(after, (_event(EventKind.VANISHED, known, after, at, look),) if gone else ())


class Absences(StrEnum):
    """What may be made of the orders that a complete look lacks."""

    COUNT = "count"
    """Each has been proven absent once more."""
    DOUBT = "doubt"
    """Too many at once: nothing is proven."""
    BELIEVE = "believe"
    """They are gone."""


def judge_absences(
    known: int, missing: Iterable[str], doubt: Doubt | None, accepted: int | None, at: datetime
) -> tuple[Absences, Doubt | None]:
    """What a complete look proves that lacks ``missing`` of ``known`` orders, and the doubt that remains."""
    ids = sorted(missing)
    if not _too_many(known, len(ids)):
        return Absences.COUNT, None
    now = _lacking(known, ids, doubt, at)
    if _agreed(now, at) or (accepted is not None and not _too_many(known, len(ids) - accepted)):
        return Absences.BELIEVE, None
    return Absences.DOUBT, now


def _lacking(known: int, ids: list[str], before: Doubt | None, at: datetime) -> Doubt:
    """The doubt after one more look that lacks too many. Looks that lack others, or were partial, agree on nothing."""
    digest = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]
    reason = f"the list lacks {len(ids):,} of {known:,} known orders"
    before = before or Doubt(reason, since=at, looks=0)
    agrees = before.digest == digest
    return msgspec.structs.replace(
        before,
        reason=reason,
        looks=before.looks + 1,
        missing=len(ids),
        digest=digest,
        agreeing=before.agreeing + 1 if agrees else 1,
        agreeing_since=before.agreeing_since if agrees else at,
    )


def _agreed(doubt: Doubt, at: datetime) -> bool:
    return doubt.agreeing >= AGREEING_LOOKS and at - (doubt.agreeing_since or at) >= AGREEING_TIME


def _too_many(known: int, missing: int) -> bool:
    return missing > max(5, known / 10) or 0 < known == missing


def _first_sighting(seen: Order, at: datetime, look: Look) -> Change:
    known = Known(order=seen, revision=look.first_revision, first_seen=at, seen_at=at)
    if not look.baseline:
        return Change(known, new=True)
    event = OrderEvent(look.source, EventKind.APPEARED, at, seen, known.revision, after_time=look.last_complete)
    return Change(known, (event,), new=True)


def _keep_unshown(before: Order, seen: Order) -> Order:
    """``seen``, with the fields that the source did not show this time as they were."""
    kept = {field: getattr(before, field) for field in _OPTIONAL if getattr(seen, field) is None}
    return _keep_currency(before, msgspec.structs.replace(seen, **kept))


def _keep_currency(before: Order, seen: Order) -> Order:
    """The same where amounts are shown without the currency that the order had."""
    currency = before.total and before.total.currency
    if not currency or seen.total is None or seen.total.currency:
        return seen
    items = None if seen.items is None else tuple(_in_currency(item, currency) for item in seen.items)
    return msgspec.structs.replace(seen, total=Money(seen.total.amount, currency), items=items)


def _in_currency(item: Item, currency: str) -> Item:
    if item.price is None or item.price.currency:
        return item
    return msgspec.structs.replace(item, price=Money(item.price.amount, currency))


_OPTIONAL = ("number", "total", "created_at", "items", "invoice_status", "services")


def _kinds(known: Known, order: Order) -> Iterator[EventKind]:
    if known.vanished_at is not None:
        yield EventKind.REAPPEARED
    if normalise_status(known.order.status) != normalise_status(order.status):
        yield EventKind.STATUS_CHANGED
    if _money_differs(known.order.total, order.total) or _items_differ(known.order, order):
        yield EventKind.CHANGED
    if _invoice_differs(known.order, order):
        yield EventKind.INVOICE_CHANGED
    if _services_differ(known.order, order):
        yield EventKind.SERVICE_CHANGED


def _invoice_differs(before: Order, after: Order) -> bool:
    if before.invoice_status is None or after.invoice_status is None:
        return False
    return normalise_status(before.invoice_status) != normalise_status(after.invoice_status)


def _services_differ(before: Order, after: Order) -> bool:
    """Another status, a new one, one less; names are for people, and no source promises an order."""
    if before.services is None or after.services is None:
        return False
    was, now = (
        Counter((service.id, normalise_status(service.status)) for service in services)
        for services in (before.services, after.services)
    )
    return was != now


def _money_differs(before: Money | None, after: Money | None) -> bool:
    """A field that was unknown and is known now was not changed but decoded for the first time (promise 1)."""
    if before is None or after is None:
        return False
    known_currencies = before.currency is not None and after.currency is not None
    return before.amount != after.amount or (known_currencies and before.currency != after.currency)


def _items_differ(before: Order, after: Order) -> bool:
    """Compared as a multiset: no source promises the order of its items."""
    if before.items is None or after.items is None:
        return False
    items = before.items + after.items
    priceless = {(item.name, item.quantity) for item in items if item.price is None}
    currencies = all(item.price.currency for item in items if item.price)

    def key(item: Item) -> tuple[str, int, str]:
        # What one of the two does not show is compared in neither: a price decoded for the first time is no change.
        if item.price is None or (item.name, item.quantity) in priceless:
            return item.name, item.quantity, ""
        currency = item.price.currency if currencies else ""
        return item.name, item.quantity, f"{item.price.amount.normalize():f} {currency}"

    return sorted(map(key, before.items)) != sorted(map(key, after.items))


def _event(kind: EventKind, before: Known, after: Known, at: datetime, look: Look) -> OrderEvent:
    return OrderEvent(
        source=look.source,
        kind=kind,
        at=at,
        order=after.order,
        revision=after.revision,
        before=before.order,
        after_time=min(_last_shown(before, look), at),  # the wall clock may have been set back since
        since=before.status_since or _placed_in_it(before.order),
    )


def _placed_in_it(order: Order) -> datetime | None:
    """When an order that nobody saw enter its status entered it: pending is where orders begin, others are entered."""
    return order.created_at if normalise_status(order.status) == Meaning.PENDING else None


def _last_shown(known: Known, look: Look) -> datetime:
    """When the order was last seen as it is known: the last complete look showed it, unless that one missed it."""
    if known.missing:
        return known.seen_at
    proven = look.proven_at.get(normalise_status(known.order.status))
    return max(filter(None, (known.seen_at, look.last_complete, proven)))
