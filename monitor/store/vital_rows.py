"""Signs of life. A health check imports this often, so that it must need little."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from monitor.model import SourceState
from monitor.store.sql import Rows, from_us, from_us_or_none, to_us
from monitor.store.vitals import STUCK_AFTER, Signs

ALIVE = "alive"
READ = "read "
_DEAD_FOR = timedelta(days=1)
ORPHANED = "waits: "
"""How the reason begins that a delivery without a channel is given (delivery/orphans.py)."""
_LATEST_ATTEMPTS = 5000
_STATE = msgspec.json.Decoder(SourceState)


def _alive(daemon: str) -> str:
    return f"{ALIVE} {daemon}" if daemon else ALIVE


class VitalRows(Rows):
    """The part of a transaction that is about the daemon's life."""

    def live(self, now: datetime, read_at: Mapping[str, datetime], daemon: str = "") -> None:
        times = {_alive(daemon): now} | {READ + source: at for source, at in read_at.items()}
        self._db.run_many(
            """
            INSERT INTO schedules (name, seen_to) VALUES (:name, :at)
            ON CONFLICT (name) DO UPDATE SET seen_to = excluded.seen_to
            """,
            [{"name": name, "at": to_us(at)} for name, at in times.items()],
        )

        if daemon:
            # One that has died among others that live is no sign of anything, once they have seen to its work.
            self._db.run(
                "DELETE FROM schedules WHERE name LIKE :others AND seen_to < :before",
                others=ALIVE + "%",
                before=to_us(now - _DEAD_FOR),
            )

    def leave(self, daemon: str = "") -> None:
        self._db.run("DELETE FROM schedules WHERE name = :alive", alive=_alive(daemon))
        self._db.run(
            "DELETE FROM schedules WHERE name LIKE :read"
            " AND NOT EXISTS (SELECT 1 FROM schedules WHERE name = :alive OR name LIKE :others)",
            read=READ + "%",
            alive=ALIVE,
            others=_alive("%"),
        )

    def signs(self, now: datetime) -> Signs:
        states = self._db.rows("SELECT name, doc FROM sources WHERE doc IS NOT NULL")
        times = {name: from_us(at) for name, at in self._db.rows("SELECT name, seen_to FROM schedules")}
        return Signs(
            sources={name: _STATE.decode(doc) for name, doc in states},
            read_at={name.removeprefix(READ): at for name, at in times.items() if name.startswith(READ)},
            alive_at=max((at for name, at in times.items() if name.partition(" ")[0] == ALIVE), default=None),
            stuck_since=self.stuck_since(now),
        )

    def stuck_since(self, now: datetime) -> datetime | None:
        rows = self._db.rows(
            f"""
            SELECT MIN(d.due_at) FROM deliveries d
            WHERE d.state = 'waiting' AND d.due_at <= :late
              AND (d.last_error IS NULL OR d.last_error NOT LIKE :orphaned)
              AND NOT EXISTS (SELECT 1 FROM deliveries e
                              WHERE e.state IN ('waiting', 'sending') AND e.url = d.url AND e.queue = d.queue
                                AND e.id < d.id)
              AND NOT EXISTS (SELECT 1 FROM deliveries e
                              WHERE e.state = 'waiting' AND e.url = d.url AND e.attempts > 0
                                AND e.due_at > :now AND e.due_at <= :now + e.retry_in)
              AND d.url NOT IN (SELECT value FROM {self._db.texts}(:tried))
            """,  # noqa: S608  # the driver's own constant
            now=to_us(now),
            late=to_us(now - STUCK_AFTER),
            orphaned=ORPHANED + "%",
            tried=msgspec.json.encode(self._tried(now)).decode(),
        )
        return from_us_or_none(rows[0][0])

    def _tried(self, now: datetime) -> list[str]:
        """The URLs (digests) to which something was sent lately."""
        # Attempts are found from the newest back: their times are in no index, and older ones would not count.
        rows = self._db.rows(
            """
            SELECT DISTINCT (SELECT e.url FROM deliveries e WHERE e.id = a.delivery_id)
            FROM (SELECT delivery_id, at FROM attempts ORDER BY id DESC LIMIT :latest) a
            WHERE a.at > :late AND a.at <= :now
            """,
            now=to_us(now),
            late=to_us(now - STUCK_AFTER),
            latest=_LATEST_ATTEMPTS,
        )
        return [url for (url,) in rows if url is not None]
