"""One open page's end of the stream: what is still to be sent to it, and never more than it can take."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

_MOST_WAITING = 1000
"""So many frames wait for a slow reader; with one more it is told to read everything anew instead."""
_AT_ONCE = 50


class Line(Protocol):
    """What of a connection matters here."""

    def is_closing(self) -> bool:
        """Whether nobody is there any more."""
        ...

    def abort(self) -> None:
        """Close it, whatever is still to be sent."""
        ...


def frame(event: str, data: Any = None, event_id: int | None = None) -> bytes:
    """One event of a stream. JSON has no line breaks of its own, so that ``data`` is one line."""
    lines = [b"event: %b\n" % event.encode()]
    if event_id is not None:
        lines.append(b"id: %d\n" % event_id)
    return b"".join([*lines, b"data: %b\n\n" % msgspec.json.encode(data)])


class Listener:
    """``told`` is the last event that the page shows, or will, when it has read what waits; None: it shows none."""

    def __init__(self, line: Line, told: int | None) -> None:
        self.told = told
        self.ended = False
        self._line = line
        self._is_greeted = False
        self._has_missed = False
        self._waiting: deque[bytes] = deque()
        self._woken = asyncio.Event()

    @property
    def is_gone(self) -> bool:
        """Whether nobody reads any more."""
        return self._line.is_closing()

    def put(self, sent: bytes) -> None:
        """Let it be sent when there is time."""
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.clear()
            self._waiting.append(frame("resync"))
        self._waiting.append(sent)
        self._woken.set()

    def catch_up(self, frames: Sequence[bytes] | None, latest: int, hello: bytes) -> None:
        """Tell of these events, up to the latest; None: of more than can be told one by one. ``hello`` comes once."""
        if frames is None or self._has_missed or (self.told or 0) > latest:
            self.put(frame("resync", event_id=latest))
        else:
            for one in frames:
                self.put(one)
        if not self._is_greeted:
            self.put(hello)
        self.told = latest
        self._has_missed = False
        self._is_greeted = True

    def miss(self) -> None:
        """What is new cannot be told now; once it can be, everything is to be read anew."""
        if not self._has_missed:
            self.put(frame("trouble"))
        self._has_missed = True
        self.told = None

    def end(self) -> None:
        """Send nothing more; who is still reading what was sent is cut off."""
        self.ended = True
        self._woken.set()
        if self._waiting:
            self._line.abort()

    async def take(self) -> bytes:
        """What is to be sent next, as soon as there is something; empty at the end."""
        while not (self._waiting or self.ended):
            self._woken.clear()
            await self._woken.wait()
        if self.ended:
            return b""
        return b"".join(self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting))))
