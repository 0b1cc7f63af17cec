"""The Notifier: a line to each destination, apart from all others. A hanging endpoint holds up its own line only.

Each send has a daemon thread to itself: a pool would let some hanging endpoints starve the rest, and an interpreter's
exit waits for any thread that is no daemon. A thread cannot be stopped, so a send that ran out of time keeps its line
busy until its thread has really ended.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from monitor.errors import ChannelError
from monitor.model import Destination, Message, Outcome
from monitor.notifier.answers import failure
from monitor.notifier.library import Endpoint

_T = TypeVar("_T")
_BUSY = failure("an earlier message to this channel is still being sent")
_STOPPING = failure("not sent: the monitor is stopping")
_NO_THREAD = failure("not sent: the system allows no further thread")


class _NoThreadError(Exception):
    """The operating system refuses another thread."""


class Notifier:
    """Sends to the URLs given to it. ``timeout``: seconds for one message, not counting the service's own pace."""

    def __init__(self, urls: Mapping[Destination, str], timeout: float = 30.0) -> None:
        self._lines = {destination: _Line(url) for destination, url in urls.items()}
        self._leaving: list[_Line] = []
        self._timeout = timeout
        self._closing = asyncio.Event()

    async def send(self, destination: Destination, message: Message) -> Outcome:
        """Sends one message and says what came of it; raises ChannelError for an unknown destination, else nothing.

        Waits first until the service's pace allows it. If the destination is busy nothing is sent, and the failure may
        pass: wait for ``idle``. A send that is cancelled may yet arrive.
        """
        line = self._line(destination)
        if line.busy:
            return _BUSY
        with line.reserved():
            try:
                return await self._send(line, message)
            except ChannelError as error:
                return failure(str(error), permanent=True)
            except _NoThreadError:
                return _NO_THREAD

    def busy(self, destination: Destination) -> bool:
        """Whether a send to it has not ended, be it awaited or given up."""
        return self._line(destination).busy

    async def idle(self, destination: Destination) -> None:
        """Returns once no send to it is under way."""
        await self._line(destination).idle.wait()

    def reload(self, urls: Mapping[Destination, str]) -> None:
        """Takes new URLs from now on. One that stays keeps its line, pace and unfinished send; others end theirs."""
        before = [*self._leaving, *self._lines.values()]
        self._lines = {destination: self._kept(destination, url) or _Line(url) for destination, url in urls.items()}
        self._leaving = [line for line in before if line.busy and line not in self._lines.values()]

    async def aclose(self, deadline: float) -> None:
        """Starts no more sends, and waits at most so many seconds for those under way. Threads that hang are left."""
        self._closing.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline):
                for line in [*self._leaving, *self._lines.values()]:
                    await line.idle.wait()

    async def _send(self, line: _Line, message: Message) -> Outcome:
        await line.open()
        await self._keep_pace(line)
        if self._closing.is_set():
            return _STOPPING
        return await line.transmit(message, self._timeout)

    def _line(self, destination: Destination) -> _Line:
        try:
            return self._lines[destination]
        except KeyError:
            raise ChannelError(f"{destination} is no channel of this configuration") from None

    def _kept(self, destination: Destination, url: str) -> _Line | None:
        line = self._lines.get(destination)
        return line if line and line.url == url else None

    async def _keep_pace(self, line: _Line) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(line.pause()):
                await self._closing.wait()


class _Line:
    """The way to one URL; touched by the event loop only. The endpoint is opened at the first send."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.idle = asyncio.Event()
        self.idle.set()
        self._endpoint: Endpoint | None = None
        self._sending = False
        self._ended = -float("inf")

    @property
    def busy(self) -> bool:
        return not self.idle.is_set()

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Busy inside the block, and after it for as long as a thread is still sending."""
        self.idle.clear()
        try:
            yield
        finally:
            if not self._sending:
                self.idle.set()

    async def open(self) -> None:
        """Makes the line ready; ChannelError if its URL cannot be used."""
        if self._endpoint is None:
            self._endpoint = await _in_thread(lambda: Endpoint(self.url))

    def pause(self) -> float:
        """Seconds until the service's pace allows the next request. Kept here, the wait can be broken off."""
        pace = self._opened.pace
        return max(0.0, self._ended + pace - asyncio.get_running_loop().time())

    async def transmit(self, message: Message, seconds: float) -> Outcome:
        endpoint = self._opened
        sent = _in_thread(lambda: endpoint.send(message))
        self._sending = True
        sent.add_done_callback(self._end)
        try:
            async with asyncio.timeout(seconds + endpoint.pauses(message)):
                return await asyncio.shield(sent)
        except TimeoutError:
            return failure(f"no answer within {seconds:g} s")

    @property
    def _opened(self) -> Endpoint:
        if self._endpoint is None:
            raise RuntimeError("the line was not opened")
        return self._endpoint

    def _end(self, sent: asyncio.Future[Outcome]) -> None:
        self._ended = sent.get_loop().time()
        sent.exception()  # retrieved here too: after a timeout nobody else does
        self._sending = False
        self.idle.set()


def _in_thread(work: Callable[[], _T]) -> asyncio.Future[_T]:
    """What ``work`` returns or raises in a daemon thread of its own, whose log lines are those of who asked for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def run() -> None:
        try:
            settle = partial(_settle, done.set_result, work())
        except BaseException as error:  # noqa: BLE001  # whoever awaits the future gets it
            settle = partial(_settle, done.set_exception, error)
        with suppress(RuntimeError):  # the loop has been closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(settle)

    try:
        threading.Thread(target=copy_context().run, args=(run,), name="notifier", daemon=True).start()
    except RuntimeError as error:
        raise _NoThreadError from error
    return done


def _settle(answer: Callable[[Any], None], value: object) -> None:
    with suppress(asyncio.InvalidStateError):  # cancelled by whoever waited
        answer(value)
