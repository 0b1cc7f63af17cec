"""Jobs at intervals: real time, in hundredths of a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from monitor.scheduler import Scheduler

TICK = timedelta(milliseconds=20)
LONG = timedelta(hours=1)
DRIVES = ("singly", "together")


def driven(how: str, most: int = 1000) -> Scheduler:
    """A scheduler that drives each job singly, or all together, in hundredths of a second instead of seconds."""
    return Scheduler() if how == "singly" else Scheduler(few=0, grain=0.01, most=most)


class Job:
    """Counts its runs. While ``open`` is clear they last; ``fails`` makes them raise."""

    def __init__(self) -> None:
        self.started: list[float] = []
        self.running = self.most_running = self.ended = self.cancelled = 0
        self.open = asyncio.Event()
        self.open.set()
        self.fails: Exception | None = None
        self._changed = asyncio.Condition()

    async def __call__(self) -> None:
        self.started.append(asyncio.get_running_loop().time())
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self._tell()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        self.ended += 1
        await self._tell()
        if self.fails:
            raise self.fails

    async def until(self, condition: Callable[[Job], bool]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@pytest.fixture(params=DRIVES)
async def scheduler(request: pytest.FixtureRequest) -> AsyncIterator[Scheduler]:
    made = driven(request.param)
    made.start()
    yield made
    await made.stop(0)


async def test_a_job_runs_at_once_and_then_at_its_interval(scheduler: Scheduler) -> None:
    job = Job()
    before = asyncio.get_running_loop().time()
    scheduler.every(timedelta(milliseconds=50), "poll", job)
    await job.until(lambda job: len(job.started) == 4)
    assert 0.15 <= job.started[3] - before < 1


async def test_jobs_of_one_interval_begin_apart(scheduler: Scheduler) -> None:
    jobs = [Job() for _ in range(3)]
    for number, job in enumerate(jobs):
        scheduler.every(LONG, f"poll {number}", job, first_in=number * 2 * TICK)
    await jobs[2].until(lambda job: bool(job.started))
    starts = [job.started[0] for job in jobs]
    assert starts[1] - starts[0] > 0.02
    assert starts[2] - starts[1] > 0.02


async def test_a_job_that_outlasts_its_interval_is_not_started_twice(scheduler: Scheduler) -> None:
    slow, other = Job(), Job()
    slow.open.clear()
    scheduler.every(TICK, "slow", slow)
    scheduler.every(TICK, "other", other)
    await other.until(lambda job: len(job.started) == 8)
    assert len(slow.started) == 1
    slow.open.set()
    await slow.until(lambda job: len(job.started) == 3)
    assert slow.most_running == 1


async def test_a_job_that_comes_late_still_runs_and_runs_once(scheduler: Scheduler) -> None:
    """As after a loop that was blocked, or a machine that slept: APScheduler's default is to drop it."""
    job = Job()
    scheduler.every(timedelta(seconds=10), "poll", job, first_in=timedelta(seconds=-35))
    await job.until(lambda job: len(job.started) == 1)
    await asyncio.sleep(0.05)
    assert len(job.started) == 1


async def test_an_exception_is_logged_and_the_job_runs_again(scheduler: Scheduler) -> None:
    job = Job()
    job.fails = LookupError("nobody foresaw this")
    with capture_logs() as logs:
        scheduler.every(TICK, "poll shop", job)
        await job.until(lambda job: len(job.started) == 3)
    line = next(line for line in logs if line["event"] == "job_failed")
    assert (line["job"], line["log_level"]) == ("poll shop", "error")
    assert line["exc_info"] is job.fails


async def test_a_job_of_the_same_name_replaces_the_one_before(scheduler: Scheduler) -> None:
    old, new = Job(), Job()
    scheduler.every(TICK, "poll", old, first_in=TICK)
    scheduler.every(TICK, "poll", new)
    await new.until(lambda job: len(job.started) == 4)
    assert old.started == []


async def test_a_removed_job_runs_no_more_but_goes_on_if_it_runs(scheduler: Scheduler) -> None:
    removed, other = Job(), Job()
    removed.open.clear()
    scheduler.every(TICK, "poll", removed)
    await removed.until(lambda job: job.running == 1)
    scheduler.remove("poll")
    scheduler.every(TICK, "other", other)
    await other.until(lambda job: len(job.started) == 4)
    removed.open.set()
    await removed.until(lambda job: job.ended == 1)
    assert (len(removed.started), removed.cancelled) == (1, 0)


async def test_stop_waits_for_what_runs_and_starts_nothing_more(scheduler: Scheduler) -> None:
    slow, quick = Job(), Job()
    slow.open.clear()
    scheduler.every(TICK, "slow", slow)
    scheduler.every(TICK, "quick", quick)
    await slow.until(lambda job: job.running == 1)
    stopping = asyncio.create_task(scheduler.stop(10))
    await asyncio.sleep(0)
    ran = len(quick.started)
    await asyncio.sleep(0.1)
    assert not stopping.done()
    assert len(quick.started) == ran
    slow.open.set()
    await stopping
    assert (slow.ended, slow.cancelled, len(slow.started)) == (1, 0, 1)


async def test_stop_cancels_what_does_not_end_in_time(scheduler: Scheduler) -> None:
    hanging = Job()
    hanging.open.clear()
    scheduler.every(TICK, "poll", hanging)
    await hanging.until(lambda job: job.running == 1)
    with capture_logs() as logs:
        await scheduler.stop(0.05)
        await asyncio.sleep(0.01)
    assert (hanging.cancelled, hanging.running) == (1, 0)
    assert logs == [], "that is no bug of the job's"


async def test_a_job_that_fires_in_the_instant_of_stop_is_not_left_running(scheduler: Scheduler) -> None:
    """APScheduler may hold it in its hand: started, but not yet here."""
    job = Job()
    job.open.clear()
    scheduler.every(LONG, "poll", job)
    # In the loop's next round the scheduler makes a task of the job, and right behind that stands this.
    await asyncio.create_task(scheduler.stop(0.05))
    await asyncio.sleep(0.02)
    assert job.running == 0


@pytest.mark.parametrize("how", DRIVES)
async def test_stop_before_start_and_twice_is_harmless(how: str) -> None:
    made = driven(how)
    await made.stop(0)
    made.start()
    await made.stop(0)
    await made.stop(0)


@pytest.mark.parametrize("how", DRIVES)
async def test_a_clock_that_is_set_back_stops_no_job(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """APScheduler reckons in wall time, and would wait until the clock has caught up."""
    monkeypatch.setattr("monitor.scheduler._WATCH_EVERY", TICK)
    job = Job()
    scheduler = driven(how)
    scheduler.start()
    # What a clock set back by an hour leaves: a next time that lies an hour too far ahead.
    scheduler.every(TICK, "poll", job, first_in=LONG)
    await job.until(lambda job: len(job.started) >= 2)
    await scheduler.stop(0)


async def test_a_replaced_job_that_still_runs_ends_before_its_successor_begins(scheduler: Scheduler) -> None:
    """And the successor's first run is not skipped: with an interval of a day it would be a day late."""
    old, new = Job(), Job()
    old.open.clear()
    scheduler.every(LONG, "poll", old)
    await old.until(lambda job: job.running == 1)
    scheduler.every(LONG, "poll", new)
    await asyncio.sleep(2 * TICK.total_seconds())
    assert new.started == []
    old.open.set()
    await new.until(lambda job: job.ended == 1)
    assert old.ended == 1
