"""Schedules, and what is late."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from monitor.store.group_rows import DAY
from monitor.store.orphan_rows import json_of
from monitor.store.sql import Rows, from_us, from_us_or_none, to_us, to_us_interval

_READING = "takes "


class RoundRows(Rows):
    """The part of a transaction that is about schedules, and about whether all is well."""

    def seen_to(self, schedule: str) -> datetime | None:
        rows = self._db.rows("SELECT seen_to FROM schedules WHERE name = :name", name=schedule)
        return from_us_or_none(rows[0][0]) if rows else None

    def see_to(self, schedule: str, up_to: datetime) -> None:
        self._db.run(
            """
            INSERT INTO schedules (name, seen_to) VALUES (:name, :at)
            ON CONFLICT (name) DO UPDATE SET seen_to = excluded.seen_to
            """,
            name=schedule,
            at=to_us(up_to),
        )

    def note_reading(self, slow: Mapping[str, float], quick: Collection[str]) -> None:
        for source, took in slow.items():
            self.see_to(_READING + source, from_us(to_us_interval(took)))
        self._db.run(
            f"DELETE FROM schedules WHERE name IN (SELECT value FROM {self._db.texts}(:names))",  # noqa: S608  # constant
            names=json_of(_READING + source for source in quick),
        )

    def reading_times(self) -> dict[str, float]:
        rows = self._db.rows(
            "SELECT name, seen_to FROM schedules WHERE name >= :first AND name < :beyond",
            first=_READING,
            beyond=_READING + "\U0010ffff",
        )
        return {name.removeprefix(_READING): took / 1_000_000 for name, took in rows}

    def due_since(self) -> datetime | None:
        # By the end of its day, which began when it was due first: each failure moves ``due_at``.
        rows = self._db.rows("SELECT MIN(expires_at) FROM deliveries WHERE state IN ('waiting', 'sending')")
        return from_us(rows[0][0]) - DAY if rows[0][0] is not None else None

    def let_go_gathered(self, gathers: str, now: datetime) -> int:
        return self._db.run(
            """
            UPDATE deliveries SET due_at = :now, retry_in = 0
            WHERE state = 'waiting' AND gathers = :gathers AND attempts = 0 AND due_at > :now
            """,
            gathers=gathers,
            now=to_us(now),
        )
