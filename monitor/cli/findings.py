"""What `check --connect` finds out, before it is told."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from monitor.model import Order
from monitor.polling.settings import PollSettings

_DAY = 86_400


class Way(StrEnum):
    """How a source will be watched: by its status, by what was modified, by followed ids, or read whole."""

    STATUS = "status"
    MODIFIED = "modified"
    FOLLOWED = "followed"
    WHOLE = "whole"


class SourceFound(msgspec.Struct, kw_only=True):
    """What a source shows. ``problem`` is why it cannot be watched; ``token_accepted`` is None where nobody said.

    ``by_status`` counts orders by the source's own spelling. ``reading`` is how long one poll takes, in seconds;
    ``requests`` how many requests. ``settle`` is how many a settle takes, and ``open`` what a watch reads whole, where
    orders are watched by status; each watch ``settles`` all statuses where it reads as much. ``pages`` is how many
    requests the whole list takes. ``details`` names the source that shows what messages carry. ``unreached`` are the
    statuses that no route leads to anybody.
    """

    source: str
    type: str
    url: str
    problem: str | None = None
    reachable: bool = False
    token_accepted: bool | None = None
    dialect: str = ""
    by_status: dict[str, int] = {}
    order: Order | None = None
    answered_in: float = 0.0
    reading: float = 0.0
    way: Way = Way.WHOLE
    requests: int = 0
    pages: int = 0
    settle: int = 0
    settles: bool = False
    open: tuple[str, ...] = ()
    details: str = ""
    unreached: list[str] = []
    warnings: list[str] = []


class ChannelFound(msgspec.Struct, kw_only=True):
    """Whether the host behind a URL answers. ``tried`` is false where it could not be tried, and ``note`` says why."""

    channel: str
    kind: str
    place: str = ""
    secure: bool = False
    tried: bool = True
    problem: str | None = None
    note: str = ""


Found = SourceFound | ChannelFound
OnPage = Callable[[str, int, int | None], None]


def requests_a_day(found: SourceFound, settings: PollSettings) -> tuple[int, int]:
    """Polls and requests; a poll that outlasts the interval puts the next ones off."""
    polls = round(_DAY / max(settings.every.total_seconds(), found.reading))
    if found.way not in (Way.STATUS, Way.MODIFIED):
        return polls, polls * found.requests
    settles = min(polls, round(_DAY / settings.settle_every.total_seconds())) if found.way is Way.STATUS else 0
    sweeps = round(found.pages * _DAY / settings.sweep_every.total_seconds())
    return polls, (polls - settles) * found.requests + settles * found.settle + sweeps
