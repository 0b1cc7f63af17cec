"""The only APScheduler import: jobs at intervals, spread out, never two of one name at a time, never cut off midway."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

Job = Callable[[], Awaitable[None]]
_log = structlog.get_logger("monitor.scheduler")


class Scheduler:
    """Runs each job at its interval. Use it inside one running loop."""

    def __init__(self) -> None:
        # APScheduler drops what is a second late unless it is told otherwise: a poll that comes late is still wanted.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False

    def start(self) -> None:
        """Begin to run jobs."""
        self._scheduler.start()

    def every(self, interval: timedelta, name: str, job: Job, *, first_in: timedelta = timedelta()) -> None:
        """Run ``job`` first after ``first_in``, then at each ``interval``; replaces the job of this name."""
        first = datetime.now(UTC) + first_in
        trigger = IntervalTrigger(seconds=interval.total_seconds(), start_date=first, timezone=UTC)
        # The trigger's own first time would be one interval on: its start has passed when it is asked.
        self._scheduler.add_job(self._run, trigger, (job,), id=name, next_run_time=first, replace_existing=True)

    def remove(self, name: str) -> None:
        """Run this job no more; one that runs goes on."""
        if self._scheduler.get_job(name):
            self._scheduler.remove_job(name)

    async def stop(self, deadline_s: float) -> None:
        """Start nothing more, give what runs so long, then cancel it."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.pause()
        late: set[asyncio.Task[None]] = set()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=deadline_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _run(self, job: Job) -> None:
        """APScheduler cancels its coroutines when it is shut down; a task of our own outlives that."""
        if self._stopping:  # it was on its way here when ``stop`` paused the scheduler
            return
        task = asyncio.ensure_future(job())
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.shield(task)


def _report(event: JobExecutionEvent) -> None:
    """An exception that a job let through is a bug; the job runs again all the same."""
    if not isinstance(event.exception, asyncio.CancelledError):
        _log.error("job_failed", job=event.job_id, exc_info=event.exception)
