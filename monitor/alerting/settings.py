"""Routes: which events, to which channels, in what words; and the labels of sources that routes can name."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from monitor.alerting.hours import DAYS, ClockTime, Day, clock_time
from monitor.alerting.rule_settings import RuleSettings, check_rule, check_stuck_route
from monitor.alerting.where import WhereExpression
from monitor.fields import CurrencyCode, Duration, Name, Section, did_you_mean

_RESERVED = {"health": "the monitor's own news", "drill": "fire drills"}


def _not_reserved(name: str) -> str:
    if name in _RESERVED:
        said = {"text": f"{name} is the route of {_RESERVED[name]}: take another name"}
        raise PydanticCustomError("reserved", "{text}", said)
    return name


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


RoutedKind = Literal[
    "appeared",
    "status_changed",
    "changed",
    "invoice_changed",
    "service_changed",
    "vanished",
    "reappeared",
    "stuck",
    "absent",
    "spike",
]
"""The kinds that routes are about. News of a source's health go to the health channels instead."""

Patterns = Annotated[
    list[Annotated[str, StringConstraints(min_length=1)]], BeforeValidator(_as_list), Field(min_length=1)
]
"""A value, a list of values, or globs (``shop*``, ``?`` for one character): any of them matches, in any case."""


class ConditionSettings(Section):
    """Conditions on an event; all that are given must hold."""

    event: Annotated[list[RoutedKind], BeforeValidator(_as_list), Field(min_length=1)] | None = None
    """Kinds of event; default: status_changed."""

    from_: Patterns | None = Field(
        default=None, validation_alias=AliasChoices("from", "from_"), serialization_alias="from"
    )
    """The status before, in the source's words or by its meaning; of the invoice or of one service, where the event is
    about that."""

    to: Patterns | None = None
    """The status after, likewise, of the same move."""

    source: Patterns | None = None
    """Names of sources."""

    labels: dict[str, Patterns] | None = None
    """Labels of the source; each one given must match."""

    product: Patterns | None = None
    """Names of products: one item that matches suffices."""

    currency: Patterns | None = None
    """Currency codes."""

    min_total: dict[CurrencyCode, Annotated[Decimal, Field(ge=0)]] | None = None
    """The least total, by currency, in major units. A currency that is not listed matches."""

    unusual: bool | None = None
    """``true``: changes of status outside the usual life of an order in this system, as fraud → active; ``false``: all
    else."""

    where: WhereExpression | None = None
    """A JMESPath expression over the event, as ``events --json`` prints it, but with amounts as numbers:
    ``length(order.items) > length(before.items)``. An event that it does not fit matches."""


class WhenSettings(RuleSettings, ConditionSettings):
    """A route's conditions, and the exceptions from them."""

    status: Patterns | None = None
    """With ``event: stuck``, required: the statuses in which an order is stuck; with ``event: spike``, required: the
    status that too many enter. In the source's words or by their meaning."""

    not_: ConditionSettings | None = Field(
        default=None, validation_alias=AliasChoices("not", "not_"), serialization_alias="not"
    )
    """Conditions under which the route does not apply although the others hold: all of these together.

    A total that cannot be compared is no exception: a threshold never hides an order."""

    @model_validator(mode="after")
    def _keys_fit_the_event(self) -> Self:
        check_rule(self)
        return self


_GROUPED_BY = re.compile(r"source|status|event|currency|order|labels\.[A-Za-z0-9_.-]+")


def _groupable(value: str) -> str:
    if not _GROUPED_BY.fullmatch(value):
        raise PydanticCustomError("group_by", "expected source, status, event, currency, order or labels.NAME")
    return value


class GroupSettings(Section):
    """Events that are told together, in one message with a table."""

    by: list[Annotated[str, AfterValidator(_groupable)]] = Field(default_factory=lambda: ["source"])
    """What the events of one message have in common: source, status, event, currency, order, labels.NAME; ``[]``: no
    more than the route."""

    wait: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=30)
    """How long a message waits for others to join it."""

    every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(minutes=5)
    """How soon after the last message of a group there may be another one."""


class StormSettings(Section):
    """When there is too much to be told one by one: the rest comes as one summary."""

    over: Annotated[int, Field(ge=1)] = 100
    """So many events of this route …"""

    within: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(minutes=5)
    """… in so long are no storm yet; and so long at least lies between two summaries."""


class QuietSettings(Section):
    """Hours in which nobody is disturbed: what happens comes as one message at their end."""

    from_: ClockTime = Field(validation_alias=AliasChoices("from", "from_"), serialization_alias="from")
    """When they begin."""

    to: ClockTime
    """When they end; before ``from``: on the next day."""

    days: Annotated[list[Day], Field(min_length=1)] = Field(default_factory=lambda: list(DAYS))
    """The days on which they begin; default: every day."""

    @model_validator(mode="after")
    def _last_a_while(self) -> Self:
        if self.from_ == self.to:
            raise PydanticCustomError("quiet", "to is the same as from: quiet hours would never end")
        return self


_WEEKLY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)\s+(\S+)")


def _weekly(value: object) -> object:
    found = _WEEKLY.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("weekly", 'expected a day and a time such as "mon 08:00"')
    clock_time(found[2])
    return f"{found[1]} {found[2]}"


Weekly = Annotated[str, BeforeValidator(_weekly)]
"""A day of the week and a time."""


class DigestSettings(Section):
    """Events that are told once a day, or once a week, in one message."""

    daily: ClockTime | None = None
    """At this time each day."""

    weekly: Weekly | None = None
    """On this day at this time: ``mon 08:00``."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.daily is None) == (self.weekly is None):
            raise PydanticCustomError("digest", "expected either daily or weekly")
        return self


class EscalateSettings(Section):
    """Who else is told of an order that nobody moves on."""

    after: Annotated[Duration, Field(ge=timedelta(minutes=1))]
    """How long an order has had its status; longer than the rule's own ``after``."""

    channels: Annotated[list[str], Field(min_length=1)]
    """Names of channels."""


class RouteSettings(Section):
    """A named rule: which events, to which channels, how grouped and worded."""

    name: Annotated[Name, AfterValidator(_not_reserved)]
    """For logs, messages and commands."""

    when: WhenSettings = WhenSettings()
    """Which events; default: every status_changed."""

    channels: Annotated[list[str], Field(min_length=1)]
    """Names of channels."""

    stop: bool = False
    """Whether an event that this route matches goes to no later one."""

    urgent: bool = False
    """Whether nothing may hold its messages up: no group, no digest, no quiet hours; only a storm merges them."""

    group: GroupSettings | None = None
    """How its events are grouped; default: each is a message of its own."""

    storm: StormSettings = StormSettings()
    """When its messages become a summary."""

    quiet: QuietSettings | None = None
    """When nobody is to be disturbed; default: never."""

    digest: DigestSettings | None = None
    """When its events are told, all at once; default: as they happen."""

    for_: Annotated[Duration, Field(ge=timedelta(seconds=1))] | None = Field(
        default=None, validation_alias=AliasChoices("for", "for_"), serialization_alias="for"
    )
    """How long an order must stay as it is after an event before that is told; if it moves on, nothing is."""

    remind_every: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = None
    """With ``event: stuck``: how often it is told again while an order is still stuck; default: never."""

    escalate: EscalateSettings | None = None
    """With ``event: stuck``: who else is told when an order is stuck for longer; default: nobody."""

    title: str | None = None
    """Jinja2 template of the first line, which alone serves on a lock screen; default: a good one."""

    body: str | None = None
    """Jinja2 template of the text below it; default: a good one."""

    @model_validator(mode="after")
    def _holds_in_one_way(self) -> Self:
        ways = [name for name in ("group", "digest", "for_") if getattr(self, name) is not None]
        if self.urgent and (held := [*ways, *(["quiet"] if self.quiet else [])]):
            said = {"key": held[0].removesuffix("_")}
            raise PydanticCustomError("urgent", "{key} would hold up an urgent route: remove one of them", said)
        if len(ways) > 1:
            said = {"one": ways[0].removesuffix("_"), "other": ways[1].removesuffix("_")}
            raise PydanticCustomError("timing", "{one} and {other} cannot both say when it is told: keep one", said)
        check_stuck_route(self)
        return self


def _known_time_zone(value: str) -> str:
    from zoneinfo import available_timezones  # noqa: PLC0415  # only what a command needs is imported

    from monitor.alerting.words import known_time_zone  # noqa: PLC0415  # Babel only where something is worded

    try:
        known_time_zone(value)
    except ValueError:
        near = did_you_mean(value, available_timezones())
        raise PydanticCustomError(
            "time_zone", "{text}", {"text": f"unknown time zone{near or ', expected one such as Europe/Stockholm'}"}
        ) from None
    return value


def _known_locale(value: str) -> str:
    from monitor.alerting.words import known_locale  # noqa: PLC0415  # Babel only where something is worded

    try:
        return str(known_locale(value))
    except ValueError:
        raise PydanticCustomError("locale", "unknown locale, expected one such as en, sv or en_GB") from None


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
"""A name of the time zone database."""
LocaleName = Annotated[str, AfterValidator(_known_locale)]
"""How amounts and times are written: a language, or one of a country."""


class ChannelStyle(Section):
    """How a channel's messages are worded, and what they may say. The part of its settings that rendering reads."""

    time_zone: TimeZone | None = None
    """Time zone of the times in this channel's messages; default: the one at the top of the file."""

    locale: LocaleName | None = None
    """How this channel's messages write amounts and times; default: the one at the top of the file."""

    privacy: Literal["full", "masked", "none"] = "masked"
    """Customers' names, addresses and notes, where a source has them: whole, as ``J··· D··``, or left out."""

    story: bool = False
    """Whether each message carries its order's timeline so far."""

    subject: Literal["event", "stable"] = "event"
    """A mail's subject: ``Fraud: ORD-0088, $49.00 (shop)``, or for programs that thread by subject one that stays the
    same for all of an order's mails, ``ORD-0088 (shop)``."""

    title: str | None = None
    """Jinja2 template of the first line; a route's own goes before it; default: a good one."""

    body: str | None = None
    """Jinja2 template of the text below it; a route's own goes before it; default: a good one."""


def _is_order_url(value: str) -> str:
    rest = value.replace("{id}", "").replace("{number}", "")
    if not rest.startswith(("https://", "http://")) or any(char in "{}" or char.isspace() for char in rest):
        wanted = "expected a web address such as https://billing.example.com/orders/{id}, or with {number}"
        raise PydanticCustomError("order_url", "{text}", {"text": wanted})
    return value


OrderUrl = Annotated[str, AfterValidator(_is_order_url)]
"""The address of an order's page; ``{id}`` and ``{number}`` stand for the order's own."""


class LabelSettings(Section):
    """The part of a source's settings that routes read."""

    labels: dict[str, str] = Field(default_factory=dict)
    """Anything that routes and templates should know of the source, such as the client it belongs to."""

    order_url: OrderUrl | None = None
    """The address of an order's page, to which its number leads; ``{id}`` and ``{number}`` are the order's own."""
