"""When each of thousands of jobs is due: a heap of times, of which the earliest is at hand. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Awaitable, Callable
from itertools import count

Job = Callable[[], Awaitable[None]]
_SPARE = 64


class Due:
    """A job, the seconds between its times, and its next one (seconds since 1970).

    ``wanted``: asked at each time; while it says no, the time passes as if the job had run.
    """

    __slots__ = ("at", "interval", "job", "name", "waits", "wanted")

    def __init__(
        self, name: str, job: Job, interval: float, at: float, wanted: Callable[[], bool] | None = None
    ) -> None:
        self.name = name
        self.job = job
        self.interval = interval
        self.at = at
        self.wanted = wanted
        self.waits = False

    def pass_by(self, now: float) -> None:
        """Its next time is the first after ``now`` that lies whole intervals after the last one."""
        self.at += self.interval * max(1, (now - self.at) // self.interval + 1)


class DueList:
    """Jobs by name, and in the order of their times."""

    def __init__(self) -> None:
        self._jobs: dict[str, Due] = {}
        self._heap: list[tuple[float, int, Due]] = []
        self._numbers = count()

    def get(self, name: str) -> Due | None:
        """The job of this name."""
        return self._jobs.get(name)

    def add(self, job: Due) -> None:
        """In place of the job of this name."""
        self._jobs[job.name] = job
        self._push(job)

    def remove(self, name: str) -> None:
        """This job has no time any more."""
        self._jobs.pop(name, None)

    def move(self, job: Due, at: float) -> None:
        """Its next time is this one."""
        job.at = at
        self._push(job)

    def first_at(self) -> float | None:
        """The earliest time of all."""
        while self._heap and not self._holds(*self._heap[0]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> list[Due]:
        """The jobs whose time has come, in that order; each has its next time from here on."""
        taken: list[Due] = []
        while (at := self.first_at()) is not None and at <= now:
            job = heapq.heappop(self._heap)[2]
            job.pass_by(now)
            self._push(job)
            if job.wanted is None or job.wanted():
                taken.append(job)
        return taken

    def draw_near(self, now: float, slack: float) -> int:
        """How many lie further ahead than their interval and ``slack``, as after a clock was set back: those are moved,
        each to its place within its interval."""
        far = [job for job in self._jobs.values() if job.at - now > job.interval + slack]
        for job in far:
            self.move(job, now + (job.at - now) % job.interval)
        return len(far)

    def _holds(self, at: float, _: int, job: Due) -> bool:
        """Whether this is still the time of a job that is still here."""
        return job.at == at and self._jobs.get(job.name) is job

    def _push(self, job: Due) -> None:
        if len(self._heap) > 2 * len(self._jobs) + _SPARE:  # times that hold no more: a job is hastened many times
            self._heap = [item for item in self._heap if self._holds(*item)]
            heapq.heapify(self._heap)
        heapq.heappush(self._heap, (job.at, next(self._numbers), job))
