"""The HTTP server: its parts, its start and its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

import structlog
from aiohttp import web

from monitor.clock import Clock
from monitor.delivery.verdicts import Verdict
from monitor.errors import MonitorError, StateError
from monitor.model import Delivery, Outcome
from monitor.polling.commit import Committed
from monitor.polling.poller import PollResult
from monitor.store.base import Store, StoredEvent
from monitor.web import exposition, hooks, login, probes, stream
from monitor.web.api import routes as api
from monitor.web.connections import Runner
from monitor.web.context import CONTEXT, Context
from monitor.web.failures import failing_well
from monitor.web.guards import LONGEST_BODY, guarding
from monitor.web.headers import protect
from monitor.web.pages import routes as pages
from monitor.web.settings import split_listen
from monitor.web.site import Daemon, Site

_ENDS_WITHIN_S = 2.0
_log = structlog.get_logger("monitor.web")


class WebServer:
    """Serves a state and a daemon, from ``start`` to ``stop``."""

    def __init__(self, site: Site, daemon: Daemon, store: Store, reader: Store, clock: Clock) -> None:
        self.context = Context(site, daemon, store, reader, clock)
        self._runner: web.AppRunner | None = None
        self._hub: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it is served: the host and port that it really listens on."""
        assert self._runner is not None, "it is not started"  # noqa: S101  # a bug of the caller's
        host, port = self._runner.addresses[0][:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def start(self) -> None:
        """Listen. MonitorError if that address cannot be had."""
        listen = self.context.site.settings.listen
        host, port = split_listen(listen)
        await self._recall()
        runner = Runner(make_app(self.context), handle_signals=False, shutdown_timeout=_ENDS_WITHIN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise MonitorError(f"web.listen: cannot listen on {listen}: {error.strerror or error}") from None
        self._runner = runner
        self._hub = asyncio.create_task(self.context.hub.run(self._write), name="hub")
        _log.info("page_served", url=self.url)

    async def recall(self) -> None:
        """Somebody may have logged out on another daemon's page: that counts here, too."""
        with suppress(StateError):  # it is recalled when the state is back
            await self._recall()

    async def _recall(self) -> None:
        """Sessions that were ended stay so over restarts."""
        context = self.context
        context.access.recall(await context.store.read(lambda tx: tx.ended_sessions(context.clock.now())))

    def serve(self, site: Site) -> None:
        """From now on, show this configuration; where it listens does not change."""
        self.context.serve(site)

    async def stop(self) -> None:
        """End every answer, streams too, and close the port."""
        await self.context.hints.aclose()
        await self.context.hub.aclose()
        if self._hub:
            self._hub.cancel()
            await asyncio.gather(self._hub, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()

    def _write(self, row: StoredEvent) -> bytes:
        return stream.event_frame(self.context.site, row)

    # What happens in the daemon

    def page_read(self, source: str, read: int, of: int | None) -> None:
        """A page of a source's list has been read."""

    def committed(self, source: str, committed: Committed) -> None:
        """A look at a source has been written."""
        self.context.metrics.committed(source, committed)
        if committed.events:
            self.context.hub.poke()

    def polled(self, result: PollResult) -> None:
        """A poll has ended."""
        self.context.metrics.polled(result)
        self.context.hub.poke()

    def unpolled(self, source: str, reason: str) -> None:
        """A poll has come to nothing."""
        self.context.metrics.unpolled(source, reason)

    def attempted(self, delivery: Delivery, outcome: Outcome, verdict: Verdict, now: datetime) -> None:
        """An attempt to send has been settled."""
        self.context.metrics.attempted(delivery, verdict, now)
        self.context.hub.poke()

    def reloaded(self, *, done: bool) -> None:
        """The configuration was read again; ``done``: and is in force."""
        self.context.metrics.reloaded(self.context.clock.now(), done=done)


def make_app(context: Context) -> web.Application:
    """All that is served, behind what decides who may ask."""
    app = web.Application(client_max_size=LONGEST_BODY, middlewares=[failing_well, guarding])
    app[CONTEXT] = context
    app.on_response_prepare.append(exposition.count_answer)
    app.on_response_prepare.append(protect)
    for room in (login, pages, api, probes, hooks, stream, exposition):
        app.add_routes(room.ROUTES)
    return app
