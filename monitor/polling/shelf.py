"""Orders in sorted arrays: what the ledger keeps of those whose ids are numbers, and of those whose ids are texts."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from itertools import islice
from operator import itemgetter, lt
from typing import Any

from monitor.sources.base import Page

LONGEST_NUMBER = 18
"""So many digits fit where ids are stored; longer ones count nothing, but are made of dates or chance."""
_SCATTERED = 64
"""From so many separate places on, orders are put in by sorting anew instead of one after the other."""

New = tuple[int | str, int, int]
"""An order to put in: the key of its id, its mark, the code of its status."""


class Shelf:
    """Orders sorted by id; ``ids``, ``marks``, ``statuses`` (codes) and ``seen`` (by which look) run parallel."""

    def __init__(self, column: Callable[[Iterable[Any]], MutableSequence[Any]]) -> None:
        self._column = column
        self.ids = column(())
        self.marks = array("q")
        self.statuses = bytearray()
        self.seen = array("I")

    def see_run(self, page: Page, look: int) -> bool:
        """Whether the page shows just what stands here in one run, in either direction; then it is noted as seen."""
        count = len(page.marks)
        first = key_of(page.id_at(0) or "") if count else ""
        if isinstance(first, str):
            return False
        slot = bisect_left(self.ids, first)
        if self.marks[slot : slot + count] == page.marks:
            run = slot
        elif slot + 1 >= count and self.marks[slot + 1 - count : slot + 1] == page.marks[::-1]:
            run = slot + 1 - count
        else:
            return False
        self.seen[run : run + count] = array("I", (look,)) * count
        return True

    def with_status(self, code: int) -> Iterator[str]:
        slot = self.statuses.find(code)
        while slot >= 0:
            yield str(self.ids[slot])
            slot = self.statuses.find(code, slot + 1)

    def unmarked(self) -> list[str]:
        return [str(i) for i, mark in zip(self.ids, self.marks, strict=True) if not mark] if 0 in self.marks else []

    def unseen(self, since: int) -> list[int | str]:
        return [i for i, seen in zip(self.ids, self.seen, strict=True) if seen < since]

    def may_append(self, ids: array[int]) -> bool:
        """Whether these stand in order, after all that are here."""
        after = not self.ids or self.ids[-1] < ids[0]
        return after and all(map(lt, ids, islice(ids, 1, None)))

    def append(self, ids: array[int], marks: array[int], statuses: bytes) -> None:
        """Put these in, which no look has seen."""
        self.ids.extend(ids)
        self.marks.extend(marks)
        self.statuses.extend(statuses)
        self.seen.extend(array("I", (0,)) * len(ids))

    def insert(self, new: list[New], look: int) -> None:
        new.sort(key=itemgetter(0))
        runs = self._runs(new)
        if len(runs) > _SCATTERED:
            self._sort_in(new, look)
            return
        # From the end, so that the places of those before stay what they are.
        for slot, run in reversed(runs):
            self._put(slot, slot, run, array("I", (look,)) * len(run))

    def delete(self, slot: int) -> None:
        for column in (self.ids, self.marks, self.statuses, self.seen):
            del column[slot]

    def _runs(self, new: list[New]) -> list[tuple[int, list[New]]]:
        """The new orders by the slot before which they belong."""
        if new and (not self.ids or self.ids[-1] < new[0][0]):
            return [(len(self.ids), new)]
        runs: list[tuple[int, list[New]]] = []
        for order in new:
            slot = bisect_left(self.ids, order[0])
            if runs and runs[-1][0] == slot:
                runs[-1][1].append(order)
            else:
                runs.append((slot, [order]))
        return runs

    def _sort_in(self, new: list[New], look: int) -> None:
        rows = [*zip(self.ids, self.marks, self.statuses, self.seen, strict=True), *((*order, look) for order in new)]
        rows.sort(key=itemgetter(0))
        self._put(0, len(self.ids), [row[:3] for row in rows], array("I", [row[3] for row in rows]))

    def _put(self, start: int, stop: int, rows: Sequence[New], seen: array[int]) -> None:
        self.ids[start:stop] = self._column(row[0] for row in rows)
        self.marks[start:stop] = array("q", [row[1] for row in rows])
        self.statuses[start:stop] = bytes(row[2] for row in rows)
        self.seen[start:stop] = seen


def number_of(order_id: str) -> int | None:
    """The number that this id is kept as; None for one that is kept as a text."""
    key = key_of(order_id)
    return None if isinstance(key, str) else key


def key_of(order_id: str) -> int | str:
    """A number for an id that is written as one, so that ``9`` stands before ``10``; ``007`` stays a text."""
    if order_id.isdecimal() and order_id.isascii() and len(order_id) <= LONGEST_NUMBER:
        number = int(order_id)
        if order_id[0] != "0" or number == 0 == len(order_id) - 1:
            return number
    return order_id
