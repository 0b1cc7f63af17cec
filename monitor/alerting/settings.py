"""Routes: which events, to which channels, in what words; and the labels of sources that routes can name."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from monitor.fields import CurrencyCode, Name, Section, did_you_mean


def _not_reserved(name: str) -> str:
    if name == "health":
        raise PydanticCustomError("reserved", "health is the route of the monitor's own news: take another name")
    return name


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


OrderEventKind = Literal[
    "appeared", "status_changed", "changed", "invoice_changed", "service_changed", "vanished", "reappeared"
]
"""The kinds that routes are about. News of a source go to the health channels instead."""

Patterns = Annotated[
    list[Annotated[str, StringConstraints(min_length=1)]], BeforeValidator(_as_list), Field(min_length=1)
]
"""A value, a list of values, or globs (``shop*``, ``?`` for one character): any of them matches, in any case."""


class ConditionSettings(Section):
    """Conditions on an event; all that are given must hold."""

    event: Annotated[list[OrderEventKind], BeforeValidator(_as_list), Field(min_length=1)] | None = None
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


class WhenSettings(ConditionSettings):
    """A route's conditions, and the exceptions from them."""

    not_: ConditionSettings | None = Field(
        default=None, validation_alias=AliasChoices("not", "not_"), serialization_alias="not"
    )
    """Conditions under which the route does not apply although the others hold: all of these together.

    A total that cannot be compared is no exception: a threshold never hides an order."""


class RouteSettings(Section):
    """A named rule: which events, to which channels, how worded."""

    name: Annotated[Name, AfterValidator(_not_reserved)]
    """For logs, messages and commands."""

    when: WhenSettings = WhenSettings()
    """Which events; default: every status_changed."""

    channels: Annotated[list[str], Field(min_length=1)]
    """Names of channels."""

    stop: bool = False
    """Whether an event that this route matches goes to no later one."""

    title: str | None = None
    """Jinja2 template of the first line, which alone serves on a lock screen; default: a good one."""

    body: str | None = None
    """Jinja2 template of the text below it; default: a good one."""


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
