"""The webhook of a chaos: keeps who sent what, and when. A daemon is known by the password in its channels' URLs, which
is no part of what makes a URL the same."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import msgspec
from aiohttp import web
from connections import listening

_REF = re.compile(r"\bref ([0-9A-Z]{4,})$", re.MULTILINE)
_QUICK_S, _SLOW_S, _SLOW_SHARE = 0.05, 0.6, 0.1


class Sending(msgspec.Struct, frozen=True):
    """One request: from its arrival to its answer, in the loop's seconds. ``taken``: it was answered with 200."""

    path: str
    ref: str
    title: str
    sender: str
    began: float
    ended: float
    taken: bool


class Recorder:
    """``sendings`` in the order in which they came in. While it ``fails`` it answers 503."""

    def __init__(self, chance: Random) -> None:
        self.sendings: list[Sending] = []
        self.fails = False
        self.port = 0
        self._chance = chance
        self._awaited: dict[str, asyncio.Future[None]] = {}

    async def sends(self, sender: str, within_s: float) -> bool:
        """Wait until a message of this daemon has come in and is not yet answered; False if there is none in time."""
        arrival = self._awaited.setdefault(sender, asyncio.get_running_loop().create_future())
        await asyncio.wait([arrival], timeout=within_s)
        return arrival.done()

    def url(self, channel: str, sender: str) -> str:
        """What this channel's URL is in this daemon's configuration."""
        return f"json://monitor:{sender}@127.0.0.1:{self.port}/{channel}"

    async def take(self, request: web.Request) -> web.Response:
        loop = asyncio.get_running_loop()
        began, taken = loop.time(), not self.fails
        posted = msgspec.json.decode(await request.read())
        login = b64decode(request.headers["Authorization"].partition(" ")[2]).decode()
        sender = login.partition(":")[2]
        if arrival := self._awaited.pop(sender, None):
            arrival.set_result(None)
        await asyncio.sleep(self._chance.random() * (_SLOW_S if self._chance.random() < _SLOW_SHARE else _QUICK_S))
        self.sendings.append(
            Sending(
                path=request.path.lstrip("/"),
                ref=_REF.findall(posted["message"])[-1],
                title=posted["title"],
                sender=sender,
                began=began,
                ended=loop.time(),
                taken=taken,
            )
        )
        return web.Response(status=200 if taken else 503)


@asynccontextmanager
async def recording(chance: Random) -> AsyncIterator[Recorder]:
    """A recorder that listens."""
    recorder = Recorder(chance)
    app = web.Application()
    app.router.add_post("/{path:.*}", recorder.take)
    async with listening(app) as recorder.port:
        yield recorder
