"""The only APScheduler import: jobs at intervals, spread out, never two of one name at a time, never cut off midway.

Few jobs are APScheduler's own. Past some hundred, one of its jobs drives them all: it wakes when the next is due, in
whole seconds, and what is due runs, so many at a time: a burst of ten thousand must not take all memory and sockets.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, JobSubmissionEvent
from apscheduler.job import Job as TimedJob
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from monitor.due import Due, DueList, Job

FEW = 200
"""Up to so many, each job comes at its own instant; more of them share the seconds."""
MOST_AT_ONCE = 1000
"""So many that sources which let us wait leave room for the others, and a poll under way takes some 30 KB."""
_BURST = 50
"""More hints than these are no hints at single sources: so many came to this daemon at once."""
_NEVER = -1.0
_TICK = "tick"
_WATCH_EVERY = timedelta(seconds=10)
_log = structlog.get_logger("monitor.scheduler")


class _Run(NamedTuple):
    task: asyncio.Future[None]
    job: Job


class Scheduler:
    """Runs each job at its interval. Use it inside one running loop.

    ``few``: up to so many are driven singly. ``grain``: to so many seconds the others' times are rounded up.
    ``most``: so many of those run at a time, the others wait for their turn.
    """

    def __init__(self, few: int = FEW, grain: float = 1.0, most: int = MOST_AT_ONCE) -> None:
        # APScheduler drops what is a second late unless it is told otherwise: a poll that comes late is still wanted.
        defaults = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        self._scheduler = AsyncIOScheduler(timezone=UTC, job_defaults=defaults)
        self._scheduler.add_listener(self._skipped, EVENT_JOB_MAX_INSTANCES)
        self._few, self._grain, self._most = few, grain, most
        self._single: dict[str, tuple[TimedJob, Due, bool]] = {}
        self._count = 0
        self._crowd: DueList | None = None
        self._tick_job: TimedJob | None = None
        self._tick_at: float | None = None
        self._waiting: deque[Due] = deque()
        self._crowd_runs = 0
        self._running: dict[str, _Run] = {}
        self._hastened: set[str] = set()
        self._stopping = False

    def start(self) -> None:
        """Begin to run jobs."""
        self._scheduler.start()
        self._watch()

    def every(  # a job and all that is to be said of its times
        self,
        interval: timedelta,
        name: str,
        job: Job,
        *,
        first_in: timedelta = timedelta(),
        alone: bool = False,
        wanted: Callable[[], bool] | None = None,
    ) -> None:
        """Run ``job`` first after ``first_in``, then at each ``interval``; replaces the job of this name.

        ``alone``: it is none of many, and never waits for a turn among them. ``wanted``: asked at each time where there
        are many, so that a job that has nothing to do costs next to nothing.
        """
        self.remove(name)
        at = datetime.now(UTC).timestamp() + first_in.total_seconds()
        due = Due(name, job, interval.total_seconds(), at, wanted)
        if not alone and self._crowd is None and sum(not alone for *_, alone in self._single.values()) >= self._few:
            self._gather()
        if alone or self._crowd is None:
            self._add_single(due, alone=alone)
        else:
            self._crowd.add(due)
            self._arm()

    def remove(self, name: str) -> None:
        """Run this job no more; one that runs goes on."""
        if name in self._single:
            self._single.pop(name)[0].remove()
        if self._crowd is not None:
            self._crowd.remove(name)

    def hasten(self, name: str) -> bool:
        """Run this job now; once more if it runs already. False if there is no such job."""
        single = self._single.get(name)
        due = self._many(name)
        if self._stopping or not (single or due):
            return False
        self._hastened.add(name)
        if name not in self._running:
            if single:
                single[0].modify(next_run_time=datetime.now(UTC))
            elif due and self._crowd is not None and not due.waits:
                # Of a burst each keeps its own time: else they would come at one instant from now on.
                if len(self._waiting) < _BURST:
                    self._crowd.move(due, datetime.now(UTC).timestamp() + due.interval)
                self._queue(due)
                self._arm()
        return True

    def next_at(self, name: str) -> datetime | None:
        """When this job runs next, None if it does not."""
        if name in self._single:
            at: datetime | None = self._single[name][0].next_run_time
            return at
        due = self._many(name)
        return datetime.fromtimestamp(due.at, UTC) if due else None

    @property
    def runs(self) -> bool:
        """Whether jobs are run at their times."""
        return bool(self._scheduler.running) and not self._stopping

    async def stop(self, deadline_s: float) -> None:
        """Start nothing more, give what runs so long, then cancel it."""
        self._stopping = True
        if self._scheduler.running:
            self._scheduler.pause()
        late: set[asyncio.Future[None]] = set()
        if self._running:
            _, late = await asyncio.wait([run.task for run in self._running.values()], timeout=deadline_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _watch(self) -> None:
        """Times are in wall time: when the clock is set back, jobs would wait until that catches up."""
        if self._stopping:
            return
        now = datetime.now(UTC)
        for job, due, _ in self._single.values():
            if job.next_run_time - now > timedelta(seconds=due.interval) + _WATCH_EVERY:
                _log.warning("clock_set_back", job=due.name)
                job.modify(next_run_time=now)
        if self._crowd is not None and (far := self._crowd.draw_near(now.timestamp(), _WATCH_EVERY.total_seconds())):
            _log.warning("clock_set_back", jobs=far)
            self._arm()
        asyncio.get_running_loop().call_later(_WATCH_EVERY.total_seconds(), self._watch)

    # Few jobs: each is APScheduler's

    def _add_single(self, due: Due, *, alone: bool) -> None:
        first = datetime.fromtimestamp(due.at, UTC)
        trigger = IntervalTrigger(seconds=due.interval, start_date=first, timezone=UTC)
        # An id of its own: APScheduler would count a run of the job before against this one, and skip its first.
        self._count += 1
        # The trigger's own first time would be one interval on: its start has passed when it is asked.
        job = self._scheduler.add_job(
            self._run_single, trigger, (due,), id=f"{due.name}#{self._count}", name=due.name, next_run_time=first
        )
        self._single[due.name] = job, due, alone

    async def _run_single(self, due: Due) -> None:
        """APScheduler cancels its coroutines when it is shut down; a task of our own outlives that.

        A job that has been replaced while it ran ends before its successor begins.
        """
        while due.name in self._running:
            await asyncio.wait([self._running[due.name].task])
        if not self._stopping:  # it was on its way here when ``stop`` paused the scheduler
            await asyncio.wait([self._begin(due)])

    def _skipped(self, event: JobSubmissionEvent) -> None:
        """A run that has ended counts for APScheduler until it has been told: what was to begin just then comes after.

        A run that goes on sees to it itself.
        """
        name = event.job_id.rpartition("#")[0]
        if name not in self._running:
            self._hasten_soon(name)

    # Many: one job of APScheduler's sees to them

    def _gather(self) -> None:
        """From now on there are many."""
        self._crowd = DueList()
        for name, (job, due, alone) in list(self._single.items()):
            if not alone:
                due.at = job.next_run_time.timestamp()
                self.remove(name)
                self._crowd.add(due)
        self._arm()

    def _arm(self) -> None:
        """Wake up when the first is due; if none is, never."""
        first = self._crowd.first_at() if self._crowd is not None else None
        at = None if first is None else math.ceil(first / self._grain) * self._grain
        if at == self._tick_at:
            return
        self._tick_at = at
        when = None if at is None else datetime.fromtimestamp(at, UTC)
        if self._tick_job is None:
            # Its own interval is for the case only that it is skipped.
            trigger = IntervalTrigger(seconds=self._grain, timezone=UTC)
            self._tick_job = self._scheduler.add_job(self._tick, trigger, id=_TICK, name=_TICK, next_run_time=when)
        else:
            self._tick_job.modify(next_run_time=when)

    async def _tick(self) -> None:
        """Run what is due. What runs still, or waits for its turn since its last time, is not run twice for that."""
        self._tick_at = _NEVER
        if self._crowd is None or self._stopping:
            return
        for due in self._crowd.take(datetime.now(UTC).timestamp()):
            if not self._runs(due):
                self._queue(due)
        self._arm()

    def _queue(self, due: Due) -> None:
        if not due.waits:
            due.waits = True
            self._waiting.append(due)
            if len(self._waiting) == 1:
                asyncio.get_running_loop().call_soon(self._begin_waiting)

    def _begin_waiting(self) -> None:
        while self._waiting and self._crowd_runs < self._most and not self._stopping:
            due = self._waiting.popleft()
            due.waits = False
            if self._many(due.name) is due and not self._runs(due):
                self._crowd_runs += 1
                self._begin(due).add_done_callback(self._one_less)

    def _one_less(self, _: asyncio.Future[None]) -> None:
        self._crowd_runs -= 1
        self._begin_waiting()

    def _runs(self, due: Due) -> bool:
        """Whether this job runs. If it is another of its name, this one comes when that has ended."""
        run = self._running.get(due.name)
        if run and run.job is not due.job:
            self._hastened.add(due.name)
        return run is not None

    def _many(self, name: str) -> Due | None:
        return None if self._crowd is None else self._crowd.get(name)

    # A run

    def _begin(self, due: Due) -> asyncio.Future[None]:
        self._hastened.discard(due.name)
        task = asyncio.ensure_future(due.job())
        self._running[due.name] = _Run(task, due.job)
        task.add_done_callback(partial(self._ended, due.name))
        return task

    def _ended(self, name: str, task: asyncio.Future[None]) -> None:
        """An exception that a job let through is a bug; the job runs again all the same."""
        del self._running[name]
        if not task.cancelled() and (error := task.exception()):
            _log.error("job_failed", job=name, exc_info=error)
        self._hasten_soon(name)

    def _hasten_soon(self, name: str) -> None:
        if name in self._hastened:
            asyncio.get_running_loop().call_soon(self.hasten, name)
