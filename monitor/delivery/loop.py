"""The delivery loop: a lane for each URL, in each of which one message at a time is claimed, sent and settled.

Lanes do not wait for each other. In a lane goes first what was tried least, then the oldest, so that no message that
fails again and again holds up the others. Each is settled before the next is sent, so that only a death or a timeout
in between can cause a second copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

import msgspec
import structlog

from monitor.clock import Clock
from monitor.delivery.verdicts import Dead, RetryIn, Sent, Verdict, backoff, judge
from monitor.errors import ChannelError, StateError
from monitor.model import Delivery, Destination, Event, Message, Outcome, Severity
from monitor.store.base import Store, Transaction

T = TypeVar("T")
_PAUSE_S = 5.0
"""How long to wait after a failure that is neither the URL's nor the message's, such as a state that is unusable."""
_LONGEST_WAIT_S = 60.0
_log = structlog.get_logger("monitor.delivery")


class Sender(Protocol):
    """What sends: Apprise, or something that prints."""

    async def send(self, destination: Destination, message: Message) -> Outcome:
        """Try once, and say what came of it; ChannelError if there is no such destination any more."""
        ...

    async def idle(self, destination: Destination) -> None:
        """Wait until no earlier send that was given up on still runs."""
        ...


Render = Callable[[Delivery, Event], Message]


class Outfit(msgspec.Struct, frozen=True):
    """What a reload replaces: where to, by what, in what words."""

    destinations: Collection[Destination]
    sender: Sender
    render: Render


class _Lane(msgspec.Struct):
    """One URL's queue: the task that empties it, and how long it rests after failures (monotonic seconds)."""

    task: asyncio.Task[None] | None = None
    failures: int = 0
    failing_since: float = 0.0
    rests_until: float = 0.0


class DeliveryLoop:
    """Sends what the outbox holds, until it is stopped."""

    def __init__(self, store: Store, outfit: Outfit, clock: Clock, owner: str) -> None:
        self._store = store
        self._outfit = outfit
        self._clock = clock
        self._owner = owner
        self._lanes: dict[Destination, _Lane] = {}
        self._wake = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Something may be due: look at once."""
        self._wake.set()

    def refit(self, outfit: Outfit) -> None:
        """From the next message on, send with this outfit; a send in flight ends under the old one."""
        self._outfit = outfit
        for lane in self._lanes.values():
            # The next due message is tried at once and the rests after it are short again; but an outage goes on being
            # one, so that what waited is sent at its end.
            lane.failing_since, lane.rests_until = self._clock.monotonic(), 0.0
        self.wake()

    async def run(self) -> None:
        """Send what is due, sleep until something is, and so on until ``stop``."""
        while not self._stopping:
            self._wake.clear()
            wait = await self._start_lanes()
            await self._sleep(wait)

    async def drain(self) -> bool:
        """Try each due delivery once; whether all of them arrived."""
        now = self._clock.now()
        lanes = await self._store.transact(lambda tx: self._look(tx, now))
        results = await asyncio.gather(*(self._try_each(to) for to in lanes))
        return all(results)

    async def stop(self, deadline_s: float) -> None:
        """Claim nothing more; give sends under way so long; leave the rest as it was."""
        self._stopping = True
        self.wake()
        tasks = [lane.task for lane in self._lanes.values() if lane.task]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=deadline_s)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _start_lanes(self) -> float:
        """Start each lane that something is due for; seconds until the next one may be."""
        now = self._clock.now()
        try:
            due = await self._store.transact(lambda tx: self._look(tx, now))
        except StateError as error:
            _log.error("state_unusable", error=str(error))
            return _PAUSE_S
        waits = [_LONGEST_WAIT_S]
        for to, at in due.items():
            lane = self._lanes.setdefault(to, _Lane())
            if lane.task is not None:
                continue
            wait = max((at - now).total_seconds(), lane.rests_until - self._clock.monotonic())
            if wait > 0:
                waits.append(wait)
            else:
                lane.task = asyncio.create_task(self._run_lane(to, lane), name=f"lane {to}")
        return min(waits)

    def _look(self, tx: Transaction, now: datetime) -> dict[Destination, datetime]:
        lanes = tx.lanes(now)
        for to in [to for to in lanes if to not in self._outfit.destinations]:
            del lanes[to]
            tx.bury_orphans(to, now, f"waits: the configuration has no channel {to}")
        return lanes

    async def _run_lane(self, to: Destination, lane: _Lane) -> None:
        try:
            await self._empty(to, lane)
        except Exception as error:  # noqa: BLE001  # whatever it is, this lane must neither end nor spin
            lane.rests_until = self._clock.monotonic() + _PAUSE_S
            _report_trouble(to, error)
        finally:
            lane.task = None
            self.wake()

    async def _empty(self, to: Destination, lane: _Lane) -> None:
        """Send what is due in this lane, until it is empty or must rest."""
        while not self._stopping:
            await self._outfit.sender.idle(to)
            claimed = await self._store.transact(lambda tx: self._claim(tx, to))
            if claimed is None:
                return
            verdict = await self._deliver(*claimed)
            if isinstance(verdict, RetryIn):
                self._rest(lane, verdict)
                return
            await self._recover(to, lane, verdict)

    async def _try_each(self, to: Destination) -> bool:
        """Send what is due in this lane, in its order and each once, however long that takes; whether all arrived."""
        arrived, last = True, 0
        while not self._stopping:
            claimed = await self._store.transact(partial(self._claim, to=to, after=last))
            if claimed is None:
                break
            last = claimed[0].id
            arrived &= isinstance(await self._deliver(*claimed), Sent)
        return arrived

    def _claim(self, tx: Transaction, to: Destination, after: int | None = None) -> tuple[Delivery, Event] | None:
        delivery = tx.claim_delivery(to, self._owner, self._clock.now(), after)
        return None if delivery is None else (delivery, tx.events_of(delivery.id)[0].event)

    async def _deliver(self, delivery: Delivery, event: Event) -> Verdict:
        """Render, send, settle."""
        message, outcome = await self._attempt(self._outfit, delivery, event)
        now = self._clock.now()
        verdict = judge(outcome, delivery, now, self._clock.random())

        def settle(tx: Transaction) -> bool:
            if isinstance(verdict, RetryIn):
                return tx.retry_at(delivery, now, verdict.seconds, outcome)
            return tx.settle(delivery, now, outcome, message.title, message.body)

        await self._insist(settle)
        _report(delivery, outcome, verdict, now)
        return verdict

    async def _attempt(self, outfit: Outfit, delivery: Delivery, event: Event) -> tuple[Message, Outcome]:
        """Render and send. What nobody foresaw is a failed attempt like others, and seen as one."""
        message = Message("", "", Severity.INFO, delivery.ref)
        try:
            message = outfit.render(delivery, event)
            return message, await outfit.sender.send(Destination(delivery.channel, delivery.url_number), message)
        except (asyncio.CancelledError, ChannelError):
            await self._store.transact(lambda tx: tx.unclaim(delivery))
            raise
        except Exception as error:  # noqa: BLE001  # any bug in rendering or sending: no alert may be lost to it
            _log.error("delivery_failed", delivery=delivery.id, ref=delivery.ref, exc_info=error)
            return message, Outcome(delivered=False, reason=f"failed by a fault of ours ({type(error).__name__})")

    async def _insist(self, work: Callable[[Transaction], T]) -> T:
        """Write what was sent, however long the state cannot be written: to give up would mean to send it again."""
        while True:
            try:
                # Shielded: a write that waits for its turn when ``stop`` loses patience is still done.
                return await asyncio.shield(self._store.transact(work))
            except StateError as error:
                if self._stopping:
                    raise
                _log.error("state_unusable", error=str(error))
                await self._clock.sleep(_PAUSE_S)

    def _rest(self, lane: _Lane, verdict: RetryIn) -> None:
        """A failure that may pass is the URL's rather than the message's: nothing else is tried there for a while.

        The rest grows with the lane's failures in a row, not the message's, so that one bad message holds up no other.
        """
        now = self._clock.monotonic()
        if not lane.failures:
            lane.failing_since = now
        age = timedelta(seconds=now - lane.failing_since)
        lane.rests_until = now + max(backoff(lane.failures, age, self._clock.random()), verdict.wish)
        lane.failures += 1

    async def _recover(self, to: Destination, lane: _Lane, verdict: Verdict) -> None:
        """A URL that answers again gets at once what waited for it; after a single failure each keeps its own pace.

        So does what has failed more often than this outage explains: it fails while others succeed.
        """
        if isinstance(verdict, Dead):
            return
        if lane.failures > 1:
            now = self._clock.now()
            await self._store.transact(lambda tx: tx.hasten(to, now, lane.failures))
        lane.failures = 0

    async def _sleep(self, seconds: float) -> None:
        waiting = [asyncio.ensure_future(self._wake.wait()), asyncio.ensure_future(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for future in waiting:
                future.cancel()


def _report_trouble(to: Destination, error: Exception) -> None:
    match error:
        case ChannelError():
            _log.info("channel_gone", channel=str(to), reason=str(error))
        case StateError():
            _log.error("state_unusable", channel=str(to), error=str(error))
        case _:
            _log.error("lane_failed", channel=str(to), exc_info=error)


def _report(delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
    fields = {
        "delivery": delivery.id,
        "ref": delivery.ref,
        "route": delivery.route,
        "channel": str(Destination(delivery.channel, delivery.url_number)),
        "source": delivery.source,
        "attempt": delivery.attempts + 1,
        "waited_s": round((now - delivery.created_at).total_seconds(), 3),
    }
    match verdict:
        case Sent():
            _log.info("delivery_sent", **fields)
        case RetryIn(seconds):
            _log.warning("delivery_retried", **fields, reason=outcome.reason, retry_in_s=round(seconds, 1))
        case Dead():
            _log.error("delivery_dead", **fields, reason=outcome.reason)
