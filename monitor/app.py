"""The composition root: makes the parts from the settings, runs them as a daemon or once, and exchanges them."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

import structlog
from structlog.contextvars import bound_contextvars

from monitor.alerting.gathering import Gathered
from monitor.alerting.news import News
from monitor.alerting.timing import why_together
from monitor.clock import Clock, SharedClock
from monitor.config.settings import Settings, SourceSettings
from monitor.delivery.detail_reader import DetailReader
from monitor.delivery.enrichment import HOLD_S, Enrichment
from monitor.delivery.loop import DeliveryLoop, Outfit, Sender
from monitor.delivery.sharing import Shared
from monitor.errors import ClaimLost, StateError
from monitor.housekeeping import drop_bodies, drop_history
from monitor.life import Life
from monitor.model import Delivery, Event, Message, OrderEvent
from monitor.notifier import Notifier
from monitor.observers import Observers
from monitor.parts import adapters_of, fallbacks_of, intervals_of, limits_of, renderer_of, router_of, urls_of
from monitor.polling.commit import Committed
from monitor.polling.poller import Poller, PollResult
from monitor.polling.reading import memory_for, open_reading
from monitor.polling.report import report_poll
from monitor.rounds import EVERY as ROUND
from monitor.rounds import Rounds
from monitor.scheduler import Scheduler
from monitor.serving import DaemonParts, Serving, job_of
from monitor.sharing import Sharing, wanted
from monitor.sources.base import DetailSource
from monitor.sources.http import HttpClient
from monitor.sources.settings import Follows
from monitor.store.base import OpenedStore, Store
from monitor.store.opening import is_shared, open_store, shown
from monitor.supervisor import Supervisor
from monitor.watching import Watching

STOP_DEADLINE_S = 8.0
KEEPALIVE_S = 615.0
"""Above the intervals at which most sources are polled: a new TLS connection costs ten requests on an old one."""
_HOUSEKEEPING = timedelta(hours=1)
_log = structlog.get_logger("monitor")


class App:
    """The parts, made from the settings in force. Use ``open_app``."""

    def __init__(self, settings: Settings, store: Store, client: HttpClient, sender: Sender, clock: Clock) -> None:
        self.settings = settings
        self.secrets = settings.secrets()
        self.store = store
        self.watching = Watching(settings, client)
        self.observers = Observers([self.watching])
        self._client = client
        self._sender = sender
        self._clock = clock
        client.set_budgets(limits_of(settings), clock.monotonic())
        self._polling: set[str] = set()
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._adapters = adapters_of(settings.sources)
        self.sharing = Sharing(store, clock, self._owner, self) if isinstance(clock, SharedClock) else None
        if self.sharing:
            self.sharing.serve(settings)
        lanes = Shared(self.sharing) if self.sharing else None
        self.deliveries = DeliveryLoop(store, self._outfit(), clock, self._owner, self.observers.attempted, lanes)
        self.enrichment = Enrichment(store, clock, self.deliveries.wake)
        self.enrichment.serve(self._detail_readers())
        self._router = router_of(settings)
        self._pollers = {name: self._poller(name, source) for name, source in settings.sources.items()}
        self.rounds = Rounds(store, client, clock, self.deliveries.wake, pings=isinstance(sender, Notifier))
        self.rounds.serve(settings, self._router)
        self._scheduler = Scheduler()
        self._life = Life(
            store, self._scheduler, lambda: intervals_of(self.settings), clock, self._owner if self.sharing else ""
        )
        self.observers.append(self._life)
        wake, sharing = self.deliveries.wake, self.sharing
        parts = DaemonParts(self.watching, self._life, self._scheduler, client, wake, clock, sharing=sharing)
        reader = partial(open_store, settings.state_url, exclusive=False)
        self.serving = Serving(parts, store, reader, self.observers, clock)

    async def run(self, stop: asyncio.Event, supervisor: Supervisor | None = None) -> None:
        """Poll, deliver and serve until ``stop`` is set; then leave cleanly (promise 12).

        MonitorError if the address to serve at cannot be had.
        """
        await self.serving.start(self.settings, self._router, self.secrets)
        if self.sharing:
            await self.sharing.start(self.settings.state_url, self._heard)
        delivering = asyncio.create_task(self.deliveries.run(), name="deliveries")
        self._life.begin(delivering)
        self._scheduler.start()
        self._schedule(self.settings.sources)
        self._scheduler.every(_HOUSEKEEPING, "housekeeping", partial(self._once_for_all, self.keep_house), alone=True)
        self._scheduler.every(_HOUSEKEEPING, "forgetting", self._forget_details, alone=True)
        if self.sharing:
            self._scheduler.every(ROUND, "readings", self.rounds.note, first_in=ROUND, alone=True)
        rounds = partial(self._once_for_all, self.rounds.make)
        self._scheduler.every(ROUND, "rounds", rounds, first_in=ROUND, alone=True)
        supervisor = supervisor or Supervisor(self._clock)
        supervised = asyncio.create_task(supervisor.watch(self._life.check), name="supervisor")
        supervisor.ready()
        stopped = asyncio.create_task(stop.wait())
        # The loop ends only when it is told to, or by a bug, which must not leave a daemon that delivers nothing.
        await asyncio.wait([stopped, delivering], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        supervised.cancel()
        supervisor.stopping()
        await asyncio.gather(
            self._scheduler.stop(STOP_DEADLINE_S),
            self.deliveries.stop(STOP_DEADLINE_S),
            self.enrichment.stop(),
            self.serving.stop(),
        )
        await self._life.end()
        if self.sharing:
            await self.sharing.stop()
        await delivering

    async def poll_all(self) -> dict[str, PollResult | None]:
        """One poll of each source now, to the end of what is due, and the drill that is due.

        None for a source that another daemon polls.
        """
        if self.sharing:
            await self.sharing.prove()
        await self.rounds.drill()
        results = await asyncio.gather(*(self._poll_beside(name) for name in self._pollers))
        await self.enrichment.done()
        return dict(zip(self._pollers, results, strict=True))

    @asynccontextmanager
    async def visiting(self) -> AsyncIterator[None]:
        """Inside, polls and sends of this process, which is no daemon, are respected by the daemons of its state."""
        if self.sharing is None:
            yield
            return
        async with self.sharing.visit():
            yield

    async def reload(self, settings: Settings) -> None:
        """Go on with these settings. What is under way ends under the old ones."""
        before, self.settings = self.settings.sources, settings
        self._client.set_budgets(limits_of(settings), self._clock.monotonic())
        # What was a secret an hour ago is one still: a poll or send under way ends with it.
        self.secrets |= settings.secrets()
        if isinstance(self._sender, Notifier):
            self._sender.reload(urls_of(settings))
        kept = {name for name, source in settings.sources.items() if before.get(name) == source}
        self._router = router_of(settings)
        self.rounds.serve(settings, self._router)
        changed = {name: source for name, source in settings.sources.items() if name not in kept}
        self._adapters = {name: self._adapters[name] for name in kept} | adapters_of(changed)
        self.enrichment.serve(self._detail_readers())
        for name in before.keys() - kept:
            del self._pollers[name]
            self._scheduler.remove(job_of(name))
        for name in kept:
            self._pollers[name].reroute(self._router)
        self._pollers |= {name: self._poller(name, source) for name, source in changed.items()}
        self.deliveries.refit(self._outfit())
        self.watching.serve(settings)
        self._schedule(changed)
        if self.sharing:
            self.sharing.serve(settings)
            await self.sharing.beat()
        await self.serving.reload(settings, self._router, self.secrets)

    def reload_refused(self) -> None:
        """The configuration was read again, and is not fit to go on with."""
        self.serving.reloaded(done=False)

    def _schedule(self, sources: Mapping[str, SourceSettings]) -> None:
        """Each source at its interval, their first polls spread so that they do not all fall on one instant."""
        for number, (name, source) in enumerate(sources.items()):
            apart = min(1.0, source.every.total_seconds() / max(len(sources), 1))
            job = partial(self._poll_quietly, name)
            ours = partial(self.sharing.roster.holds, name) if self.sharing else None
            first_in = timedelta(seconds=number * apart)
            self._scheduler.every(source.every, job_of(name), job, first_in=first_in, wanted=ours)

    async def _once_for_all(self, work: Callable[[], Awaitable[None]]) -> None:
        """What one of several daemons does for all of them."""
        if self.sharing is None or self.sharing.roster.has_duty():
            with suppress(StateError):  # whoever sends says so; it is done at the next time
                await work()

    def moved(self, taken: Collection[str]) -> None:
        """These sources are this daemon's from now on: whoever had them may be dead since a while.

        What it has asked their hosts in the last minute nobody knows: their budgets begin empty.
        """
        self._client.empty_budgets([self.settings.sources[name].url for name in taken], self._clock.monotonic())
        for name in taken:
            self._scheduler.hasten(job_of(name))

    def polling(self) -> Collection[str]:
        """The sources that are being polled."""
        return frozenset(self._polling)

    def _heard(self, topic: str) -> None:
        """Another daemon, or a command, has written something, or wants a source polled."""
        if (source := wanted(topic)) is not None:
            if self.sharing and self.sharing.roster.holds(source):
                self._scheduler.hasten(job_of(source))
            return
        self.deliveries.wake()
        self.serving.heard(topic)

    async def _poll_quietly(self, name: str) -> None:
        if self.sharing and not self.sharing.roster.holds(name):
            return
        with suppress(StateError):  # it has been logged, and the next poll may find the state usable again
            await self._poll(name)

    async def _poll_beside(self, name: str) -> PollResult | None:
        """One poll, whoever else polls this source: unless its host may be asked only so often, and by one daemon."""
        if self.sharing:
            if not await self.sharing.roster.take_for_visit(name):
                return None
            self._client.empty_budgets([self.settings.sources[name].url], self._clock.monotonic())
        return await self._poll(name, at_once=True)

    async def _poll(self, name: str, *, at_once: bool = False) -> PollResult | None:
        """One poll. Each line that is logged in it, whoever writes it, says which one it is of."""
        self._polling.add(name)
        try:
            with bound_contextvars(source=name, poll=f"{random.getrandbits(32):08x}"):
                return await self._poll_source(name, at_once=at_once)
        finally:
            self._polling.discard(name)

    async def _poll_source(self, name: str, *, at_once: bool) -> PollResult | None:
        poller = self._pollers.get(name)
        if poller is None:
            return None
        try:
            result = await poller.poll(at_once=at_once)
        except ClaimLost as error:
            _log.warning("poll_superseded", source=name, reason=str(error))
            self.observers.unpolled(name, "superseded")
            return None
        except StateError as error:
            _log.error("poll_lost", source=name, reason=str(error))
            self.observers.unpolled(name, "lost")
            raise
        if result is None:
            return None
        report_poll(result)
        self.rounds.polled(result)
        self.observers.polled(result)
        return result

    def _committed(self, source: str, committed: Committed) -> None:
        """A look has been written. Its messages need not wait for the poll's end."""
        if committed.deliveries:
            self.enrichment.begin(source, committed.held, committed.unheld)
            self.deliveries.wake()
        self.observers.committed(source, committed)

    async def _forget_details(self) -> None:
        """Drop what is held in memory of orders' details, which each daemon does for itself."""
        self.enrichment.forget_old()

    async def keep_house(self) -> None:
        """Delete what has been kept long enough: details, rendered messages, history."""
        self.enrichment.forget_old()
        followed = [name for name, source in self.settings.sources.items() if isinstance(source, Follows)]
        await drop_bodies(self.store, self._clock.now())
        await drop_history(self.store, self.settings.keep, self._clock.now(), followed)

    def _poller(self, name: str, source: SourceSettings) -> Poller:
        adapter = self._adapters[name]
        return Poller(
            name=name,
            source=adapter,
            settings=source,
            reading=partial(open_reading, self._client, source.url, source, adapter, self._clock, memory_for(adapter)),
            store=self.store,
            router=self._router,
            clock=self._clock,
            owner=self._owner,
            on_page=self.observers.page_read,
            followed=source.orders if isinstance(source, Follows) else (),
            on_commit=self._committed,
            hold_s=HOLD_S if self.enrichment.serves(name) else 0.0,
        )

    def _detail_readers(self) -> dict[str, DetailReader]:
        """By source, the way to its orders' details: through the source that it names, else its own, if it has one."""
        readers, sources = {}, self.settings.sources
        for name, source in sources.items():
            shown_by = source.detail or name
            if isinstance(adapter := self._adapters.get(shown_by), DetailSource):
                asked = sources[shown_by]
                readers[name] = DetailReader(self._client, asked.url, asked, adapter, self._clock)
        return readers

    def _outfit(self) -> Outfit:
        settings = self.settings
        renderer = renderer_of(settings)

        def render(delivery: Delivery, event: Event, story: Sequence[OrderEvent]) -> Message:
            now, channel = self._clock.now(), delivery.channel
            more = self.enrichment.find(delivery, event)._asdict()
            message = renderer.render(
                delivery.route, event, delivery.ref, now=now, channel=channel, story=story, **more
            )
            if message.problem:
                _log.warning("template_failed", route=delivery.route, ref=delivery.ref, reason=message.problem)
            return message

        def render_many(delivery: Delivery, found: Gathered | News) -> Message:
            now, channel, why = self._clock.now(), delivery.channel, why_together(delivery.gathers)
            return renderer.render_many(delivery.route, found, delivery.ref, now=now, channel=channel, why=why)

        homes, fallbacks = frozenset(urls_of(settings)), fallbacks_of(settings)

        async def bring(delivery: Delivery, event: Event) -> None:
            await self.enrichment.bring(delivery, event)

        found = bring if self.sharing else None
        return Outfit(homes, self._sender, render, renderer.gather, render_many, fallbacks, found)


@asynccontextmanager
async def open_app(settings: Settings, clock: Clock, sender: Sender | None = None) -> AsyncIterator[App]:
    """An App on the settings' state, closed at the end. ``sender``: instead of Apprise, such as one that prints."""
    store = await open_state(settings.state_url)
    if is_shared(settings.state):
        clock = SharedClock(clock)
    client = HttpClient(keepalive=KEEPALIVE_S)
    sender = sender or Notifier(urls_of(settings))
    try:
        app = App(settings, store, client, sender, clock)
        try:
            yield app
        finally:
            await app.enrichment.stop()
    finally:
        if isinstance(sender, Notifier):
            await sender.aclose(0)
        await client.aclose()
        await store.aclose()


async def open_state(state: str) -> OpenedStore:
    """The state at this URL; a new one is announced, because a wrong path looks just like it (promise 1)."""
    store = await asyncio.to_thread(open_store, state)
    if store.created:
        _log.warning("state_new", path=shown(state), meaning="no order is known yet; nothing old is announced")
    return store
