"""Which lists a look by status reads, and what that costs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from monitor.model import normalise_status
from monitor.polling.snapshot import Depth


class Plan(msgspec.Struct, frozen=True):
    """Which statuses (as the source spells them) are read whole, and of which only the total is asked for.

    ``others``: whether each known order whose status cannot be asked for is looked up.
    """

    whole: tuple[str, ...]
    counted: tuple[str, ...]
    others: bool = False


def plan(
    depth: Depth, counts: Mapping[str, int], statuses: Sequence[str], open_statuses: Sequence[str], page_size: int
) -> Plan:
    """The plan for a watch or a settle, where so many orders (by normalised status) are known.

    The status that most orders have is never read: who has no other has this one.
    """
    known = {status: counts.get(normalise_status(status), 0) for status in statuses}
    majority = max(known, key=known.__getitem__, default="")
    others = tuple(status for status in known if status != majority)
    if depth is Depth.SETTLE or majority in open_statuses:
        return Plan(others, tuple(status for status in known if status == majority), others=depth is Depth.SETTLE)
    # A list of one page costs no more to read than to count.
    whole = tuple(status for status in others if status in open_statuses or known[status] <= page_size)
    return Plan(whole, tuple(status for status in known if status not in whole))


def requests_of(looked_at: Plan, counts: Mapping[str, int], page_size: int) -> int:
    """How many requests this plan takes, the newest page among them."""
    whole = sum(pages_of(counts.get(normalise_status(status), 0), page_size) for status in looked_at.whole)
    return 1 + whole + len(looked_at.counted)


def pages_of(orders: int, page_size: int) -> int:
    """How many pages a list of so many orders has."""
    return max(-(-orders // page_size), 1)
