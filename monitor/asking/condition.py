"""How a source is, by what the state knows of it. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from monitor.model import SourceState


class Health(StrEnum):
    """``well``: read and believed. ``failing``: its last polls failed, too few to call it ``down``.

    ``doubtful``: read, but what it showed is not believed as a whole. ``unknown``: not read as a whole yet.
    """

    WELL = "well"
    FAILING = "failing"
    DOUBTFUL = "doubtful"
    DOWN = "down"
    UNKNOWN = "unknown"


class Condition(NamedTuple):
    """A source's health, why it is not well, and since when that is so, where it is known."""

    health: Health
    reason: str | None = None
    since: datetime | None = None


def condition_of(state: SourceState | None) -> Condition:
    """How a source is; ``state`` is None if it was never polled."""
    if state is None:
        return Condition(Health.UNKNOWN, "it was never polled")
    if state.down:
        return Condition(Health.DOWN, state.error, state.failing_since)
    doubt = state.doubt
    if doubt and (doubt.announced or not state.failures):
        return Condition(Health.DOUBTFUL, doubt.reason, doubt.since)
    if state.failures:
        return Condition(Health.FAILING, state.error, state.failing_since)
    if state.baseline_at is None:
        return Condition(Health.UNKNOWN, "its first complete look has not ended")
    return Condition(Health.WELL, since=state.well_since)
