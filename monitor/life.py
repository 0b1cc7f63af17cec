"""The daemon's signs of life: written into the state, for who judges by that; and what of the daemon has stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

from monitor.asking.health import LIFE_EVERY, SILENT_AFTER, faults_of
from monitor.clock import Clock
from monitor.errors import StateError
from monitor.observers import Observer
from monitor.polling.commit import Committed
from monitor.scheduler import Scheduler
from monitor.store.base import Store
from monitor.supervisor import Checkup

READ_WITHIN_S = 5.0
_LEAVE_WITHIN_S = 1.0


class Life(Observer):
    """``every``: how often each of the sources is polled that are in force. ``daemon``: which of several it is."""

    def __init__(
        self,
        store: Store,
        scheduler: Scheduler,
        every: Callable[[], Mapping[str, timedelta]],
        clock: Clock,
        daemon: str = "",
    ) -> None:
        self._daemon = daemon
        self._store = store
        self._scheduler = scheduler
        self._every = every
        self._clock = clock
        self._read_at: dict[str, datetime] = {}
        self._delivering: asyncio.Task[None] | None = None
        self._noted = 0.0

    def page_read(self, source: str, read: int, of: int | None) -> None:
        """A poll that takes long is no poll that hangs."""
        self._read_at[source] = self._clock.now()

    def committed(self, source: str, committed: Committed) -> None:
        """As above."""
        self._read_at[source] = self._clock.now()

    def begin(self, delivering: asyncio.Task[None]) -> None:
        """The daemon begins; ``delivering`` is what empties its outbox."""
        self._delivering, self._noted = delivering, self._clock.monotonic()
        self._scheduler.every(LIFE_EVERY, "life", self._note, alone=True)

    async def end(self) -> None:
        """The daemon ends, and says so, if the state can take it: else it counts as dead, which it is."""
        with suppress(StateError, TimeoutError):
            async with asyncio.timeout(_LEAVE_WITHIN_S):
                await self._store.transact(lambda tx: tx.leave(self._daemon))

    def stopped(self) -> list[str]:
        """What of the daemon does not run, in words."""
        silent_s = self._clock.monotonic() - self._noted
        found = {
            "the delivery loop does not run": self._delivering is None or self._delivering.done(),
            "the scheduler does not run": not self._scheduler.runs,
            f"no scheduled job has ended for {silent_s:.0f} s": silent_s > SILENT_AFTER.total_seconds(),
        }
        return [what for what, is_so in found.items() if is_so]

    async def check(self) -> Checkup:
        """How all is; it lives if all of it runs, and the state can be read where no other daemon uses it."""
        if stopped := self.stopped():
            return Checkup("; ".join(stopped), lives=False)
        now, every = self._clock.now(), self._every()
        # A database that is away is not brought back by a restart; the daemon goes on by itself once it is there.
        is_shared = bool(self._daemon)
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                signs = await self._store.read(lambda tx: tx.signs(now))
        except TimeoutError:
            return Checkup(f"the state does not answer within {READ_WITHIN_S:.0f} s", lives=is_shared)
        except StateError as error:
            return Checkup(str(error), lives=is_shared)
        faults = [fault.text for fault in faults_of(every, signs, now)]
        count = f"{len(every)} source{'' if len(every) == 1 else 's'}"
        return Checkup("; ".join(faults) or f"watching {count}", lives=True)

    async def _note(self) -> None:
        self._noted = self._clock.monotonic()
        now, read_at = self._clock.now(), self._read_at
        self._read_at = {}
        with suppress(StateError):  # the delivery loop reports it, and a health check sees no sign
            await self._store.transact(lambda tx: tx.live(now, read_at, self._daemon))
        self._noted = self._clock.monotonic()
