"""Which messages were, which would have been, and the difference. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec


class Sent(msgspec.Struct, frozen=True):
    """A message about these events (their numbers). ``place`` is where it is read, ``to`` what that is called.

    ``dead``: nobody ever took it.
    """

    route: str
    place: str
    to: str
    at: datetime
    events: tuple[int, ...]
    dead: bool = False


class What(StrEnum):
    """How a message differs."""

    ADDED = "added"
    GONE = "gone"
    GROUPED = "grouped"


class Difference(msgspec.Struct, frozen=True):
    """A message that would be new, or be no more, or tell of other events at once than it did.

    In the last case its events were told in so many messages ``before``, but for those that were ``untold``.
    """

    what: What
    message: Sent
    before: int = 0
    untold: int = 0


class Compared(msgspec.Struct, frozen=True):
    """How many messages there were and would be by (route, to); how many are the same, and each that is not."""

    were: Mapping[tuple[str, str], int]
    would: Mapping[tuple[str, str], int]
    same: int
    differences: Sequence[Difference]


def compare(were: Sequence[Sent], would: Sequence[Sent]) -> Compared:
    """Messages are the same if they tell of the same events in the same place, by whatever route."""
    before, after = _where(were), _where(would)
    differences = [
        *_new(were, would, before),
        *(Difference(What.GONE, sent) for sent in were if not _found(sent, after)),
    ]
    changed = sum(difference.what is not What.GONE for difference in differences)
    return Compared(
        were=_counted(were),
        would=_counted(would),
        same=len(would) - changed,
        differences=sorted(differences, key=lambda one: (one.message.at, one.message.events, one.what)),
    )


def _new(were: Sequence[Sent], would: Sequence[Sent], before: Mapping[tuple[str, int], int]) -> Iterator[Difference]:
    for sent in would:
        told = [before.get((sent.place, event)) for event in sent.events]
        messages = {number for number in told if number is not None}
        if not messages:
            yield Difference(What.ADDED, sent)
        elif not any(were[number].events == sent.events for number in messages):
            yield Difference(What.GROUPED, sent, len(messages), told.count(None))


def _where(messages: Sequence[Sent]) -> dict[tuple[str, int], int]:
    """In which of the messages an event was told in a place."""
    return {(sent.place, event): number for number, sent in enumerate(messages) for event in sent.events}


def _found(sent: Sent, where: Mapping[tuple[str, int], int]) -> bool:
    return any((sent.place, event) in where for event in sent.events)


def _counted(messages: Iterable[Sent]) -> Counter[tuple[str, str]]:
    return Counter((sent.route, sent.to) for sent in messages)
