"""What tests of the stream read: frames, as a browser takes them apart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import aiohttp


class Frame(NamedTuple):
    """One event of a stream; ``id`` as the browser remembers it."""

    event: str
    data: Any
    id: str = ""


def frames_of(text: bytes) -> Iterator[Frame]:
    """The events in these bytes; comments and `retry` are none."""
    for block in text.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "event" in lines:
            yield Frame(lines["event"], json.loads(lines["data"]), lines.get("id", ""))


async def read_frames(answer: aiohttp.ClientResponse) -> AsyncIterator[Frame]:
    """The events of a stream, as they come."""
    rest = b""
    async for chunk in answer.content.iter_any():
        whole, _, rest = (rest + chunk).rpartition(b"\n\n")
        for frame in frames_of(whole):
            yield frame
