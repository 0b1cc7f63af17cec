"""What stands beside the news in a message: an order's story so far, and the table of several orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from monitor.alerting.gathering import Gathered
from monitor.alerting.headlines import amount_of, change, label_of
from monitor.alerting.words import Words
from monitor.model import Moment, OrderEvent, Row, Table

MOMENTS_SHOWN = 12
HEADING = ("Order", "Change", "Total", "Source")


def tell(event: OrderEvent, earlier: Iterable[OrderEvent], words: Words, now: datetime) -> tuple[Moment, ...]:
    """The order's story up to this event, oldest first: ``earlier`` are its events, this one and later ones or not.

    A long story keeps its beginning and its end.
    """
    known = {(one.revision, one.kind): one for one in (*earlier, event) if one.revision <= event.revision}
    events = sorted(known.values(), key=lambda one: (one.revision, one.at))
    story = [*_placed(event, words, now), *(Moment(words.time(one.at, now), change(one, words)) for one in events)]
    left_out = len(story) - MOMENTS_SHOWN + 1
    if left_out > 1:
        story[1 : 1 + left_out] = [Moment("…", f"{left_out} more")]
    return tuple(story)


def _placed(event: OrderEvent, words: Words, now: datetime) -> list[Moment]:
    placed = event.order.created_at
    return [Moment(words.time(placed, now), "placed")] if placed and placed <= event.at else []


def tabulate(found: Gathered, words: Words, link: Callable[[OrderEvent], str | None]) -> Table:
    """A row for each event that is shown; the others are counted."""
    rows = tuple(_row(event, words, link(event)) for event in found.shown)
    return Table(HEADING, rows, found.count - len(rows))


def _row(event: OrderEvent, words: Words, link: str | None) -> Row:
    cells = (label_of(event.order), change(event, words), amount_of(event, words) or "", event.source)
    return Row(cells, link)
