"""What every answer is made of. Handlers get it by ``context_of(request)``."""

from __future__ import annotations

from aiohttp import web

from monitor.clock import Clock
from monitor.store.base import Store
from monitor.web.access import Access
from monitor.web.counts import Counts
from monitor.web.hints import Hints
from monitor.web.hub import Hub
from monitor.web.metrics import Metrics
from monitor.web.site import Daemon, Site


class Context:
    """``site`` is exchanged on reload. ``reader`` is for reading: it waits for no poll, and no poll for it."""

    def __init__(self, site: Site, daemon: Daemon, store: Store, reader: Store, clock: Clock) -> None:
        self.site = site
        self.daemon = daemon
        self.store = store
        self.reader = reader
        self.clock = clock
        self.access = Access(site.settings, clock)
        self.hub = Hub(reader, clock)
        self.metrics = Metrics(site, clock.now())
        self.counts = Counts(reader, clock)
        self.hints = Hints(daemon.poll_now, clock)

    def serve(self, site: Site) -> None:
        """From now on, show this configuration."""
        self.site = site
        self.access.serve(site.settings)
        self.metrics.serve(site)


CONTEXT = web.AppKey("context", Context)
FORM_TOKEN = web.RequestKey("form_token", str)
"""Of a request: what its forms must hold in their field ``csrf``, or scripts send as X-CSRF-Token."""
LOGGED_IN = web.RequestKey("logged_in", bool)
"""Of a request: whether there is a session to end; not so where no log-in is needed."""


def context_of(request: web.Request) -> Context:
    """What this server's answers are made of."""
    return request.app[CONTEXT]
