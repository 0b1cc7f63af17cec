"""The world: the orders as they truly are, the ways to change them, and the log of all that happened."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Unpack

import msgspec

from monitor.simulator.seeding import default_number, seeded_orders
from monitor.simulator.truth import (
    ChangeKind,
    OrderFields,
    OrderKey,
    TrueChange,
    TrueItem,
    TrueOrder,
    TrueService,
    UnknownOrder,
    utc_now,
)

Now = Callable[[], datetime]
Listener = Callable[[TrueChange], object]

LOG_LIMIT = 100_000
"""So many of the latest changes stay in the log."""

_WRITTEN = re.compile(r"(?:ORD-)?(\d{1,18})")
_DEFAULT_ITEM = TrueItem("Business Email Add-on", price=500)


class World:
    """Orders by id, and their ids in order: all of them, and those of each status, so that a page costs a page.

    ``now`` gives the time of whatever happens without an ``at`` of its own. ``listeners`` are called with each change.
    """

    def __init__(self, orders: Iterable[TrueOrder] = (), *, now: Now = utc_now) -> None:
        self.now = now
        self.log: list[TrueChange] = []
        self.listeners: list[Listener] = []
        self._revision = 0
        self._orders = {order.id: order for order in orders}
        self._ids = sorted(self._orders)
        self._by_status: dict[str, list[int]] = {}
        for id_ in self._ids:
            self._by_status.setdefault(self._orders[id_].status, []).append(id_)
        self._numbers = {o.number: o.id for o in self._orders.values() if o.number != default_number(o.id)}

    @classmethod
    def seeded(cls, seed: int, orders: int = 3000, now: Now = utc_now) -> World:
        """A hosting reseller's last months: about 97 % active, under 1 % pending, some fraud and cancelled."""
        return cls(seeded_orders(seed, orders, now()), now=now)

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, key: OrderKey) -> bool:
        return self._id_of(key) is not None

    @property
    def revision(self) -> int:
        """The sequence of the latest change, 0 before the first."""
        return self._revision

    def order(self, key: OrderKey) -> TrueOrder:
        """The order with this id or number; UnknownOrder if there is none."""
        id_ = self._id_of(key)
        if id_ is None:
            raise UnknownOrder(key)
        return self._orders[id_]

    def ids(self, status: str | None = None) -> Sequence[int]:
        """The ids of all orders, or of one status, ascending: the live list, to be read and not kept."""
        return self._ids if status is None else self._by_status.get(status, [])

    def modified_since(self, at: datetime) -> Sequence[int]:
        """The ids of the orders that were placed or changed then or later, ascending."""
        return [id_ for id_ in self._ids if self._orders[id_].modified_at >= at]

    def since(self, revision: int) -> list[TrueChange]:
        """The changes after this revision, oldest first, as far back as the log reaches."""
        return self.log[bisect_left(self.log, revision + 1, key=lambda change: change.sequence) :]

    def copy(self) -> World:
        """These orders as they are now, with an empty log and no listeners."""
        return World(self._orders.values(), now=self.now)

    def place(self, *, at: datetime | None = None, **fields: Unpack[OrderFields]) -> TrueOrder:
        """A new order: by default the next id, its number, pending, in USD, one item, placed now.

        Without ``total`` it is the sum of the items; ValueError if the id or number is taken.
        """
        at = at or self.now()
        order = self._new_order(fields, at)
        if order.id in self._orders or order.number in self:
            raise ValueError(f"order {order.number} (id {order.id}) cannot be placed: its id or number is taken")
        self._orders[order.id] = order
        insort(self._ids, order.id)
        self._enter_status(order)
        if order.number != default_number(order.id):
            self._numbers[order.number] = order.id
        self._record(ChangeKind.PLACED, None, order, at)
        return order

    def set_status(self, key: OrderKey, status: str, *, at: datetime | None = None) -> TrueOrder:
        """Give an order this status, whatever it had; nothing happens if it has it."""
        before = self.order(key)
        if before.status == status:
            return before
        at = at or self.now()
        after = msgspec.structs.replace(before, status=status, modified_at=at)
        self._leave_status(before)
        self._orders[after.id] = after
        self._enter_status(after)
        self._record(ChangeKind.STATUS_CHANGED, before, after, at)
        return after

    def change(
        self,
        key: OrderKey,
        *,
        total: int | None = None,
        items: Sequence[TrueItem] | None = None,
        invoice_status: str | None = None,
        services: Sequence[TrueService] | None = None,
        at: datetime | None = None,
    ) -> TrueOrder:
        """Give an order another total, items, invoice status or services; the total does not follow the items."""
        before = self.order(key)
        after = msgspec.structs.replace(
            before,
            total=before.total if total is None else total,
            items=before.items if items is None else tuple(items),
            invoice_status=before.invoice_status if invoice_status is None else invoice_status,
            services=before.services if services is None else tuple(services),
        )
        if after == before:
            return before
        at = at or self.now()
        after = msgspec.structs.replace(after, modified_at=at)
        self._orders[after.id] = after
        self._record(ChangeKind.CHANGED, before, after, at)
        return after

    def delete(self, key: OrderKey, *, at: datetime | None = None) -> TrueOrder:
        """Remove an order for good, and return what it was."""
        before = self.order(key)
        del self._orders[before.id]
        _remove(self._ids, before.id)
        self._leave_status(before)
        self._numbers.pop(before.number, None)
        self._record(ChangeKind.DELETED, before, None, at)
        return before

    def _new_order(self, fields: OrderFields, at: datetime) -> TrueOrder:
        id_ = fields.get("id", self._ids[-1] + 1 if self._ids else 1)
        items = tuple(fields.get("items", ()))
        total = fields.get("total", sum(item.quantity * item.price for item in items or (_DEFAULT_ITEM,)))
        created_at = fields.get("created_at", at).astimezone(UTC).replace(microsecond=0)
        return TrueOrder(
            id=id_,
            number=fields.get("number", default_number(id_)),
            status=fields.get("status", "pending"),
            currency=fields.get("currency", "USD"),
            total=total,
            items=items or (msgspec.structs.replace(_DEFAULT_ITEM, price=total),),
            created_at=created_at,
            modified_at=created_at,
            invoice_status=fields.get("invoice_status", ""),
            services=tuple(fields.get("services", ())),
            payment=fields.get("payment", ""),
            customer=fields.get("customer"),
        )

    def _id_of(self, key: OrderKey) -> int | None:
        if isinstance(key, str):
            key = self._numbers.get(key) or self._id_written(key)
        return key if key in self._orders else None

    def _id_written(self, text: str) -> int:
        """The id in ``88`` or in a number that the order got by default; 0, which no order has, if there is none."""
        match = _WRITTEN.fullmatch(text)
        order = self._orders.get(int(match[1])) if match else None
        return order.id if order and text in (str(order.id), order.number) else 0

    def _enter_status(self, order: TrueOrder) -> None:
        insort(self._by_status.setdefault(order.status, []), order.id)

    def _leave_status(self, order: TrueOrder) -> None:
        _remove(self._by_status[order.status], order.id)

    def _record(self, kind: ChangeKind, before: TrueOrder | None, after: TrueOrder | None, at: datetime | None) -> None:
        self._revision += 1
        change = TrueChange(self._revision, at or self.now(), kind, before, after)
        self.log.append(change)
        if len(self.log) > 2 * LOG_LIMIT:
            del self.log[:-LOG_LIMIT]
        for listener in tuple(self.listeners):
            listener(change)


def _remove(ids: list[int], id_: int) -> None:
    del ids[bisect_left(ids, id_)]
