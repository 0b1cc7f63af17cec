"""Budgets, clocks, signs of life and outages, where several daemons share a state."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from fleet import Fleet, Wrist, until
from structlog.testing import capture_logs

from monitor.asking.health import faults_of
from monitor.clock import SharedClock
from monitor.parts import intervals_of
from monitor.sharing import units_of
from monitor.sources.budget import Budget

LIMITED = {"max_requests_per_minute": 60}


def test_the_sources_of_a_host_with_a_budget_stay_together(fleet: Fleet) -> None:
    units = units_of(fleet.settings("a", "b", "c", a=LIMITED))
    assert len(set(units.values())) == 1
    assert len(set(units_of(fleet.settings("a", "b", "c")).values())) == 3


async def test_a_budget_is_one_daemons(fleet: Fleet) -> None:
    one, two = await fleet.several(2, fleet.settings("a", "b", "c", a=LIMITED))
    assert {len(one.held), len(two.held)} == {0, 3}


@pytest.mark.parametrize("limit", [1, 5, 30, 60, 600])
def test_two_daemons_in_a_row_stay_within_one_budget(limit: int) -> None:
    """However the handover falls: in no minute more requests than one daemon could have sent."""
    for handover in (0.0, 1.0, 7.5, 30.0, 59.0, 90.0):
        times: list[float] = []
        for budget, begin, end in ((Budget(limit), 0.0, handover), (Budget(limit), handover, handover + 130.0)):
            if begin == handover:
                budget.empty(handover)
            now = begin
            while (now := now + budget.wait(now)) <= end:
                budget.spend(now)
                times.append(now)
        most = max(sum(at <= other < at + 60.0 for other in times) for at in times)
        assert most <= limit, (handover, most)


async def test_who_takes_a_source_over_begins_with_an_empty_budget(fleet: Fleet) -> None:
    one, two = [await fleet.daemon(fleet.settings("a", a=LIMITED)) for _ in range(2)]
    await one.join()
    await two.join()
    await one.roster.leave()
    host = two.app._client.host(fleet.shop.url)
    assert host._seconds_to_wait(two.clock.monotonic()) == 0.0
    await two.beat()
    assert two.held == {"a"}
    assert host._seconds_to_wait(two.clock.monotonic()) > 0.5


async def test_a_command_leaves_a_budget_to_the_daemon_that_has_it(fleet: Fleet) -> None:
    settings = fleet.settings("a", a=LIMITED)
    one, command = [await fleet.daemon(settings) for _ in range(2)]
    await one.join()
    async with command.app.visiting():
        assert await command.app.poll_all() == {"a": None}
    await one.roster.leave()
    async with command.app.visiting():
        assert (await command.app.poll_all())["a"] is not None
        await one.join()
        assert one.held == set(), "the command has it"
    await one.beat()
    assert one.held == {"a"}


async def test_a_command_polls_beside_the_daemons_and_disturbs_none(fleet: Fleet) -> None:
    one, two, command = [await fleet.daemon(fleet.settings("a", "b")) for _ in range(3)]
    await one.join()
    await two.join()
    await fleet.beats(2)
    before = (one.held, two.held)
    for daemon in (one, two):
        for name in daemon.held:
            await daemon.poll(name)
    fleet.change(1)
    async with command.app.visiting():
        results = await command.app.poll_all()
        assert [sum(result.committed.events.values()) for result in results.values() if result] == [1, 1]
        await fleet.beats(2)
        assert (one.held, two.held, one.roster.daemons) == (*before, 2)
    for daemon in (one, two):
        for name in daemon.held:
            result = await daemon.poll(name)
            assert result, "it goes on after it"
            assert sum(result.committed.events.values()) == 0
    assert await fleet.rows("SELECT count(*) FROM events WHERE kind = 'status_changed'") == [(2,)]


@pytest.mark.parametrize("minutes", [-7, 7])
async def test_clocks_that_are_minutes_apart_write_one_time(fleet: Fleet, minutes: int) -> None:
    one = await fleet.daemon(fleet.settings("a"), Wrist(timedelta(minutes=minutes)))
    await one.join()
    await one.beat()
    assert abs(one.app._clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
    await one.poll("a")
    state = (await one.app.store.read(lambda tx: tx.sources()))["a"]
    assert state.polled_at
    assert abs(state.polled_at - datetime.now(UTC)) < timedelta(seconds=30)
    async with (await fleet.daemon(fleet.settings("a"), Wrist(timedelta(minutes=-minutes)))).app.visiting():
        command = fleet.daemons[-1]
        assert abs(command.app._clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


async def test_a_clock_that_is_right_is_left_alone(fleet: Fleet) -> None:
    """A correction by what the way to the database takes would make the time jump to and fro."""
    one = await fleet.daemon(fleet.settings("a"))
    for _ in range(20):
        await one.join()
        await one.beat()
    clock = one.app._clock
    assert isinstance(clock, SharedClock)
    assert clock.ahead == timedelta(0)


async def test_signs_of_life_are_of_each_daemon(fleet: Fleet) -> None:
    settings = fleet.settings("a", "b")
    one, two = await fleet.several(2, settings)
    now = datetime.now(UTC)
    for daemon in (one, two):
        await daemon.app._life._note()
        for name in daemon.held:
            await daemon.poll(name)

    async def faults(at: datetime) -> list[str]:
        signs = await one.app.store.read(lambda tx: tx.signs(at))
        return [fault.part for fault in faults_of(intervals_of(settings), signs, at)]

    assert await faults(now) == []
    await one.app._life.end()
    assert await faults(now) == [], "one that leaves takes nobody's sign with it"
    later = now + timedelta(minutes=3)
    assert await faults(later) == ["daemon"], "two is silent now"
    await two.app.store.transact(lambda tx: tx.live(later, {}, "three"))
    assert await faults(later) == [], "a dead one among others that live is no fault while all is polled"
    await two.app.store.transact(lambda tx: tx.live(later + timedelta(days=2), {}, "three"))
    assert await fleet.rows("SELECT count(*) FROM schedules WHERE name LIKE 'alive%'") == [(1,)]


async def test_the_database_away_is_said_once_and_all_goes_on_when_it_is_back(fleet: Fleet) -> None:
    one = await fleet.daemon(fleet.settings("a", "b"), Wrist(fast=40))
    one.run()
    await until(lambda: one.held == {"a", "b"})
    with capture_logs() as logs:
        with fleet.away():
            await asyncio.sleep(0.3)
            one.clock.stopped += 15.0
            await until(lambda: any(line["event"] == "leases_lost" for line in logs))
            assert await one.poll("a") is None
            await one.app._poll_quietly("b")  # asks nobody, and raises nothing
            await asyncio.sleep(0.5)
        await until(lambda: one.held == {"a", "b"})
        await until(lambda: any(line["event"] == "leases_back" for line in logs))
        told = [line["event"] for line in logs]
        reasons = [line["error"] for line in logs if line["event"] == "state_unusable"]
    assert (told.count("leases_lost"), told.count("leases_back")) == (1, 1)
    assert len(reasons) == len(set(reasons)), "each reason is said once"
    fleet.change(1)
    assert await one.poll("a")
