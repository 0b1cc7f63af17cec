"""What is done besides polling and sending: fire drills at their times, and heartbeats while all is well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import structlog

from monitor.alerting.drill import DRILL_SOURCE, DrillSettings, drill_event, due_drill
from monitor.alerting.routes import Router
from monitor.alerting.timing import Why, last_moment
from monitor.clock import Clock
from monitor.config.settings import Settings
from monitor.errors import ClaimLost, SourceError, StateError
from monitor.model import OrderEvent, SourceState
from monitor.polling.bound import reading_time
from monitor.polling.heartbeat import HeartbeatSettings, Watched, trouble
from monitor.polling.poller import PollResult
from monitor.polling.telling import Teller
from monitor.sources.http import HttpClient
from monitor.sources.ping import ping
from monitor.store.base import Store, Transaction

EVERY = timedelta(seconds=10)
"""How often it is looked whether something is to be done: a drill and a heartbeat come so late at most."""
_PAUSES_S = (1.0, 3.0)
"""Before a heartbeat that failed is tried again."""
_log = structlog.get_logger("monitor.rounds")


class _Heart(NamedTuple):
    """A heartbeat, and the source that it is of; None: of the monitor as a whole."""

    source: str | None
    settings: HeartbeatSettings


class Rounds:
    """Makes the rounds of the settings in force. ``pings``: whether heartbeats are sent, which a dry run must not."""

    def __init__(
        self, store: Store, client: HttpClient, clock: Clock, wake: Callable[[], None], *, pings: bool = True
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._wake = wake
        self._pings = pings
        self._settings = Settings()
        self._router = Router([], {})
        self._hearts: list[_Heart] = []
        self._reading: dict[str, timedelta] = {}
        self._unnoted: dict[str, float | None] = {}
        self._noted: dict[str, float | None] = {}
        """By source, how many seconds it takes to read it; None: so few that nobody need know."""
        self._others: dict[str, timedelta] = {}
        self._beaten: dict[str, float] = {}
        self._withheld: dict[str | None, str] = {}
        self._seen_to: tuple[DrillSettings, datetime] | None = None

    def serve(self, settings: Settings, router: Router) -> None:
        """From now on, go by these."""
        self._settings, self._router = settings, router
        own = ((name, source.heartbeat) for name, source in settings.sources.items())
        hearts: list[tuple[str | None, HeartbeatSettings | None]] = [(None, settings.heartbeat), *own]
        self._hearts = [_Heart(name, heartbeat) for name, heartbeat in hearts if heartbeat] if self._pings else []

    def polled(self, result: PollResult) -> None:
        """A source has been looked at: how long that took is how much later the next look may end."""
        source = self._settings.sources.get(result.source)
        limit = source.max_requests_per_minute if source else None
        seconds = reading_time(result.bound.requests, limit, result.seconds)
        self._reading[result.source] = timedelta(seconds=seconds)
        if source:
            # What takes no longer than from one look to the next holds no heartbeat back.
            slow = seconds if seconds > source.every.total_seconds() else None
            if slow or self._noted.get(result.source, 0.0) is not None:
                self._unnoted[result.source] = slow

    async def note(self) -> None:
        """Let whichever daemon makes the rounds know how long the sources take that this one reads."""
        noted, self._unnoted = self._unnoted, {}
        slow = {name: took for name, took in noted.items() if took}
        quick = noted.keys() - slow.keys()
        if noted:
            with suppress(StateError):  # it is reported by whoever has more to lose
                await self._store.transact(lambda tx: tx.note_reading(slow, quick))
                self._noted |= noted

    async def make(self) -> None:
        """What is due now. Neither a state nor an address that cannot be used is more than a line in the log."""
        try:
            await self.drill()
            await self._beat(self._due())
        except StateError as error:
            _log.error("state_unusable", error=str(error))

    async def drill(self) -> None:
        """Hold the drill that is due, if one is: its messages are due at once. StateError if nobody can know."""
        drill = self._settings.drill
        if drill is None:
            return
        now, zone = self._clock.now(), ZoneInfo(self._settings.time_zone)
        moment = drill, last_moment(drill, now, zone)
        if moment == self._seen_to:
            return
        try:
            event = await self._store.transact(lambda tx: _hold_drill(tx, drill, self._router, now, zone))
        except ClaimLost:
            event = None  # it is held already, by another daemon or before the clock was set back
        self._seen_to = moment
        if event is not None:
            _log.info("drill_begun", drill=event.order.id, channels=drill.channels)
            self._wake()

    async def hurry(self) -> None:
        """There will be no later round: what waits for others of its host need not, as all have been looked at."""
        now = self._clock.now()
        await self._store.transact(lambda tx: tx.let_go_gathered(Why.HOST, now))

    async def beat_now(self) -> None:
        """Send each heartbeat that may be sent, due or not."""
        await self._beat(self._hearts)

    def _due(self) -> list[_Heart]:
        """Those that would come too late in the next round."""
        now = self._clock.monotonic()
        soon = EVERY.total_seconds() * 0.9
        return [heart for heart in self._hearts if now >= self._at(heart) + heart.settings.every.total_seconds() - soon]

    def _at(self, heart: _Heart) -> float:
        return self._beaten.get(_address(heart), float("-inf"))

    async def _beat(self, hearts: Iterable[_Heart]) -> None:
        hearts = list(hearts)
        if not hearts:
            return
        states, due_since, times = await self._store.read(lambda tx: (tx.sources(), tx.due_since(), tx.reading_times()))
        self._others = {name: timedelta(seconds=took) for name, took in times.items()}
        now = self._clock.now()
        well = [heart for heart in hearts if self._may_beat(heart, self._trouble(heart, states, due_since, now))]
        await asyncio.gather(*map(self._ping, well))

    def _trouble(
        self, heart: _Heart, states: Mapping[str, SourceState], due_since: datetime | None, now: datetime
    ) -> str | None:
        """A source that is down is no trouble of all where its going down is told: it stops its own alone."""
        names = [heart.source] if heart.source else list(self._settings.sources)
        told = heart.source is None and bool(self._settings.health_channels)
        return trouble((self._watched(name, states.get(name)) for name in names), due_since, now, told=told)

    def _watched(self, name: str, state: SourceState | None) -> Watched:
        own, noted = self._reading.get(name, timedelta(0)), self._others.get(name, timedelta(0))
        every, reading = self._settings.sources[name].every, max(own, noted)
        if state is None:
            return Watched(name, every, None, reading=reading)
        return Watched(name, every, state.good_at, state.down, reading)

    def _may_beat(self, heart: _Heart, reason: str | None) -> bool:
        """Whether all is well; if not, that is said once for each reason."""
        if reason is None:
            self._withheld.pop(heart.source, None)
        elif self._withheld.get(heart.source) != reason:
            self._withheld[heart.source] = reason
            _log.warning("heartbeat_withheld", **_whose(heart), reason=reason)
        return reason is None

    async def _ping(self, heart: _Heart) -> None:
        began = self._clock.monotonic()
        for pause in (*_PAUSES_S, None):
            try:
                await ping(self._client, _address(heart))
            except SourceError as error:
                if pause is None:
                    _log.warning("heartbeat_failed", **_whose(heart), reason=str(error))
                else:
                    await self._clock.sleep(pause)
            else:
                break
        self._beaten[_address(heart)] = began


def _hold_drill(
    tx: Transaction, drill: DrillSettings, router: Router, now: datetime, zone: ZoneInfo
) -> OrderEvent | None:
    """The one transaction of a drill: that it is held, and what it tells. None if none is due."""
    known = tx.seen_to(DRILL_SOURCE)
    due = due_drill(drill, known, now, zone)
    if due is None:
        # A clock that has been set back since would hold drills up until it catches up.
        if known is None or known > now:
            tx.see_to(DRILL_SOURCE, now)
        return None
    event = drill_event(due, now, zone)
    teller = Teller(tx, router, now)
    teller.tell(event)
    teller.close()
    tx.see_to(DRILL_SOURCE, due)
    return event


def _address(heart: _Heart) -> str:
    return heart.settings.url.get_secret_value()


def _whose(heart: _Heart) -> dict[str, str]:
    return {"source": heart.source} if heart.source else {}
