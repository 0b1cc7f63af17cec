"""The daemon as a process of its own, a webhook for its messages, and what its state holds."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiohttp import web
from connections import listening

from monitor.simulator.world import World

TOKEN = "made-up-token-of-the-tests"
MODULE = ("-m", "monitor")
Line = dict[str, Any]
_THIS_TREE = {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
"""A process of a work tree must not import what is installed from another one."""
_REF = re.compile(r"\bref ([0-9A-Z]{4,})$", re.MULTILINE)


class Arrival(NamedTuple):
    """One message at the webhook: the channel's path, and what stands in it."""

    path: str
    title: str
    body: str
    ref: str


class Inbox:
    """A webhook that takes Apprise's JSON. It answers with ``status``, once ``open`` is set.

    ``arrivals`` holds what was not refused with a status of 400 and above, or not yet.
    """

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.status = 200
        self.refused = 0
        self.refuses: Callable[[], bool] = lambda: self.status >= 400
        self.open = asyncio.Event()
        self.open.set()
        self.on_arrival: Callable[[Arrival], object] = lambda arrival: None
        self.port = 0
        self._changed = asyncio.Condition()

    def url(self, path: str = "ops") -> str:
        return f"json://127.0.0.1:{self.port}/{path}"

    def titles(self, path: str = "/ops") -> list[str]:
        return [arrival.title for arrival in self.arrivals if arrival.path == path]

    async def wait_for(self, count: int, path: str = "/ops", seconds: float = 30) -> None:
        """Until so many messages have come to this path."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: len(self.titles(path)) >= count)

    async def take(self, request: web.Request) -> web.Response:
        posted = msgspec.json.decode(await request.read())
        ref = _REF.findall(posted["message"])[-1]
        if self.refuses():
            self.refused += 1
            return web.Response(status=max(self.status, 500))
        arrival = Arrival(request.path, posted["title"], posted["message"], ref)
        self.arrivals.append(arrival)
        self.on_arrival(arrival)
        async with self._changed:
            self._changed.notify_all()
        await self.open.wait()
        return web.Response(status=self.status)


@asynccontextmanager
async def serving() -> AsyncIterator[Inbox]:
    """An inbox that listens."""
    inbox = Inbox()
    app = web.Application()
    app.router.add_post("/{path:.*}", inbox.take)
    async with listening(app) as inbox.port:
        try:
            yield inbox
        finally:
            inbox.open.set()


class Daemon:
    """A process of ours. ``log`` holds its log lines, ``output`` what it printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[Line] = []
        self.text = ""
        self.output = ""
        self._changed = asyncio.Condition()
        self._readers = asyncio.gather(self._read_log(), self._read_output())

    async def until(self, event: str, count: int = 1, seconds: float = 30) -> Line:
        """The ``count``-th log line of this event, as soon as it is written."""

        def found() -> list[Line]:
            return [line for line in self.log if line["event"] == event]

        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: len(found()) >= count)
        except TimeoutError:
            raise AssertionError(f"no log line {event} ({count}) in:\n{self.text}") from None
        return found()[count - 1]

    async def polls(self, count: int) -> None:
        """Until so many more polls have been committed."""
        done = sum(line["event"] == "poll" for line in self.log)
        await self.until("poll", done + count)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    async def end(self, seconds: float = 30) -> int:
        """Its exit code, once it has ended and all of its output has been read."""
        async with asyncio.timeout(seconds):
            # Shielded: when patience ends, what has been read so far is still wanted, and the reading goes on.
            await asyncio.shield(self._readers)
            return await self.process.wait()

    def lines(self, event: str) -> list[Line]:
        return [line for line in self.log if line["event"] == event]

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            self.text += raw.decode()
            async with self._changed:
                self.log.append(_parsed(raw))
                self._changed.notify_all()

    async def _read_output(self) -> None:
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            self.output += raw.decode()


def _parsed(raw: bytes) -> Line:
    """A log line; anything else, such as a traceback, as an event ``not json``."""
    try:
        line = json.loads(raw)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"event": "not json", "text": raw.decode()}


@asynccontextmanager
async def daemon(
    config: Path, *arguments: str, call: Sequence[str] = (*MODULE, "run"), environ: Mapping[str, str] | None = None
) -> AsyncIterator[Daemon]:
    """A running ``order-monitor run``, or another ``call`` of Python, killed at the end if it has not ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *call,
        "-c",
        str(config),
        *arguments,
        cwd=config.parent,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(config.parent), **_THIS_TREE, **(environ or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    made = Daemon(process)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await made.end()


async def run_once(config: Path, *arguments: str, command: str = "poll") -> tuple[int, Daemon]:
    """A command that ends by itself: its exit code, and what it wrote."""
    async with daemon(config, *arguments, call=(*MODULE, command)) as process:
        return await process.end(60), process


def configure(folder: Path, source: str, channels: dict[str, str], more: str = "", every: str = "1s") -> Path:
    """Write a configuration, over the one that is there; its path."""
    path = folder / "monitor.yaml"
    urls = "".join(f"  {name}: {{url: '{url}'}}\n" for name, url in channels.items())
    path.write_text(
        f"sources:\n  shop: {{type: opterius, url: '{source}', token: {TOKEN}, every: {every}}}\n"
        f"channels:\n{urls}{more}",
        encoding="utf-8",
    )
    return path


def rows(state: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a query finds in a state, whoever else has it open."""
    connection = sqlite3.connect(f"file:{state}?mode=ro", uri=True, timeout=30)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def world_of(count: int) -> World:
    """So many pending orders, ids from 1."""
    world = World()
    for _ in range(count):
        world.place()
    return world


def clean(process: Daemon) -> None:
    """It has ended without a complaint."""
    assert [line for line in process.log if line["event"] in {"not json", "library", "lane_failed", "job_failed"}] == []
    assert process.log[-1]["event"] == "stopped"


async def stop(process: Daemon, number: int = signal.SIGTERM) -> tuple[int, float]:
    """The exit code, and how many seconds it took."""
    loop = asyncio.get_running_loop()
    before = loop.time()
    process.signal(number)
    return await process.end(), loop.time() - before
