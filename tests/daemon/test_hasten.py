"""A hint makes a job run now, with the real scheduler: never twice at a time, and none is lost. Real time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs
from test_scheduler import DRIVES, Job, driven

from monitor.scheduler import Scheduler

LONG = timedelta(hours=1)


@pytest.fixture(params=DRIVES)
async def scheduler(request: pytest.FixtureRequest) -> AsyncIterator[Scheduler]:
    made = driven(request.param)
    made.start()
    yield made
    await made.stop(0)


async def idle(job: Job, runs: int) -> None:
    """So many runs have ended, and the scheduler has had time to begin more than it should."""
    await job.until(lambda job: job.ended >= runs)
    for _ in range(20):
        await asyncio.sleep(0.005)


async def test_a_job_that_waits_runs_at_once(scheduler: Scheduler) -> None:
    job = Job()
    scheduler.every(LONG, "poll shop", job, first_in=LONG)
    assert scheduler.hasten("poll shop")
    await idle(job, 1)
    assert job.ended == 1


async def test_its_interval_goes_on_from_there(scheduler: Scheduler) -> None:
    job = Job()
    scheduler.every(timedelta(milliseconds=300), "poll shop", job, first_in=LONG)
    scheduler.hasten("poll shop")
    await job.until(lambda job: len(job.started) == 3)
    first, second, third = job.started
    assert 0.25 < second - first < 0.6
    assert 0.25 < third - second < 0.6


async def test_the_next_time_after_it_is_one_interval_on(scheduler: Scheduler) -> None:
    job = Job()
    scheduler.every(LONG, "poll shop", job, first_in=timedelta(minutes=1))
    before = datetime.now(UTC)
    scheduler.hasten("poll shop")
    await idle(job, 1)
    at = scheduler.next_at("poll shop")
    assert at is not None
    assert LONG <= at - before < LONG + timedelta(seconds=5)


async def test_a_job_that_runs_runs_once_more_afterwards(scheduler: Scheduler) -> None:
    """What was hinted at may have happened after it was read."""
    job = Job()
    job.open.clear()
    scheduler.every(LONG, "poll shop", job)
    await job.until(lambda job: len(job.started) == 1)
    assert [scheduler.hasten("poll shop") for _ in range(5)] == [True] * 5
    await asyncio.sleep(0.05)
    assert len(job.started) == 1
    job.open.set()
    await idle(job, 2)
    assert (job.ended, job.most_running) == (2, 1)


async def test_so_it_does_if_the_run_before_fails(scheduler: Scheduler) -> None:
    job = Job()
    job.fails = LookupError("nobody foresaw this")
    job.open.clear()
    scheduler.every(LONG, "poll shop", job)
    await job.until(lambda job: len(job.started) == 1)
    scheduler.hasten("poll shop")
    with capture_logs():
        job.open.set()
        await idle(job, 2)
    assert job.ended == 2


async def test_a_hint_at_the_very_end_of_a_run_is_not_lost(scheduler: Scheduler) -> None:
    """APScheduler counts a run for some turns of the loop after it has ended, and skips what is to begin meanwhile."""
    job = Job()
    scheduler.every(LONG, "poll shop", job, first_in=LONG)
    for turns in range(12):
        before = job.ended
        scheduler.hasten("poll shop")
        await job.until(lambda job, before=before: job.ended > before)  # type: ignore[misc]  # a default binds it
        for _ in range(turns):
            await asyncio.sleep(0)
        scheduler.hasten("poll shop")
        await idle(job, before + 2)
        assert job.ended == before + 2, turns
    assert job.most_running == 1


async def test_nor_is_one_in_the_turn_in_which_it_ends(scheduler: Scheduler) -> None:
    ended = 0

    async def job() -> None:
        nonlocal ended
        task = asyncio.current_task()
        assert task is not None
        if ended == 0:
            task.add_done_callback(lambda _: scheduler.hasten("poll shop"))
        if ended == 1:
            task.add_done_callback(lambda _: asyncio.get_running_loop().call_soon(scheduler.hasten, "poll shop"))
        ended += 1

    scheduler.every(LONG, "poll shop", job)
    for _ in range(60):
        await asyncio.sleep(0.005)
    assert ended == 3


async def test_many_hints_at_once_are_one_run(scheduler: Scheduler) -> None:
    job = Job()
    scheduler.every(LONG, "poll shop", job, first_in=LONG)
    for _ in range(100):
        scheduler.hasten("poll shop")
    await idle(job, 1)
    assert job.ended == 1


async def test_a_hint_at_a_job_that_is_replaced_meanwhile_reaches_its_successor(scheduler: Scheduler) -> None:
    old, new = Job(), Job()
    old.open.clear()
    scheduler.every(LONG, "poll shop", old)
    await old.until(lambda job: len(job.started) == 1)
    scheduler.every(LONG, "poll shop", new, first_in=LONG)
    assert scheduler.hasten("poll shop")
    await asyncio.sleep(0.05)
    assert new.started == []
    old.open.set()
    await idle(new, 1)
    assert (len(old.started), len(new.started)) == (1, 1)


async def test_an_unknown_job_is_said_to_be_none(scheduler: Scheduler) -> None:
    job = Job()
    scheduler.every(LONG, "poll shop", job, first_in=LONG)
    assert not scheduler.hasten("poll other")
    scheduler.remove("poll shop")
    assert not scheduler.hasten("poll shop")
    await asyncio.sleep(0.05)
    assert job.started == []


@pytest.mark.parametrize("how", DRIVES)
async def test_what_stops_begins_nothing_more(how: str) -> None:
    scheduler, job = driven(how), Job()
    scheduler.start()
    job.open.clear()
    scheduler.every(LONG, "poll shop", job)
    await job.until(lambda job: len(job.started) == 1)
    scheduler.hasten("poll shop")
    stopping = asyncio.create_task(scheduler.stop(10))
    await asyncio.sleep(0)
    assert not scheduler.hasten("poll shop")
    job.open.set()
    await stopping
    await asyncio.sleep(0.05)
    assert len(job.started) == 1
