"""What a source does, found out from what it shows: nothing of it is documented, and all of it may change."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise

from monitor.polling.shelf import number_of
from monitor.sources.base import Page


class Direction(StrEnum):
    """How a list is sorted by numeric id."""

    NEWEST_FIRST = "newest first"
    OLDEST_FIRST = "oldest first"
    NEITHER = "neither newest nor oldest first"


def direction(page: Page) -> Direction | None:
    """How the first and the last row of a page stand to each other; None for a page that is too short to tell."""
    return _direction(page.id_at(0), page.id_at(len(page.marks) - 1)) if len(page.marks) > 1 else None


def strictly(page: Page) -> Direction | None:
    """How all rows of a page are sorted; None for a page that is too short to tell."""
    shown = {_direction(first, second) for first, second in pairwise(page.ids)}
    return None if not shown else shown.pop() if len(shown) == 1 else Direction.NEITHER


def _direction(first: str | None, second: str | None) -> Direction:
    one, other = number_of(first or ""), number_of(second or "")
    if one is None or other is None or one == other:
        return Direction.NEITHER
    return Direction.NEWEST_FIRST if one > other else Direction.OLDEST_FIRST


class Habits:
    """What was found out so far about a source's list of orders.

    ``refusal`` says why its orders are not watched by status but the list is read whole; empty where they are.
    ``unfilterable`` are the statuses that it could not be asked for, and when that was. Monotonic seconds.
    """

    def __init__(self) -> None:
        self.direction: Direction | None = None
        self.page_size = 0
        self.refusal = ""
        self.refused_at = 0.0
        self.refusals = 0
        self.unfilterable: dict[str, float] = {}

    def refuse(self, why: str, now: float) -> None:
        """Watch no more, until it is tried again."""
        self.refusal, self.refused_at = why, now
        self.refusals += 1

    def try_again(self, now: float, shortest: float, longest: float) -> None:
        """Forget what speaks against watching, each time after twice as long: a single odd answer may have been it."""
        pause = min(shortest * 2.0 ** min(self.refusals - 1, 20), longest)
        if self.refusal and now - self.refused_at >= pause:
            self.forgive()

    def forgive(self) -> None:
        """Forget at once what speaks against watching."""
        self.refusal = ""
        self.unfilterable.clear()

    def askable(self, statuses: Iterable[str]) -> tuple[str, ...]:
        """Those of these statuses that the source can be asked for."""
        return tuple(status for status in statuses if status not in self.unfilterable)

    def forget_unfilterable(self, before: float) -> None:
        """Ask again for statuses that were last refused before then."""
        self.unfilterable = {status: at for status, at in self.unfilterable.items() if at > before}
