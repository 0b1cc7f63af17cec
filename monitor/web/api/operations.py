"""Every operation of the API, a line each: where it is, what it takes, what it answers. Routes and OpenAPI follow."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
from aiohttp import web

from monitor.model import DeliveryState, EventKind
from monitor.web.api import reading, writing
from monitor.web.api.asked import Asked
from monitor.web.api.parameters import CURSOR, LIMIT, Parameter, flag, one_of, text, whole

PREFIX = "/api/v1"


class Operation(NamedTuple):
    """``answers`` is the name of a shape, by ``status``. ``path`` is as aiohttp has it. ``refuses`` are statuses that
    are not every operation's, by why. ``body`` is what it takes, if anything.
    """

    name: str
    method: str
    path: str
    about: str
    handler: Callable[[Asked], Awaitable[web.Response]]
    answers: tuple[str, ...]
    parameters: Sequence[Parameter] = ()
    status: int = 200
    refuses: tuple[tuple[int, str], ...] = ()
    body: type[msgspec.Struct] | None = None

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET"


_ID = "{id:[0-9]{1,15}}"
_SOURCE = text("source", "Of this source only.")
_NO_EVENT = ((404, "There is no such event."),)
_NO_DELIVERY = ((404, "There is no such delivery."),)
_NO_SOURCE = ((404, "There is no such source."),)

OPERATIONS = (
    Operation(
        "orders",
        "GET",
        "/orders",
        "The orders that are known: the one that entered its status last first.",
        reading.orders,
        ("OrderPage",),
        (
            _SOURCE,
            text("status", "With this status, as the source writes it, however it is spelled."),
            text("text", "Whose number or id begins so; where none does, whose number ends so."),
            flag("vanished", "Only those that are gone, instead of those that are there."),
            LIMIT,
            CURSOR,
        ),
    ),
    Operation(
        "order",
        "GET",
        "/orders/{source}/{order:.+}",
        "One order's story, by its id or its number: every event, every message about it, every attempt to send that.",
        reading.order,
        ("Story",),
        refuses=((404, "No such order was ever seen, or several are called so."),),
    ),
    Operation(
        "events",
        "GET",
        "/events",
        "What was observed, the newest first; with `after` the oldest first, to follow what happens.",
        reading.events,
        ("EventPage",),
        (
            _SOURCE,
            one_of("kind", "Of this kind only; may be given several times.", EventKind),
            text("order", "About the order with this id, or number, only."),
            text("text", "In which this text stands somewhere, in any case. Not with `after`."),
            whole("before", "Only events that are older than the one with this id."),
            whole("after", "Only events that are newer than the one with this id, oldest first. 0: from the first on."),
            LIMIT,
            CURSOR,
        ),
    ),
    Operation("event", "GET", f"/events/{_ID}", "One event.", reading.event, reading.EVENT_SHAPES, refuses=_NO_EVENT),
    Operation(
        "deliveries",
        "GET",
        "/deliveries",
        "The messages of the outbox, the newest first.",
        reading.deliveries,
        ("MessagePage",),
        (
            one_of(
                "state", "In this state only; may be given several times. `dead` are the dead letters.", DeliveryState
            ),
            text("route", "By this route only."),
            text("channel", "To this channel only."),
            text("source", "About this source, or its orders, only."),
            LIMIT,
            CURSOR,
        ),
    ),
    Operation(
        "delivery",
        "GET",
        f"/deliveries/{_ID}",
        "One message, with what each attempt came to, and while it is kept its text.",
        reading.delivery,
        ("MessageSent",),
        refuses=_NO_DELIVERY,
    ),
    Operation(
        "retry",
        "POST",
        f"/deliveries/{_ID}/retry",
        "Send a dead letter again.",
        writing.retry,
        ("Retried",),
        refuses=(*_NO_DELIVERY, (409, "It is no dead letter.")),
    ),
    Operation(
        "retryAll", "POST", "/deliveries/retry", "Send every dead letter again.", writing.retry_all, ("Retried",)
    ),
    Operation("sources", "GET", "/sources", "Every source, and how it is.", reading.sources, ("SourcePage",)),
    Operation(
        "source",
        "GET",
        "/sources/{name}",
        "One source, and how it is.",
        reading.source,
        ("Source",),
        refuses=_NO_SOURCE,
    ),
    Operation(
        "poll",
        "POST",
        "/sources/{name}/poll",
        "Let the next poll of a source begin now. It does not wait for its end.",
        writing.poll,
        ("Polled",),
        status=202,
        refuses=_NO_SOURCE,
    ),
    Operation(
        "silences",
        "GET",
        "/silences",
        "The silences that are active, the newest first.",
        reading.silences,
        ("SilencePage",),
        (flag("ended", "Those that have ended, too."), LIMIT, CURSOR),
    ),
    Operation(
        "addSilence",
        "POST",
        "/silences",
        "Mute alerts for a while.",
        writing.add_silence,
        ("SilenceSet",),
        status=201,
        body=writing.NewSilence,
    ),
    Operation(
        "endSilence",
        "DELETE",
        f"/silences/{_ID}",
        "End a silence before its time. It is kept, as one that has ended.",
        writing.end_silence,
        ("SilenceSet",),
        refuses=((404, "There is no such silence that is active."),),
    ),
)
