"""The keys of rules, which are about what does not happen, or too often: an order that stays as it is, no new order for
long, too many of one status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import AliasChoices, BeforeValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from monitor.alerting.hours import BetweenTimes, Day
from monitor.fields import Duration, Section

if TYPE_CHECKING:
    from monitor.alerting.settings import RouteSettings, WhenSettings

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")
_WHOLE = Decimal(100)


def _percent(value: object) -> object:
    if isinstance(value, Decimal):
        return value
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or not 0 < Decimal(found[1]) <= _WHOLE:
        raise PydanticCustomError("percent", "expected a share such as 10%, above 0% and up to 100%")
    return Decimal(found[1]) / _WHOLE


def percent(share: Decimal) -> str:
    """``10%`` for a tenth."""
    return f"{(share * _WHOLE).normalize():f}%"


Percent = Annotated[
    Decimal,
    BeforeValidator(_percent),
    PlainSerializer(percent),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,6})?\s*%$", "examples": ["10%"]}),
]
"""A share, as a fraction of 1."""


class RuleSettings(Section):
    """What else a rule needs to know; each of these goes with its own kind of event only."""

    after: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = None
    """With ``event: stuck``, required: how long an order has had its status."""

    for_: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = Field(
        default=None, validation_alias=AliasChoices("for", "for_"), serialization_alias="for"
    )
    """With ``event: absent``, required: how long there is no new order, in the hours that matter."""

    between: BetweenTimes | None = None
    """With ``event: absent``: the hours that matter, such as ``"08:00-20:00"``; default: all day."""

    days: Annotated[list[Day], Field(min_length=1)] | None = None
    """With ``event: absent``: the days on which they begin; default: every day."""

    share: Percent | None = None
    """With ``event: spike``, required: so large a part at least of the orders that entered any status (or appeared)
    entered this one."""

    within: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = None
    """With ``event: spike``, required: in so long a time."""

    at_least: Annotated[int, Field(ge=1)] | None = None
    """With ``event: spike``: and so many of them at least; default: 10."""


RULES = ("absent", "spike")
"""The kinds of events that are about a source as a whole, and that routes ask for."""
_KEYS: Mapping[str, Sequence[str]] = {
    "stuck": ("status", "after"),
    "absent": ("for_", "between", "days"),
    "spike": ("status", "share", "within", "at_least"),
}
_NEEDED: Mapping[str, Mapping[str, str]] = {
    "stuck": {"status": "pending", "after": "24h"},
    "absent": {"for_": "6h"},
    "spike": {"status": "fraud", "share": "10%", "within": "1h"},
}
_OF_A_MOVE = ("from_", "to", "unusual")
_OF_A_SOURCE = {"event", "source", "labels", "not_"}


def check_rule(when: WhenSettings) -> None:
    """PydanticCustomError unless the keys fit the kind of event; it names the key that is wrong first."""
    kinds = when.event or []
    rule = next((kind for kind in kinds if kind in _KEYS), "")
    if rule and len(kinds) > 1:
        raise _error("event lists {rule} beside others: give {rule} a route of its own", rule=rule)
    _check_own_keys(when, rule)
    for key, example in _NEEDED.get(rule, {}).items():
        if getattr(when, key) is None:
            raise _error("event {rule} needs {key}, such as {key}: {example}", rule=rule, key=key, example=example)
    if rule in RULES:
        _check_about_a_source(when, rule)
    if rule == "stuck":
        _check_about_no_move(when)


def check_stuck_route(route: RouteSettings) -> None:
    """PydanticCustomError unless what a route says of stuck orders fits them."""
    if "stuck" not in (route.when.event or []):
        if key := next((key for key in ("remind_every", "escalate") if getattr(route, key) is not None), ""):
            raise _error("{key} goes with event: stuck only", key=key)
        return
    if route.for_ is not None:
        raise _error("for is about a change, and a stuck order has none: after says how long it waits")
    after = route.when.after
    if route.escalate and after and route.escalate.after <= after:
        raise _error(
            "escalate.after is not longer than when.after: those channels would be told at once, as the others"
        )


def _check_about_no_move(when: WhenSettings) -> None:
    for settings in filter(None, (when, when.not_)):
        if other := next((key for key in _OF_A_MOVE if getattr(settings, key) is not None), ""):
            raise _error("{key} is about a change, and a stuck order has none: name its status instead", key=other)


def _check_own_keys(when: WhenSettings, rule: str) -> None:
    for key in dict.fromkeys(key for keys in _KEYS.values() for key in keys):
        if getattr(when, key) is not None and key not in _KEYS.get(rule, ()):
            kinds = " or ".join(kind for kind, keys in _KEYS.items() if key in keys)
            raise _error("{key} goes with event: {kinds} only", key=key, kinds=kinds)


def _check_about_a_source(when: WhenSettings, rule: str) -> None:
    allowed = {*_OF_A_SOURCE, *_KEYS[rule]}
    if other := next(
        (key for key in type(when).model_fields if key not in allowed and getattr(when, key) is not None), ""
    ):
        raise _error("{key} is about single orders, and {rule} is about a source: remove it", key=other, rule=rule)
    unwanted = when.not_
    if unwanted and (other := next((k for k in type(unwanted).model_fields if _odd(k, getattr(unwanted, k))), "")):
        raise _error("not has {key}, which is about single orders, and {rule} is not: remove it", key=other, rule=rule)


def _odd(key: str, value: object) -> bool:
    return value is not None and key not in ("source", "labels")


def _error(text: str, **words: str) -> PydanticCustomError:
    spelled = {name: word.removesuffix("_") for name, word in words.items()}
    return PydanticCustomError("rule", "{text}", {"text": text.format(**spelled)})
