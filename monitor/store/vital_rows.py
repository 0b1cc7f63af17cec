"""Signs of life. A health check imports this often, so that it must need little."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from monitor.model import SourceState
from monitor.store.sql import Rows, from_us, from_us_or_none, to_us
from monitor.store.vitals import STUCK_AFTER, Signs

ALIVE = "alive"
READ = "read "
ORPHANED = "waits: "
"""How the reason begins that a delivery without a channel is given (delivery/orphans.py)."""
_LATEST_ATTEMPTS = 5000
_STATE = msgspec.json.Decoder(SourceState)


class VitalRows(Rows):
    """The part of a transaction that is about the daemon's life."""

    def live(self, now: datetime, read_at: Mapping[str, datetime]) -> None:
        times = {ALIVE: now} | {READ + source: at for source, at in read_at.items()}
        self._db.run_many(
            """
            INSERT INTO schedules (name, seen_to) VALUES (:name, :at)
            ON CONFLICT (name) DO UPDATE SET seen_to = excluded.seen_to
            """,
            [{"name": name, "at": to_us(at)} for name, at in times.items()],
        )

    def leave(self) -> None:
        self._db.run("DELETE FROM schedules WHERE name = :alive OR name LIKE :read", alive=ALIVE, read=READ + "%")

    def signs(self, now: datetime) -> Signs:
        states = self._db.rows("SELECT name, doc FROM sources WHERE doc IS NOT NULL")
        times = {name: from_us(at) for name, at in self._db.rows("SELECT name, seen_to FROM schedules")}
        return Signs(
            sources={name: _STATE.decode(doc) for name, doc in states},
            read_at={name.removeprefix(READ): at for name, at in times.items() if name.startswith(READ)},
            alive_at=times.get(ALIVE),
            stuck_since=self.stuck_since(now),
        )

    def stuck_since(self, now: datetime) -> datetime | None:
        # Attempts are found from the newest back: their times are in no index, and older ones would not count.
        rows = self._db.rows(
            """
            SELECT MIN(d.due_at) FROM deliveries d
            WHERE d.state = 'waiting' AND d.due_at <= :late
              AND (d.last_error IS NULL OR d.last_error NOT LIKE :orphaned)
              AND NOT EXISTS (SELECT 1 FROM deliveries e
                              WHERE e.state IN ('waiting', 'sending') AND e.url = d.url AND e.queue = d.queue
                                AND e.id < d.id)
              AND NOT EXISTS (SELECT 1 FROM deliveries e
                              WHERE e.state = 'waiting' AND e.url = d.url AND e.attempts > 0
                                AND e.due_at > :now AND e.due_at <= :now + e.retry_in)
              AND NOT EXISTS (SELECT 1 FROM attempts a JOIN deliveries e ON e.id = a.delivery_id
                              WHERE a.id > (SELECT MAX(id) - :latest FROM attempts) AND a.at > :late AND a.at <= :now
                                AND e.url = d.url)
            """,
            now=to_us(now),
            late=to_us(now - STUCK_AFTER),
            orphaned=ORPHANED + "%",
            latest=_LATEST_ATTEMPTS,
        )
        return from_us_or_none(rows[0][0])
