"""The delivery loop: a lane for each URL, in each of which one message at a time is claimed, sent and settled.

Lanes do not wait for each other. In a lane goes first what was tried least, then the oldest, so that no message that
fails again and again holds up the others. Each is settled before the next is sent, so that only a death or a timeout
in between can cause a second copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec
import structlog
from structlog.contextvars import bound_contextvars

from monitor.clock import Clock
from monitor.delivery.claimed import Claimed, Then, read, render
from monitor.delivery.fallback import fall_back
from monitor.delivery.lane import Lane
from monitor.delivery.orphans import Orphans, tend
from monitor.delivery.outfit import Outfit, Render, Sender, encodable, whole
from monitor.delivery.report import OrphanReport, StateReport, ids, report_attempt, report_trouble
from monitor.delivery.sharing import LaneLease, Unshared
from monitor.delivery.verdicts import Dead, RetryIn, Sent, Verdict, judge
from monitor.delivery.waiting import first_of, unfinished
from monitor.errors import ChannelError, StateError
from monitor.model import Delivery, Message, Outcome, Severity
from monitor.store.base import Store, Transaction

T = TypeVar("T")
OnAttempt = Callable[[Delivery, Outcome, Verdict, datetime], None]
"""Called after each attempt, once it is settled."""
_PAUSE_S = 5.0
"""How long to wait after a failure that is neither the URL's nor the message's, such as a state that is unusable."""
_LONGEST_WAIT_S = 60.0
_GRACE_S = 1.0
"""So much of the deadline is kept for giving back what is still being sent at its end."""
_log = structlog.get_logger("monitor.delivery")


class _Look(NamedTuple):
    due: dict[str, datetime]
    orphans: Orphans


class DeliveryLoop:
    """Sends what the outbox holds, until it is stopped."""

    def __init__(
        self,
        store: Store,
        outfit: Outfit,
        clock: Clock,
        owner: str,
        on_attempt: OnAttempt | None = None,
        lease: LaneLease | None = None,
    ) -> None:
        self._store = store
        self._outfit = outfit
        self._clock = clock
        self._owner = owner
        self._on_attempt = on_attempt
        self._lease = lease or Unshared()
        self._lanes: dict[str, Lane] = {}
        self._orphans = OrphanReport()
        self._state = StateReport()
        self._stand_ins: dict[str, int] = {}
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()

    def wake(self) -> None:
        """Something may be due: look at once."""
        self._wake.set()

    def refit(self, outfit: Outfit) -> None:
        """From the next message on, send with this outfit; a send in flight ends under the old one."""
        self._outfit = outfit
        for lane in self._lanes.values():
            lane.refit(self._clock.monotonic())
        self._changed.set()
        self._changed = asyncio.Event()
        self.wake()

    async def run(self) -> None:
        """Send what is due, sleep until something is, and so on until ``stop``."""
        while not self._stopped.is_set():
            self._wake.clear()
            # Another process may hold the state for longer than a stop may last.
            wait = await first_of(self._start_lanes(), self._stopped.wait())
            await first_of(self._clock.sleep(wait), self._wake.wait(), self._stopped.wait())

    async def drain(self) -> bool:
        """Try each due delivery once; whether all of them arrived."""
        await self._lease.prove()
        now = self._clock.now()
        look = await self._store.transact(lambda tx: self._look(tx, now))
        self._orphans.tell(look.orphans, now)
        results = await asyncio.gather(*(self._try_each(url) for url in look.due))
        while stand_ins := self._take_stand_ins():
            # They have come into lanes whose turn may have been over.
            results += await asyncio.gather(*(self._try_each(url, first - 1) for url, first in stand_ins.items()))
        return all(results)

    async def stop(self, deadline_s: float) -> None:
        """Claim nothing more; give sends under way so long; leave the rest as it was."""
        self._stopped.set()
        tasks = [lane.task for lane in self._lanes.values() if lane.task]
        grace = min(_GRACE_S, deadline_s / 4)
        late = await unfinished(tasks, deadline_s - grace)
        for task in late:
            task.cancel()
        # What cannot be given back now, because another process holds the state, the next start gives back.
        await unfinished(late, grace)

    async def _start_lanes(self) -> float:
        """Start each lane that something is due for; seconds until the next one may be."""
        now = self._clock.now()
        busy = [url for url, lane in self._lanes.items() if lane.task]
        try:
            look = await self._store.transact(lambda tx: self._look(tx, now, busy))
        except StateError as error:
            self._state.unusable(error)
            return _PAUSE_S
        self._state.usable()
        self._orphans.tell(look.orphans, now)
        return min([_LONGEST_WAIT_S, *(self._start(url, (at - now).total_seconds()) for url, at in look.due.items())])

    def _start(self, url: str, due_in: float) -> float:
        """Start this lane if its time has come; seconds until it may."""
        homes = self._outfit.homes(url)
        lane = self._lanes.setdefault(url, Lane(str(homes[0]) if homes else url))
        if lane.task is not None:
            return _LONGEST_WAIT_S
        wait = max(due_in, lane.rests_until - self._clock.monotonic())
        if wait > 0:
            return wait
        lane.task = asyncio.create_task(self._run_lane(url, lane), name=f"lane {lane.name}")
        return _LONGEST_WAIT_S

    def _look(self, tx: Transaction, now: datetime, busy: list[str] | None = None) -> _Look:
        """What is due where. ``busy`` are the lanes at work: what was claimed for any other, nobody sends any more."""
        if busy is not None:
            tx.give_back(self._owner, busy)
        homes = self._outfit.destinations
        orphans = tend(tx, self._outfit, now)
        return _Look(self._lease.share(tx, tx.lanes(now, homes), now, self._owner, busy or ()), orphans)

    async def _run_lane(self, url: str, lane: Lane) -> None:
        try:
            await self._empty(url, lane)
        except (ChannelError, StateError) as error:
            lane.rests_until = self._clock.monotonic() + _PAUSE_S
            report_trouble(lane.name, error)
        except Exception as error:  # noqa: BLE001  # whatever it is, this lane must neither end nor spin
            lane.rest(RetryIn(_PAUSE_S, _PAUSE_S), self._clock.monotonic(), self._clock.random())
            report_trouble(lane.name, error)
        finally:
            if lane.rests_until > self._clock.monotonic():
                self._lease.keep(url)
            else:
                await self._leave(url)
            lane.task = None
            self.wake()

    async def _leave(self, url: str) -> None:
        """Let another daemon send to this URL."""
        if self._lease.is_shared:
            with suppress(StateError):  # then it is held on to, until it comes due again
                await self._store.transact(lambda tx: self._lease.leave(tx, url, self._owner))

    async def _empty(self, url: str, lane: Lane) -> None:
        """Send what is due in this lane, until it is empty or must rest."""
        following: Claimed | None = None
        term = self._lease.term
        while await self._free(url):
            claimed = following or await self._store.transact(lambda tx: self._claim(tx, url))
            # What was claimed in another term is another daemon's by now, or soon: it has perhaps been sent.
            if claimed is None or term is None or self._lease.term != term:
                return
            # A URL that answers again first hastens what waited for it, which may change what is next.
            then = None if lane.recovers else partial(self._claim_unless_it_rests, url=url)
            verdict, following = await self._deliver(claimed, lane.failures, then)
            if isinstance(verdict, RetryIn):
                lane.rest(verdict, self._clock.monotonic(), self._clock.random())
                return
            if isinstance(verdict, Sent):
                await self._recover(url, lane)
        if following:
            await self._insist(partial(_unclaim, delivery=following.delivery))

    async def _free(self, url: str) -> bool:
        """Wait until no send to this URL is under way; False if there is nothing more to send there."""
        while not self._stopped.is_set() and (homes := self._outfit.homes(url)):
            changed = self._changed.wait()
            if not await first_of(self._outfit.sender.idle(homes[0]), changed, self._stopped.wait()):
                return not self._stopped.is_set()
        return False

    async def _try_each(self, url: str, after: int = 0) -> bool:
        """Send what is due in this lane, in its order and each once, however long that takes; whether all arrived.

        What another daemon sends to this URL is its own affair.
        """
        if not await self._store.transact(lambda tx: self._lease.take(tx, url, self._owner)):
            return True
        try:
            return await self._send_each(url, after)
        finally:
            await self._leave(url)

    async def _send_each(self, url: str, after: int) -> bool:
        arrived, term = True, self._lease.term
        claimed = await self._store.transact(partial(self._claim, url=url, after=after))
        while claimed and term is not None and self._lease.term == term:  # else it is as in ``_empty``
            then = partial(self._claim_after, url=url, last=claimed.delivery.id)
            verdict, claimed = await self._deliver(claimed, then=then)
            arrived &= isinstance(verdict, Sent)
        if claimed:
            await self._insist(partial(_unclaim, delivery=claimed.delivery))
        return arrived and not claimed

    def _claim(self, tx: Transaction, url: str, after: int | None = None) -> Claimed | None:
        homes = self._outfit.homes(url)
        delivery = tx.claim_delivery(homes, self._owner, self._clock.now(), after) if homes else None
        if delivery is None:
            return None
        return read(tx, delivery, self._outfit.gather)

    def _claim_unless_it_rests(self, tx: Transaction, verdict: Verdict, url: str) -> Claimed | None:
        return None if isinstance(verdict, RetryIn) else self._claim(tx, url)

    def _claim_after(self, tx: Transaction, _: Verdict, url: str, last: int) -> Claimed | None:
        return self._claim(tx, url, last)

    async def _deliver(
        self, claimed: Claimed, lane_failures: int = 0, then: Then | None = None
    ) -> tuple[Verdict, Claimed | None]:
        """One attempt. Each line that is logged in it, whoever writes it, says of which delivery it is."""
        with bound_contextvars(**ids(claimed.delivery)):
            return await self._send_and_settle(claimed, lane_failures, then)

    async def _send_and_settle(
        self, claimed: Claimed, lane_failures: int, then: Then | None
    ) -> tuple[Verdict, Claimed | None]:
        """Render, send, settle; and in one transaction with that, ``then`` claim the next: a write less for each."""
        delivery = claimed.delivery
        message, outcome = await self._attempt(self._outfit, claimed)
        now = self._clock.now()
        verdict = judge(outcome, delivery, now, self._clock.random(), lane_failures + 1)

        def settle(tx: Transaction) -> tuple[Mapping[str, int], None]:
            if isinstance(verdict, RetryIn):
                tx.retry_at(delivery, now, verdict.seconds, outcome)
                return {}, None
            settled = tx.settle(delivery, now, outcome, message.title, message.body)
            dead = settled and isinstance(verdict, Dead)
            return fall_back(tx, delivery, self._outfit, now) if dead else {}, None

        def settle_and_claim(tx: Transaction) -> tuple[Mapping[str, int], Claimed | None]:
            stand_ins, _ = settle(tx)
            return stand_ins, then(tx, verdict) if then and not self._stopped.is_set() else None

        try:
            stand_ins, following = await asyncio.shield(self._store.transact(settle_and_claim))
        except StateError:
            # Whatever is wrong with the next one: what was sent must be settled first, or it would be sent again.
            stand_ins, following = await self._insist(settle)
        report_attempt(delivery, outcome, verdict, now)
        if self._on_attempt:
            self._on_attempt(delivery, outcome, verdict, now)
        self._expect(stand_ins)
        return verdict, following

    def _expect(self, stand_ins: Mapping[str, int]) -> None:
        """Something due has been written for these URLs, by a death."""
        for url, delivery in stand_ins.items():
            self._stand_ins[url] = min(delivery, self._stand_ins.get(url, delivery))
        if stand_ins:
            self.wake()

    def _take_stand_ins(self) -> Mapping[str, int]:
        """By URL, the first delivery that was written for it by a death since this was asked last."""
        taken, self._stand_ins = self._stand_ins, {}
        return taken

    async def _attempt(self, outfit: Outfit, claimed: Claimed) -> tuple[Message, Outcome]:
        """Render and send. What nobody foresaw is a failed attempt like others, and seen as one."""
        delivery = claimed.delivery
        message = Message("", "", Severity.INFO, delivery.ref)
        try:
            if outfit.bring and claimed.many is None:
                await outfit.bring(delivery, claimed.event)
            message = encodable(render(outfit, claimed))
            outcome = await outfit.sender.send(outfit.line(delivery), message)
            return message, msgspec.structs.replace(outcome, reason=whole(outcome.reason))
        except (asyncio.CancelledError, ChannelError):
            await self._insist(lambda tx: tx.unclaim(delivery))
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
                if self._stopped.is_set():
                    raise
                self._state.unusable(error)
                await self._clock.sleep(_PAUSE_S)

    async def _recover(self, url: str, lane: Lane) -> None:
        """A URL that answers again gets at once what waited for it; after a single failure each keeps its own pace.

        So does what has failed more often than this outage explains: it fails while others succeed.
        """
        if lane.recovers:
            now, most = self._clock.now(), lane.explains
            await self._store.transact(lambda tx: tx.hasten(url, now, most))
        lane.answers()


def _unclaim(tx: Transaction, delivery: Delivery) -> None:
    tx.unclaim(delivery)


__all__ = ["DeliveryLoop", "Outfit", "Render", "Sender"]
