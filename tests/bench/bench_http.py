"""HTTP with as little as will do, so that the server is never what is measured. A function makes the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from typing import NamedTuple

_HEAD = (
    b"HTTP/1.1 %d -\r\nServer: bench\r\nDate: %s\r\nContent-Type: application/json\r\n"
    b"Cache-Control: no-cache, private\r\nContent-Length: %d\r\n\r\n"
)


class Said(NamedTuple):
    """An answer; ``delay`` seconds pass before it is sent, and ``sent`` is called once it has been."""

    body: bytes
    status: int = 200
    delay: float = 0.0
    sent: Callable[[], None] | None = None


Handler = Callable[[str, str, bytes], Said]
"""From a request's method, target and body to the answer."""


class Talk(asyncio.Protocol):
    """One connection: requests one after the other, each answered by ``handler``."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._received = bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while request := self._next():
            said = self._handler(*request)
            if said.delay:
                asyncio.get_running_loop().call_later(said.delay, self._send, said)
            else:
                self._send(said)

    def _next(self) -> tuple[str, str, bytes] | None:
        """The next request, once it is here as a whole."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._received[:end].decode("latin-1")
        length = _content_length(head)
        if len(self._received) < end + 4 + length:
            return None
        body = bytes(self._received[end + 4 : end + 4 + length])
        del self._received[: end + 4 + length]
        method, target, _ = head.split(" ", 2)
        return method, target, body

    def _send(self, said: Said) -> None:
        head = _HEAD % (said.status, formatdate(usegmt=True).encode(), len(said.body))
        if not self._transport.is_closing():
            self._transport.write(head + said.body)
        if said.sent:
            said.sent()


def _content_length(head: str) -> int:
    _, found, rest = head.lower().partition("\r\ncontent-length:")
    return int(rest.partition("\r\n")[0]) if found else 0
