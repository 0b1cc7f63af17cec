"""The server as a part of the daemon: it begins, changes and ends with the settings, and may ask for a poll."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import structlog

from monitor.alerting.routes import Router
from monitor.clock import Clock
from monitor.config.settings import Settings
from monitor.errors import MonitorError
from monitor.life import Life
from monitor.observers import Observers
from monitor.parts import site_of
from monitor.roster import Roster
from monitor.scheduler import Scheduler
from monitor.sources.http import HttpClient
from monitor.store.base import Store
from monitor.store.sql import NEWS
from monitor.watching import Watching
from monitor.web.site import Looked, Share, Site

if TYPE_CHECKING:
    from monitor.web.server import WebServer

_log = structlog.get_logger("monitor.web")


def job_of(source: str) -> str:
    """The scheduler's name for the polls of a source."""
    return f"poll {source}"


class Sharing(Protocol):
    """What of sharing the server needs."""

    name: str
    roster: Roster

    async def want(self, source: str) -> None:
        """Let the daemon that polls this source do it now. StateError if nobody can be told."""
        ...


class DaemonParts:
    """What of the daemon the server may ask."""

    def __init__(  # noqa: PLR0913  # the composition root's call
        self,
        watching: Watching,
        life: Life,
        scheduler: Scheduler,
        client: HttpClient,
        wake: Callable[[], None],
        clock: Clock,
        *,
        sharing: Sharing | None = None,
    ) -> None:
        self._sharing = sharing
        self._watching = watching
        self._life = life
        self._scheduler = scheduler
        self._client = client
        self._wake = wake
        self._clock = clock
        self._urls: dict[str, str] = {}

    def serve(self, settings: Settings) -> None:
        """From now on, these sources."""
        self._urls = {name: source.url for name, source in settings.sources.items()}

    def share(self) -> Share | None:
        """Its place among others; None where a state serves one daemon."""
        if self._sharing is None:
            return None
        roster = self._sharing.roster
        return Share(self._sharing.name, roster.daemons, len(roster.held_sources()), roster.is_valid, roster.leases)

    def looked(self, source: str) -> Looked | None:
        """How a source is read; None if another daemon reads it, which alone knows."""
        if self._sharing and not self._sharing.roster.holds(source):
            return None
        result, url = self._watching.results.get(source), self._urls.get(source, "")
        next_at = self._scheduler.next_at(job_of(source))
        used, limit = self._client.used(url, self._clock.monotonic()), self._client.per_minute(url) if url else None
        if result is None:
            return Looked(used=used, per_minute=limit, next_at=next_at)
        return Looked(
            bound=self._watching.bound(source),
            within=self._watching.within(source),
            refusal=result.refusal,
            used=used,
            per_minute=limit,
            orders=result.known,
            requests=result.requests,
            seconds=result.seconds,
            next_at=next_at,
        )

    def stopped(self) -> list[str]:
        """What of the daemon does not run."""
        return self._life.stopped()

    async def poll_now(self, source: str) -> bool:
        """Let the next poll of a source begin at once, whichever daemon polls it."""
        if self._sharing and source in self._urls and not self._sharing.roster.holds(source):
            await self._sharing.want(source)
            return True
        return self._scheduler.hasten(job_of(source))

    def deliver_now(self) -> None:
        """Something may be due in the outbox."""
        self._wake()


class Serving:
    """The server that the settings ask for, if they do. ``open_reader`` opens the state a second time, for reading."""

    def __init__(
        self, parts: DaemonParts, store: Store, open_reader: Callable[[], Store], observers: Observers, clock: Clock
    ) -> None:
        self._parts = parts
        self._store = store
        self._open_reader = open_reader
        self._observers = observers
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._ended = False
        self._reader: Store | None = None
        self._recalling: asyncio.Task[None] | None = None
        self.server: WebServer | None = None

    async def start(self, settings: Settings, router: Router, secrets: frozenset[str]) -> None:
        """Begin to serve, if that is configured. MonitorError if its address cannot be had."""
        self._parts.serve(settings)
        if settings.web is not None:
            await self._begin(site_of(settings, settings.web, router, secrets))

    async def _begin(self, site: Site) -> None:
        reader = await asyncio.to_thread(self._open_reader)
        # A command that serves nothing does not pay for the server.
        from monitor.web.server import WebServer  # noqa: PLC0415  # see above

        server = WebServer(site, self._parts, self._store, reader, self._clock)
        try:
            await server.start()
        except BaseException:
            await reader.aclose()
            raise
        self._reader, self.server = reader, server
        self._observers.append(server)

    async def reload(self, settings: Settings, router: Router, secrets: frozenset[str]) -> None:
        """Show these settings; where they ask for another address, serve there. One that cannot be had is logged."""
        async with self._one_at_a_time:
            if self._ended:
                return
            await self._reload(settings, router, secrets)
            self.reloaded(done=True)

    def reloaded(self, *, done: bool) -> None:
        """The configuration was read again; ``done``: and is in force."""
        if self.server:
            self.server.reloaded(done=done)

    async def _reload(self, settings: Settings, router: Router, secrets: frozenset[str]) -> None:
        self._parts.serve(settings)
        before = self.server.context.site.settings if self.server else None
        if self.server and settings.web and before and settings.web.listen == before.listen:
            self.server.serve(site_of(settings, settings.web, router, secrets))
            return
        await self._end()
        # Where it was before, it goes by the section of before: another one may ask for no password.
        for web in filter(None, [settings.web, settings.web and before]):
            try:
                await self._begin(site_of(settings, web, router, secrets))
            except MonitorError as error:
                _log.error("page_not_served", reason=str(error))
            else:
                return

    def heard(self, topic: str) -> None:
        """Another process has told something: something else may be to be shown, or somebody has logged out there."""
        if self.server:
            self.server.context.hub.poke()
            if topic != NEWS:
                self._recalling = asyncio.create_task(self.server.recall())

    async def stop(self) -> None:
        """Serve no more, whatever is reloaded meanwhile."""
        async with self._one_at_a_time:
            self._ended = True
            await self._end()

    async def _end(self) -> None:
        if self.server:
            self._observers.remove(self.server)
            await self.server.stop()
        if self._reader:
            await self._reader.aclose()
        self.server = self._reader = None
