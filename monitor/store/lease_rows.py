"""Leases: what each of several daemons holds, until when. Judged by the database's clock, where it has one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from monitor.store.leases import Lease
from monitor.store.orphan_rows import json_of
from monitor.store.sql import NEWS, Rows, from_us, to_us, to_us_interval

_ATTENDING = 2**62
"""Until when a lease is that lasts as long as its owner attends; those that run out say until when an owner does."""


class LeaseRows(Rows):
    """The part of a transaction that divides work among daemons."""

    def database_now(self, now: datetime) -> datetime:
        return from_us(self._db.now_us(to_us(now)))

    def take_leases(self, names: Sequence[str], owner: str, lease_s: float | None, most: int) -> list[str]:
        if most <= 0 or not names:
            return []
        now = self._db.now_us()
        # Whoever takes one at the same moment is passed over, not waited for.
        held = self._db.rows(
            f"""
            SELECT name FROM leases
            WHERE name IN (SELECT value FROM {self._db.texts}(:names)) AND until > :now AND owner <> :owner
            """,  # noqa: S608  # the driver's own constant
            names=json_of(names),
            owner=owner,
            now=now,
        )
        others = {name for (name,) in held}
        free = [name for name in names if name not in others][:most]
        rows = self._db.rows(
            f"""
            INSERT INTO leases (name, owner, until)
            SELECT value, :owner, :until FROM {self._db.texts}(:names) WHERE true
            ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until
            WHERE leases.until <= :now OR leases.owner = :owner
            RETURNING name
            """,  # noqa: S608  # the driver's own constant
            names=json_of(sorted(free)),
            owner=owner,
            now=now,
            until=_ATTENDING if lease_s is None else now + to_us_interval(lease_s),
        )
        taken = {name for (name,) in rows}
        return [name for name in free if name in taken]

    def attend(self, name: str, owner: str, lease_s: float) -> bool:
        until = self._db.now_us() + to_us_interval(lease_s)
        # Whoever buries this owner has locked the row: one of the two comes first.
        known = self._db.run(
            "UPDATE leases SET name = :name, until = :until WHERE owner = :owner AND until < :attending",
            name=name,
            owner=owner,
            until=until,
            attending=_ATTENDING,
        )
        if not known:
            self._let_go([owner])
            self._db.run(
                "INSERT INTO leases (name, owner, until) VALUES (:name, :owner, :until)"
                " ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until",
                name=name,
                owner=owner,
                until=until,
            )
        return known > 0

    def held_by(self, owner: str) -> list[str]:
        return [name for (name,) in self._db.rows("SELECT name FROM leases WHERE owner = :owner", owner=owner)]

    def drop_leases(self, owner: str, names: Collection[str]) -> None:
        self._db.run(
            f"DELETE FROM leases WHERE owner = :owner AND name IN (SELECT value FROM {self._db.texts}(:names))",  # noqa: S608  # the driver's own constant
            owner=owner,
            names=json_of(names),
        )

    def leased(self, prefix: str) -> dict[str, str]:
        return {name: owner for name, owner, _ in self._leased(prefix)}

    def timed_leases(self, prefix: str) -> list[Lease]:
        held = self._leased(prefix)
        return [Lease(name, owner, from_us(until)) for name, owner, until in held if until < _ATTENDING]

    def _leased(self, prefix: str) -> list[tuple[Any, ...]]:
        return self._db.rows(
            """
            SELECT name, owner, until FROM leases
            WHERE name >= :first AND name < :beyond AND until > :now ORDER BY name
            """,
            first=prefix,
            beyond=prefix + "\U0010ffff",
            now=self._db.now_us(),
        )

    def count_leased(self, prefix: str) -> dict[str, int]:
        rows = self._db.rows(
            "SELECT owner, COUNT(*) FROM leases WHERE name >= :first AND name < :beyond GROUP BY owner",
            first=prefix,
            beyond=prefix + "\U0010ffff",
        )
        return {owner: int(count) for owner, count in rows}

    def bury_owners(self) -> list[str]:
        # Who is just being renewed, or buried by another, is passed over.
        rows = self._db.rows(
            f"""
            DELETE FROM leases
            WHERE name IN (SELECT d.name FROM leases d WHERE d.until <= :now {self._db.skip_locked_d})
            RETURNING owner
            """,  # noqa: S608  # the driver's own constant
            now=self._db.now_us(),
        )
        dead = sorted({owner for (owner,) in rows})
        if dead:
            self._let_go(dead)
        return dead

    def depart(self, owner: str) -> None:
        self._let_go([owner])

    def sweep_leases(self) -> int:
        orphaned = """
            owner IS NOT NULL AND NOT EXISTS (SELECT 1 FROM leases t WHERE t.owner = {}.owner AND t.until < :attending)
        """
        return self._db.run(
            f"DELETE FROM leases WHERE until = :attending AND {orphaned.format('leases')}",  # noqa: S608  # constants
            attending=_ATTENDING,
        ) + self._db.run(
            "UPDATE deliveries SET state = 'waiting', owner = NULL"  # noqa: S608  # as above
            f" WHERE state = 'sending' AND {orphaned.format('deliveries')}",
            attending=_ATTENDING,
        )

    def _let_go(self, owners: Collection[str]) -> None:
        """All that these hold, or have claimed, is anybody's."""
        whose = f"owner IN (SELECT value FROM {self._db.texts}(:owners))"  # noqa: S608  # the driver's own constant
        for sql in (
            f"DELETE FROM leases WHERE {whose}",  # noqa: S608  # as above
            f"UPDATE sources SET lease_until = 0 WHERE lease_until > 0 AND {whose}",  # noqa: S608  # as above
            f"UPDATE deliveries SET state = 'waiting', owner = NULL WHERE state = 'sending' AND {whose}",  # noqa: S608
        ):
            self._db.run(sql, owners=json_of(owners))
        self._db.notify(NEWS)  # what they were to send waits for nobody else

    def lock_telling(self) -> None:
        self._db.lock_all("telling")

    def tell_others(self, topic: str) -> None:
        self._db.notify(topic)
