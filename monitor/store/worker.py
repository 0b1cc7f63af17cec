"""The thread in which a state's transactions run, one after the other; those that wait together share one commit.

A commit costs a flush to the disk, however little it writes: a thousand sources that are due together pay for a few,
not for a thousand. Each work stands behind a savepoint of its own, so that one that fails undoes nothing of another's.
What only reads does not wait for all that others want to write: it comes next.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, TypeVar

from monitor.errors import StateError, StateUnreachable
from monitor.store.base import Transaction

T = TypeVar("T")
_MOST_TOGETHER = 60
"""Works that share a commit. PostgreSQL notes so many savepoints (64) of a transaction where all others see them."""
_LONGEST_S = 0.1
"""After so long no further work begins in a transaction: what it has locked others wait for, and its own callers."""
_MOST_TRIES = 5
_PAUSE_S = 0.05
"""Between two tries: whoever was waited for must come first, or both would wait for each other again."""


class Session(Protocol):
    """A connection, as the worker uses it."""

    def begin(self, *, write: bool) -> Transaction:
        """Begin a transaction; one that writes may have to wait for another process's."""
        ...

    def mark(self) -> None:
        """Set a savepoint; the one before is forgotten."""
        ...

    def keep(self) -> None:
        """Make sure that what was done since the savepoint can be a part of the transaction."""
        ...

    def undo(self) -> bool:
        """Back to the savepoint; False if the whole transaction is lost."""
        ...

    def commit(self) -> None:
        """Make all of it last."""
        ...

    def rollback(self) -> None:
        """Forget all of it; must not raise."""
        ...

    def mapped(self, error: BaseException) -> BaseException:
        """The error as a caller shall see it."""
        ...

    def may_pass(self, error: BaseException) -> bool:
        """Whether the same work may well succeed if it is done again: two processes have waited for each other."""
        ...

    def close(self) -> None:
        """Close the connection; must not raise."""
        ...


class _Job(NamedTuple):
    """``write`` None: no transaction is begun for it. ``failed``: so often it has been tried."""

    work: Callable[..., Any]
    write: bool | None
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]
    failed: int = 0


class _Failed(NamedTuple):
    error: BaseException


class _TryAgain(Exception):
    """The work is to be done once more, in another transaction."""


class Worker:
    """Runs what it is given until it is closed: what writes in its order, what reads as soon as may be."""

    def __init__(self, session: Session, name: str = "state") -> None:
        self._session = session
        self._reads: deque[_Job] = deque()
        self._writes: deque[_Job] = deque()
        self._something = threading.Condition()
        self._closing = False
        # A daemon thread: a process that must end does not wait for a disk that hangs.
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[Transaction], T], *, write: bool) -> T:
        """The work's result, once it is committed. A caller that is cancelled does not stop it."""
        return await self._enqueue(work, write)

    async def call(self, work: Callable[[], T]) -> T:
        """The result of what needs the connection, and no transaction."""
        return await self._enqueue(work, None)

    async def _enqueue(self, work: Callable[..., T], write: bool | None) -> T:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        with self._something:
            if self._closing:
                raise RuntimeError("the state is closed")
            queue = self._reads if write is False else self._writes
            queue.append(_Job(work, write, loop, done))
            self._something.notify()
        return await done

    async def aclose(self) -> None:
        """Run what waits, then close the connection."""
        with self._something:
            self._closing = True
            self._something.notify()
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while self._waits():
            self._read(self._taken(self._reads, len(self._reads)))
            self._write(self._taken(self._writes, _MOST_TOGETHER))
        self._session.close()

    def _waits(self) -> bool:
        """Wait until there is something to do; False when there never will be."""
        with self._something:
            self._something.wait_for(lambda: self._reads or self._writes or self._closing)
            return bool(self._reads or self._writes)

    def _taken(self, queue: deque[_Job], most: int) -> deque[_Job]:
        """The first jobs of this queue, all of one kind."""
        with self._something:
            taken: deque[_Job] = deque()
            while queue and len(taken) < most and (not taken or taken[0].write == queue[0].write):
                taken.append(queue.popleft())
            return taken

    # What reads

    def _read(self, jobs: deque[_Job]) -> None:
        """Each on a view of its own."""
        while jobs:
            transaction = self._begun(jobs, write=False)
            if transaction is not None:
                job = jobs.popleft()
                _answer([(job, self._looked(transaction, job))])

    def _looked(self, transaction: Transaction, job: _Job) -> Any:
        try:
            result = job.work(transaction)
            self._session.commit()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the caller gets it
            self._session.rollback()
            return self._failed(error)
        return result

    # What writes

    def _write(self, jobs: deque[_Job]) -> None:
        if jobs and jobs[0].write is None:
            job = jobs.popleft()
            _answer([(job, self._called(job))])
        elif jobs and (transaction := self._begun(jobs, write=True)) is not None:
            _answer(self._together(transaction, jobs))
        with self._something:
            self._writes.extendleft(reversed(jobs))
        if jobs and jobs[0].failed:
            time.sleep(_PAUSE_S)

    def _called(self, job: _Job) -> Any:
        try:
            return job.work()
        except BaseException as error:  # noqa: BLE001  # as above
            return _Failed(error)

    def _begun(self, jobs: deque[_Job], *, write: bool) -> Transaction | None:
        """A transaction; None if there can be none: then all of these have failed, rather than to wait for each."""
        try:
            return self._session.begin(write=write)
        except BaseException as error:  # noqa: BLE001  # whatever it is, each caller gets it
            self._session.rollback()
            _answer([(job, self._failed(error)) for job in jobs])
            jobs.clear()
            return None

    def _together(self, transaction: Transaction, jobs: deque[_Job]) -> list[tuple[_Job, Any]]:
        """Do the first of these jobs, as many as may share a commit, and take them off; what they came to."""
        done: list[tuple[_Job, Any]] = []
        until = time.monotonic() + _LONGEST_S
        alone = len(jobs) == 1
        try:
            while jobs:
                done.append((jobs[0], self._result(transaction, jobs[0], alone=alone)))
                jobs.popleft()
                if self._reads or time.monotonic() >= until:
                    break
        except _TryAgain:
            # What came before it is kept; what comes after it stays behind it.
            jobs[0] = jobs[0]._replace(failed=jobs[0].failed + 1)
            if alone:
                self._session.rollback()
                return []
        except BaseException as error:  # noqa: BLE001  # the transaction is lost, with all that was done in it
            self._session.rollback()
            return [*((job, self._lost(error)) for job, _ in done), (jobs.popleft(), self._failed(error))]
        return self._committed(done)

    def _result(self, transaction: Transaction, job: _Job, *, alone: bool) -> Any:
        try:
            if not alone:
                self._session.mark()
            result = job.work(transaction)
            self._session.keep()
        except BaseException as error:
            again = job.failed < _MOST_TRIES - 1 and self._session.may_pass(error)
            if alone and not again:
                raise
            if not alone and not self._session.undo():
                raise
            if again:
                raise _TryAgain from None
            return self._failed(error)
        return result

    def _committed(self, done: list[tuple[_Job, Any]]) -> list[tuple[_Job, Any]]:
        try:
            self._session.commit()
        except BaseException as error:  # noqa: BLE001  # as above
            self._session.rollback()
            return [(job, self._failed(error)) for job, _ in done]
        return done

    def _failed(self, error: BaseException) -> _Failed:
        mapped = self._session.mapped(error)
        # A future takes no StopIteration: its caller would wait for ever.
        return _Failed(RuntimeError(repr(mapped)) if isinstance(mapped, StopIteration) else mapped)

    def _lost(self, error: BaseException) -> _Failed:
        """What becomes of a work that was done in a transaction which another work has lost."""
        failed = self._failed(error)
        if isinstance(failed.error, StateError):
            return failed
        return _Failed(StateUnreachable("the transaction was lost by another that shared its commit"))


def _answer(done: list[tuple[_Job, Any]]) -> None:
    """Tell each caller, with one call for each loop."""
    for loop in {job.loop for job, _ in done}:
        theirs = [(job, result) for job, result in done if job.loop is loop]
        with suppress(RuntimeError):  # closed: nobody waits there any more
            loop.call_soon_threadsafe(_tell, theirs)


def _tell(done: list[tuple[_Job, Any]]) -> None:
    for job, result in done:
        if job.done.cancelled():
            continue
        if isinstance(result, _Failed):
            job.done.set_exception(result.error)
        else:
            job.done.set_result(result)
