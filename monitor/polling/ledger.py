"""What is known of a source's orders while the daemon runs: who they are, what each looked like, and its status.

Sorted arrays, 21 bytes for an order with a numeric id: a page that shows nothing new is known by comparing two slices.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from monitor.polling.shelf import LONGEST_NUMBER, Shelf, key_of
from monitor.sources.base import Page

_OTHER = 255
"""The code of all statuses beyond the first 255: no system has so many, but nonsense may."""
_CHUNK = 20_000


class Entry(NamedTuple):
    """An order as the ledger has it: ``mark`` 0 for one that must be looked at whatever it shows."""

    id: str
    mark: int
    status: str


class Ledger:
    """The known orders that have not vanished. ``status`` is the normalised spelling everywhere.

    Each look has a number, above those before it; every order remembers the number of the look that last showed it.
    ``saw_run``: whether the page seen last showed just orders that stand here side by side, in either direction.
    """

    def __init__(self) -> None:
        self._numbers = Shelf(partial(array, "q"))
        self._texts = Shelf(list)
        self._codes: dict[str, int] = {}
        self._names: list[str] = []
        self._counted: tuple[int, int] | None = None
        self._by_status: Mapping[str, int] | None = None
        self.saw_run = False

    @classmethod
    def load(cls, entries: Iterable[tuple[str, int, str]]) -> Ledger:
        """A ledger of these orders, no two with one id; fast where they come sorted, shorter ids first."""
        ledger, entries = cls(), iter(entries)
        while chunk := list(islice(entries, _CHUNK)):
            if not ledger._append(chunk):
                ledger._add(map(Entry._make, chunk), look=0)
        return ledger

    def __len__(self) -> int:
        return len(self._numbers.ids) + len(self._texts.ids)

    def __contains__(self, order_id: str) -> bool:
        return self._find(order_id) is not None

    def mark(self, order_id: str) -> int | None:
        """The mark of this order, None if it is not known."""
        found = self._find(order_id)
        return found and found[0].marks[found[1]]

    def status(self, order_id: str) -> str | None:
        """The status of this order, None if it is not known."""
        found = self._find(order_id)
        return found and self._name(found[0].statuses[found[1]])

    def seen(self, order_id: str, since: int) -> bool:
        """Whether a look from this number on has shown the order."""
        found = self._find(order_id)
        return found is not None and found[0].seen[found[1]] >= since

    def see(self, page: Page, look: int) -> list[int]:
        """Note that this look shows the page's orders. Which of its rows may say something new, or are no orders."""
        if page.marks:
            self._counted = None
        self.saw_run = self._numbers.see_run(page, look)
        if self.saw_run:
            return []
        rows: list[int] = []
        for row, order_id in enumerate(page.ids):
            found = order_id is not None and self._find(order_id)
            if not found:
                rows.append(row)
                continue
            shelf, slot = found
            shelf.seen[slot] = look
            if shelf.marks[slot] != page.marks[row]:
                rows.append(row)
        return rows

    def counts(self) -> Mapping[str, int]:
        """How many orders have each status; those beyond the first 255 statuses are counted as ``""``."""
        if self._by_status is None:  # a look asks several times, and a million orders take 2 ms
            both = self._numbers.statuses, self._texts.statuses
            counted = {self._name(code): sum(s.count(code) for s in both) for code in (*self._codes.values(), _OTHER)}
            self._by_status = {status: count for status, count in counted.items() if count}
        return self._by_status

    def with_status(self, status: str) -> Iterator[str]:
        """The ids of the orders with this status."""
        code = self._codes.get(status)
        if code is not None:
            yield from self._numbers.with_status(code)
            yield from self._texts.with_status(code)

    def unmarked(self) -> Iterator[str]:
        """The ids of the orders that must be looked at."""
        for shelf in (self._numbers, self._texts):
            yield from shelf.unmarked()

    def count_seen(self, since: int) -> int:
        """How many orders the looks from this number on have shown."""
        if self._counted is None or self._counted[0] != since:
            self._counted = since, sum(sum(map(since.__le__, s.seen)) for s in (self._numbers, self._texts))
        return self._counted[1]

    def unseen(self, since: int) -> list[str]:
        """The ids of the orders that no look from this number on has shown."""
        if self.count_seen(since) == len(self):
            return []
        return [str(i) for shelf in (self._numbers, self._texts) for i in shelf.unseen(since)]

    def newest(self, since: int = 0) -> int | None:
        """The highest numeric id that a look from this number on has shown."""
        ids, seen = self._numbers.ids, self._numbers.seen
        slot = next((slot for slot in range(len(ids) - 1, -1, -1) if seen[slot] >= since), None)
        return None if slot is None else int(ids[slot])

    def newer_than(self, order_id: str) -> int | None:
        """How many orders have a higher numeric id; None for an id that is no number."""
        key = key_of(order_id)
        if isinstance(key, str):
            return None
        slot = bisect_left(self._numbers.ids, key)
        here = slot < len(self._numbers.ids) and self._numbers.ids[slot] == key
        return len(self._numbers.ids) - slot - here

    def by_rank(self, start: int, stop: int) -> list[str]:
        """The orders with numeric ids than which at least ``start`` and at most ``stop`` have higher ones."""
        ids = self._numbers.ids
        return [str(i) for i in ids[max(len(ids) - 1 - stop, 0) : len(ids) - start]]

    def write(self, entries: Iterable[Entry], look: int) -> None:
        """Put these in, in place of what was known of them; ``look`` has shown those that are new."""
        new = []
        for entry in entries:
            found = self._find(entry.id)
            if found:
                found[0].marks[found[1]], found[0].statuses[found[1]] = entry.mark, self._code(entry.status)
            else:
                new.append(entry)
        self._add(new, look)

    def _append(self, chunk: Sequence[tuple[str, int, str]]) -> bool:
        """Put in numeric ids that come sorted, after all that are here; False, and nothing done, if they do not."""
        ids, marks, statuses = zip(*chunk, strict=True)
        written = "".join(ids)
        short = max(map(len, ids)) <= LONGEST_NUMBER
        plain = short and written.isdecimal() and written.isascii() and min(ids)[:1] not in ("", "0")
        numbers = array("q", map(int, ids) if plain else ())
        if not plain or not self._numbers.may_append(numbers):
            return False
        self._counted = self._by_status = None
        codes = {status: self._code(status) for status in dict.fromkeys(statuses)}
        self._numbers.append(numbers, array("q", marks), bytes(map(codes.__getitem__, statuses)))
        return True

    def _add(self, new: Iterable[Entry], look: int) -> None:
        self._counted = self._by_status = None
        orders = [(key_of(entry.id), entry.mark, self._code(entry.status)) for entry in new]
        self._numbers.insert([order for order in orders if isinstance(order[0], int)], look)
        self._texts.insert([order for order in orders if isinstance(order[0], str)], look)

    def doubt(self, order_ids: Iterable[str]) -> None:
        """These must be looked at, whatever they show."""
        for order_id in order_ids:
            found = self._find(order_id)
            if found:
                found[0].marks[found[1]] = 0

    def remove(self, order_ids: Iterable[str]) -> None:
        """These have vanished."""
        self._counted = self._by_status = None
        for order_id in order_ids:
            found = self._find(order_id)
            if found:
                found[0].delete(found[1])

    def _find(self, order_id: str) -> tuple[Shelf, int] | None:
        key = key_of(order_id)
        shelf = self._texts if isinstance(key, str) else self._numbers
        slot = bisect_left(shelf.ids, key)
        return (shelf, slot) if slot < len(shelf.ids) and shelf.ids[slot] == key else None

    def _code(self, status: str) -> int:
        code = self._codes.get(status)
        if code is None and len(self._codes) < _OTHER:
            code = self._codes[status] = len(self._names)
            self._names.append(status)
        return _OTHER if code is None else code

    def _name(self, code: int) -> str:
        return "" if code == _OTHER else self._names[code]
