"""Past some hundred jobs one tick drives them all: by grains of time, so many at once, each at its phase."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from test_scheduler import LONG, TICK, Job, driven

from monitor.due import Due, DueList
from monitor.scheduler import Scheduler


class Counting(Scheduler):
    """Counts its wake-ups."""

    ticks = 0

    async def _tick(self) -> None:
        self.ticks += 1
        await super()._tick()


@pytest.fixture
async def scheduler() -> AsyncIterator[Counting]:
    made = Counting(few=3, grain=0.05)
    made.start()
    yield made
    await made.stop(0)


async def test_few_jobs_need_no_tick(scheduler: Counting) -> None:
    jobs = [Job() for _ in range(3)]
    for number, job in enumerate(jobs):
        scheduler.every(TICK, f"poll {number}", job)
    for job in jobs:
        await job.until(lambda job: len(job.started) > 3)
    assert scheduler.ticks == 0


async def test_the_few_go_on_when_they_become_many(scheduler: Counting) -> None:
    """At the times that they had."""
    jobs = [Job() for _ in range(8)]
    for number, job in enumerate(jobs[:3]):
        scheduler.every(LONG, f"poll {number}", job, first_in=timedelta(seconds=number))
    before = [scheduler.next_at(f"poll {number}") for number in range(1, 3)]
    for number, job in enumerate(jobs[3:], 3):
        scheduler.every(LONG, f"poll {number}", job, first_in=5 * TICK)
    after = [scheduler.next_at(f"poll {number}") for number in range(1, 3)]
    for was, now in zip(before, after, strict=True):
        assert was is not None
        assert now is not None
        assert abs(was - now) < timedelta(milliseconds=1)
    for job in (jobs[0], *jobs[3:]):
        await job.until(lambda job: bool(job.started))
    assert jobs[1].started == jobs[2].started == []


async def test_what_is_due_within_a_grain_is_one_wake_up(scheduler: Counting) -> None:
    jobs = [Job() for _ in range(40)]
    for number, job in enumerate(jobs):
        scheduler.every(LONG, f"poll {number}", job, first_in=timedelta(milliseconds=100 + number))
    for job in jobs:
        await job.until(lambda job: bool(job.started))
    assert scheduler.ticks <= 5


async def test_while_nothing_is_due_it_sleeps(scheduler: Counting) -> None:
    for number in range(10):
        scheduler.every(LONG, f"poll {number}", Job(), first_in=LONG)
    await asyncio.sleep(0.3)
    assert scheduler.ticks == 0
    for number in range(10):
        scheduler.remove(f"poll {number}")
    await asyncio.sleep(0.2)
    assert scheduler.ticks == 0


async def test_no_more_than_so_many_run_at_a_time_and_the_others_take_their_turn() -> None:
    scheduler = driven("together", most=5)
    scheduler.start()
    jobs = [Job() for _ in range(30)]
    for number, job in enumerate(jobs):
        job.open.clear()
        scheduler.every(LONG, f"poll {number}", job)
    await jobs[4].until(lambda job: job.running == 1)
    await asyncio.sleep(0.05)
    assert sum(job.running for job in jobs) == 5
    for job in jobs:
        job.open.set()
    for job in jobs:
        await job.until(lambda job: job.ended == 1)
    await scheduler.stop(0)


async def test_what_runs_alone_waits_for_no_turn() -> None:
    scheduler = driven("together", most=1)
    scheduler.start()
    slow, alone = Job(), Job()
    slow.open.clear()
    scheduler.every(LONG, "poll", slow)
    await slow.until(lambda job: job.running == 1)
    scheduler.every(TICK, "rounds", alone, alone=True)
    await alone.until(lambda job: len(job.started) > 2)
    assert scheduler.hasten("rounds")
    slow.open.set()
    await scheduler.stop(1)


async def test_a_job_that_is_not_wanted_passes_its_time_but_a_hint_runs_it(scheduler: Counting) -> None:
    """Such as a source that another daemon polls."""
    unwanted, wanted = Job(), Job()
    for number in range(4):
        scheduler.every(LONG, f"poll {number}", Job(), first_in=LONG)
    scheduler.every(TICK, "theirs", unwanted, wanted=lambda: False)
    scheduler.every(TICK, "ours", wanted, wanted=lambda: True)
    await wanted.until(lambda job: len(job.started) == 3)
    assert unwanted.started == []
    scheduler.hasten("theirs")
    await unwanted.until(lambda job: len(job.started) == 1)


async def test_a_burst_of_hints_leaves_each_job_its_own_time(scheduler: Counting) -> None:
    """A daemon that takes over a thousand sources must not poll them all at one instant from then on."""
    jobs = [Job() for _ in range(300)]
    for number, job in enumerate(jobs):
        scheduler.every(LONG, f"poll {number}", job, first_in=timedelta(minutes=1, seconds=number * 10))
    for number in range(300):
        scheduler.hasten(f"poll {number}")
    for job in jobs:
        await job.until(lambda job: job.ended == 1)
    times = sorted(filter(None, (scheduler.next_at(f"poll {number}") for number in range(300))))
    assert len(times) == 300
    assert times[200] - times[0] > timedelta(minutes=20)


async def test_ten_thousand_jobs_are_set_up_at_once(scheduler: Counting) -> None:
    job = Job()
    loop = asyncio.get_running_loop()
    before = loop.time()
    for number in range(10_000):
        scheduler.every(LONG, f"poll {number}", job, first_in=LONG)
    assert loop.time() - before < 5


def test_a_time_that_was_missed_is_made_up_for_once_and_the_phase_stays() -> None:
    due, times = Due("poll", Job(), 60.0, at=1000.0), DueList()
    times.add(due)
    assert times.take(999.9) == []
    assert times.take(1250.0) == [due]
    assert (due.at, times.first_at()) == (1300.0, 1300.0)


def test_times_that_hold_no_more_are_not_kept() -> None:
    times = DueList()
    for number in range(5):
        times.add(Due(f"poll {number}", Job(), 60.0, at=float(number)))
    for at in range(10_000):
        job = times.get("poll 3")
        assert job is not None
        times.move(job, 100.0 + at)
    assert len(times._heap) < 200
    assert [job.name for job in times.take(99.0)] == ["poll 0", "poll 1", "poll 2", "poll 4"]


def test_a_clock_set_back_moves_jobs_to_their_places_within_their_intervals() -> None:
    """Not to one instant: a thousand of them must not come at once."""
    now, times = datetime.now(UTC).timestamp(), DueList()
    jobs = [Due(f"poll {number}", Job(), 60.0, at=now + 3600 + number) for number in range(60)]
    for job in jobs:
        times.add(job)
    assert times.draw_near(now, 10.0) == 60
    assert all(now <= job.at <= now + 60 for job in jobs)
    assert len({round(job.at) for job in jobs}) > 50
    assert times.draw_near(now, 10.0) == 0
