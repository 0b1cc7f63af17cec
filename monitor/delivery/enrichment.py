"""What a message about an order carries besides the list's row: fetched once for each event, after the commit.

A message is written to be due ``HOLD_S`` later, and made due as soon as its details are there, or cannot be had. So no
lane ever waits for a source, and no message longer than that, whatever happens to the source, or to this process.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence

import structlog

from monitor.clock import Clock
from monitor.delivery.detail_reader import Fetched, OrderReader, why
from monitor.delivery.kept import Found, Kept
from monitor.delivery.waiting import ended
from monitor.errors import SourceError, StateError
from monitor.model import Delivery, Event, EventKind, OrderEvent
from monitor.store.base import Held, Store

HOLD_S = 10.0
"""So long a message waits for its details at most."""
FETCH_S = 9.5
"""So long they are sought: what remains is for the state to let the message go."""
BRING_S = 3.0
"""So long a lane waits for details that another daemon fetched for itself."""
_LEFT_ALONE_S = 60.0
IN_FLIGHT = 4
"""Requests for details on their way to one server: half of its places, for polls need some too."""
MOST_WAITING = 1_000
"""Orders whose details are sought at one time."""

LATE = f"they did not come within {HOLD_S:.0f} s"
CROWD = "too many orders changed at once"
FAULT = "a fault of Order Monitor's own, of which its log says more"
GONE = "they are no longer at hand, as after a restart or a long wait"
_log = structlog.get_logger("monitor.delivery")

_Job = asyncio.Task[Fetched]


class Enrichment:
    """Fetches details for the events of polls, and has them at hand for their messages.

    ``wake`` is called when messages have been let go.
    """

    def __init__(self, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._readers: Mapping[str, OrderReader] = {}
        self._kept = Kept()
        self._places: defaultdict[Hashable, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(IN_FLIGHT))
        self._jobs: set[_Job] = set()
        self._rounds: set[asyncio.Task[None]] = set()
        self._not_before: dict[str, float] = {}
        self._stopped = False

    def serve(self, readers: Mapping[str, OrderReader]) -> None:
        """By source, the way to its orders' details from now on. What is under way ends the old way."""
        self._readers = readers

    def serves(self, source: str) -> bool:
        """Whether messages about this source's orders are to have details."""
        return source in self._readers

    def begin(self, source: str, held: Sequence[Held], unheld: Sequence[int]) -> None:
        """Fetch the details of these events' orders, and let their messages go.

        ``unheld`` are deliveries of the same commit that do not wait, for they are too many.
        """
        if unheld:
            self._kept.crowd(unheld)
            _log.info("details_left_out", source=source, deliveries=len(unheld), reason=CROWD)
        if held and not self._stopped:
            jobs, others = self._start(source, held)
            task = asyncio.create_task(self._round(source, jobs, others), name=f"details {source}")
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)

    def find(self, delivery: Delivery, event: Event) -> Found:
        """What this delivery's message carries."""
        if not isinstance(event, OrderEvent) or event.kind is EventKind.VANISHED:
            return Found()
        if found := self._kept.find(event):
            return found
        if self._kept.in_crowd(delivery.id):
            return Found(without=CROWD)
        return Found(without=GONE if self.serves(event.source) else None)

    async def bring(self, delivery: Delivery, event: Event) -> None:
        """Have the details at hand, where another daemon fetched them: whoever sends is not always whoever polled.

        The lane waits ``BRING_S`` at most; after a source did not answer, for a minute not at all.
        """
        if delivery.attempts or self._stopped or not isinstance(event, OrderEvent):
            return
        now = self._clock.monotonic()
        if self.find(delivery, event).without != GONE or now < self._not_before.get(event.source, now):
            return
        jobs, _ = self._start(event.source, [Held(event, ())])
        done, late = await asyncio.wait(jobs, timeout=BRING_S) if jobs else (set[_Job](), set[_Job]())
        missing = [reason for job in done if (reason := self._take(job, jobs[job]))]
        if late or missing:
            self._not_before[event.source] = now + _LEFT_ALONE_S
        await ended(late)

    def forget_old(self) -> None:
        """Drop what has been kept for too long."""
        self._kept.forget_old(self._clock.monotonic())

    async def done(self) -> None:
        """Wait until whatever is sought has been found or given up, which takes ``HOLD_S`` at most."""
        while self._rounds:
            await asyncio.wait(self._rounds)

    async def stop(self) -> None:
        """Seek nothing more. Messages that wait are due by themselves."""
        self._stopped = True
        # A round that has not begun yet does not see to its jobs.
        await ended([*self._rounds, *self._jobs])

    def _start(self, source: str, held: Iterable[Held]) -> tuple[dict[_Job, list[Held]], list[Held]]:
        """A job for each order, which its events share, as far as there is room; and what goes without."""
        orders: dict[str, list[Held]] = {}
        for one in held:
            orders.setdefault(one.event.order.id, []).append(one)
        reader, jobs, others = self._readers.get(source), dict[_Job, list[Held]](), list[Held]()
        for order_id, events in orders.items():
            if reader is None or len(self._jobs) >= MOST_WAITING:
                self._note(events, Found(without=CROWD if reader else None))
                others += events
            else:
                self._note(events, Found(without=LATE))
                jobs[self._seek(reader, order_id)] = events
        return jobs, others

    def _seek(self, reader: OrderReader, order_id: str) -> _Job:
        job = asyncio.create_task(self._read(reader, order_id), name="details of an order")
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    async def _read(self, reader: OrderReader, order_id: str) -> Fetched:
        async with self._places[reader.server]:
            return await reader.read(order_id)

    async def _round(self, source: str, jobs: Mapping[_Job, Sequence[Held]], others: Sequence[Held]) -> None:
        """What follows one commit."""
        try:
            await self._let_go(others)
            missing = await self._collect(jobs)
            if missing:
                _log.warning("details_missing", source=source, orders=len(missing), reason=missing[0])
        except Exception as error:  # noqa: BLE001  # whatever it is, the messages are due in a moment
            _report_fault(error)
        finally:
            await ended(jobs)

    async def _collect(self, jobs: Mapping[_Job, Sequence[Held]]) -> list[str]:
        """Let messages go as soon as there is nothing more to wait for; for each order without details, why."""
        time = asyncio.get_running_loop().time
        end, pending, missing = time() + FETCH_S, set(jobs), list[str]()
        while pending:
            seconds = max(0.0, end - time())
            done, pending = await asyncio.wait(pending, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            missing += [reason for job in done if (reason := self._take(job, jobs[job]))]
            await self._let_go([one for job in done or pending for one in jobs[job]])
            if not done:
                return [*missing, *[LATE] * len(pending)]
        return missing

    def _take(self, job: _Job, events: Sequence[Held]) -> str | None:
        """Keep what this job found for these events; if it found nothing, why, in words for the log."""
        error = job.exception()
        if error is None:
            details, size = job.result()
            self._note(events, Found(details), size)
            return None
        if isinstance(error, SourceError):
            self._note(events, Found(without=why(error)))
            return str(error)
        self._note(events, Found(without=FAULT))
        _report_fault(error)
        return FAULT

    def _note(self, events: Collection[Held], found: Found, size: int = 0) -> None:
        now = self._clock.monotonic()
        for one in events:
            self._kept.put(one.event, found, now, size)

    async def _let_go(self, events: Collection[Held]) -> None:
        """One transaction for all that is done by now: their messages need wait no longer."""
        deliveries = [delivery for one in events for delivery in one.deliveries]
        if not deliveries:
            return
        now = self._clock.now()
        try:
            await self._store.transact(lambda tx: tx.let_go(deliveries, now))
        except StateError as error:
            _log.error("state_unusable", error=str(error))  # they are due in a moment all the same
        self._wake()


def _report_fault(error: BaseException) -> None:
    """Where, and of what kind; an exception's own words may be a customer's."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}" if trace else "nowhere"
    _log.error("details_failed", fault=type(error).__name__, where=where)
