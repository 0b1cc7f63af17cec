"""Tells open pages what happens: reads each new event once, for all of them.

It looks when it is poked and each second, as another process may have written; while nobody listens it reads nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

import structlog

from monitor.clock import Clock
from monitor.delivery.waiting import first_of
from monitor.errors import StateError, StateUnreachable
from monitor.store.base import Store, StoredEvent, Transaction
from monitor.store.listings import Pulse
from monitor.web.listener import Line, Listener, frame

Write = Callable[[StoredEvent], bytes]
"""Writes an event as a frame."""
Missed = Mapping[int, Sequence[StoredEvent]]
"""By the last event that somebody was told of, those since."""

MOST_STREAMS = 200
MOST_EVENTS = 500
"""More at once are not told one by one: a page that missed more reads its list anew."""
_EVERY_S = 1.0
_REST_S = 0.05
"""Between two looks: what happens in it is told together."""
_PATIENCE_S = 5.0
"""A state that does not answer for so long is in trouble, and pages say so."""
_HEARTBEAT_S = 15.0
_BREATH = 20
"""After so many rows the loop may do something else."""
_HEARTBEAT = b": still here\n\n"
_PARTS = {
    "sources": ("sources",),
    "orders": ("event",),
    "deliveries": ("delivery", "attempt", "unsettled", "dead"),
    "waiting": ("delivery", "unsettled"),
    "silences": ("silences",),
    "daemons": ("daemons",),
}
"""By part of a page, the numbers of a pulse with which it changes."""
_log = structlog.get_logger("monitor.web")


class Hub:
    """Watches the state while anybody listens."""

    def __init__(self, reader: Store, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._listeners: list[Listener] = []
        self._poked = asyncio.Event()
        self._beat_at = clock.monotonic()
        self._seen: Pulse | None = None
        self._frames: dict[int, bytes] = {}
        self._in_trouble = False
        self._closed = False

    @property
    def streams(self) -> int:
        """How many listen."""
        return sum(not one.is_gone for one in self._listeners)

    @property
    def listens(self) -> int:
        """How many streams are open."""
        return len(self._listeners)

    def poke(self) -> None:
        """Something may have happened: look at once."""
        self._poked.set()

    def join(self, line: Line, after: int | None) -> Listener | None:
        """Begin to listen; None if too many do already, or if the server ends.

        ``after`` is the last event that the page shows, None if it shows none.
        """
        if len(self._listeners) >= MOST_STREAMS:
            self._listeners = [one for one in self._listeners if not one.is_gone]
        if self._closed or len(self._listeners) >= MOST_STREAMS:
            return None
        listener = Listener(line, after)
        self._listeners.append(listener)
        self._poked.set()
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    async def run(self, write: Write) -> None:
        """Tell until cancelled."""
        while True:
            self._poked.clear()
            if not self._listeners:
                self._forget()
                await self._poked.wait()
                continue
            self._let_go()
            self._beat()
            await self._look(write)
            await self._clock.sleep(_REST_S)
            await first_of(self._clock.sleep(_EVERY_S), self._poked.wait())

    async def aclose(self) -> None:
        """End every stream."""
        self._closed = True
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()

    def _forget(self) -> None:
        self._seen = None
        self._frames.clear()

    def _let_go(self) -> None:
        for listener in self._listeners:
            if listener.is_gone:
                listener.end()

    def _beat(self) -> None:
        now = self._clock.monotonic()
        if now - self._beat_at >= _HEARTBEAT_S:
            self._beat_at = now
            for listener in self._listeners:
                listener.put(_HEARTBEAT)

    async def _look(self, write: Write) -> None:
        """Tell what is new. A failure is told and logged once, and the next look begins afresh."""
        listeners = self._listeners[:]
        try:
            pulse, rows = await self._read({one.told for one in listeners})
            frames: dict[int | None, list[bytes] | None] = {}
            for told, missed in rows.items():
                frames[told] = await self._write(missed, write)
        except Exception as error:  # noqa: BLE001  # whatever it is, open pages must neither end nor go on in silence
            self._report(error)
            return
        parts = changed_parts(self._seen, pulse) if self._seen else []
        hello = frame("hello", {"now": int(self._clock.now().timestamp() * 1000)}, pulse.event)
        for listener in listeners:
            listener.catch_up(frames.get(listener.told, []), pulse.event, hello)
            if parts:
                listener.put(frame("changed", {"parts": parts}))
        if self._in_trouble:
            self._in_trouble = False
            _log.info("news_read")
        self._seen = pulse

    async def _read(self, told: Collection[int | None]) -> tuple[Pulse, Missed]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._reader.read(partial(_news, told=told))
        except TimeoutError:
            raise StateUnreachable(f"the state does not answer within {_PATIENCE_S:.0f} s") from None

    async def _write(self, rows: Sequence[StoredEvent], write: Write) -> list[bytes] | None:
        """A frame for each of them, written once for all readers; None if there are too many."""
        if len(rows) > MOST_EVENTS:
            return None
        frames = []
        for number, row in enumerate(rows, 1):
            frames.append(self._frames.get(row.id) or write(row))
            self._frames[row.id] = frames[-1]
            if number % _BREATH == 0:
                await asyncio.sleep(0)
        for old in list(self._frames)[:-MOST_EVENTS]:
            del self._frames[old]
        return frames

    def _report(self, error: Exception) -> None:
        for listener in self._listeners:
            listener.miss()
        if self._in_trouble:
            return
        self._in_trouble = True
        is_ours = not isinstance(error, StateError)
        _log.error("news_unread", reason=str(error) or type(error).__name__, exc_info=error if is_ours else None)


def changed_parts(before: Pulse, after: Pulse) -> list[str]:
    """Which parts of the pages show something else."""
    return [part for part, numbers in _PARTS.items() if _pick(before, numbers) != _pick(after, numbers)]


def _pick(pulse: Pulse, numbers: Iterable[str]) -> list[int]:
    return [getattr(pulse, number) for number in numbers]


def _news(tx: Transaction, told: Collection[int | None]) -> tuple[Pulse, Missed]:
    pulse = tx.pulse()
    rows = {last: tx.events_after(last, MOST_EVENTS + 1) for last in told if last is not None and last < pulse.event}
    return pulse, rows
