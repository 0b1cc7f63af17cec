"""What several daemons send: each message once, to a URL one at a time, whoever is stopped, dies, or comes beside."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from fleet import FAILED, Daemon, Fleet, Wrist, until

from monitor.model import DeliveryState, Order, OrderEvent
from monitor.model import EventKind as Kind
from monitor.roster import LEASE_S
from monitor.store.base import Transaction

SOURCES = ("s0", "s1")


async def owe(one: Daemon, count: int, start: int = 1) -> None:
    """So many messages are due, each about an order of its own."""
    [to] = one.app._outfit().destinations
    now = one.app._clock.now()

    def write(tx: Transaction) -> None:
        for number in range(start, start + count):
            event = OrderEvent("s0", Kind.STATUS_CHANGED, now, Order(str(number), "fraud"), number)
            tx.add_delivery("all", to, event, tx.add_event(event, "{}"), now)

    await one.app.store.transact(write)


def titles(fleet: Fleet) -> list[str]:
    return [copy.ref for copy in fleet.sent]


async def states(fleet: Fleet) -> dict[str, int]:
    return dict(await fleet.rows("SELECT state, count(*) FROM deliveries GROUP BY state"))


async def settled(fleet: Fleet) -> None:
    """Until nothing is being sent."""
    async with asyncio.timeout(20):
        while DeliveryState.SENDING in await states(fleet):  # noqa: ASYNC110  # the database says nothing by itself
            await asyncio.sleep(0.05)


async def test_a_url_is_sent_to_by_one_daemon_at_a_time_and_nothing_twice(fleet: Fleet) -> None:
    fleet.takes_s = 0.002
    daemons = [await fleet.daemon(fleet.settings(*SOURCES)) for _ in range(3)]
    for one in daemons:
        one.run()
    await until(lambda: all(one.roster.is_valid for one in daemons))
    for turn in range(4):
        await asyncio.gather(*(owe(one, 5, 100 * turn + 10 * number) for number, one in enumerate(daemons)))
    await until(lambda: len(fleet.sent) >= 60)
    await settled(fleet)
    assert len(set(titles(fleet))) == len(fleet.sent) == 60
    assert fleet.most == 1
    assert await states(fleet) == {DeliveryState.SENT: 60}


async def test_a_lane_is_free_when_it_is_empty(fleet: Fleet) -> None:
    one, two = [await fleet.daemon(fleet.settings(*SOURCES)) for _ in range(2)]
    one.run()
    await until(lambda: one.roster.is_valid)
    await owe(one, 2)
    await until(lambda: len(fleet.sent) == 2)
    for _ in range(100):
        if not await fleet.rows("SELECT 1 FROM leases WHERE name LIKE 'lane %'"):
            break
        await asyncio.sleep(0.02)
    else:
        pytest.fail("it holds on to it")
    assert two.roster.daemons == 1


async def test_an_outage_of_a_url_costs_one_attempt_at_a_time_not_one_for_each_daemon(fleet: Fleet) -> None:
    """Who holds a lane that rests keeps it: it alone knows how often it has failed."""
    fleet.answer = lambda copy: FAILED
    daemons = [await fleet.daemon(fleet.settings(*SOURCES)) for _ in range(3)]
    for one in daemons:
        one.run()
    await until(lambda: all(one.roster.is_valid for one in daemons))
    await owe(daemons[0], 20)

    def all_look() -> bool:
        for one in daemons:
            one.app.deliveries.wake()
        return len(fleet.tried) >= 3

    await until(all_look)
    assert len({copy.daemon for copy in fleet.tried}) == 1
    assert len(fleet.tried) < 8


async def test_a_lane_that_another_holds_is_not_looked_at_again_and_again(fleet: Fleet) -> None:
    one, two = [await fleet.daemon(fleet.settings(*SOURCES)) for _ in range(2)]
    one.sender.gate.clear()
    one.run()
    await until(lambda: one.roster.is_valid)
    await owe(one, 3)
    await until(lambda: fleet.tried)
    looks = 0
    look = two.app.deliveries._look

    def counted(*args: object) -> object:
        nonlocal looks
        looks += 1
        return look(*args)  # type: ignore[arg-type]  # handed on

    two.app.deliveries._look = counted  # type: ignore[method-assign,assignment]  # counted
    two.run()
    await asyncio.sleep(3)
    assert looks <= 6
    assert {copy.daemon for copy in fleet.tried} == {"d1"}
    one.sender.gate.set()
    await until(lambda: len(fleet.sent) == 3)


async def test_what_a_dead_daemon_was_sending_is_sent_by_another(fleet: Fleet) -> None:
    one, two = [await fleet.daemon(fleet.settings(*SOURCES), Wrist(fast=20)) for _ in range(2)]
    one.sender.gate.clear()
    await one.join()
    sending = asyncio.create_task(one.app.deliveries.run())
    await owe(one, 3)
    await until(lambda: fleet.tried)
    two.run()
    await until(lambda: two.roster.is_valid)
    assert len(fleet.tried) == 1
    await fleet.run_out(one)  # it says nothing any more, but its process still hangs about
    await until(lambda: len(fleet.sent) == 3)
    assert {copy.daemon for copy in fleet.sent} == {"d2"}
    one.clock.stopped = LEASE_S
    one.sender.gate.set()
    await until(lambda: len(fleet.sent) == 4)  # the copy that was under way
    await asyncio.sleep(0.2)
    assert len(set(titles(fleet))) == 3
    assert len(fleet.tried) == 4
    await one.app.deliveries.stop(1.0)
    await sending


@pytest.mark.parametrize("comes_back_first", [True, False])
async def test_what_was_claimed_before_a_stop_is_not_sent_after_it(fleet: Fleet, comes_back_first: bool) -> None:
    """Each settling claims the next message. A daemon that is stopped just then, and buried, must not send that one:
    not even when it has joined again before its lane goes on."""
    one, two = [await fleet.daemon(fleet.settings(*SOURCES)) for _ in range(2)]
    await one.join()
    await two.join()
    await owe(one, 3)
    loop = one.app.deliveries
    going = asyncio.Event()
    free, calls = loop._free, 0

    async def stopped_before_the_third(url: str) -> bool:
        nonlocal calls
        calls += 1
        if calls == 3:
            await going.wait()
        return await free(url)

    loop._free = stopped_before_the_third  # type: ignore[method-assign]  # where the process stops
    sending = asyncio.create_task(loop.run())
    await until(lambda: calls == 3)
    assert await states(fleet) == {"sent": 2, "sending": 1}
    await fleet.run_out(one)
    one.clock.stopped = LEASE_S
    await two.beat()
    assert await two.app.deliveries.drain()
    assert [copy.daemon for copy in fleet.sent] == ["d1", "d1", "d2"]
    if comes_back_first:
        await one.beat()
        assert one.roster.is_valid
    going.set()
    await asyncio.sleep(0.2)
    assert [copy.daemon for copy in fleet.tried] == ["d1", "d1", "d2"]
    await loop.stop(1.0)
    await sending


async def test_a_command_beside_daemons_leaves_their_lanes_alone_and_is_left_alone(fleet: Fleet) -> None:
    one, two, command = [await fleet.daemon(fleet.settings(*SOURCES)) for _ in range(3)]
    one.sender.gate.clear()
    await one.join()
    await two.join()
    sending = asyncio.create_task(one.app.deliveries.run())
    await owe(one, 2)
    await until(lambda: fleet.tried)
    async with command.app.visiting():
        assert await command.app.deliveries.drain(), "what others send is not its affair"
        assert [copy.daemon for copy in fleet.tried] == ["d1"]
        one.sender.gate.set()
        await until(lambda: len(fleet.sent) == 2)
        command.sender.gate.clear()
        await owe(one, 1, start=50)
        # What the daemon that runs does not get first, the command sends: nobody takes it away from it meanwhile.
        draining = asyncio.create_task(command.app.deliveries.drain())
        await until(lambda: len(fleet.tried) == 3)
        await two.beat()
        await two.beat()
        command.sender.gate.set()
        assert await draining
    assert len(fleet.tried) == len(fleet.sent) == 3
    assert await fleet.rows("SELECT 1 FROM leases WHERE name LIKE 'visitor %'") == []
    await one.app.deliveries.stop(1.0)
    await sending


async def test_sends_under_way_are_settled_when_the_database_is_back(fleet: Fleet) -> None:
    one = await fleet.daemon(fleet.settings(*SOURCES), Wrist(fast=20))
    one.run()
    await until(lambda: one.roster.is_valid)
    one.sender.gate.clear()
    await owe(one, 2)
    await until(lambda: fleet.tried)
    with fleet.away():
        one.sender.gate.set()
        await until(lambda: fleet.sent)
        await asyncio.sleep(0.5)
        with pytest.raises(psycopg.Error):
            await fleet.rows("SELECT 1")
    await until(lambda: len(fleet.sent) == 2)
    await settled(fleet)
    assert (await states(fleet), len(fleet.tried)) == ({"sent": 2}, 2)
