"""Fire drills on a real state: once for each time they are due, whoever asks, and however often."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hearts import START, Ward
from structlog.testing import capture_logs

from monitor.config.settings import Settings
from monitor.model import EventKind, SourceEvent
from monitor.parts import router_of
from monitor.rounds import _hold_drill
from monitor.store.base import Transaction


def drilling(ward: Ward, daily: str = "09:00") -> Settings:
    """Settings with a drill at this time each day."""
    return ward.settings("shop", drill={"channels": ["ops"], "daily": daily})


async def drills(ward: Ward) -> list[str]:
    """The orders of the drills so far."""
    events = await ward.store.read(lambda tx: tx.events("drill"))
    assert {stored.event.kind for stored in events} <= {EventKind.DRILL}
    return [stored.event.order.id for stored in events if not isinstance(stored.event, SourceEvent)]


async def test_a_drill_is_held_when_it_is_due_and_wakes_the_lanes(ward: Ward) -> None:
    ward.serve(drilling(ward))
    await ward.rounds.make()
    ward.clock.passed = 3599
    await ward.rounds.make()
    assert await drills(ward) == []
    ward.clock.passed = 3600
    with capture_logs() as logs:
        await ward.rounds.make()
    assert await drills(ward) == ["DRILL-2026-04-11"]
    assert ward.woken == 1
    assert [(log["event"], log["channels"]) for log in logs] == [("drill_begun", ["ops"])]


async def test_a_drill_is_held_once_over_restarts_and_looks(ward: Ward) -> None:
    for _ in range(4):
        ward.serve(drilling(ward))
        await ward.rounds.make()
        ward.clock.passed += 1800
        await ward.rounds.make()
        ward.rounds = ward.new_rounds()
    assert await drills(ward) == ["DRILL-2026-04-11"]
    assert len(await ward.store.read(lambda tx: tx.deliveries())) == 1


async def test_a_clock_that_is_set_back_holds_no_drill_twice_nor_up(ward: Ward) -> None:
    ward.serve(drilling(ward))
    await ward.rounds.make()
    ward.clock.passed = 3700
    await ward.rounds.make()
    ward.clock.passed = 0
    await ward.rounds.make()
    for _ in range(3):
        ward.clock.passed += 3700
        await ward.rounds.make()
    assert await drills(ward) == ["DRILL-2026-04-11"]
    ward.clock.passed = 25 * 3600
    await ward.rounds.make()
    assert await drills(ward) == ["DRILL-2026-04-11", "DRILL-2026-04-12"]


async def test_a_clock_that_was_years_ahead_holds_drills_up_no_longer(ward: Ward) -> None:
    await ward.store.transact(lambda tx: tx.see_to("drill", START + timedelta(days=3650)))
    ward.serve(drilling(ward))
    await ward.rounds.make()
    ward.clock.passed = 3600
    await ward.rounds.make()
    assert await drills(ward) == ["DRILL-2026-04-11"]


async def test_two_daemons_hold_one_drill(ward: Ward) -> None:
    """Both found that it is due; the state lets one of them say so."""
    ward.serve(drilling(ward))
    await ward.rounds.make()
    other = ward.new_rounds()
    ward.clock.passed = 3600
    await ward.rounds.make()
    await ward.store.transact(lambda tx: tx.see_to("drill", START))
    ward.rounds = other
    ward.serve(drilling(ward))
    with capture_logs() as logs:
        await ward.rounds.make()
    assert logs == []
    assert await drills(ward) == ["DRILL-2026-04-11"]


async def test_another_time_of_day_counts_from_now_on(ward: Ward) -> None:
    ward.serve(drilling(ward))
    await ward.rounds.make()
    ward.clock.passed = 3600
    await ward.rounds.make()
    ward.serve(drilling(ward, "08:30"))
    await ward.rounds.make()
    assert len(await drills(ward)) == 1
    ward.serve(drilling(ward, "10:00"))
    ward.clock.passed = 7200
    await ward.rounds.make()
    assert len(await drills(ward)) == 2


async def test_a_drill_and_that_it_was_held_are_one_transaction(ward: Ward) -> None:
    """If it breaks in between, the next look holds it."""
    settings = drilling(ward)
    ward.serve(settings)
    await ward.rounds.make()
    ward.clock.passed = 3600
    now, drill = ward.clock.now(), settings.drill
    assert drill is not None

    class Broken(Exception):  # a test's own
        pass

    def breaking(tx: Transaction) -> None:
        assert _hold_drill(tx, drill, router_of(settings), now, ZoneInfo("UTC"))
        raise Broken

    with pytest.raises(Broken):
        await ward.store.transact(breaking)
    assert await drills(ward) == []
    await ward.rounds.make()
    assert await drills(ward) == ["DRILL-2026-04-11"]


async def test_a_drill_is_no_order_of_anybody(ward: Ward) -> None:
    ward.serve(drilling(ward))
    await ward.rounds.make()
    ward.clock.passed = 3600
    await ward.rounds.make()
    tallies = await ward.store.read(lambda tx: tx.tallies())
    assert tallies.orders == {}
    assert tallies.events == {"drill": 1}
    assert START + timedelta(hours=1) == (await ward.store.read(lambda tx: tx.seen_to("drill")))
