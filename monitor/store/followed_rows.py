"""The orders that are followed by id, as far as they were named from the shell; the configuration names others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from monitor.store.sql import Rows, from_us, to_us


class FollowedRows(Rows):
    """The part of a transaction that is about followed ids."""

    def followed(self, source: str) -> Mapping[str, datetime]:
        rows = self._db.rows(
            "SELECT order_id, since FROM followed WHERE source = :source ORDER BY LENGTH(order_id), order_id",
            source=source,
        )
        return {order_id: from_us(since) for order_id, since in rows}

    def follow(self, source: str, order_id: str, since: datetime) -> bool:
        return bool(
            self._db.run(
                "INSERT INTO followed (source, order_id, since) VALUES (:source, :order_id, :since)"
                " ON CONFLICT (source, order_id) DO NOTHING",
                source=source,
                order_id=order_id,
                since=to_us(since),
            )
        )

    def unfollow(self, source: str, order_id: str) -> bool:
        ended = self._db.run(
            "DELETE FROM followed WHERE source = :source AND order_id = :order_id", source=source, order_id=order_id
        )
        if ended:
            self._db.run("DELETE FROM orders WHERE source = :source AND id = :id", source=source, id=order_id)
            self._db.run("DELETE FROM stuck WHERE source = :source AND order_id = :id", source=source, id=order_id)
            # Whoever is polling the source has read this order, or remembers it: that poll must not write it again.
            self._db.run("UPDATE sources SET fence = fence + 1 WHERE name = :source", source=source)
        return bool(ended)

    def keep_orders(self, source: str, ids: Collection[str]) -> list[str]:
        rows = self._db.rows(
            f"DELETE FROM orders WHERE source = :source AND id NOT IN"  # noqa: S608  # the driver's own constant
            f" (SELECT value FROM {self._db.texts}(:ids)) RETURNING id",
            source=source,
            ids=msgspec.json.encode(list(ids)).decode(),
        )
        if rows:
            self._db.run(
                f"DELETE FROM stuck WHERE source = :source AND order_id NOT IN"  # noqa: S608  # as above
                f" (SELECT value FROM {self._db.texts}(:ids))",
                source=source,
                ids=msgspec.json.encode(list(ids)).decode(),
            )
        return [order_id for (order_id,) in rows]
