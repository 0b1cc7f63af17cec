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
_WATCH_EVERY = timedelta(seconds=10)
_log = structlog.get_logger("monitor.scheduler")


class Scheduler:
    """Runs each job at its interval. Use it inside one running loop."""

    def __init__(self) -> None:
        # APScheduler drops what is a second late unless it is told otherwise: a poll that comes late is still wanted.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR)
        self._ids: dict[str, str] = {}
        self._count = 0
        self._running: dict[asyncio.Task[None], str] = {}
        self._hastened: set[str] = set()
        self._stopping = False

    def start(self) -> None:
        """Begin to run jobs."""
        self._scheduler.start()
        self._watch()

    def every(self, interval: timedelta, name: str, job: Job, *, first_in: timedelta = timedelta()) -> None:
        """Run ``job`` first after ``first_in``, then at each ``interval``; replaces the job of this name."""
        first = datetime.now(UTC) + first_in
        trigger = IntervalTrigger(seconds=interval.total_seconds(), start_date=first, timezone=UTC)
        self.remove(name)
        # An id of its own: APScheduler would count a run of the job before against this one, and skip its first.
        self._count += 1
        self._ids[name] = f"{name}#{self._count}"
        # The trigger's own first time would be one interval on: its start has passed when it is asked.
        self._scheduler.add_job(self._run, trigger, (name, job), id=self._ids[name], name=name, next_run_time=first)

    def remove(self, name: str) -> None:
        """Run this job no more; one that runs goes on."""
        if name in self._ids:
            self._scheduler.remove_job(self._ids.pop(name))

    def hasten(self, name: str) -> bool:
        """Run this job now; once more if it runs already. False if there is no such job."""
        job = self._scheduler.get_job(self._ids[name]) if name in self._ids else None
        if job is None or self._stopping:
            return False
        self._hastened.add(name)
        if name not in self._running.values():
            job.modify(next_run_time=datetime.now(UTC))
        return True

    def next_at(self, name: str) -> datetime | None:
        """When this job runs next, None if it does not."""
        job = self._scheduler.get_job(self._ids[name]) if name in self._ids else None
        at: datetime | None = job.next_run_time if job else None
        return at

    @property
    def runs(self) -> bool:
        """Whether jobs are run at their times."""
        return bool(self._scheduler.running) and not self._stopping

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

    def _watch(self) -> None:
        """APScheduler reckons in wall time: when the clock is set back, it would wait until that catches up."""
        if self._stopping:
            return
        now = datetime.now(UTC)
        for job in self._scheduler.get_jobs():
            if job.next_run_time - now > job.trigger.interval + _WATCH_EVERY:
                _log.warning("clock_set_back", job=job.name)
                job.modify(next_run_time=now)
        asyncio.get_running_loop().call_later(_WATCH_EVERY.total_seconds(), self._watch)

    async def _run(self, name: str, job: Job) -> None:
        """APScheduler cancels its coroutines when it is shut down; a task of our own outlives that.

        A job that has been replaced while it ran ends before its successor begins.
        """
        before = [task for task, running in self._running.items() if running == name]
        if before:
            await asyncio.wait(before)
        if self._stopping:  # it was on its way here when ``stop`` paused the scheduler
            return
        self._hastened.discard(name)
        task = asyncio.ensure_future(job())
        self._running[task] = name
        task.add_done_callback(self._running.pop)
        try:
            await asyncio.shield(task)
        finally:
            self._hasten_soon(name)

    def _hasten_soon(self, name: str) -> None:
        """Once APScheduler has been told of the run that ends: until then it would skip another one."""
        if name in self._hastened:
            asyncio.get_running_loop().call_soon(self.hasten, name)


def _report(event: JobExecutionEvent) -> None:
    """An exception that a job let through is a bug; the job runs again all the same."""
    if not isinstance(event.exception, asyncio.CancelledError):
        _log.error("job_failed", job=event.job_id.rpartition("#")[0], exc_info=event.exception)
