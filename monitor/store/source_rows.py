"""Sources: their leases and what is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from monitor.errors import ClaimLost
from monitor.model import SourceState
from monitor.store.base import Claim
from monitor.store.sql import Rows, to_us

_DECODER = msgspec.json.Decoder(SourceState)


class SourceRows(Rows):
    """The part of a transaction that is about sources."""

    def claim(self, source: str, owner: str, now: datetime, lease_s: float) -> Claim | None:
        # A lease further ahead than it can be long was written by a clock that has been set back since.
        rows = self._db.rows(
            """
            INSERT INTO sources (name, fence, owner, lease_until) VALUES (:name, 1, :owner, :until)
            ON CONFLICT (name) DO UPDATE SET fence = sources.fence + 1, owner = :owner, lease_until = :until
            WHERE sources.owner = :owner OR sources.lease_until <= :now OR sources.lease_until > :until
            RETURNING fence, doc
            """,
            name=source,
            owner=owner,
            now=to_us(now),
            until=to_us(now + timedelta(seconds=lease_s)),
        )
        if not rows:
            return None
        fence, doc = rows[0]
        return Claim(source, fence, _DECODER.decode(doc) if doc else None)

    def check(self, claim: Claim) -> None:
        rows = self._db.rows(
            # Locked: until this look is written, nobody can claim the source.
            f"SELECT 1 FROM sources WHERE name = :name AND fence = :fence {self._db.lock}",  # noqa: S608  # the driver's own constant
            name=claim.source,
            fence=claim.fence,
        )
        if not rows:
            raise ClaimLost(f"{claim.source}: another daemon polls it now; this look is dropped")

    def release(self, claim: Claim) -> None:
        self._db.run(
            "UPDATE sources SET lease_until = 0 WHERE name = :name AND fence = :fence",
            name=claim.source,
            fence=claim.fence,
        )

    def source(self, name: str) -> SourceState | None:
        rows = self._db.rows("SELECT doc FROM sources WHERE name = :name AND doc IS NOT NULL", name=name)
        return _DECODER.decode(rows[0][0]) if rows else None

    def sources(self) -> Mapping[str, SourceState]:
        rows = self._db.rows("SELECT name, doc FROM sources WHERE doc IS NOT NULL ORDER BY name")
        return {name: _DECODER.decode(doc) for name, doc in rows}

    def save_source(self, name: str, state: SourceState) -> None:
        self._db.run(
            "UPDATE sources SET doc = :doc WHERE name = :name", name=name, doc=msgspec.json.encode(state).decode()
        )
