"""Orphans: deliveries that wait for a channel that is gone, or for a URL that it has no more."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import msgspec

from monitor.model import Delivery, Destination
from monitor.store.outbox_row import COLUMNS, delivery_of
from monitor.store.sql import Rows, to_us

_OF_ORPHAN = "state = 'waiting' AND channel = :channel AND url_number = :number AND url = :url"


class OrphanRows(Rows):
    """The part of a transaction that is about orphans."""

    def orphans(self, homes: Collection[Destination]) -> dict[Destination, int]:
        rows = self._db.rows(
            f"""
            SELECT d.channel, d.url_number, d.url, COUNT(*) FROM deliveries d
            WHERE d.state = 'waiting' AND NOT {self.at_home("d")} GROUP BY d.channel, d.url_number, d.url
            """,  # noqa: S608  # built of this file's constants
            homes=json_of(homes),
        )
        return {Destination(channel, number, url): count for channel, number, url, count in rows}

    def move(self, orphan: Destination, to: Destination) -> int:
        return self._db.run(
            f"""
            UPDATE deliveries SET url = :to, url_number = :to_number, last_error = NULL
            WHERE {_OF_ORPHAN} AND NOT EXISTS (
                SELECT 1 FROM delivery_events x JOIN delivery_events y ON y.event_id = x.event_id
                JOIN deliveries o ON o.id = y.delivery_id WHERE x.delivery_id = deliveries.id AND o.url = :to)
            """,  # noqa: S608  # built of this file's constants
            to=to.url,
            to_number=to.number,
            **_lane(orphan),
        )

    def bury_orphans(self, orphan: Destination, now: datetime, reason: str) -> list[Delivery]:
        self._db.run(
            f"UPDATE deliveries SET last_error = :reason WHERE {_OF_ORPHAN} AND COALESCE(last_error, '') <> :reason",  # noqa: S608  # constant
            reason=reason,
            **_lane(orphan),
        )
        over = f"{_OF_ORPHAN} AND expires_at <= :now"
        rows = self._db.rows(
            f"SELECT {COLUMNS} FROM deliveries d WHERE {over} ORDER BY d.id",  # noqa: S608  # constants
            now=to_us(now),
            **_lane(orphan),
        )
        if rows:
            self._db.run(
                f"UPDATE deliveries SET state = 'dead', settled_at = :now WHERE {over}",  # noqa: S608  # constant
                now=to_us(now),
                **_lane(orphan),
            )
        return [delivery_of(row) for row in rows]

    def at_home(self, row: str) -> str:
        """That this row's channel exists, and has this URL."""
        return f"{row}.channel || ' ' || {row}.url IN (SELECT value FROM {self._db.texts}(:homes))"  # noqa: S608  # constants


def _lane(to: Destination) -> dict[str, Any]:
    return {"channel": to.channel, "number": to.number, "url": to.url}


def json_of(values: Iterable[object]) -> str:
    """A list for ``texts`` or ``numbers``; of a destination its channel and URL, as ``at_home`` spells them."""
    plain = [f"{value.channel} {value.url}" if isinstance(value, Destination) else value for value in values]
    return msgspec.json.encode(plain).decode()
