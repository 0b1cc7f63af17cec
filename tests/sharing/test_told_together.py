"""What is told once however many daemons find it: groups, storms, digests, drills. Real threads write at one time."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fleet import Daemon, Fleet

from monitor.errors import StateError
from monitor.model import EventKind, Order, OrderEvent
from monitor.polling.telling import Teller
from monitor.store.base import Transaction

SOURCES = tuple(f"s{n}" for n in range(6))
GROUP = {"routes": [{"name": "all", "channels": ["ops"], "group": {"by": [], "wait": "30s"}}]}
STORM = {"routes": [{"name": "all", "channels": ["ops"], "storm": {"over": 4, "within": "5m"}}]}
DIGEST = {"routes": [{"name": "all", "channels": ["ops"], "digest": {"daily": "08:00"}}]}
LONG = int(os.environ.get("ROUNDS", "40"))


async def all_look(daemons: list[Daemon]) -> None:
    """Each daemon looks at its sources, all at one time."""
    await asyncio.gather(*(one.poll(name) for one in daemons for name in sorted(one.held)))


@pytest.mark.parametrize(("routes", "why"), [(GROUP, "group"), (STORM, "storm"), (DIGEST, "digest")])
async def test_events_of_several_daemons_make_one_message(fleet: Fleet, routes: dict[str, Any], why: str) -> None:
    daemons = await fleet.several(3, fleet.settings(*SOURCES, **routes))
    await all_look(daemons)
    for order in (1, 2, 3):
        fleet.change(order)
        await all_look(daemons)
    assert await fleet.rows("SELECT count(*) FROM events WHERE kind = 'status_changed'") == [(18,)]
    assert await fleet.rows("SELECT gathers, count(*) FROM deliveries GROUP BY gathers") == [(why, 1)]
    assert await fleet.rows("SELECT count(*) FROM delivery_events") == [(18,)]


async def test_a_drill_is_held_once(fleet: Fleet) -> None:
    due = datetime.now(UTC) - timedelta(minutes=5)
    drill = {"drill": {"channels": ["ops"], "daily": f"{due:%H:%M}"}}
    daemons = await fleet.several(3, fleet.settings(*SOURCES, **drill))
    await asyncio.gather(*(one.app.rounds.drill() for one in daemons))
    await fleet.rows("UPDATE schedules SET seen_to = seen_to - 3600 * 1000000::bigint RETURNING 1")
    for one in daemons:
        one.app.rounds._seen_to = None
    await asyncio.gather(*(one.app.rounds.drill() for one in daemons))
    assert await fleet.rows("SELECT count(*) FROM deliveries") == [(1,)]


async def test_one_daemon_at_a_time_has_the_duty(fleet: Fleet) -> None:
    one, two, three = await fleet.several(3, fleet.settings(*SOURCES))
    assert [daemon.roster.has_duty() for daemon in (one, two, three)] == [True, False, False]
    await one.roster.leave()
    await asyncio.gather(two.beat(), three.beat())
    assert [daemon.roster.has_duty() for daemon in (two, three)].count(True) == 1


async def test_how_long_a_source_takes_is_known_to_whoever_makes_the_rounds(fleet: Fleet) -> None:
    """Its heartbeat must not be held back because another daemon reads it, slowly."""
    one, two = await fleet.several(2, fleet.settings(*SOURCES))
    reader, beater = (one, two) if two.roster.has_duty() else (two, one)
    result = await reader.poll(min(reader.held))
    assert result
    result.seconds = 300.0
    reader.app.rounds.polled(result)
    await reader.app.rounds.note()
    assert await beater.app.store.read(lambda tx: tx.reading_times()) == {result.source: 300.0}
    result.seconds = 1.0
    reader.app.rounds.polled(result)
    await reader.app.rounds.note()
    assert await beater.app.store.read(lambda tx: tx.reading_times()) == {}


class Writers:
    """Daemons that find events, and send, as fast as they can. ``found`` counts what was committed."""

    def __init__(self, fleet: Fleet, daemons: list[Daemon], seed: int) -> None:
        self._fleet = fleet
        self._daemons = daemons
        self._dice = random.Random(seed)
        self.found = 0
        self.failed = Counter[str]()

    async def find(self, one: Daemon, revision: int, count: int) -> None:
        """One look of this daemon finds so many changes."""
        now, router, name = one.app._clock.now(), one.app._router, one.name
        orders = [Order(str(number), "fraud") for number in range(count)]

        def write(tx: Transaction) -> None:
            teller = Teller(tx, router, now)
            for order in orders:
                teller.tell(OrderEvent(name, EventKind.STATUS_CHANGED, now, order, revision))
            teller.close()

        try:
            await one.app.store.transact(write)
        except StateError as error:
            self.failed[str(error)] += 1
        else:
            self.found += count

    async def burst(self, revision: int) -> None:
        await asyncio.gather(
            *(self.find(one, 10 * revision + n, self._dice.randint(1, 3)) for one in self._daemons for n in range(3)),
            *(one.app.deliveries.drain() for one in self._daemons if self._dice.random() < 0.3),
            self._daemons[0].beat(),
        )


async def hammer(fleet: Fleet, routes: dict[str, Any], rounds: int, seed: int) -> None:
    settings = fleet.settings("d1", "d2", "d3", **routes)
    daemons = await fleet.several(3, settings)
    writers = Writers(fleet, daemons, seed)
    for number in range(1, rounds + 1):
        await writers.burst(number)
        twice = await fleet.rows(
            "SELECT queue, count(*) FROM deliveries WHERE gathers <> '' AND state = 'waiting' AND attempts + fence = 0"
            " GROUP BY queue, url, channel HAVING count(*) > 1"
        )
        assert twice == [], f"two open messages of one queue (seed {seed})"
    assert writers.failed == {}
    assert await fleet.rows("SELECT count(*) FROM events") == [(writers.found,)]
    assert await fleet.rows("SELECT count(*), count(DISTINCT event_id) FROM delivery_events") == [
        (writers.found, writers.found)
    ]
    assert await fleet.rows("SELECT sum(events) FROM route_events") == [(writers.found,)]
    for one in daemons:
        await one.app.deliveries.drain()
    assert len({copy.ref for copy in fleet.sent}) == len(fleet.sent)


QUICK = {"routes": [{"name": "all", "channels": ["ops"], "group": {"by": [], "wait": "1s"}}]}


@pytest.mark.parametrize("routes", [GROUP, QUICK, STORM, {}])
async def test_daemons_that_write_at_one_time_lose_and_double_nothing(fleet: Fleet, routes: dict[str, Any]) -> None:
    await hammer(fleet, routes, 8, 1)


@pytest.mark.torture
@pytest.mark.timeout(0)
@pytest.mark.parametrize("routes", [GROUP, QUICK, STORM, {}])
async def test_daemons_that_write_at_one_time_for_long(fleet: Fleet, routes: dict[str, Any]) -> None:
    await hammer(fleet, routes, LONG, random.randrange(1 << 30))
