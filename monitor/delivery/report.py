"""What the log says of deliveries."""

from __future__ import annotations

from datetime import datetime

import structlog

from monitor.delivery.orphans import Orphans
from monitor.delivery.verdicts import Dead, RetryIn, Sent, Verdict
from monitor.errors import ChannelError, StateError
from monitor.model import Delivery, Destination, Outcome

_log = structlog.get_logger("monitor.delivery")


def report_attempt(delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
    """One line for each attempt."""
    fields = {**_fields(delivery, now), "attempt": delivery.attempts + 1}
    match verdict:
        case Sent():
            _log.info("delivery_sent", **fields)
        case RetryIn(seconds):
            _log.warning("delivery_retried", **fields, reason=outcome.reason, retry_in_s=round(seconds, 1))
        case Dead():
            _log.error("delivery_dead", **fields, reason=outcome.reason)


def report_trouble(channel: str, error: Exception) -> None:
    """Why a lane ended that was not empty."""
    match error:
        case ChannelError():
            _log.info("channel_gone", channel=channel, reason=str(error))
        case StateError():
            _log.error("state_unusable", channel=channel, error=str(error))
        case _:
            _log.error("lane_failed", channel=channel, exc_info=error)


class OrphanReport:
    """Says of each lane without a URL once that something waits there, and of each delivery that it is buried."""

    def __init__(self) -> None:
        self._said: set[Destination] = set()

    def tell(self, orphans: Orphans, now: datetime) -> None:
        """Say what is new."""
        for to, count in orphans.moved.items():
            _log.info("delivery_moved", channel=str(to), deliveries=count)
        for to in orphans.waiting.keys() - self._said:
            _log.warning("delivery_waits", channel=str(to), deliveries=orphans.waiting[to])
        self._said = set(orphans.waiting)
        for delivery in orphans.buried:
            _log.error("delivery_dead", **_fields(delivery, now), reason=delivery.last_error)


def ids(delivery: Delivery) -> dict[str, object]:
    """What tells a delivery's lines from all others."""
    return {"delivery": delivery.id, "ref": delivery.ref, **({"source": delivery.source} if delivery.source else {})}


def _fields(delivery: Delivery, now: datetime) -> dict[str, object]:
    return {
        **ids(delivery),
        "route": delivery.route,
        "channel": str(Destination(delivery.channel, delivery.url_number)),
        "attempt": delivery.attempts,
        "waited_s": round((now - delivery.created_at).total_seconds(), 3),
    }


class StateReport:
    """Says once that the state cannot be used, for each reason, and that it can be again."""

    def __init__(self) -> None:
        self._said: str | None = None

    def unusable(self, error: StateError) -> None:
        """It could not be used just now."""
        if str(error) != self._said:
            self._said = str(error)
            _log.error("state_unusable", error=self._said)

    def usable(self) -> None:
        """It could be."""
        if self._said is not None:
            self._said = None
            _log.info("state_usable")
