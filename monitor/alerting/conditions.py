"""The conditions of routes. A new one is one function, and one line in ``CONDITIONS``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.alerting.moves import moves_of, names_of
from monitor.alerting.settings import ConditionSettings, WhenSettings
from monitor.model import EventKind, Meanings, Money, OrderEvent, normalise_status


class Subject(NamedTuple):
    """What conditions are about: an event, the labels of its source, and one status that moved.

    ``left`` and ``entered`` are what the status before and after can be called; nothing where there was none.
    """

    event: OrderEvent
    labels: Mapping[str, str]
    left: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()


Condition = Callable[[Subject], bool]


def subjects_of(event: OrderEvent, labels: Mapping[str, str], meanings: Meanings) -> list[Subject]:
    """One for each status that the event moved: a route is about the event if it is about one of these."""
    moves = moves_of(event, meanings)
    told = [Subject(event, labels, names_of(m.before, m.meanings), names_of(m.after, m.meanings)) for m in moves]
    return told or [Subject(event, labels)]


def compile_when(when: WhenSettings) -> Condition:
    """Whether a route with these settings is about a subject."""
    default = {"event": [EventKind.STATUS_CHANGED]}
    wanted = _all(default | _given(when), CONDITIONS)
    if when.not_ is None:
        return wanted
    unwanted = _all(_given(when.not_), IN_NOT)
    return lambda subject: wanted(subject) and not unwanted(subject)


def _given(settings: ConditionSettings) -> dict[str, Any]:
    values = {name: getattr(settings, name) for name in CONDITIONS}
    return {name: value for name, value in values.items() if value is not None}


def _all(given: Mapping[str, Any], registry: Mapping[str, Callable[[Any], Condition]]) -> Condition:
    conditions = [registry[name](value) for name, value in given.items()]
    return lambda subject: all(condition(subject) for condition in conditions)


def _event(kinds: list[str]) -> Condition:
    return lambda subject: subject.event.kind in kinds


def _from(statuses: list[str]) -> Condition:
    matches = _globs(map(normalise_status, statuses))
    return lambda subject: any(map(matches, subject.left))


def _to(statuses: list[str]) -> Condition:
    matches = _globs(map(normalise_status, statuses))
    return lambda subject: any(map(matches, subject.entered))


def _source(names: list[str]) -> Condition:
    matches = _globs(names)
    return lambda subject: matches(subject.event.source)


def _labels(wanted: dict[str, list[str]]) -> Condition:
    matches = {name: _globs(values) for name, values in wanted.items()}
    return lambda subject: all(
        name in subject.labels and match(subject.labels[name]) for name, match in matches.items()
    )


def _product(names: list[str]) -> Condition:
    matches = _globs(names)
    return lambda subject: any(matches(item.name) for item in subject.event.order.items or ())


def _currency(codes: list[str]) -> Condition:
    matches = _globs(codes)
    return lambda subject: matches(_code(subject.event.order.total))


def _min_total(least: dict[str, Decimal]) -> Condition:
    """A threshold never hides an order: what cannot be compared with it matches."""
    return lambda subject: _reaches(subject.event.order.total, least) is not False


def _min_total_in_not(least: dict[str, Decimal]) -> Condition:
    """The same promise, where a match hides the order: what cannot be compared does not match."""
    return lambda subject: _reaches(subject.event.order.total, least) is True


CONDITIONS: Mapping[str, Callable[[Any], Condition]] = {
    "event": _event,
    "from_": _from,
    "to": _to,
    "source": _source,
    "labels": _labels,
    "product": _product,
    "currency": _currency,
    "min_total": _min_total,
}
"""By the name of the field of ConditionSettings."""

IN_NOT: Mapping[str, Callable[[Any], Condition]] = {**CONDITIONS, "min_total": _min_total_in_not}
"""The same below ``not``."""


def _reaches(total: Money | None, least: Mapping[str, Decimal]) -> bool | None:
    """None: cannot be told, for the total, its currency or the threshold for it is unknown."""
    threshold = least.get(_code(total))
    if total is None or threshold is None or total.amount.is_nan():
        return None
    return total.amount >= threshold


def _code(total: Money | None) -> str:
    return (total.currency or "").upper() if total else ""


def _globs(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text is one of the patterns, in any case. ``*`` and ``?`` are wild; brackets stand for themselves."""
    matchers = [re.compile(fnmatch.translate(pattern.casefold().replace("[", "[[]"))).match for pattern in patterns]
    return lambda text: any(match(text.casefold()) for match in matchers)
