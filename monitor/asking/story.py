"""One order's story: what was seen of it, which messages that made, and what each attempt at them said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from monitor.alerting.explaining import RouteSaid, decided, opinions
from monitor.alerting.routes import Router, Routing
from monitor.model import Delivery, Known, OrderEvent, SourceState
from monitor.store.base import Attempt, Transaction
from monitor.store.overdue import StuckOrder

_MOST_EVENTS = 1000
_LATEST = 2**62
_ROUTING = msgspec.json.Decoder(Routing)


class Message(msgspec.Struct):
    """A delivery that tells of an event: of how many others besides, and what each attempt said."""

    delivery: Delivery
    others: int
    attempts: Sequence[Attempt]


class Happening(msgspec.Struct):
    """An event, what became of it, and what today's routes would say of it."""

    id: int
    event: OrderEvent
    routing: Routing
    messages: Sequence[Message]
    today: Sequence[RouteSaid] = ()

    @property
    def then(self) -> Sequence[RouteSaid]:
        """What was decided then."""
        return decided(self.routing)


class Story(msgspec.Struct):
    """All that the state holds of an order; ``known`` is None if it has been forgotten."""

    source: str
    order_id: str
    known: Known | None
    state: SourceState | None
    happenings: Sequence[Happening]
    stuck: Sequence[StuckOrder] = ()

    def ask_today(self, router: Router) -> None:
        """Let today's routes say what they think of each event."""
        for happening in self.happenings:
            happening.today = opinions(router, happening.event, happening.routing)


def story_of(tx: Transaction, source: str, order_id: str, known: Known | None = None) -> Story:
    """The story of the order with this id, its newest 1000 events; ``known``: as the state holds it."""
    happenings = _happenings(tx, source, order_id)
    return Story(source, order_id, known, tx.source(source), happenings, tx.stuck_order(source, order_id))


def called(tx: Transaction, source: str, text: str) -> list[Known]:
    """The orders of a source with this id, else with this number."""
    matching = tx.find_orders(source, text)
    return [known for known in matching if known.order.id == text] or matching


def _happenings(tx: Transaction, source: str, order_id: str) -> list[Happening]:
    rows = tx.story(source, order_id, _LATEST, _MOST_EVENTS)
    told = tx.told([row.id for row in rows])
    messages = _messages(tx, {one.id: one for deliveries in told.values() for one in deliveries})
    happenings = []
    for row in rows:
        if isinstance(row.event, OrderEvent):
            mine = [messages[delivery.id] for delivery in told.get(row.id, ())]
            happenings.append(Happening(row.id, row.event, _ROUTING.decode(row.routing), mine))
    return happenings


def _messages(tx: Transaction, deliveries: Mapping[int, Delivery]) -> dict[int, Message]:
    counts = tx.told_of(deliveries)
    return {id_: Message(one, counts[id_] - 1, tx.attempts(id_)) for id_, one in deliveries.items()}
