"""One log line for each poll."""

from __future__ import annotations

import structlog

from monitor.errors import OurFault
from monitor.polling.poller import PollResult
from monitor.polling.snapshot import Depth

_log = structlog.get_logger("monitor")
_UNFIT = "their expression in where does not fit an event, which they were sent nevertheless"


def report_poll(result: PollResult) -> None:
    """One log line for each poll."""
    snapshot, committed = result.snapshot, result.committed
    fields = {
        "source": result.source,
        "orders": result.known,
        "look": snapshot.depth.value,
        **({"coverage": snapshot.coverage.value} if snapshot.depth is Depth.SWEEP else {}),
        "new": committed.new_orders,
        "events": {kind.value: count for kind, count in committed.events.items()},
        "deliveries": committed.deliveries,
        "requests": result.requests,
        "kib": round(result.bytes / 1024, 1),
        "seconds": round(result.seconds, 3),
    }
    if committed.silenced:
        fields["silenced"] = committed.silenced
    if snapshot.known_difference:
        fields["unexplained"] = snapshot.known_difference
    if committed.unfit:
        _log.warning("where_failed", source=result.source, routes=sorted(committed.unfit), meaning=_UNFIT)
    if committed.other_system:
        _log.warning("baseline_reset", source=result.source, reason="its type or url is another one now")
    if isinstance(snapshot.error, OurFault):
        _log.error("poll_bug", **fields, reason=str(snapshot.error), exc_info=snapshot.error.__cause__)
    elif snapshot.error is not None:
        _log.warning("poll_failed", **fields, reason=str(snapshot.error))
    elif committed.doubt is not None:
        _log.warning("poll_doubtful", **fields, reason=committed.doubt.reason)
    elif committed.baseline:
        _log.info("poll_baseline", **fields)
    else:
        _log.info("poll", **fields)
