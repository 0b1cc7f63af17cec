"""Which places of a list have been seen, counted from its oldest order: what stays true while the list grows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class Intervals:
    """A set of whole numbers from 0, as half-open intervals."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []

    def add(self, start: int, stop: int) -> None:
        """Put in the numbers from ``start`` up to, but not including, ``stop``."""
        start = max(start, 0)
        if start >= stop:
            return
        first, last = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        if first < last:
            start, stop = min(start, self._starts[first]), max(stop, self._stops[last - 1])
        self._starts[first:last] = [start]
        self._stops[first:last] = [stop]

    def gaps(self, end: int) -> list[tuple[int, int]]:
        """What is missing below ``end``, in order."""
        starts = [0, *(stop for stop in self._stops if stop < end)]
        stops = [*(start for start in self._starts if start < end), end]
        return [(start, stop) for start, stop in zip(starts, stops, strict=False) if start < stop]
