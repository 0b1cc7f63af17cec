"""The hostile source: plays the documented dialect in memory, and changes between any two requests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec
from hammer_changes import Changes
from hammer_manners import OFFICIAL, Manners
from hammer_world import World

from monitor.errors import NotFound, RateLimited, Rejected, ServerFailed, SourceError, Stale, Unreachable
from monitor.sources.base import Answer, Request

URL = "https://billing.example.com"
_NONE_SUCH = ServerFailed, RateLimited, Unreachable
_NONSENSE = (
    b"<html>Log in</html>",
    b'{"success": false, "error": "busy"}',
    b'{"data": [',
    b"",
    b"null",
)
_EMPTY = b'{"data":[],"meta":{"current_page":1,"last_page":1,"per_page":100,"total":0}}'


class Clock(NamedTuple):
    """What a shop needs of the clock."""

    monotonic: Callable[[], float]
    pass_: Callable[[float], None]


class Asked(NamedTuple):
    """What a request asks for, as the server takes it."""

    page: int
    size: int
    status: str | None


class Kept(NamedTuple):
    """An answer in the cache in front."""

    at: float
    body: bytes


class HammerShop:
    """A ``Reading`` of the poller's. ``asked`` is what was asked, and when, for the story.

    ``calm``: nothing fails any more. ``is_known``: it may look empty by mistake. The first time nobody could tell.
    """

    def __init__(self, manners: Manners, world: World, clock: Clock, changes: Changes, chance: random.Random) -> None:
        self.manners = manners
        self.requests = self.bytes = 0
        self.calm = self.is_known = False
        self.asked: list[tuple[float, str]] = []
        self._world = world
        self._clock = clock
        self._changes = changes
        self._chance = chance
        self._blank_until = 0.0
        self._cache: dict[tuple[int, tuple[tuple[str, str], ...]], Kept] = {}

    async def get(self, request: Request) -> Answer:
        self.requests += 1
        sent = self._clock.monotonic()
        await self._travel()
        self._happen()
        self.asked.append((self._clock.monotonic(), " ".join(f"{k}={v}" for k, v in request.params)))
        body = self._answer(request)
        await self._travel()
        self.bytes += len(body)
        return Answer(URL + request.path, 200, {}, body, sent, self._clock.monotonic())

    async def _travel(self) -> None:
        """Requests that are under way at once overtake each other."""
        for _ in range(self._chance.randrange(3)):
            await asyncio.sleep(0)
        self._clock.pass_(self._chance.uniform(0.001, 0.05))

    def _happen(self) -> None:
        if self._chance.random() < self.manners.amid:
            self._changes.happen()

    def _answer(self, request: Request) -> bytes:
        if self.calm:
            return self._body(_asked(dict(request.params), self.manners))
        if self._clock.monotonic() < self._blank_until:
            return _EMPTY
        if self._chance.random() < self.manners.failing:
            return self._failure()
        key = self._chance.randrange(2), request.params
        kept = self._from_cache(self._cache.get(key))
        if kept is not None:
            return kept
        body = self._body(_asked(dict(request.params), self.manners))
        self._cache[key] = Kept(self._clock.monotonic(), body)
        return body

    def _from_cache(self, kept: Kept | None) -> bytes | None:
        """What one of two caches in front answers to exactly this query; None if it asks the shop.

        An answer that is older than a minute and says so is refused, as the HTTP reader does it.
        """
        age = self._clock.monotonic() - kept.at if kept else 0.0
        if kept is None or age > self.manners.kept_s:
            return None
        if self._chance.random() < self.manners.aged and age > 60:
            raise Stale("the answer is old (Age)")
        return kept.body if self._chance.random() < self.manners.cached else None

    def _failure(self) -> bytes:
        error: type[SourceError] | None = self._chance.choice((*_NONE_SUCH, None, None))
        if error is not None:
            raise error("the shop fails now and then")
        if self.is_known and self._chance.random() < 0.1:  # its database is away for some minutes, say
            self._blank_until = self._clock.monotonic() + self._chance.uniform(0, 400)
            return _EMPTY
        return self._chance.choice(_NONSENSE)

    def _body(self, asked: Asked) -> bytes:
        ids = self._filtered(asked.status)
        last = max(1, -(-len(ids) // asked.size))
        page = asked.page
        if page > last and self.manners.past_end == "not found":
            raise NotFound("404: no such page")
        if page > last and self.manners.past_end == "last page":
            page = last
        shown = ids[(page - 1) * asked.size : page * asked.size]
        rows = [self._world.orders[order_id].row(self._id_as) for order_id in self._repeated(shown, ids)]
        return b'{"data":[' + b",".join(rows) + b"]" + self._meta(asked, page, last, len(ids)) + b"}"

    def _id_as(self, order_id: str) -> int | str:
        return int(order_id) if self.manners.ids == "number" else order_id

    def _filtered(self, status: str | None) -> list[str]:
        listed, way = self._world.listed, self.manners.filter
        if status is None or way == "ignored":
            return listed
        if way == "empty":
            return []
        unknown = status not in OFFICIAL and not self.manners.unofficial
        if unknown or (way == "refused" and (status not in OFFICIAL or status == self.manners.refused)):
            raise Rejected("422: The selected status is invalid.")
        orders = self._world.orders
        return [i for i in listed if (state := orders[i].now) and state.status.casefold() == status.casefold()]

    def _repeated(self, shown: list[str], ids: list[str]) -> list[str]:
        """These rows, one of them twice, or one from elsewhere among them; ``hiding``: in another one's place."""
        if not shown or self._chance.random() >= self.manners.repeats:
            return shown
        again = self._chance.choice(ids)
        at = self._chance.randrange(len(shown))
        return [*shown[:at], again, *shown[at + self.manners.hiding :]]

    def _meta(self, asked: Asked, page: int, last: int, total: int) -> bytes:
        manners = self.manners
        if not manners.paging:
            return b""
        meta: dict[str, int] = {"current_page": page, "per_page": asked.size if manners.cap_told else 100}
        claimed_last = self._last_page(last)
        if claimed_last is not None:
            meta["last_page"] = claimed_last
        claimed = self._total(total)
        if claimed is not None:
            meta["total"] = claimed
        return b',"meta":' + msgspec.json.encode(meta)

    def _last_page(self, last: int) -> int | None:
        claims: Mapping[str, int | None] = {"true": last, "short": max(1, last - 1), "long": last + 2}
        return claims.get(self.manners.last_page)

    def _total(self, total: int) -> int | None:
        claims: Mapping[str, int] = {
            "true": total,
            "off": max(0, total + self.manners.off_by),
            "random": self._chance.randint(0, 2 * total + 3),
            "unfiltered": len(self._world.listed),
        }
        return claims.get(self.manners.totals)


def _asked(query: Mapping[str, str], manners: Manners) -> Asked:
    if not manners.paging:
        return Asked(1, 1_000_000, query.get("status"))
    return Asked(int(query["page"]), min(int(query["per_page"]), manners.cap), query.get("status"))
