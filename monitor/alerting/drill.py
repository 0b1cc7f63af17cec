"""Fire drills: when one is due, and what it tells. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from monitor.alerting.settings import DigestSettings
from monitor.alerting.timing import last_moment
from monitor.model import EventKind, Order, OrderEvent

DRILL_SOURCE = "drill"
"""The source of the orders that drills are about; no other may have its name."""
MISSED = timedelta(days=1)
"""A drill that could not be held in time is held later, but not later than this."""
_MARK = "🧪 Drill: "


class DrillSettings(DigestSettings):
    """A test order that goes the whole way to each of these channels, clearly marked, once a day or once a week."""

    channels: Annotated[list[str], Field(min_length=1)]
    """Names of channels."""


def due_drill(drill: DrillSettings, known: datetime | None, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the drill was due that is to be held now; None: none is.

    ``known``: up to when drills have been seen to; None: never yet, and then nothing old is made up for.
    """
    due = last_moment(drill, now, zone)
    return due if known is not None and due > known and now - due < MISSED else None


def drill_event(due: datetime, now: datetime, zone: ZoneInfo) -> OrderEvent:
    """The event that a drill tells of. One of each due time: its revision names it for ever."""
    number = f"DRILL-{due.astimezone(zone):%Y-%m-%d}"
    order = Order(number, "pending", number)
    return OrderEvent(DRILL_SOURCE, EventKind.DRILL, now, order, revision=int(due.timestamp()))


def marked(text: str) -> str:
    """The text of somebody's own template, with what keeps it from being taken for news."""
    return text if text.startswith(_MARK) else _MARK + text
