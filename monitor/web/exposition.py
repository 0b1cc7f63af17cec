"""GET /metrics: the counters, and how things are as of now."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable, Iterator
from contextlib import suppress

from aiohttp import web
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder, gzip_accepted
from prometheus_client.registry import Collector

from monitor.errors import StateError
from monitor.store.base import Tallies
from monitor.web.context import Context, context_of
from monitor.web.gauges import Found, find, of_daemon, of_orders, of_server, of_share, of_state

PATIENCE_S = 5.0
"""So long a scrape waits for the state: half of what Prometheus waits for the scrape."""


class _Together(Collector):
    def __init__(self, counted: CollectorRegistry, found: Iterable[Metric]) -> None:
        self._counted = counted
        self._found = found

    def collect(self) -> Iterator[Metric]:
        yield from self._counted.collect()
        yield from self._found


async def metrics(request: web.Request) -> web.StreamResponse:
    """All metrics, as text or OpenMetrics. A state that cannot be read is one of them, and no failure."""
    context = context_of(request)
    together = _Together(context.metrics.registry, await _gauges(context))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
    zips = gzip_accepted(request.headers.get("Accept-Encoding", ""))
    if zips:
        headers["Content-Encoding"] = "gzip"
    # Of a hundred sources it is 3,000 lines, which take 25 ms: not in the way of polls and pages.
    body = await asyncio.to_thread(lambda: gzip.compress(encode(together), 6) if zips else encode(together))
    return web.Response(body=body, headers=headers)


async def count_answer(request: web.Request, response: web.StreamResponse) -> None:
    """Called with each answer before it is sent."""
    part = request.match_info.handler.__module__
    handler = part.removeprefix("monitor.web.") if part.startswith("monitor.web.") else "none"
    context_of(request).metrics.answered(handler, response.status)


async def _gauges(context: Context) -> list[Metric]:
    site, daemon, now = context.site, context.daemon, context.clock.now()
    state, counts = await _read(context)
    errors = context.store.failures + context.reader.failures
    found = [*of_server(state is not None, errors, context.hub.streams)]
    found += of_daemon(site.sources, {name: one for name in site.sources if (one := daemon.looked(name))})
    found += of_share(daemon.share(), len(site.sources))
    found += of_state(site.sources, state, now) if state else ()
    return found + ([*of_orders(site.sources, counts)] if counts else [])


async def _read(context: Context) -> tuple[Found | None, Tallies | None]:
    """What the state says; None for what it does not say in time."""
    now, found, counts = context.clock.now(), None, None
    with suppress(StateError, TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            found = await context.reader.read(lambda tx: find(tx, now))
            # However long counting takes: it ends, and the next scrape has it.
            counts = await asyncio.shield(context.counts.tallies())
    return found, counts


ROUTES = [web.get("/metrics", metrics)]
