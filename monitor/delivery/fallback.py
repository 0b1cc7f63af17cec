"""Where a dead letter's news goes instead: ``choose`` decides, ``fall_back`` writes it in the death's transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from monitor.alerting.views import REASON_LENGTH, plain
from monitor.delivery.outfit import Outfit
from monitor.model import Delivery, Destination
from monitor.store.base import Transaction

_WAITED = "waits: "
"""How the reason of an orphan begins."""


def choose(
    channel: str, fallbacks: Mapping[str, str], homes: Collection[Destination], tried: Collection[Destination]
) -> list[Destination]:
    """The destinations of the next channel along the chain from ``channel`` that nothing was ``tried`` at.

    Empty at the chain's end. Neither a channel nor a URL is tried twice, even if a reload has bent the chain to a ring.
    """
    channels, urls = {to.channel for to in tried}, {to.url for to in tried}
    for name in _chain(channel, fallbacks):
        there = sorted((to for to in homes if to.channel == name), key=lambda to: to.number)
        targets = [] if name in channels else [to for to in there if to.url not in urls]
        if targets:
            return targets
    return []


def fall_back(tx: Transaction, dead: Delivery, outfit: Outfit, now: datetime) -> dict[str, int]:
    """Let the fallback of its channel tell what this dead letter was to tell, unless it was told to before.

    By URL (digest), the id of the delivery that does so.
    """
    if dead.channel not in outfit.fallbacks:
        return {}
    tried = [_destination(delivery) for delivery in (dead, *tx.stood_for(dead))]
    targets = choose(dead.channel, outfit.fallbacks, outfit.destinations, tried)
    made = tx.stand_in(dead, targets, now) if targets else []
    return {to.url: delivery for to, delivery in zip(targets, made, strict=False)}


def failures(dead: Sequence[Delivery]) -> tuple[str, ...]:
    """What could not be sent where, a line for each of these, the latest first."""
    return tuple(f"Could not be sent to {_destination(one)}{_why(one)}" for one in dead)


def _why(dead: Delivery) -> str:
    # One that was sent again, and has arrived meanwhile, has no error any more.
    return f": {plain(dead.last_error.removeprefix(_WAITED), REASON_LENGTH)}" if dead.last_error else " at first"


def _chain(channel: str, fallbacks: Mapping[str, str]) -> Iterator[str]:
    seen = {channel}
    while (name := fallbacks.get(channel)) is not None and name not in seen:
        seen.add(name)
        yield name
        channel = name


def _destination(delivery: Delivery) -> Destination:
    return Destination(delivery.channel, delivery.url_number, delivery.url)
