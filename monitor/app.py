"""The composition root: makes the parts from the settings, runs them as a daemon or once, and exchanges them."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import structlog

from monitor.alerting.render import Renderer
from monitor.alerting.routes import Router
from monitor.clock import Clock
from monitor.config.settings import Settings, SourceSettings
from monitor.delivery.loop import DeliveryLoop, Outfit, Sender
from monitor.errors import ClaimLost, SourceError, StateError
from monitor.model import Delivery, Destination, Event, Message, OrderEvent
from monitor.notifier import Notifier
from monitor.polling.bound import bound_in_words, reading_time
from monitor.polling.poller import Poller, PollResult, Reading
from monitor.polling.report import report_poll
from monitor.redact import url_keys
from monitor.scheduler import Scheduler
from monitor.sources.base import Answer, ListSource, Request
from monitor.sources.conditional import Memory
from monitor.sources.http import HttpClient, Reader
from monitor.sources.registry import ADAPTERS
from monitor.store.base import Store
from monitor.store.sqlite import SqliteStore

STOP_DEADLINE_S = 8.0
KEEPALIVE_S = 615.0
"""Above the intervals at which most sources are polled: a new TLS connection costs ten requests on an old one."""
KEEP_BODIES = timedelta(days=7)
_HOUSEKEEPING = timedelta(hours=1)
_log = structlog.get_logger("monitor")


class Observer(Protocol):
    """Is told what happens while it happens, as for a terminal. Must not raise, nor take long."""

    def page_read(self, source: str, read: int, of: int | None) -> None:
        """A poll has read so many pages, of how many where the list says so."""
        ...

    def polled(self, result: PollResult) -> None:
        """A poll has ended and is committed."""
        ...


class App:
    """The parts, made from the settings in force. Use ``open_app``."""

    def __init__(self, settings: Settings, store: Store, client: HttpClient, sender: Sender, clock: Clock) -> None:
        self.settings = settings
        self.secrets = settings.secrets()
        self.store = store
        self.observer: Observer | None = None
        self._client = client
        self._sender = sender
        self._clock = clock
        client.set_budgets(limits_of(settings), clock.monotonic())
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._pollers = {name: self._poller(name, source) for name, source in settings.sources.items()}
        self.deliveries = DeliveryLoop(store, self._outfit(), clock, self._owner)
        self._scheduler = Scheduler()
        self._told: dict[str, tuple[str, str]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Poll and deliver until ``stop`` is set; then leave cleanly (promise 12)."""
        delivering = asyncio.create_task(self.deliveries.run(), name="deliveries")
        self._scheduler.start()
        self._schedule(self.settings.sources)
        self._scheduler.every(_HOUSEKEEPING, "housekeeping", self.keep_house)
        stopped = asyncio.create_task(stop.wait())
        # The loop ends only when it is told to, or by a bug, which must not leave a daemon that delivers nothing.
        await asyncio.wait([stopped, delivering], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await asyncio.gather(self._scheduler.stop(STOP_DEADLINE_S), self.deliveries.stop(STOP_DEADLINE_S))
        await delivering

    async def poll_all(self) -> dict[str, PollResult | None]:
        """One poll of each source now, to the end of what is due; None for one that another daemon polls."""
        results = await asyncio.gather(*(self._poll(name, at_once=True) for name in self._pollers))
        return dict(zip(self._pollers, results, strict=True))

    def reload(self, settings: Settings) -> None:
        """Go on with these settings. What is under way ends under the old ones."""
        before, self.settings = self.settings.sources, settings
        self._client.set_budgets(limits_of(settings), self._clock.monotonic())
        # What was a secret an hour ago is one still: a poll or send under way ends with it.
        self.secrets |= settings.secrets()
        if isinstance(self._sender, Notifier):
            self._sender.reload(urls_of(settings))
        kept = {name for name, source in settings.sources.items() if before.get(name) == source}
        router = self._router()
        for name in before.keys() - kept:
            del self._pollers[name]
            self._scheduler.remove(_job(name))
        for name in kept:
            self._pollers[name].reroute(router)
        changed = {name: source for name, source in settings.sources.items() if name not in kept}
        self._pollers |= {name: self._poller(name, source) for name, source in changed.items()}
        self.deliveries.refit(self._outfit())
        self._schedule(changed)

    def _schedule(self, sources: Mapping[str, SourceSettings]) -> None:
        """Each source at its interval, their first polls spread so that they do not all fall on one instant."""
        for number, (name, source) in enumerate(sources.items()):
            apart = min(1.0, source.every.total_seconds() / max(len(sources), 1))
            job = partial(self._poll_quietly, name)
            self._scheduler.every(source.every, _job(name), job, first_in=timedelta(seconds=number * apart))

    async def _poll_quietly(self, name: str) -> None:
        with suppress(StateError):  # it has been logged, and the next poll may find the state usable again
            await self._poll(name)

    async def _poll(self, name: str, *, at_once: bool = False) -> PollResult | None:
        poller = self._pollers.get(name)
        if poller is None:
            return None
        try:
            result = await poller.poll(at_once=at_once)
        except ClaimLost as error:
            _log.warning("poll_superseded", source=name, reason=str(error))
            return None
        except StateError as error:
            _log.error("poll_lost", source=name, reason=str(error))
            raise
        if result is None:
            return None
        report_poll(result)
        self._tell_how(result)
        if self.observer:
            self.observer.polled(result)
        if result.committed.deliveries:
            self.deliveries.wake()
        return result

    def _tell_how(self, result: PollResult) -> None:
        """How a source is looked at, once and whenever that changes."""
        source = self.settings.sources.get(result.source)
        limit = source.max_requests_per_minute if source else None
        notices = bound_in_words(result.bound, reading_time(result.bound.requests, limit))
        if (notices, result.refusal) == self._told.get(result.source):
            return
        self._told[result.source] = notices, result.refusal
        _log.info("source_watched", source=result.source, notices=notices)
        if result.refusal:
            _log.info("source_read_whole", source=result.source, reason=result.refusal)

    async def keep_house(self) -> None:
        """Delete what has been kept long enough: rendered messages, a week after they were settled."""
        before = self._clock.now() - KEEP_BODIES
        dropped = await self.store.transact(lambda tx: tx.drop_bodies(before))
        if dropped:
            _log.info("bodies_dropped", deliveries=dropped)

    def _poller(self, name: str, source: SourceSettings) -> Poller:
        adapter = ADAPTERS[source.type].make(source)
        return Poller(
            name=name,
            source=adapter,
            settings=source,
            reading=partial(_open_reader, self._client, source, adapter, self._clock, Memory()),
            store=self.store,
            router=self._router(),
            clock=self._clock,
            owner=self._owner,
            on_page=self._page_read,
        )

    def _page_read(self, source: str, read: int, of: int | None) -> None:
        if self.observer:
            self.observer.page_read(source, read, of)

    def _router(self) -> Router:
        settings = self.settings
        return Router(settings.routes, url_keys(_spelled_out(settings)), _labels(settings), settings.health_channels)

    def _outfit(self) -> Outfit:
        settings = self.settings
        renderer = renderer_of(settings)

        def render(delivery: Delivery, event: Event, story: Sequence[OrderEvent]) -> Message:
            now, channel = self._clock.now(), delivery.channel
            message = renderer.render(delivery.route, event, delivery.ref, now=now, channel=channel, story=story)
            if message.problem:
                _log.warning("template_failed", route=delivery.route, ref=delivery.ref, reason=message.problem)
            return message

        return Outfit(frozenset(urls_of(settings)), self._sender, render)


@asynccontextmanager
async def open_app(settings: Settings, clock: Clock, sender: Sender | None = None) -> AsyncIterator[App]:
    """An App on the settings' state, closed at the end. ``sender``: instead of Apprise, such as one that prints."""
    store = await open_state(settings.state_file)
    client = HttpClient(keepalive=KEEPALIVE_S)
    sender = sender or Notifier(urls_of(settings))
    try:
        yield App(settings, store, client, sender, clock)
    finally:
        if isinstance(sender, Notifier):
            await sender.aclose(0)
        await client.aclose()
        await store.aclose()


async def open_state(path: Path) -> SqliteStore:
    """The state at ``path``; a new one is announced, because a wrong path looks just like it (promise 1)."""
    store = await asyncio.to_thread(SqliteStore.open, path)
    if store.created:
        _log.warning("state_new", path=str(store.path), meaning="no order is known yet; nothing old is announced")
    return store


def renderer_of(settings: Settings) -> Renderer:
    """The words of this configuration."""
    urls = {name: source.order_url for name, source in settings.sources.items() if source.order_url}
    return Renderer(settings.routes, settings.time_zone, settings.locale, _labels(settings), settings.channels, urls)


def limits_of(settings: Settings) -> list[tuple[str, int | None]]:
    """The url of every source, and how often its host may be asked."""
    return [(source.url, source.max_requests_per_minute) for source in settings.sources.values()]


def urls_of(settings: Settings) -> dict[Destination, str]:
    """Every URL of every channel."""
    channels = _spelled_out(settings)
    keys = url_keys(channels)
    return {
        Destination(name, number, keys[name][number - 1]): url
        for name, urls in channels.items()
        for number, url in enumerate(urls, 1)
    }


def _spelled_out(settings: Settings) -> dict[str, list[str]]:
    return {name: [url.get_secret_value() for url in channel.urls] for name, channel in settings.channels.items()}


def _open_reader(
    client: HttpClient, source: SourceSettings, adapter: ListSource, clock: Clock, memory: Memory
) -> Reading:
    """A way to the source for one poll. A missing certificate, say, is a failure of the poll, like no answer."""
    try:
        return Reader(client, source.url, source, adapter.error_text, clock, memory)
    except SourceError as error:
        return _NoReading(error)


class _NoReading:
    """The way to a source that cannot be taken: each request fails with the reason."""

    requests = bytes = 0

    def __init__(self, error: SourceError) -> None:
        self._error = error

    async def get(self, request: Request) -> Answer:
        raise self._error


def _labels(settings: Settings) -> dict[str, dict[str, str]]:
    return {name: source.labels for name, source in settings.sources.items()}


def _job(source: str) -> str:
    return f"poll {source}"
