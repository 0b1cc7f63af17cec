"""Commands as they are typed: in this process, or as a process of their own."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from connections import listening

from monitor.cli import main


class Typed(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[Any]:
        """Each line of its output as a JSON document."""
        return [json.loads(line) for line in self.out.splitlines()]


class Keyboard:
    """Types commands in this process; all that take a configuration get ``file``."""

    def __init__(self, file: Path, capfd: pytest.CaptureFixture[str]) -> None:
        self.file = file
        self._capfd = capfd

    def type(self, *arguments: str, config: bool = True) -> Typed:
        """Run a command and wait for its end."""
        line = [*arguments, "-c", str(self.file)] if config else list(arguments)
        self._capfd.readouterr()
        try:
            code = main(line)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        return Typed(code, *self._capfd.readouterr())

    async def beside(self, *arguments: str) -> Typed:
        """The same in a thread, for commands that talk to a server in this loop."""
        return await asyncio.to_thread(self.type, *arguments)


class Hook:
    """A webhook: what was posted to it, and what it answers."""

    def __init__(self) -> None:
        self.posted: list[Any] = []
        self.status = 200
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.posted.append(await request.json())
        return web.Response(status=self.status)

    @property
    def titles(self) -> list[str]:
        return [message["title"].replace("\u00a0", " ") for message in self.posted]


@asynccontextmanager
async def webhook() -> AsyncIterator[Hook]:
    """A webhook that listens."""
    hook = Hook()
    app = web.Application()
    app.router.add_post("/alerts", hook.handle)
    async with listening(app) as port:
        hook.url = f"json://127.0.0.1:{port}/alerts"
        yield hook


def in_process(*arguments: str, environ: Mapping[str, str] | None = None) -> Typed:
    """A command as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *arguments],
        capture_output=True, text=True, timeout=60, check=False, env=environ,
    )  # fmt: skip
    return Typed(done.returncode, done.stdout, done.stderr)
