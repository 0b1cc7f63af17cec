"""What the delivery loop sends with: where to, by what, in what words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from monitor.alerting.gathering import Gathered
from monitor.alerting.news import News
from monitor.errors import ChannelError
from monitor.model import Delivery, Destination, Event, Message, OrderEvent, Outcome

Render = Callable[[Delivery, Event, Sequence[OrderEvent]], Message]
"""The message of a delivery that tells of an event, whose order's events so far are the last argument."""
Bring = Callable[[Delivery, Event], Awaitable[None]]
"""Has at hand what the message of this delivery needs, as far as that can be had in a moment."""
Gather = Callable[[Iterable[Event]], Gathered | News]
"""What is told of many events. It is called inside a transaction."""
RenderMany = Callable[[Delivery, Gathered | News], Message]
"""The message of a delivery that tells of several events."""
_LONE = re.compile("[\ud800-\udfff]")


class Sender(Protocol):
    """What sends: Apprise, or something that prints."""

    async def send(self, destination: Destination, message: Message) -> Outcome:
        """Try once, and say what came of it; ChannelError if there is no such destination any more."""
        ...

    async def idle(self, destination: Destination) -> None:
        """Wait until no earlier send that was given up on still runs."""
        ...


class Outfit(msgspec.Struct, frozen=True):
    """What a reload replaces. Destinations with equal ``url`` are one URL, and one lane.

    ``fallbacks``: by channel, the one that tells what could not be sent there.
    """

    destinations: Collection[Destination]
    sender: Sender
    render: Render
    gather: Gather
    render_many: RenderMany
    fallbacks: Mapping[str, str] = {}
    bring: Bring | None = None

    def homes(self, url: str) -> list[Destination]:
        """The destinations that are this URL. The first stands for all of them at the sender, which keeps its pace."""
        return sorted((to for to in self.destinations if to.url == url), key=lambda to: (to.channel, to.number))

    def line(self, delivery: Delivery) -> Destination:
        """Where to send this; ChannelError unless its channel is there and has its URL."""
        homes = self.homes(delivery.url)
        if not any(home.channel == delivery.channel for home in homes):
            gone = Destination(delivery.channel, delivery.url_number)
            raise ChannelError(f"the URL of {gone} is not in this configuration")
        return homes[0]


def encodable(message: Message) -> Message:
    """The message with U+FFFD for each half of a surrogate pair, which no encoding can carry."""
    texts = {field: getattr(message, field) for field in ("title", "body", "text", "subject")}
    return msgspec.structs.replace(message, **{field: text and whole(text) for field, text in texts.items()})


def whole(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair."""
    return _LONE.sub("\ufffd", text)
