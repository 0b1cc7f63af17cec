"""The floors: the least that would do the same work, with the same libraries or plainer ones.

Reference (d) of facts/performance.md reads the list with 16 requests in flight, decodes id and status, and compares
them with a dict. It stores nothing, proves nothing and tells nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import aiohttp
import msgspec

IN_FLIGHT = 16
PAGE = 100


class _Row(msgspec.Struct, gc=False):
    id: int
    status: str


class _List(msgspec.Struct):
    data: list[_Row]


decoder = msgspec.json.Decoder(_List)


class Floor:
    """Reference (d), warm: its session is open, and it knows the orders."""

    def __init__(self, url: str, pages: int) -> None:
        self._url = f"{url}/api/v1/orders"
        self._pages = pages
        self._known: dict[int, str] = {}
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT))

    async def aclose(self) -> None:
        await self._session.close()

    async def read(self) -> int:
        """Read the whole list; how many orders are new or have another status."""
        numbers = iter(range(1, self._pages + 1))
        return sum(await asyncio.gather(*(self._reader(numbers) for _ in range(IN_FLIGHT))))

    async def _reader(self, numbers: Iterator[int]) -> int:
        changed = 0
        for number in numbers:
            async with self._session.get(f"{self._url}?page={number}&per_page={PAGE}") as response:
                changed += self._compare(decoder.decode(await response.read()).data)
        return changed

    def _compare(self, rows: list[_Row]) -> int:
        known, changed = self._known, 0
        for row in rows:
            if known.get(row.id) != row.status:
                known[row.id] = row.status
                changed += 1
        return changed


async def bare_post(session: aiohttp.ClientSession, url: str) -> float:
    """Seconds until the endpoint has a small alert and has said so: nothing stored, nothing rendered, no retry."""
    started = time.perf_counter()
    async with session.post(url, json={"title": "ORD-0000001", "message": "pending → active"}) as response:
        await response.read()
    return time.perf_counter() - started
