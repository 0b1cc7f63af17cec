"""When a server says that it is asked enough: all sources of the host leave it in peace, and none fails for it."""

from __future__ import annotations

from itertools import chain, repeat

from loopback import HeldClock, Log, MakeReader, Serve

from monitor.sources.base import Request

ORDERS = Request("/api/v1/orders")


async def test_a_host_whose_limit_is_used_up_is_left_in_peace_until_its_reset(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    log = Log(clock, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"})
    url = await serve(log.answer)
    shop, office = make_reader(url), make_reader(url)
    await shop.get(ORDERS)
    log.headers = {}
    await office.get(ORDERS)
    assert log.came == [1000, 1040]
    assert (shop.requests, office.requests) == (1, 1)


async def test_a_reset_far_away_is_waited_for_a_minute(serve: Serve, make_reader: MakeReader, clock: HeldClock) -> None:
    log = Log(clock, **{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "86400"})
    reader = make_reader(await serve(log.answer))
    for _ in range(3):
        await reader.get(ORDERS)
    assert log.came == [1000, 1060, 1120]


async def test_the_servers_limit_used_up_page_after_page_fails_no_poll(
    serve: Serve, make_reader: MakeReader, clock: HeldClock
) -> None:
    """A poll that the server slows down still has patience with the failure that comes in the end."""
    log = Log(clock, **{"RateLimit": '"default";r=0;t=30'})
    reader = make_reader(await serve(log.answer))
    log.statuses = chain([200, 500], repeat(200))
    await reader.get(ORDERS)
    await reader.get(ORDERS)
    assert reader.requests == 3
