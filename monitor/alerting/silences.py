"""Silences: what a person has muted, until when and why. Urgent routes are muted, too. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from monitor.alerting.conditions import CONDITIONS, Subject, globs
from monitor.model import Event, SourceEvent


class Matcher(msgspec.Struct, frozen=True, omit_defaults=True, rename={"from_": "from"}):
    """What a silence is about: all that is given must match; nothing given matches everything.

    Each is a choice of values, with globs as routes have them. ``labels`` are the source's; ``order`` is an id or a
    number; ``from_`` and ``to`` are of one move, in the source's words or by meaning; ``event`` is a kind of event.
    ``route`` and ``channel`` narrow it to deliveries by this route, to this channel.
    """

    source: tuple[str, ...] = ()
    labels: Mapping[str, tuple[str, ...]] = {}
    order: tuple[str, ...] = ()
    from_: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    event: tuple[str, ...] = ()
    route: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()

    def __str__(self) -> str:
        """In words: ``source shop or blog, to fraud``; ``everything``."""
        return ", ".join(self._words()) or "everything"

    def _words(self) -> Iterator[str]:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name == "labels":
                yield from (f"label {label} {' or '.join(wanted)}" for label, wanted in value.items())
            elif value:
                yield f"{name.rstrip('_')} {' or '.join(value)}"


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A muting with an end. One that was ended early has its ``until`` then; ``by`` is who asked for it, or empty."""

    id: int
    matcher: Matcher
    created_at: datetime
    until: datetime
    reason: str
    by: str = ""

    def is_active(self, now: datetime) -> bool:
        """Whether it mutes now. Not before it was set: a clock that was set back must not make it longer."""
        return self.created_at <= now < self.until


class Mute:
    """A silence, made ready to be asked often."""

    def __init__(self, silence: Silence) -> None:
        matcher = silence.matcher
        self.id = silence.id
        self.reason = silence.reason
        self._source = _choice(matcher.source)
        self._labels = {name: globs(values) for name, values in matcher.labels.items()}
        self._event = _choice(matcher.event)
        self._order = _choice(matcher.order)
        self._moves = [CONDITIONS[name](values) for name in ("from_", "to") if (values := getattr(matcher, name))]
        self._route = _choice(matcher.route)
        self._channel = _choice(matcher.channel)
        self._only_orders = bool(matcher.order or self._moves)

    def is_about(self, event: Event, labels: Mapping[str, str], subjects: Sequence[Subject]) -> bool:
        """Whether it is about this event of a source with these labels; ``subjects`` are those of an order's event."""
        if not (self._source(event.source) and self._event(event.kind) and self._labelled(labels)):
            return False
        if isinstance(event, SourceEvent):
            return not self._only_orders
        if not (self._order(event.order.id) or self._order(event.order.label)):
            return False
        return any(all(moves(subject) for moves in self._moves) for subject in subjects)

    def holds_back(self, route: str, channel: str) -> bool:
        """Whether it mutes what this route leads to this channel."""
        return self._route(route) and self._channel(channel)

    def _labelled(self, labels: Mapping[str, str]) -> bool:
        return all(name in labels and matches(labels[name]) for name, matches in self._labels.items())


def _choice(patterns: Sequence[str]) -> Callable[[str], bool]:
    return globs(patterns) if patterns else lambda _: True
