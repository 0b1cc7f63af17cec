"""What is true in the simulated world: its orders, and what happened to them. Immutable values.

Amounts are integers in the smallest unit of the order's currency; times are aware and in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict

import msgspec

OrderKey = int | str
"""How people name an order: its id (``88``, ``"88"``) or its number (``"ORD-0088"``)."""

_MINOR_UNITS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "UGX", "VND", "XAF", "XOF", "XPF"), 1),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 1000),
}


class UnknownOrder(LookupError):
    """The simulated world has no such order."""

    def __init__(self, key: OrderKey) -> None:
        super().__init__(f"there is no order {key} in the simulated world")


class TrueItem(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One line of an order; ``price`` is the price of one, in minor units."""

    product: str
    quantity: int = 1
    price: int = 0


class TrueService(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """A service that an order has brought about, with a status of its own."""

    id: int
    name: str
    status: str
    domain: str = ""


class TrueCustomer(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """Who an order is from."""

    name: str
    company: str = ""
    address: str = ""
    email: str = ""


class TrueOrder(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One order as it is; ``total`` in minor units need not be the sum of the items.

    ``modified_at`` is when it was changed last, at first ``created_at``. ``payment`` names the way of paying.
    """

    id: int
    number: str
    status: str
    currency: str
    total: int
    items: tuple[TrueItem, ...]
    created_at: datetime
    modified_at: datetime
    invoice_status: str = ""
    services: tuple[TrueService, ...] = ()
    payment: str = ""
    customer: TrueCustomer | None = None


class ChangeKind(StrEnum):
    """What can happen to an order."""

    PLACED = "placed"
    STATUS_CHANGED = "status_changed"
    CHANGED = "changed"
    DELETED = "deleted"


class TrueChange(msgspec.Struct, frozen=True):
    """One thing that happened, counted from 1 by ``sequence``. Placed: no ``before``; deleted: no ``after``."""

    sequence: int
    at: datetime
    kind: ChangeKind
    before: TrueOrder | None
    after: TrueOrder | None

    @property
    def order(self) -> TrueOrder:
        """The order as it is now, or as it last was."""
        order = self.after or self.before
        assert order is not None, "a change without an order"  # noqa: S101  # the world makes no such change
        return order


class OrderFields(TypedDict, total=False):
    """What may be said about an order when it is placed; each has a default."""

    id: int
    number: str
    status: str
    currency: str
    total: int
    items: Sequence[TrueItem]
    created_at: datetime
    invoice_status: str
    services: Sequence[TrueService]
    payment: str
    customer: TrueCustomer


def order_fields(data: object) -> OrderFields:
    """The fields in a decoded JSON or YAML mapping; msgspec.ValidationError says what is wrong with it."""
    fields = msgspec.convert(data, OrderFields)
    given = data.keys() if isinstance(data, dict) else ()
    if unknown := given - OrderFields.__annotations__.keys():
        known = ", ".join(OrderFields.__annotations__)
        raise msgspec.ValidationError(f"an order has no field {', '.join(sorted(unknown))}; it has {known}")
    return fields


def minor_units(currency: str) -> int:
    """How many of its smallest units one of this currency has: 100 for USD, 1 for JPY, 1000 for KWD."""
    return _MINOR_UNITS.get(currency, 100)


def utc_now() -> datetime:
    """The machine's own time, where nobody hands in another."""
    return datetime.now(UTC)
