"""The shape of each document that the API answers with, as JSON schema, made of the structs that it is made of.

So a field that a struct gets is described at once. What a document has besides stands here; a test holds every answer
against its shape, which allows nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from monitor.alerting.explaining import RouteSaid
from monitor.alerting.silences import Silence
from monitor.asking.condition import Health
from monitor.model import Delivery, Known, OrderEvent, Outcome, SourceEvent
from monitor.store.overdue import StuckOrder
from monitor.web.api.answers import Failure
from monitor.web.api.writing import NewSilence
from monitor.web.site import Looked

Struct = type[msgspec.Struct]


class Shape(NamedTuple):
    """A document: the fields of some structs, in one object, ``without`` some, and ``lists`` of other shapes."""

    name: str
    about: str
    structs: tuple[Struct, ...]
    lists: Mapping[str, tuple[str, ...]] = {}
    without: tuple[str, ...] = ()


class _Page(msgspec.Struct):
    next: str | None


class _After(msgspec.Struct):
    after: int = 0


class _Source(msgspec.Struct):
    source: str


class _Id(msgspec.Struct):
    id: int


class _Decided(msgspec.Struct):
    decided: tuple[RouteSaid, ...]
    stopped_by: str | None
    unfit: tuple[str, ...]


class _Today(msgspec.Struct):
    today: tuple[RouteSaid, ...]
    today_agrees: bool


class _At(msgspec.Struct):
    at: datetime


class _Orders(msgspec.Struct):
    orders: int = 1


class _Body(msgspec.Struct):
    body: str | None


class _Others(msgspec.Struct):
    other_events: int


class _Story(msgspec.Struct):
    source: str
    id: str
    number: str | None
    known: Known | None
    last_shown: datetime | None
    baseline_at: datetime | None


class _Active(msgspec.Struct):
    by: str
    active: bool


class Source(msgspec.Struct):
    """A source as it is configured, how it is, and how it is read.

    ``health`` is well; failing (its last polls failed, fewer than ``down_after``); down; doubtful (read, but what it
    showed is not believed as a whole); or unknown (not read as a whole yet). ``reason`` says why it is not well, and
    ``since`` since when it is as it is. ``failures`` are polls in a row. ``total`` is how many orders it counts itself.
    ``polled_at`` is when its last poll ended, ``good_at`` the last that had a usable answer; ``complete_at`` is when
    the last look began that showed every order, ``settled_at`` the last that proved each one's status. ``daemon`` polls
    it now, where several share the state; else null. ``looked`` is null where another daemon polls it: only that knows.
    """

    name: str
    type: str
    host: str
    labels: dict[str, str]
    every: str
    down_after: int
    health: Health
    reason: str | None
    since: datetime | None
    failures: int
    total: int | None
    baseline_at: datetime | None
    polled_at: datetime | None
    good_at: datetime | None
    complete_at: datetime | None
    settled_at: datetime | None
    new_order_at: datetime | None
    daemon: str | None
    looked: Looked | None


class Retried(msgspec.Struct):
    """How many dead letters will be sent again."""

    retried: int


class Polled(msgspec.Struct):
    """The source whose next poll begins ``now``."""

    source: str
    polled: str


_INTERNAL = ("fence", "url")
_EVENT_LISTS = ("OrderEventSeen", "SourceEventSeen")
_ABOUT_PAGE = (
    "A page of a listing. `next` is the cursor of the page that follows; null: there is none. A page may have fewer "
    "items than asked for, even none, and a `next` all the same: so far was searched."
)
_ABOUT_DECIDED = (
    "`decided` is what the routes made of it then, `stopped_by` the route that ended the search; `unfit` are the "
    "routes that match because their `where` does not fit the event."
)
_ABOUT_MESSAGE = "`orders` says of how many orders it tells, where it gathers several events."

SHAPES = (
    Shape("KnownOrder", "", (_Source, Known)),
    Shape("OrderPage", _ABOUT_PAGE, (_Page,), {"items": ("KnownOrder",)}),
    Shape("OrderEventSeen", _ABOUT_DECIDED, (_Id, OrderEvent, _Decided)),
    Shape("SourceEventSeen", _ABOUT_DECIDED, (_Id, SourceEvent, _Decided)),
    Shape(
        "EventPage",
        f"{_ABOUT_PAGE} `after`, where events after an id were asked for, is what to ask after next time.",
        (_Page, _After),
        {"items": _EVENT_LISTS},
    ),
    Shape("Attempt", "`at` is when it was made.", (_At, Outcome)),
    Shape("Message", _ABOUT_MESSAGE, (Delivery, _Orders), without=_INTERNAL),
    Shape("MessagePage", _ABOUT_PAGE, (_Page,), {"items": ("Message",)}),
    Shape(
        "MessageSent",
        f"{_ABOUT_MESSAGE} `body` is its text as it was sent, while that is kept, and `attempts_said` what each "
        "attempt came to.",
        (Delivery, _Orders, _Body),
        {"attempts_said": ("Attempt",)},
        _INTERNAL,
    ),
    Shape("StoryStuck", "", (StuckOrder,), without=("order_id", "urls")),
    Shape(
        "StoryMessage",
        "`other_events` is of how many other events it tells.",
        (Delivery, _Others),
        {"attempts_said": ("Attempt",)},
        _INTERNAL,
    ),
    Shape(
        "StoryEvent",
        f"{_ABOUT_DECIDED} `today` is what today's routes would say, and `today_agrees` whether that is the same.",
        (_Id, OrderEvent, _Decided, _Today),
        {"messages": ("StoryMessage",)},
    ),
    Shape(
        "Story",
        "All that is known of an order. `known` is null if it was forgotten; `last_shown` is when it was last seen as "
        "it is known, or proven to be so; `baseline_at` is when its source was first seen as a whole.",
        (_Story,),
        {"stuck": ("StoryStuck",), "events": ("StoryEvent",)},
    ),
    Shape("Source", "", (Source,)),
    Shape("SourcePage", _ABOUT_PAGE, (_Page,), {"items": ("Source",)}),
    Shape("SilenceSet", "`active` says whether it mutes now.", (Silence, _Active)),
    Shape("SilencePage", _ABOUT_PAGE, (_Page,), {"items": ("SilenceSet",)}),
    Shape("NewSilence", "", (NewSilence,)),
    Shape("Retried", "", (Retried,)),
    Shape("Polled", "", (Polled,)),
    Shape("Failure", "", (Failure,)),
)
