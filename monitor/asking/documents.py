"""What stands in the state as JSON documents: the same for `--json` and for the API. Times are ISO 8601, UTC."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from monitor.alerting.explaining import agree, decided, last_shown
from monitor.alerting.routes import Routing
from monitor.alerting.silences import Silence
from monitor.asking.story import Happening, Message, Story
from monitor.model import Delivery, Known
from monitor.store.base import Attempt, StoredEvent
from monitor.store.overdue import StuckOrder

Document = dict[str, Any]
_INTERNAL = ("fence", "url")
_ROUTING = msgspec.json.Decoder(Routing)


def order(source: str, known: Known) -> Document:
    """An order as it is known."""
    return {"source": source, **_plain(known)}


def event(row: StoredEvent) -> Document:
    """An event, and what the routes made of it."""
    return {"id": row.id, **_plain(row.event), "routing": msgspec.Raw(row.routing.encode())}


def delivery(row: Delivery, orders: int | None = None) -> Document:
    """A delivery; ``orders``: of how many it tells, where it gathers several."""
    return _plain(row) | ({} if orders is None else {"orders": orders})


def seen(row: StoredEvent) -> Document:
    """An event, and what became of it in the words of a story: without what the outbox alone needs to know."""
    routing = _ROUTING.decode(row.routing)
    return {
        "id": row.id,
        **_plain(row.event),
        "decided": msgspec.to_builtins(decided(routing)),
        "stopped_by": routing.stopped_by,
        "unfit": routing.unfit,
    }


def message(row: Delivery, orders: int | None = None) -> Document:
    """A delivery without what the outbox alone needs to know; ``orders`` as in ``delivery``."""
    document = delivery(row, orders)
    for internal in _INTERNAL:
        document.pop(internal, None)
    return document


def sent(row: Delivery, orders: int | None, attempts: Sequence[Attempt], body: str | None) -> Document:
    """A delivery with what each attempt said, and its text as it was sent, while that is kept."""
    return {**message(row, orders), "body": body, "attempts_said": [attempt(one) for one in attempts]}


def attempt(one: Attempt) -> Document:
    """One attempt to send."""
    return {"at": one.at, **_plain(one.outcome)}


def silence(one: Silence, now: datetime) -> Document:
    """A silence, and whether it mutes now."""
    return {**_plain(one), "by": one.by, "active": one.is_active(now)}


def story(told: Story) -> Document:
    """All that is known of an order, with today's routes beside what was decided."""
    known = told.known
    return {
        "source": told.source,
        "id": told.order_id,
        "number": known.order.number if known else None,
        "known": msgspec.to_builtins(known),
        "last_shown": last_shown(known, told.state) if known else None,
        "baseline_at": told.state.baseline_at if told.state else None,
        "stuck": [_stuck(one) for one in told.stuck],
        "events": [_happening(one) for one in told.happenings],
    }


def _happening(one: Happening) -> Document:
    return {
        "id": one.id,
        **_plain(one.event),
        "decided": msgspec.to_builtins(one.then),
        "stopped_by": one.routing.stopped_by,
        "unfit": one.routing.unfit,
        "today": msgspec.to_builtins(one.today),
        "today_agrees": agree(one.then, one.today),
        "messages": [_message(told) for told in one.messages],
    }


def _stuck(one: StuckOrder) -> Document:
    found = _plain(one)
    return {key: found[key] for key in found if key not in ("order_id", "urls")}


def _message(one: Message) -> Document:
    attempts = [attempt(said) for said in one.attempts]
    return {**message(one.delivery), "other_events": one.others, "attempts_said": attempts}


def _plain(row: msgspec.Struct) -> Document:
    result: Document = msgspec.to_builtins(row)
    return result
