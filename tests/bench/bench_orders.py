"""The orders of the billing system that is measured against: compact, changed at will, their JSON made when asked for.

97 % are active, 0.5 % pending, 1 % fraud and 1.5 % cancelled, scattered over the whole list; a row has about 265 bytes.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

STATUSES = ("active", "pending", "fraud", "cancelled")
_SHARES = {"pending": 0.005, "fraud": 0.01, "cancelled": 0.015}
_FIRST = date(2024, 1, 1)
_ROW = (
    '{"id":%d,"order_number":"ORD-%07d","status":"%s","total":%d,"currency_code":"EUR","created_at":"%s","items":'
    '[{"product_name":"Virtual server M%02d, 4 cores","qty":1,"amount":%d},'
    '{"product_name":"Migration","qty":1,"amount":1200}]}'
)


class Moved(NamedTuple):
    """An order that was given another status."""

    id: int
    before: str
    after: str


class Orders:
    """Ids are numbers from 1, the newest is the highest. The same ``count`` makes the same orders."""

    def __init__(self, count: int, seed: int = 4) -> None:
        self._random = random.Random(seed)
        self._next = count + 1
        self._status = bytearray(count + 1)
        self._rows = [b""] * (count + 1)
        scattered = self._random.sample(range(1, count + 1), sum(round(count * share) for share in _SHARES.values()))
        for status, share in _SHARES.items():
            for _ in range(round(count * share)):
                self._status[scattered.pop()] = STATUSES.index(status)
        self._all = array("q", range(1, count + 1))
        self._by_status = {
            name: array("q", (i for i in self._all if self._status[i] == code)) for code, name in enumerate(STATUSES)
        }

    def ids(self, status: str | None = None) -> array[int]:
        """The ids of all orders, or of those of one status, oldest first."""
        return self._all if status is None else self._by_status[status]

    def status(self, order_id: int) -> str:
        return STATUSES[self._status[order_id]]

    def page(self, status: str | None, page: int, size: int) -> Sequence[int]:
        """The ids on a page of the list, newest first."""
        ids = self.ids(status)
        end = max(0, len(ids) - (page - 1) * size)
        return ids[max(0, end - size) : end][::-1]

    def rows(self, ids: Sequence[int]) -> bytes:
        """These orders as JSON, with commas between them."""
        made = self._rows
        return b",".join([made[i] or self._made(i) for i in ids])

    def change(self, count: int) -> list[Moved]:
        """Give random orders another status."""
        chosen = self._random.sample(self._all, count)
        return [
            self._move(i, self._random.choice([name for name in STATUSES if name != self.status(i)])) for i in chosen
        ]

    def move(self, before: str, after: str, count: int) -> list[Moved]:
        """Give random orders of one status another one."""
        return [self._move(i, after) for i in self._random.sample(self._by_status[before], count)]

    def insert(self, count: int = 1) -> None:
        """New orders, pending as they are in life."""
        for _ in range(count):
            self._status.append(STATUSES.index("pending"))
            self._rows.append(b"")
            self._all.append(self._next)
            self._by_status["pending"].append(self._next)
            self._next += 1

    def _move(self, order_id: int, after: str) -> Moved:
        before, ids = self.status(order_id), self._by_status
        del ids[before][bisect_left(ids[before], order_id)]
        self._status[order_id] = STATUSES.index(after)
        ids[after].insert(bisect_left(ids[after], order_id), order_id)
        self._rows[order_id] = b""
        return Moved(order_id, before, after)

    def _made(self, order_id: int) -> bytes:
        """The row, kept from now on: what serves must not be what is measured."""
        amount = 900 + order_id % 89 * 100
        created = f"{_DAYS[order_id // 1440]}T{order_id // 60 % 24:02}:{order_id % 60:02}:00Z"
        row = _ROW % (order_id, order_id, self.status(order_id), amount + 1200, created, order_id % 50, amount)
        self._rows[order_id] = row.encode()
        return self._rows[order_id]


# One order a minute.
_DAYS = [(_FIRST + timedelta(days=n)).isoformat() for n in range(1000)]
