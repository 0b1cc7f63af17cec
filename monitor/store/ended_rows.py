"""Log-ins that were ended before their time."""

from __future__ import annotations

from datetime import datetime

from monitor.store.sql import Rows, from_us, to_us


class EndedRows(Rows):
    """The part of a transaction that is about sessions of the page."""

    def end_session(self, session: str, until: datetime, now: datetime) -> None:
        self._db.run("DELETE FROM ended_sessions WHERE until <= :now", now=to_us(now))
        self._db.run(
            "INSERT INTO ended_sessions (id, until) VALUES (:id, :until) ON CONFLICT (id) DO NOTHING",
            id=session,
            until=to_us(until),
        )

    def ended_sessions(self, now: datetime) -> dict[str, datetime]:
        rows = self._db.rows("SELECT id, until FROM ended_sessions WHERE until > :now", now=to_us(now))
        return {session: from_us(until) for session, until in rows}
