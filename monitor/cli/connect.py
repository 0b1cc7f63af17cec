"""`check --connect`: what each source shows, and whether each channel answers. Nothing is written or sent."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from itertools import chain

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.cli.connect_source import SourceLook
from monitor.cli.findings import ChannelFound, Found, OnPage, SourceFound
from monitor.clock import Clock, SystemClock
from monitor.config import Settings
from monitor.errors import ChannelError
from monitor.model import Destination, EventKind, Order, OrderEvent
from monitor.polling.bound import reading_time
from monitor.sources.http import HttpClient
from monitor.sources.registry import ADAPTERS

_WHENEVER = datetime(2025, 7, 1, tzinfo=UTC)
_IN_ORDERS = ("product", "currency", "min_total")
"""Conditions that depend on what stands in an order."""


def connect(options: argparse.Namespace, settings: Settings) -> int:
    """Contact each source and the host of each channel, and tell what they say. 1 if one of them cannot be used."""
    from monitor.cli.common import set_up_logs
    from monitor.cli.connect_view import as_json, show, waiting
    from monitor.cli.output import print_json

    set_up_logs(settings, "error")
    with waiting(settings) as on_page:
        found = asyncio.run(look(settings, SystemClock(), on_page))
    if options.json:
        print_json(as_json(settings, found))
    else:
        show(settings, found)
    return int(any(one.problem for one in found))


async def look(settings: Settings, clock: Clock, on_page: OnPage | None = None) -> Sequence[Found]:
    """What all sources and channels show, all contacted at once, in the configuration's order."""
    from monitor.parts import limits_of, urls_of

    client = HttpClient()
    client.set_budgets(limits_of(settings), clock.monotonic())
    try:
        sources = [SourceLook(name, settings.sources, client, clock, on_page).take() for name in settings.sources]
        channels = [asyncio.to_thread(_reach, to, url) for to, url in urls_of(settings).items()]
        seen, reached = await asyncio.gather(asyncio.gather(*sources), asyncio.gather(*channels))
        _share_budgets(client, seen)
    finally:
        await client.aclose()
    for source in seen:
        source.unreached = unreached(settings, source.source, list(source.by_status))
    return [*seen, *reached]


def _share_budgets(client: HttpClient, seen: Sequence[SourceFound]) -> None:
    """A look of a source whose host's budget is limited waits for those of the host's other sources, at the worst."""
    looks: Counter[Hashable] = Counter()
    for one in seen:
        looks[client.host(one.url)] += one.requests
    for one in seen:
        one.reading = reading_time(looks[client.host(one.url)], client.per_minute(one.url), one.reading)


def unreached(settings: Settings, source: str, statuses: Sequence[str]) -> list[str]:
    """The statuses of these to which an order could change without anybody being told.

    Conditions on what stands in the order are taken for fulfilled: some order may fulfil them.
    """
    channels = {name: [name] for name in settings.channels}
    routes = [_whatever_the_order(route) for route in settings.routes]
    shown = settings.sources[source]
    router = Router(routes, channels, {source: shown.labels}, meanings={source: shown.meanings})
    known = dict.fromkeys(chain(statuses, ADAPTERS[shown.type].statuses))
    return [to for to in statuses if not any(_told(router, source, from_, to) for from_ in known if from_ != to)]


def _told(router: Router, source: str, from_: str, to: str) -> bool:
    event = OrderEvent(
        source=source,
        kind=EventKind.STATUS_CHANGED,
        at=_WHENEVER,
        order=Order("1", to),
        revision=2,
        before=Order("1", from_),
    )
    return bool(router.route(event, _WHENEVER).planned)


def _whatever_the_order(route: RouteSettings) -> RouteSettings:
    # Below ``not`` these conditions need no such care: the made-up order holds nothing that could match them.
    return route.model_copy(update={"when": route.when.model_copy(update=dict.fromkeys(_IN_ORDERS))})


def _reach(to: Destination, url: str) -> ChannelFound:
    from monitor.notifier import kind
    from monitor.notifier.reach import reach

    try:
        reached = reach(url)
    except ChannelError as error:
        return ChannelFound(channel=str(to), kind=kind(url), tried=False, problem=str(error))
    return ChannelFound(
        channel=str(to),
        kind=kind(url),
        place=reached.place,
        secure=reached.secure,
        tried=reached.tried,
        problem=reached.problem or None,
        note=reached.why_not,
    )
