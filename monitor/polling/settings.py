"""How often a source is looked at, and when it counts as down."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from monitor.fields import Duration, Section


class PollSettings(Section):
    """The part of a source's settings that the poller reads."""

    every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=60)
    """How soon a change of an open order is noticed: the time between two polls."""

    settle_every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(minutes=10)
    """How soon any change of status is noticed, where watching the open orders alone saves requests."""

    sweep_every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(days=1)
    """How often every order is read in full, for what statuses do not show: totals, items, deletions."""

    down_after: Annotated[int, Field(ge=1)] = 3
    """Failed polls in a row until the source counts as down (or doubtful)."""
