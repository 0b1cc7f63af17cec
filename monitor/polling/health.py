"""A source's own health: one message when it goes down, one when it is back, one when it is in doubt. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from monitor.model import Doubt, EventKind, SourceEvent, SourceState, Untold


def after_failure(
    source: str, state: SourceState, error: str, at: datetime, down_after: int
) -> tuple[SourceState, list[SourceEvent]]:
    """A poll without a usable answer. The one that makes ``down_after`` in a row says that the source is down."""
    since = state.failing_since or at
    failures = state.failures + 1
    falls = failures >= down_after and not state.down
    new = msgspec.structs.replace(
        state, failures=failures, failing_since=since, error=error, down=state.down or falls, polled_at=at
    )
    return new, [SourceEvent(source, EventKind.SOURCE_DOWN, at, error, since)] if falls else []


def after_look(
    source: str, state: SourceState, doubt: Doubt | None, at: datetime, down_after: int
) -> tuple[SourceState, list[SourceEvent]]:
    """A poll with usable answers, whose look left ``doubt`` or none."""
    events = []
    if state.down:
        events.append(SourceEvent(source, EventKind.SOURCE_UP, at, state.error or "", state.failing_since))
    if doubt and doubt.looks >= down_after and not doubt.announced:
        doubt = msgspec.structs.replace(doubt, announced=True)
        events.append(_doubtful(source, doubt, at))
    elif state.doubt and state.doubt.announced and doubt is None and not state.down:
        events.append(SourceEvent(source, EventKind.SOURCE_UP, at, state.doubt.reason, state.doubt.since))
    new = msgspec.structs.replace(
        state, failures=0, failing_since=None, error=None, down=False, doubt=doubt, polled_at=at, good_at=at
    )
    return new, events


def after_telling(state: SourceState, event: SourceEvent, number: int, muted: Collection[str]) -> SourceState:
    """What is to be told once the silences end, after this news was kept from these URLs.

    Who was not told the opposite either knows no better: trouble that came and went in silence is never mentioned.
    """
    before = state.untold
    over = event.kind is EventKind.SOURCE_UP
    opposite = before is not None and (before.kind is EventKind.SOURCE_UP) is not over
    urls = sorted(set(muted).difference(before.urls if before and opposite else ()))
    return msgspec.structs.replace(state, untold=Untold(number, event.kind, tuple(urls)) if urls else None)


def accept_loss(state: SourceState) -> SourceState | None:
    """The state in which the orders that are missing now will be believed gone; None if none are in doubt."""
    if state.doubt is None or not state.doubt.missing:
        return None
    return msgspec.structs.replace(state, accepted=state.doubt.missing)


def _doubtful(source: str, doubt: Doubt, at: datetime) -> SourceEvent:
    kind = EventKind.SOURCE_DOUBTFUL
    return SourceEvent(source, kind, at, doubt.reason, doubt.since, acceptable=doubt.missing > 0)


def still_partial(doubt: Doubt | None, reason: str, at: datetime) -> Doubt:
    """The doubt after a look that could not be proven complete.

    It counts on from the look before, whatever its reason was, since both say the same: absences are not seen here.
    """
    if doubt is None:
        return Doubt(reason, since=at)
    return msgspec.structs.replace(doubt, looks=doubt.looks + 1, reason=reason)
