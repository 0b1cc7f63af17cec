"""The conditions of routes. A new one is one function, and one line in ``CONDITIONS``."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from monitor.alerting.moves import is_unusual, moves_of, names_of
from monitor.alerting.refusals import Refusal, except_, refuse
from monitor.alerting.settings import ConditionSettings, WhenSettings
from monitor.alerting.where import Where
from monitor.model import EventKind, Life, Meanings, Money, OrderEvent, normalise_status


class Subject(NamedTuple):
    """What conditions are about: an event, the labels of its source, and one status that moved.

    ``left`` and ``entered`` are what the status before and after can be called; nothing where there was none.
    ``unusual``: the order's status changed as it usually does not.
    """

    event: OrderEvent
    labels: Mapping[str, str]
    left: frozenset[str] = frozenset()
    entered: frozenset[str] = frozenset()
    unusual: bool = False


Condition = Callable[[Subject], bool]


def subjects_of(
    event: OrderEvent, labels: Mapping[str, str], meanings: Meanings, life: Life | None = None
) -> list[Subject]:
    """One for each status that the event moved: a route is about the event if it is about one of these."""
    moves, unusual = moves_of(event, meanings), is_unusual(event, meanings, life or {})
    told = [
        Subject(event, labels, names_of(m.before, m.meanings), names_of(m.after, m.meanings), unusual) for m in moves
    ]
    return told or [Subject(event, labels)]


class When(NamedTuple):
    """A route's conditions: whether they hold for a subject, and which does not."""

    applies: Condition
    settings: WhenSettings
    wheres: tuple[Where, ...] = ()

    def fits(self, event: OrderEvent) -> bool:
        """Whether each expression says something of the event; one that does not hides nothing."""
        return all(where.of(event) is not None for where in self.wheres)

    def refusal(self, subject: Subject) -> Refusal | None:
        """The first condition that does not hold; None if the route is about this."""
        for name, condition in _compiled(_wanted(self.settings), CONDITIONS):
            if not condition(subject):
                return refuse(name, {**_DEFAULT, **_written(self.settings)}[name], subject)
        return None if self.applies(subject) or self.settings.not_ is None else except_(_written(self.settings.not_))


def compile_when(when: WhenSettings) -> When:
    """Whether a route with these settings is about a subject."""
    wanted, wheres = _all(_wanted(when), CONDITIONS), tuple(map(Where, _expressions(when)))
    if when.not_ is None:
        return When(wanted, when, wheres)
    unwanted = _all(_given(when.not_), IN_NOT)
    return When(lambda subject: wanted(subject) and not unwanted(subject), when, wheres)


def compile_sources(when: WhenSettings) -> Callable[[str, Mapping[str, str]], bool]:
    """Whether a rule with these settings is about the source with this name and these labels."""
    wanted = _about(when)
    unwanted = _about(when.not_) if when.not_ else lambda *_: False
    return lambda name, labels: wanted(name, labels) and not unwanted(name, labels)


def _about(when: ConditionSettings) -> Callable[[str, Mapping[str, str]], bool]:
    named = globs(when.source) if when.source else lambda _: True
    labelled = _labelled(when.labels or {})
    return lambda name, labels: named(name) and labelled(labels)


def _expressions(when: WhenSettings) -> list[str]:
    return [one.where for one in (when, when.not_) if one is not None and one.where is not None]


_DEFAULT: Mapping[str, Any] = {"event": [EventKind.STATUS_CHANGED]}


def _wanted(when: WhenSettings) -> Mapping[str, Any]:
    return {**_DEFAULT, **_given(when)}


def _given(settings: ConditionSettings) -> dict[str, Any]:
    values = {name: getattr(settings, name) for name in CONDITIONS}
    return {name: value for name, value in values.items() if value is not None}


def _written(settings: ConditionSettings) -> dict[str, Any]:
    """What is given, as plain data in the file's own spelling."""
    return settings.model_dump(mode="json", include=set(CONDITIONS), exclude_none=True)


def _all(given: Mapping[str, Any], registry: Mapping[str, Callable[[Any], Condition]]) -> Condition:
    conditions = [condition for _, condition in _compiled(given, registry)]
    return lambda subject: all(condition(subject) for condition in conditions)


def _compiled(
    given: Mapping[str, Any], registry: Mapping[str, Callable[[Any], Condition]]
) -> list[tuple[str, Condition]]:
    return [(name, registry[name](value)) for name, value in given.items()]


def _event(kinds: list[str]) -> Condition:
    return lambda subject: subject.event.kind in kinds


def _from(statuses: list[str]) -> Condition:
    matches = globs(map(normalise_status, statuses))
    return lambda subject: any(map(matches, subject.left))


def _to(statuses: list[str]) -> Condition:
    matches = globs(map(normalise_status, statuses))
    return lambda subject: any(map(matches, subject.entered))


def _source(names: list[str]) -> Condition:
    matches = globs(names)
    return lambda subject: matches(subject.event.source)


def _labels(wanted: dict[str, list[str]]) -> Condition:
    matches = _labelled(wanted)
    return lambda subject: matches(subject.labels)


def _labelled(wanted: Mapping[str, list[str]]) -> Callable[[Mapping[str, str]], bool]:
    matches = {name: globs(values) for name, values in wanted.items()}
    return lambda labels: all(name in labels and match(labels[name]) for name, match in matches.items())


def _product(names: list[str]) -> Condition:
    matches = globs(names)
    return lambda subject: any(matches(item.name) for item in subject.event.order.items or ())


def _currency(codes: list[str]) -> Condition:
    matches = globs(codes)
    return lambda subject: matches(_code(subject.event.order.total))


def _min_total(least: dict[str, Decimal]) -> Condition:
    """A threshold never hides an order: what cannot be compared with it matches."""
    return lambda subject: _reaches(subject.event.order.total, least) is not False


def _min_total_in_not(least: dict[str, Decimal]) -> Condition:
    """The same promise, where a match hides the order: what cannot be compared does not match."""
    return lambda subject: _reaches(subject.event.order.total, least) is True


def _unusual(wanted: bool) -> Condition:  # the value of a setting
    return lambda subject: subject.unusual is wanted


def _where(text: str) -> Condition:
    """A fault never hides an order: an event that the expression does not fit matches."""
    where = Where(text)
    return lambda subject: where.of(subject.event) is not False


def _where_in_not(text: str) -> Condition:
    """The same promise, where a match hides the order."""
    where = Where(text)
    return lambda subject: where.of(subject.event) is True


CONDITIONS: Mapping[str, Callable[[Any], Condition]] = {
    "event": _event,
    "from_": _from,
    "to": _to,
    "source": _source,
    "labels": _labels,
    "product": _product,
    "currency": _currency,
    "min_total": _min_total,
    "unusual": _unusual,
    "where": _where,
}
"""By the name of the field of ConditionSettings."""

IN_NOT: Mapping[str, Callable[[Any], Condition]] = {
    **CONDITIONS,
    "min_total": _min_total_in_not,
    "where": _where_in_not,
}
"""The same below ``not``."""


def _reaches(total: Money | None, least: Mapping[str, Decimal]) -> bool | None:
    """None: cannot be told, for the total, its currency or the threshold for it is unknown."""
    threshold = least.get(_code(total))
    if total is None or threshold is None or total.amount.is_nan():
        return None
    return total.amount >= threshold


def _code(total: Money | None) -> str:
    return (total.currency or "").upper() if total else ""


def globs(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text is one of the patterns, in any case. ``*`` and ``?`` are wild; brackets stand for themselves."""
    matchers = [re.compile(fnmatch.translate(pattern.casefold().replace("[", "[[]"))).match for pattern in patterns]
    return lambda text: any(match(text.casefold()) for match in matchers)
