"""What a lane has claimed: a delivery with all that its message is made of, read in the claim's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import NamedTuple

from monitor.alerting.gathering import Gathered
from monitor.alerting.instead import tell_instead
from monitor.alerting.news import News
from monitor.delivery.fallback import failures
from monitor.delivery.outfit import Gather, Outfit
from monitor.delivery.verdicts import Verdict
from monitor.model import Delivery, Event, Message, OrderEvent
from monitor.store.base import StoredEvent, Transaction

_STORY = 200
"""So many events of an order at most are read for its story."""


class Claimed(NamedTuple):
    """What is to be sent: the delivery, what it tells of, and that order's events so far.

    ``many``: it tells of several events, of which ``event`` is the first. ``instead``: the dead letters whose news it
    tells, the latest first.
    """

    delivery: Delivery
    event: Event
    story: tuple[OrderEvent, ...] = ()
    many: Gathered | News | None = None
    instead: tuple[Delivery, ...] = ()


Then = Callable[[Transaction, Verdict], Claimed | None]
"""What to claim next, in the transaction that settles a delivery with this verdict."""


def read(tx: Transaction, delivery: Delivery, gather: Gather) -> Claimed:
    """What this delivery tells of; of many events no more than what is said of them."""
    stored, instead = tx.events_of(delivery.id), tuple(tx.stood_for(delivery))
    first, second = next(stored), next(stored, None)
    if second is None:
        return Claimed(delivery, first.event, _story(tx, first), instead=instead)
    many = gather(one.event for one in chain((first, second), stored))
    return Claimed(delivery, first.event, many=many, instead=instead)


def render(outfit: Outfit, claimed: Claimed) -> Message:
    """Its message, which says so if it goes where another one could not be sent."""
    message = _render(outfit, claimed)
    if not claimed.instead:
        return message
    return tell_instead(message, claimed.delivery.channel, claimed.instead[0].channel, failures(claimed.instead))


def _render(outfit: Outfit, claimed: Claimed) -> Message:
    if claimed.many is not None:
        return outfit.render_many(claimed.delivery, claimed.many)
    return outfit.render(claimed.delivery, claimed.event, claimed.story)


def _story(tx: Transaction, told: StoredEvent) -> tuple[OrderEvent, ...]:
    """The latest events of the order up to the one that is told, oldest first."""
    if not isinstance(told.event, OrderEvent):
        return ()
    latest = tx.story(told.event.source, told.event.order.id, told.id, _STORY)
    return tuple(row.event for row in latest if isinstance(row.event, OrderEvent))
