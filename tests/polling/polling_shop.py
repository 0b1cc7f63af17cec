"""The simulated billing API without a network, a clock in the hand, and faults of the tests' own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from pydantic import SecretStr

from monitor.errors import ServerFailed, Unreachable
from monitor.polling.listing import SECOND_PAGE_SIZES
from monitor.polling.poller import Reading
from monitor.simulator.dialect import Asked, Call, Listing, ListOrder, raw_json_reply
from monitor.simulator.faults import Fault, Faults
from monitor.simulator.registry import DIALECTS
from monitor.simulator.server import TOKEN, answer
from monitor.simulator.world import World
from monitor.sources.base import Answer, ListQuery, Request
from monitor.sources.opterius import Opterius

START = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
URL = "https://billing.example.com"


def is_second(call: Call) -> bool:
    """Whether this is a second read of what a first one made suspicious."""
    return call.query.get("per_page") in {str(size) for size in SECOND_PAGE_SIZES}


class HandClock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return START + self.passed

    def monotonic(self) -> float:
        return 1000 + self.passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.pass_(seconds=seconds)

    def random(self) -> float:
        return 0.5

    def pass_(self, **time: float) -> None:
        self.passed += timedelta(**time)


class SmallPages(Fault, frozen=True, kw_only=True):
    """The server gives no more than ``most`` orders a page, whatever it is asked for."""

    most: int = 3

    def asked(self, asked: Asked) -> Asked:
        return msgspec.structs.replace(asked, per_page=min(self.most, asked.per_page))


class Shop:
    """The simulated API, asked in memory. ``served`` holds every row that it gave away since it was last cleared.

    Second reads aside: they only say whether a first one is believed.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        dialect: str = "documented",
        order: ListOrder = "newest",
        clock: HandClock | None = None,
    ) -> None:
        self.clock = clock or HandClock()
        self.world = world or World(now=self.clock.now)
        self.faults = Faults(self.world)
        self.calls: list[Call] = []
        self.served: list[dict[str, Any]] = []
        self.before_answer: Callable[[Call], Awaitable[object]] | None = None
        self.fails: Callable[[int, Call], bool] = lambda number, call: False
        self._dialect = DIALECTS[dialect](TOKEN, order)

    def place(self, count: int, **fields: Any) -> None:
        for _ in range(count):
            self.world.place(**fields)

    def source(self, url: str = URL) -> Opterius:
        return Opterius(url, SecretStr(TOKEN))

    async def get(self, request: Request) -> Answer:
        sent = self.clock.monotonic()
        self.clock.pass_(milliseconds=5)
        headers = {"Accept": "application/json", **request.headers}
        call = Call(request.path, dict(request.params), headers, self.clock.now())
        self.calls.append(call)
        if self.before_answer:
            await self.before_answer(call)
        body = self._body(call)
        self.clock.pass_(milliseconds=5)
        return Answer(URL + request.path, 200, {}, body, sent, self.clock.monotonic())

    def _body(self, call: Call) -> bytes:
        struck = self.faults.take(self._dialect.page(call))
        for fault in struck:
            fault.before(self.world)
        reply = answer(self._dialect, call, self.world, struck)
        if reply.status >= 400:
            raise ServerFailed(f"{reply.status} from {URL}: it cannot answer now")
        if self.fails(len(self.calls), call):
            raise Unreachable(f"{URL}: no connection")
        if not is_second(call):
            self.served += msgspec.json.decode(reply.body)["data"]
        return reply.body

    def reading(self) -> Reading:
        return _ShopReading(self)


class _ShopReading:
    def __init__(self, shop: Shop) -> None:
        self.requests = self.bytes = 0
        self._shop = shop

    async def get(self, request: Request) -> Answer:
        self.requests += 1
        return await self._shop.get(request)


class Without(Fault, frozen=True, kw_only=True):
    """Rows as an older version would have decoded them: without these fields."""

    fields: tuple[str, ...]

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        for row in answer["data"]:
            for field in self.fields:
                del row[field]
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


class CachedPage(Fault, frozen=True, kw_only=True):
    """A cache in front answers one exact query with what it kept."""

    body: bytes
    query: dict[str, str]

    def instead(self, dialect: Any, call: Call) -> Any:
        return raw_json_reply(self.body) if dict(call.query) == self.query else None


async def body_of(shop: Shop, page: int) -> tuple[bytes, dict[str, str]]:
    """What the shop shows on this page now, and the query that a poll asks for it with."""
    query = {"page": str(page), "per_page": "100"}
    answer = await shop.get(
        msgspec.structs.replace(shop.source().list_request(ListQuery()), params=tuple(query.items()))
    )
    return answer.body, query


class NoMeta(Fault, frozen=True, kw_only=True):
    """Pages, but nothing said of them; ``size`` is said, if it is given."""

    size: int | None = None

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        meta = {"meta": {"per_page": self.size}} if self.size else {}
        return msgspec.structs.replace(reply, body=msgspec.json.encode({"data": answer["data"], **meta}))


class WholeList(Fault, frozen=True, kw_only=True):
    """Paging is ignored: each page is the whole list, under the number that was asked for."""

    def asked(self, asked: Any) -> Any:
        return msgspec.structs.replace(asked, page=1, per_page=10_000)

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        answer["meta"] |= {"last_page": 3, "per_page": 100}
        del answer["meta"]["current_page"]
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


class LastPageAgain(Fault, frozen=True, kw_only=True):
    """A page past the end is the last page again, and there are said to be more pages than there are."""

    pages: int = 3

    def asked(self, asked: Any) -> Any:
        return msgspec.structs.replace(asked, page=min(asked.page, self.pages))

    def shown(self, listing: Listing) -> Listing:
        return msgspec.structs.replace(listing, total=listing.total + 500)


class NoTotal(Fault, frozen=True, kw_only=True):
    """The last page is known and the total is not; ``more`` pages past the end are promised, and empty."""

    more: int = 0

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        del answer["meta"]["total"]
        answer["meta"]["last_page"] += self.more
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


class Rows(Fault, frozen=True, kw_only=True):
    """These rows stand before the others."""

    rows: tuple[dict[str, Any], ...]

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        return msgspec.structs.replace(
            reply, body=msgspec.json.encode({**answer, "data": [*self.rows, *answer["data"]]})
        )


class NoLastPage(Fault, frozen=True, kw_only=True):
    """The total is known and the last page is not."""

    def sent(self, reply: Any) -> Any:
        answer = msgspec.json.decode(reply.body)
        del answer["meta"]["last_page"]
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))
