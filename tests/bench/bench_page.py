"""The scene of the page: a million orders are known, fifty pages are open, and others are loaded meanwhile."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp
from bench_client import World
from bench_goals import Measured
from bench_ours import write_config
from bench_place import Place, say
from bench_served import Cost, Server, Streams, constant, daemon, listening, loaded, polled
from bench_stats import percentile

from monitor.model import EventKind, Order, OrderEvent
from monitor.store.base import Transaction
from monitor.store.listings import OrderKey
from monitor.store.sqlite import SqliteStore
from monitor.web.pages.orders import written

_STREAMS = 50
_EVENTS = 50_000
_LOADS = 20
_CHANGES = 12
_IDLE_S = 5.0
_MB = 1_000_000
_MIDDLE = OrderKey(
    int((datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=500_000)).timestamp()) * 10**6, "shop", "1"
)
_PAGES = {
    "page_overview": "/",
    "page_orders": "/orders",
    "page_deep": f"/orders?after={written(_MIDDLE)}",
    "page_filtered": "/orders?source=shop&status=fraud",
    "page_search": "/orders?text=ORD-05000",
    "page_events": "/events",
    "page_events_search": "/events?text=ord-0500",
    "page_story": "/orders/shop/500000",
}
"""By goal, what is loaded."""


class _Told(NamedTuple):
    """How long after the answer that shows a change its row was on every page, and its alert was there."""

    row: float
    alert: float


async def page(place: Place, count: int = 1_000_000) -> list[Measured]:
    """Each page, alone and beside the floor; changes, with and without somebody who loads pages."""
    world = place.world
    world.begin(count)
    state = place.known_state(count)
    await _with_history(state, count)
    config = write_config(world, state, ", every: 1h", more='web: {listen: "127.0.0.1:0"}')
    with daemon(config) as ours, constant() as floor:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            return await _measured(world, ours, floor, http)


async def _measured(world: World, ours: Server, floor: Server, http: aiohttp.ClientSession) -> list[Measured]:
    await _begun(world, ours, http)
    alone, before = await _idle(ours), ours.resident
    async with listening(ours, "/stream", b"event: event", _STREAMS) as streams:
        await asyncio.sleep(1.0)
        held, idle = ours.resident - before, await _idle(ours)
        rows = [await _page(key, path, http, ours, floor) for key, path in _PAGES.items()]
        calm = [await _told(world, ours, http, streams, number) for number in range(1, _CHANGES + 1)]
        async with _under_load(ours):
            busy = [await _told(world, ours, http, streams, _CHANGES + n) for n in range(1, _CHANGES + 1)]
    return [
        *rows,
        _row("page_row", calm, await _fanned_out(floor, http)),
        _slowed("page_load", calm, busy),
        Measured("page_memory", held / _MB, f"+{held / _MB:.1f} MB", held / _MB / 10),
        Measured("page_idle", idle - alone, f"{idle:.2f} s; without {alone:.2f} s", (idle - alone) / 1.0),
    ]


async def _with_history(path: Path, count: int) -> None:
    """Events of the last week, as a state has that was not made a minute ago."""
    chosen, now = random.Random(7), datetime.now(UTC)

    def write(tx: Transaction) -> None:
        for number in range(_EVENTS):
            at = now - timedelta(days=7) * (1 - number / _EVENTS)
            order_id = chosen.randrange(1, count)
            order = Order(str(order_id), "active", number=f"ORD-{order_id:07}")
            was = Order(order.id, "pending", number=order.number)
            tx.add_event(OrderEvent("shop", EventKind.STATUS_CHANGED, at, order, -number - 1, before=was), "{}")

    store = SqliteStore.open(path)
    await store.transact(write)
    await store.aclose()


async def _begun(world: World, ours: Server, http: aiohttp.ClientSession) -> None:
    """The daemon knows all orders, and has told of a first change."""
    world.control("reset")
    moved = world.move("active", "fraud", 1)
    for _ in range(300):
        if moved <= world.arrivals().keys():
            break
        await asyncio.sleep(0.1)
    else:
        raise RuntimeError("the daemon tells nothing")
    for path in _PAGES.values():
        await loaded(http, ours, path, 2)


async def _idle(ours: Server) -> float:
    """Seconds of CPU that it uses in a minute in which nothing happens."""
    before = ours.cpu
    await asyncio.sleep(_IDLE_S)
    return (ours.cpu - before) / _IDLE_S * 60


async def _page(key: str, path: str, http: aiohttp.ClientSession, ours: Server, floor: Server) -> Measured:
    cost = await loaded(http, ours, path, _LOADS)
    bare = await loaded(http, floor, f"/?{cost.size}", _LOADS)
    wall = percentile(cost.walls, 0.95)
    say(f"{path}: {wall * 1000:.1f} ms, {cost.cpu * 1000:.1f} ms CPU, {cost.size:,} bytes")
    figure = f"{wall * 1000:.0f} ms, {cost.cpu * 1000:.1f} ms CPU; constant page {bare.cpu * 1000:.1f} ms CPU"
    return Measured(key, wall, figure, cost.cpu / bare.cpu, _details(cost, bare))


def _details(cost: Cost, bare: Cost) -> dict[str, float]:
    return {"size": cost.size, "median": median(cost.walls), "floor_p95": percentile(bare.walls, 0.95)}


async def _told(world: World, ours: Server, http: aiohttp.ClientSession, streams: Streams, number: int) -> _Told:
    world.control("reset")
    moved = world.move(*(("active", "fraud"), ("fraud", "active"))[number % 2], 1)
    await polled(http, ours)
    row_at = await streams.all_have(number)
    for _ in range(100):
        if moved <= (arrived := world.arrivals()).keys():
            break
        await asyncio.sleep(0.05)
    else:
        raise RuntimeError("an alert did not arrive")
    [shown], [alert_at] = world.shown().values(), [arrived[order] for order in moved]
    return _Told(row_at - shown, alert_at - shown)


@asynccontextmanager
async def _under_load(ours: Server) -> AsyncIterator[None]:
    """Somebody loads one page after the other."""

    async def load() -> None:
        async with aiohttp.ClientSession() as http:
            while True:
                for path in _PAGES.values():
                    await loaded(http, ours, path, 1)

    loading = asyncio.create_task(load())
    try:
        yield
    finally:
        if loading.done():
            loading.result()
        loading.cancel()
        with suppress(asyncio.CancelledError):
            await loading


async def _fanned_out(floor: Server, http: aiohttp.ClientSession) -> float:
    """Seconds until a kilobyte is at as many streams of the floor's."""
    async with listening(floor, "/stream", b"data: ", _STREAMS) as streams:
        seconds = []
        for number in range(1, _CHANGES + 1):
            started = time.monotonic()
            async with http.get(f"{floor.url}/tell?1000"):
                seconds.append(await streams.all_have(number) - started)
    return percentile(seconds, 0.95)


def _row(key: str, told: Sequence[_Told], floor: float) -> Measured:
    seconds = percentile([one.row for one in told], 0.95)
    figure = f"{seconds * 1000:.0f} ms; constant bytes {floor * 1000:.1f} ms"
    return Measured(key, seconds, figure, seconds / floor, {"median": median(one.row for one in told)})


def _slowed(key: str, calm: Sequence[_Told], busy: Sequence[_Told]) -> Measured:
    with_load, without = (percentile([one.alert for one in told], 0.95) for told in (busy, calm))
    figure = f"{with_load * 1000:.0f} ms; without {without * 1000:.0f} ms"
    medians = [median(one.alert for one in told) for told in (busy, calm)]
    return Measured(key, with_load / without, figure, with_load / without, {"medians": medians})
