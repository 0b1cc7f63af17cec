"""How soon a change is noticed, at the latest."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from monitor.polling.settings import PollSettings


class Bound(msgspec.Struct, frozen=True):
    """Every change within ``every``; or, where ``settle`` is set, in orders of the ``open`` statuses.

    Then any other change of status within ``settle``, and all else (totals, items, deletions) within ``sweep``.
    Where ``sweep`` is set and ``settle`` is not: every change within ``every``, deletions within ``sweep``.
    ``requests``: how many one look takes, where that is known.
    """

    every: timedelta
    open: tuple[str, ...] = ()
    settle: timedelta | None = None
    sweep: timedelta | None = None
    requests: int = 0

    @classmethod
    def by_status(
        cls, settings: PollSettings, open_statuses: tuple[str, ...], requests: int = 0, *, settles: bool = False
    ) -> Bound:
        """The bound of a source that is watched by status, each look with so many requests.

        ``settles``: each look settles all statuses, because most orders have an open one.
        """
        settle = settings.every if settles else settings.settle_every
        return cls(settings.every, open_statuses, settle, settings.sweep_every, requests)
