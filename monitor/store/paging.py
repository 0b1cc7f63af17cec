"""How a page is found among a million rows: in streams that an index holds in order, merged, and never further."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import nlargest
from types import MappingProxyType
from typing import Any, NamedTuple

from monitor.store.sql import Rows

LOOKED_AT = 20_000
"""How many rows a page looks at to find those that fit; the next one looks on from there."""
_END = 2**62


class Stream(NamedTuple):
    """Rows that an index holds one after the other: a condition, and what it names.

    ``id`` is ``+id`` where they are few and to be sorted: the table is not to be searched for them from its end.
    """

    condition: str
    values: Mapping[str, Any] = MappingProxyType({})
    id: str = "id"


WHOLE = Stream("1 = 1")
"""The table itself, by its ids."""


class Streams(NamedTuple):
    """A table's rows by source and by a column, as an index holds them; it has the condition ``among``, too."""

    table: str
    column: str
    among: str = "1 = 1"


class Piece(NamedTuple):
    """Which ids of a table: below ``start``, not below ``floor``."""

    table: str
    start: int
    floor: int = 0


class Paging(Rows):
    """What the listings have in common."""

    def streams(self, of: Streams, source: str | None, also: str = "NULL", **values: Any) -> list[tuple[Any, ...]]:
        """Each (source, value of the column, ``also``) that there is: look-ups from one to the next, by the index."""
        return self._db.rows(
            f"""
            WITH RECURSIVE named (source) AS (
              SELECT COALESCE(:source, (SELECT MIN(source) FROM {of.table} WHERE {of.among}))
              UNION ALL
              SELECT (SELECT MIN(source) FROM {of.table} WHERE {of.among} AND source > named.source)
              FROM named WHERE :source IS NULL AND named.source IS NOT NULL
            ), found (source, value) AS (
              SELECT source, (SELECT MIN({of.column}) FROM {of.table} WHERE {of.among} AND source = named.source)
              FROM named WHERE source IS NOT NULL
              UNION ALL
              SELECT source, (SELECT MIN({of.column}) FROM {of.table}
                              WHERE {of.among} AND source = found.source AND {of.column} > found.value)
              FROM found WHERE found.value IS NOT NULL
            )
            SELECT source, value, {also} FROM found WHERE value IS NOT NULL
            """,  # noqa: S608  # built of constants
            source=source,
            **values,
        )

    def newest(self, of: Piece, streams: Iterable[Stream], limit: int, fits: str = "", **values: Any) -> list[int]:
        """The ids of the newest rows of these streams that fit."""
        return nlargest(
            limit,
            (
                row[0]
                for stream in streams
                for row in self._db.rows(
                    f"""
                    SELECT id FROM {of.table}
                    WHERE {stream.id} < :start AND {stream.id} >= :floor AND {stream.condition} {fits}
                    ORDER BY {stream.id} DESC LIMIT :limit
                    """,  # noqa: S608  # constants
                    **{**values, **stream.values, "start": of.start, "floor": of.floor, "limit": limit},
                )
            ),
        )

    def begin(self, table: str, before: int | None) -> int:
        """Below which id a page begins."""
        return self._last(table, _END) + 1 if before is None else before

    def floor(self, table: str, streams: Iterable[Stream], start: int) -> int:
        """Down to which id a page looks for what fits."""
        return max(self._floor(table, stream, start) for stream in streams)

    def cut(self, of: Piece, ids: list[int], limit: int) -> tuple[list[int], int | None]:
        """Of one id more than fits on a page: the page, and where the next one begins."""
        if len(ids) > limit:
            return ids[:limit], ids[limit - 1]
        # What was deleted leaves gaps, over which no page looks in vain.
        last = self._last(of.table, of.floor) if of.floor else 0
        return ids, last + 1 if last else None

    def _floor(self, table: str, stream: Stream, start: int) -> int:
        if stream is WHOLE:
            return max(0, start - LOOKED_AT)  # rather than to pass over so many wide rows twice
        rows = self._db.rows(
            f"""
            SELECT id FROM {table} WHERE {stream.id} < :start AND {stream.condition}
            ORDER BY {stream.id} DESC LIMIT 1 OFFSET :most
            """,  # noqa: S608  # constants
            **stream.values,
            start=start,
            most=LOOKED_AT - 1,
        )
        return int(rows[0][0]) if rows else 0

    def _last(self, table: str, below: int) -> int:
        rows = self._db.rows(f"SELECT MAX(id) FROM {table} WHERE id < :below", below=below)  # noqa: S608  # constant
        return int(rows[0][0] or 0)


def escaped(text: str) -> str:
    """The text as part of a pattern of LIKE, with ``!`` for the escape."""
    for special in "!%_":
        text = text.replace(special, f"!{special}")
    return text
