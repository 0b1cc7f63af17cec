"""The status page: everything that people see, put together of its parts."""

from __future__ import annotations

from aiohttp import web

from monitor.web import assets
from monitor.web.pages import deliveries, events, orders, overview, silences, sources, story

ROUTES: list[web.RouteDef] = [
    *assets.ROUTES,
    *overview.ROUTES,
    *events.ROUTES,
    *orders.ROUTES,
    *story.ROUTES,
    *deliveries.ROUTES,
    *silences.ROUTES,
    *sources.ROUTES,
]
