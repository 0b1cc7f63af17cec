"""A life drawn by seed, and a timeline written by a person."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from talking import NOW, TurnedClock, world_of

from monitor.simulator.faults import Faults, Latency
from monitor.simulator.server import run_life, run_timeline
from monitor.simulator.timeline import BadTimeline, Life, Timeline
from monitor.simulator.truth import ChangeKind, TrueChange, TrueService, UnknownOrder
from monitor.simulator.world import World


def alive(seed: int, **how: Any) -> Life:
    return Life(World.seeded(1, 500, now=lambda: NOW), seed, **how)


def transitions(changes: list[TrueChange]) -> Counter[tuple[str, str]]:
    return Counter((c.before.status, c.after.status) for c in changes if c.before and c.after)


def test_a_life_is_the_same_for_the_same_seed() -> None:
    hour = NOW + timedelta(hours=1)
    assert alive(3).step(hour) == alive(3).step(hour)
    assert alive(3).step(hour) != alive(4).step(hour)


def test_a_life_does_not_depend_on_how_often_it_is_stepped() -> None:
    once, often = alive(3), alive(3)
    whole = once.step(NOW + timedelta(minutes=10))
    assert [change for second in range(601) for change in often.step(NOW + timedelta(seconds=second))] == whole
    assert whole


def test_a_life_places_pays_flags_cancels_and_turns() -> None:
    changes = alive(5, rate=60).step(NOW + timedelta(hours=2))
    seen = transitions(changes)
    placed = sum(change.kind is ChangeKind.PLACED for change in changes)
    assert placed == pytest.approx(7200, rel=0.05)
    assert seen["pending", "active"] / placed == pytest.approx(0.8, abs=0.03)
    for rare in [("pending", "fraud"), ("pending", "cancelled"), ("active", "fraud"), ("fraud", "active")]:
        assert 0 < seen[rare] < seen["pending", "active"] / 4
    assert [change.at for change in changes] == sorted(change.at for change in changes)


def test_a_life_leaves_alone_what_somebody_else_decided() -> None:
    life = alive(5, rate=60)
    life.world.listeners.append(lambda change: decide_first(life.world, change))
    changes = life.step(NOW + timedelta(minutes=10))
    assert len(changes) > 100
    seen = transitions(changes)
    assert [pair for pair in seen if "held" in pair] == [("pending", "held")]
    assert ("pending", "active") not in seen


def decide_first(world: World, change: TrueChange) -> None:
    """Each new order is put on hold or deleted before its life decides it."""
    if change.kind is ChangeKind.PLACED and change.order.id % 2:
        world.set_status(change.order.id, "held")
    elif change.kind is ChangeKind.PLACED:
        world.delete(change.order.id)


async def test_a_running_life_keeps_to_its_worlds_clock() -> None:
    clock = TurnedClock()
    life = Life(World(now=clock.now), 1, rate=60)
    changed = asyncio.Event()
    life.world.listeners.append(lambda change: changed.set() if change.sequence == 100 else None)

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        await asyncio.sleep(0)

    running = asyncio.create_task(run_life(life, sleep))
    await asyncio.wait_for(changed.wait(), 5)
    running.cancel()
    # Each change comes no earlier than it is due, and the sleeps go from one to the next.
    assert life.world.log[-1].at <= clock.time
    assert sum(clock.slept) == pytest.approx((clock.time - NOW).total_seconds(), abs=0.01)
    assert len(clock.slept) > 50


TIMELINE: list[dict[str, object]] = [
    {"at": "5s", "set": {"order": "SHOP-1", "status": "fraud"}},
    {"at": "2s", "place": {"number": "SHOP-1", "total": 500, "currency": "EUR"}},
    {"at": "1m", "change": {"order": "SHOP-1", "total": 700, "items": [{"product": "VPS", "price": 700}]}},
    {"at": "1m", "fault": {"kind": "latency", "seconds": 2}},
    {"at": 90, "clear": "all"},
    {"at": "1500ms", "delete": "ORD-0001"},
]


def test_a_timeline_does_its_steps_in_the_order_of_their_times() -> None:
    world = world_of(1)
    faults = Faults(world)
    timeline = Timeline.parse(TIMELINE)
    assert timeline.next_at == 1.5
    assert timeline.step(1.4, world, faults) == 0
    assert timeline.step(2, world, faults) == 2
    assert "ORD-0001" not in world
    assert (world.order("SHOP-1").total, world.order("SHOP-1").currency) == (500, "EUR")
    assert timeline.step(59.9, world, faults) == 1
    assert world.order("SHOP-1").status == "fraud"
    assert timeline.step(60, world, faults) == 2
    assert (world.order("SHOP-1").total, world.order("SHOP-1").items[0].product) == (700, "VPS")
    assert list(faults.active) == [Latency(seconds=2)]
    assert timeline.step(1000, world, faults) == 1
    assert not faults.active
    assert timeline.next_at is None


async def test_a_running_timeline_waits_for_each_step_and_ends() -> None:
    clock = TurnedClock()
    world = World(now=clock.now)
    world.place()
    await run_timeline(Timeline.parse(TIMELINE), world, Faults(world), clock.sleep)
    assert clock.slept == [1.5, 0.5, 3, 55, 30]
    assert [(change.at - NOW).total_seconds() for change in world.log] == [0, 1.5, 2, 5, 60]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"place": {}}, "expected at"),
        ({"at": "soon", "place": {}}, "expected at"),
        ({"at": "1s"}, "expected at .* and one of place, set, change"),
        ({"at": "1s", "explode": 1}, "one of place, set"),
        ({"at": "1s", "place": {}, "delete": "1"}, "one of place, set"),
        ({"at": "1s", "place": {"colour": "red"}}, "no field colour"),
        ({"at": "1s", "set": {"status": "fraud"}}, "order"),
        ({"at": "1s", "set": {"order": "1", "statsu": "fraud"}}, "statsu"),
        ({"at": "1s", "fault": {"kind": "meteor"}}, "meteor"),
        ({"at": "1s", "fault": {"kind": "latency", "seconds": "x"}}, "seconds"),
        ({"at": "1s", "delete": None}, "null"),
    ],
)
def test_a_bad_step_is_refused_with_its_number(entry: dict[str, object], complaint: str) -> None:
    with pytest.raises(BadTimeline, match=f"step 2: .*{complaint}"):
        Timeline.parse([TIMELINE[0], entry])


def test_a_step_about_no_order_says_so() -> None:
    world = World()
    with pytest.raises(UnknownOrder, match="there is no order SHOP-9 in the simulated world"):
        Timeline.parse([{"at": 0, "delete": "SHOP-9"}]).step(0, world, Faults(world))


def test_a_step_can_change_an_invoice_and_services() -> None:
    world = world_of(1)
    services = [{"id": 5, "name": "VPS", "status": "Active"}]
    steps = {"order": 1, "invoice_status": "Paid", "services": services}
    Timeline.parse([{"at": 0, "set": steps}]).step(0, world, Faults(world))
    order = world.order(1)
    assert (order.invoice_status, order.services) == ("Paid", (TrueService(5, "VPS", "Active"),))
    assert [change.kind for change in world.log] == [ChangeKind.PLACED, ChangeKind.CHANGED]
