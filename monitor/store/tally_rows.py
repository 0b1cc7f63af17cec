"""How much a state holds, counted by the database."""

from __future__ import annotations

from monitor.store.base import Tallies
from monitor.store.sql import Rows


class TallyRows(Rows):
    """The part of a transaction that counts."""

    def tallies(self) -> Tallies:
        orders = self._db.rows(
            "SELECT source, status, vanished, COUNT(*) FROM orders GROUP BY source, status, vanished"
        )
        events = self._db.rows("SELECT kind, COUNT(*) FROM events GROUP BY kind")
        deliveries = self._db.rows("SELECT state, COUNT(*) FROM deliveries GROUP BY state")
        return Tallies(
            orders={(source, status, bool(vanished)): count for source, status, vanished, count in orders},
            events=dict(events),
            deliveries=dict(deliveries),
        )
