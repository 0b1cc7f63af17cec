"""Deliveries that stand in for dead letters, at the channel to which these fall back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from monitor.model import Delivery, Destination
from monitor.store.group_rows import DAY
from monitor.store.outbox_row import COLUMNS, delivery_of
from monitor.store.sql import Rows, to_us


class FallbackRows(Rows):
    """The part of a transaction that is about stand-ins."""

    def stood_for(self, delivery: Delivery) -> list[Delivery]:
        found: list[Delivery] = []
        while delivery.stands_for is not None:
            rows = self._db.rows(f"SELECT {COLUMNS} FROM deliveries d WHERE d.id = :id", id=delivery.stands_for)  # noqa: S608  # constants
            if not rows:
                break
            delivery = delivery_of(rows[0])
            found.append(delivery)
        return found

    def stand_in(self, dead: Delivery, targets: Sequence[Destination], now: datetime) -> list[int]:
        if self._db.rows("SELECT 1 FROM deliveries WHERE stands_for = :id LIMIT 1", id=dead.id):
            return []
        return [self._copy(dead.id, to, now) for to in targets]

    def _copy(self, dead: int, to: Destination, now: datetime) -> int:
        # What was gathered has a queue of its own: nothing may join a message that says what failed. And nothing may
        # drop it: what waited to see whether an order stays as it is has waited.
        rows = self._db.rows(
            """
            INSERT INTO deliveries (route, channel, url_number, url, source, order_id, gathers, queue, stands_for,
                                    state, created_at, due_at, retry_in, wish, expires_at, attempts, fence)
            SELECT route, :channel, :number, :url, source, order_id, CASE gathers WHEN 'for' THEN '' ELSE gathers END,
                   CASE gathers WHEN '' THEN queue ELSE 'fallback ' || id END, id,
                   'waiting', :now, :now, 0, 0, :expires, 0, 0
            FROM deliveries WHERE id = :dead
            RETURNING id
            """,
            channel=to.channel,
            number=to.number,
            url=to.url,
            now=to_us(now),
            expires=to_us(now + DAY),
            dead=dead,
        )
        made = int(rows[0][0])
        self._db.run(
            "INSERT INTO delivery_events (delivery_id, event_id)"
            " SELECT :made, event_id FROM delivery_events WHERE delivery_id = :dead",
            made=made,
            dead=dead,
        )
        return made
