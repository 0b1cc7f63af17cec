"""What the totals by status say against what is known. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from monitor.model import normalise_status
from monitor.polling.snapshot import Snapshot

ALL = "all orders"
Differences = Mapping[str, int]
"""By status (normalised), and for ``ALL``: how many orders more, or fewer, the source counts than are known."""


def expected(snapshot: Snapshot) -> Counter[str]:
    """How many orders there should be of each status, if the snapshot is right and all else is as it was."""
    counts = Counter(snapshot.ledger.counts())
    for order_id in snapshot.sightings:
        before = snapshot.ledger.status(order_id)
        if before is not None:
            counts[before] -= 1
        counts[normalise_status(snapshot.order(order_id).status)] += 1
    for order_id in snapshot.absent:
        counts[snapshot.ledger.status(order_id) or ""] -= 1
    return counts


def differences(snapshot: Snapshot, totals: Mapping[str, int], undecided: Iterable[str]) -> Differences:
    """Where the source's totals differ from what is known. Orders that are ``undecided`` may be there or not."""
    counts = expected(snapshot)
    open_questions = Counter(snapshot.ledger.status(order_id) or "" for order_id in undecided)
    counts[ALL], open_questions[ALL] = counts.total(), open_questions.total()
    found = {status: total - counts[status] for status, total in totals.items()}
    return {status: more for status, more in found.items() if not -open_questions[status] <= more <= 0}


def in_words(found: Differences) -> str:
    """``the totals do not add up: 1 fraud more than known``."""
    parts = [f"{abs(n):,} {status} {'more' if n > 0 else 'fewer'} than known" for status, n in sorted(found.items())]
    return f"the totals do not add up: {', '.join(parts)}" if parts else ""
