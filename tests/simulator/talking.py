"""How the simulator's tests talk to it: a real client, a clock that a test turns, the reference's own example."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import aiohttp
import msgspec

from monitor.simulator.server import TOKEN, Simulator
from monitor.simulator.truth import TrueItem
from monitor.simulator.world import World

NOW = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
PATH = "/api/v1/orders"


class TurnedClock:
    """A clock that only ``sleep`` moves; ``slept`` says how long each sleep was."""

    def __init__(self) -> None:
        self.time = NOW
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += timedelta(seconds=seconds)


class Answered(NamedTuple):
    """An answer, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.json["data"]]


async def ask(
    url: str,
    params: Mapping[str, str] | None = None,
    *,
    token: str | None = TOKEN,
    accept: str = "application/json",
    method: str = "GET",
    data: object = None,
    content_type: str = "application/json",
) -> Answered:
    """One request by a real client, redirects not followed."""
    headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
    headers |= {"Content-Type": content_type} if data is not None else {}
    body = None if data is None else data if isinstance(data, bytes) else msgspec.json.encode(data)
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, params=params, data=body, allow_redirects=False) as response,
    ):
        return Answered(response.status, response.headers, await response.read())


async def ask_orders(simulator: Simulator, /, **params: str) -> Answered:
    """A request for the list."""
    return await ask(simulator.url + PATH, params)


@asynccontextmanager
async def serving(world: World, dialect: str = "documented") -> AsyncIterator[Simulator]:
    """A simulator whose own sleeps take no time."""
    clock = TurnedClock()
    async with Simulator(world, dialect, sleep=clock.sleep) as simulator:
        yield simulator


def world_of(count: int) -> World:
    """``count`` pending orders of 5.00 USD, ids from 1, a minute apart."""
    world = World(now=lambda: NOW)
    for number in range(count):
        world.place(created_at=NOW - timedelta(minutes=count - number))
    return world


def reference_world() -> World:
    """The two orders of the reference's example."""
    world = World(now=lambda: NOW)
    world.place(
        id=88,
        status="active",
        total=2200,
        created_at=datetime(2026, 4, 1, 9, 15, tzinfo=UTC),
        items=[
            TrueItem("Starter Hosting Plan", price=2000),
            TrueItem("Domain Registration — .com", price=1200),
        ],
    )
    world.place(
        id=91,
        total=500,
        created_at=datetime(2026, 4, 10, 14, 22, tzinfo=UTC),
        items=[TrueItem("Business Email Add-on", price=500)],
    )
    return world
