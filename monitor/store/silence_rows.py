"""Silences. None is ever deleted: an event's routing names the ones that muted it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from monitor.alerting.silences import Matcher, Silence
from monitor.store.sql import NEWS, Rows, from_us, to_us


class Muting(msgspec.Struct, frozen=True, omit_defaults=True):
    """The ``doc`` of a silence: what no query asks for."""

    matcher: Matcher
    reason: str
    by: str = ""


_DECODER = msgspec.json.Decoder(Muting)


class SilenceRows(Rows):
    """The part of a transaction that is about silences."""

    def add_silence(self, matcher: Matcher, now: datetime, until: datetime, reason: str, by: str = "") -> Silence:
        self._db.notify(NEWS)
        rows = self._db.rows(
            "INSERT INTO silences (created_at, until, doc) VALUES (:now, :until, :doc) RETURNING id",
            now=to_us(now),
            until=to_us(until),
            doc=msgspec.json.encode(Muting(matcher, reason, by)).decode(),
        )
        return Silence(int(rows[0][0]), matcher, now, until, reason, by)

    def active_silences(self, now: datetime) -> list[Silence]:
        return self._silences("WHERE until > :now AND created_at <= :now", now=to_us(now))

    def silences(self) -> list[Silence]:
        return self._silences()

    def end_silence(self, number: int, now: datetime) -> Silence | None:
        active = "WHERE id = :id AND until > :now"
        found = self._silences(active, id=number, now=to_us(now))
        if not found:
            return None
        self._db.notify(NEWS)
        self._db.run(f"UPDATE silences SET until = :now {active}", id=number, now=to_us(now))  # noqa: S608  # a constant
        return found[0]

    def _silences(self, where: str = "", **parameters: Any) -> list[Silence]:
        rows = self._db.rows(f"SELECT id, created_at, until, doc FROM silences {where} ORDER BY id", **parameters)  # noqa: S608  # constants
        return [_silence_of(row) for row in rows]


def _silence_of(row: tuple[Any, ...]) -> Silence:
    number, created_at, until, doc = row
    muting = _DECODER.decode(doc)
    return Silence(int(number), muting.matcher, from_us(created_at), from_us(until), muting.reason, muting.by)
