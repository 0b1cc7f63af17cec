"""This daemon among others: its leases are renewed, it hears what others commit, and its clock is the database's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Protocol

import structlog
from yarl import URL

from monitor.clock import SharedClock
from monitor.config.settings import Settings
from monitor.errors import StateError, StateUnreachable
from monitor.roster import LEASE_S, RENEWS_S, Beat, Roster
from monitor.store.base import Store
from monitor.store.listener import Listener

_POLL = "poll "
_LEAVES_WITHIN_S = 2.0
_log = structlog.get_logger("monitor")


class Works(Protocol):
    """What works by what is held."""

    def moved(self, taken: Collection[str]) -> None:
        """These sources are this daemon's from now on."""
        ...

    def polling(self) -> Collection[str]:
        """The sources that are being polled."""
        ...


class Sharing:
    """Runs from ``start`` to ``stop``, or for a ``visit``."""

    def __init__(self, store: Store, clock: SharedClock, owner: str, worker: Works) -> None:
        self.name = owner
        self.roster = Roster(store, clock, owner, busy=worker.polling)
        self._store = store
        self._clock = clock
        self._worker = worker
        self._task: asyncio.Task[None] | None = None
        self._listener: Listener | None = None
        self._holds: frozenset[str] = frozenset()
        self._said: tuple[int, int] | None = None
        self._lost = False

    @property
    def is_valid(self) -> bool:
        """Whether this daemon may poll and send: it has attended lately enough."""
        return self.roster.is_valid

    @property
    def term(self) -> int:
        """How often it has begun anew; what was claimed in an earlier term may be another's."""
        return self.roster.term

    def serve(self, settings: Settings) -> None:
        """Divide these sources."""
        self.roster.serve(units_of(settings))

    async def start(self, state: str, heard: Callable[[str], None]) -> None:
        """Take a share, and call ``heard`` whenever others write. A database that is away is waited for."""
        await self._attend(self.roster.beat)
        self._listener = Listener(state, heard)
        self._task = asyncio.create_task(self._renew(), name="leases")

    async def stop(self) -> None:
        """Give everything up."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._listener:
            await self._listener.aclose()
        self._task = self._listener = None
        with suppress(StateError, TimeoutError):  # then the leases run out
            async with asyncio.timeout(_LEAVES_WITHIN_S):
                await self.roster.leave()

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[None]:
        """Claim and send beside the daemons, without a share. StateError if the state cannot be used."""
        self._note(await self.roster.visit())
        self._task = asyncio.create_task(self._renew(), name="leases")
        try:
            yield
        finally:
            await self.stop()

    async def prove(self) -> None:
        """Attend now, unless that was done lately enough. StateError if the state cannot be used."""
        if not self.roster.is_valid:
            self._note(await self.roster.renew())

    async def beat(self) -> None:
        """Attend, if the state can be used; that it cannot is said once, when what is held is lost."""
        await self._attend(self.roster.renew)

    async def _attend(self, how: Callable[[], Awaitable[Beat]]) -> None:
        try:
            async with asyncio.timeout(LEASE_S):
                beat = await how()
        except TimeoutError:
            self._note_loss(StateUnreachable(f"it has not answered for {LEASE_S:.0f} s"))
        except StateError as error:
            self._note_loss(error)
        else:
            self._note(beat)

    async def want(self, source: str) -> None:
        """Let the daemon that polls this source do it now. StateError if nobody can be told."""
        await self._store.transact(lambda tx: tx.tell_others(f"{_POLL}{source}"))

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep(RENEWS_S)
            try:
                await self.beat()
            except Exception as error:  # noqa: BLE001  # a bug must not end this: nothing would be polled any more
                self._note_loss(error)

    def _note_loss(self, error: Exception) -> None:
        if self._lost or self.roster.is_valid:
            return
        self._lost, self._holds = True, frozenset()
        reason = str(error) or type(error).__name__
        _log.error("leases_lost", reason=reason, meaning="nothing is polled or sent until they are back")

    def _note(self, beat: Beat) -> None:
        self._clock.ahead += timedelta(seconds=beat.ahead_s)
        holds = self.roster.held_sources()
        if self._lost:
            _log.info("leases_back", holds=len(holds))
        if beat.buried:
            _log.warning("daemon_gone", owners=beat.buried, meaning="its leases have run out; the others do its work")
        self._lost, said = False, (beat.daemons, len(holds))
        if said != self._said:
            self._said = said
            _log.info("work_shared", daemons=beat.daemons, holds=len(holds))
        before, self._holds = self._holds, holds
        if taken := holds - before:
            self._worker.moved(taken)


def wanted(topic: str) -> str | None:
    """The source that somebody wants polled now, if that is what was told."""
    return topic.removeprefix(_POLL) if topic.startswith(_POLL) else None


def units_of(settings: Settings) -> Mapping[str, str]:
    """By source, what stays together: sources of a host that may be asked only so often share one budget, and so one
    daemon; any other stands for itself."""
    hosts = {name: str(URL(source.url).origin()) for name, source in settings.sources.items()}
    limited = {hosts[name] for name, source in settings.sources.items() if source.max_requests_per_minute}
    return {name: f"@{host}" if host in limited else name for name, host in hosts.items()}
