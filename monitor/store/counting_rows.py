"""What pages and metrics count: events by time, the outbox at a glance, and whether anything is new at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from zlib import crc32

from monitor.model import Delivery, DeliveryState, EventKind
from monitor.store.delivery_rows import DUE
from monitor.store.leases import DAEMON
from monitor.store.listings import Outbox, Pulse
from monitor.store.outbox_row import COLUMNS, delivery_of, of_state
from monitor.store.sql import Rows, from_us, from_us_or_none, to_us

_GATHERING = "state = 'waiting' AND gathers <> '' AND attempts = 0"


class CountingRows(Rows):
    """The part of a transaction that counts for those who look on."""

    def gathering(self, limit: int) -> list[Delivery]:
        rows = self._db.rows(
            f"SELECT {COLUMNS} FROM deliveries d WHERE {_GATHERING} ORDER BY due_at, id LIMIT :limit",  # noqa: S608  # constants
            limit=limit,
        )
        return [delivery_of(row) for row in rows]

    def events_by_time(
        self, sources: Collection[str], since: datetime, bucket: timedelta
    ) -> Mapping[tuple[str, EventKind, datetime], int]:
        size = bucket // timedelta(microseconds=1)
        return {
            (source, EventKind(kind), from_us(number * size)): count
            for source in sources
            for kind, number, count in self._db.rows(
                "SELECT kind, at / :size, COUNT(*) FROM events WHERE source = :source AND at >= :since"
                " GROUP BY kind, at / :size",
                source=source,
                since=to_us(since),
                size=size,
            )
        }

    def outbox(self, now: datetime) -> Outbox:
        waiting = self._db.rows(
            f"""
            SELECT COUNT(*), COUNT(CASE WHEN {_GATHERING} THEN 1 END), COUNT(CASE WHEN attempts > 0 THEN 1 END)
            FROM deliveries WHERE state = 'waiting'
            """  # noqa: S608  # constants
        )
        all_, gathering, retried = waiting[0]
        return Outbox(
            waiting=all_,
            gathering=gathering,
            sending=self._count(DeliveryState.SENDING),
            retried=retried,
            dead=self._count(DeliveryState.DEAD),
            overdue_since=self._overdue_since(now),
        )

    def pulse(self) -> Pulse:
        row = self._db.rows(
            """
            SELECT (SELECT MAX(id) FROM events), (SELECT MAX(id) FROM deliveries), (SELECT MAX(id) FROM attempts),
                   (SELECT COUNT(*) + SUM(until / 1000) FROM silences),
                   (SELECT COUNT(*) FROM deliveries WHERE state IN ('waiting', 'sending')),
                   (SELECT COUNT(*) FROM deliveries WHERE state = 'dead' AND settled_at IS NOT NULL),
                   (SELECT COUNT(*) FROM deliveries WHERE state = 'sending')
            """
        )[0]
        event, delivery, attempt, silences, unsettled, dead, sending = (value or 0 for value in row)
        return Pulse(event, delivery, attempt, silences, unsettled, dead, self._sources(), sending, self._daemons())

    def _sources(self) -> int:
        """Another number once anything else is known of a source, as after each poll."""
        rows = self._db.rows("SELECT name, doc FROM sources ORDER BY name")
        return crc32("\n".join(f"{name} {doc}" for name, doc in rows).encode())

    def _daemons(self) -> int:
        """Another number once a daemon has come or gone."""
        living = self._db.rows(
            "SELECT name FROM leases WHERE name >= :first AND name < :beyond AND until > :now ORDER BY name",
            first=DAEMON,
            beyond=f"{DAEMON}\U0010ffff",
            now=self._db.now_us(),
        )
        return crc32("\n".join(name for (name,) in living).encode())

    def _count(self, state: DeliveryState) -> int:
        return int(self._db.rows(f"SELECT COUNT(*) FROM deliveries WHERE {of_state(state)}")[0][0])  # noqa: S608  # constants

    def _overdue_since(self, now: datetime) -> datetime | None:
        rows = self._db.rows(
            f"""
            SELECT MIN({DUE}) FROM deliveries d
            WHERE d.state = 'waiting' AND {DUE} <= :now
              AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE e.url = d.url AND e.queue = d.queue AND e.id < d.id
                              AND e.state IN ('waiting', 'sending'))
            """,  # noqa: S608  # constants
            now=to_us(now),
        )
        return from_us_or_none(rows[0][0])
