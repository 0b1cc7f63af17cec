"""The true daemon as a process: started, listened to, signalled."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Daemon:
    """``order-monitor run -c FILE`` as a process; its log, whose format must be json, is ``lines``."""

    def __init__(self, config: Path, command: str = "run", environ: Mapping[str, str] | None = None) -> None:
        self._config = config
        self._command = command
        self._environ = environ
        self.output = ""
        self.lines: list[dict[str, Any]] = []
        self._grown = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", self._command, "-c", str(self._config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=self._environ,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading

    async def logged(self, event: str, times: int = 1, seconds: float = 30) -> dict[str, Any]:
        """The line of this event, as soon as there are so many of them."""
        try:
            async with asyncio.timeout(seconds), self._grown:
                await self._grown.wait_for(lambda: len(self._of(event)) >= times or self._reading.done())
                return self._of(event)[times - 1]
        except (TimeoutError, IndexError):
            raise AssertionError(f"no line {event} ({times}) in:\n{self.output}") from None

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self._process.send_signal(number)

    async def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal that ends it; its exit code."""
        self.send(number)
        return await self.ended(seconds)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    async def ended(self, seconds: float = 30) -> int:
        """Its exit code, once it has ended."""
        async with asyncio.timeout(seconds):
            code = await self._process.wait()
            await self._reading
        return code

    def _of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == event]

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for raw in self._process.stdout:
            text = raw.decode()
            async with self._grown:
                self.output += text
                self.lines += [json.loads(text)] if text.startswith("{") else []
                self._grown.notify_all()
        async with self._grown:
            self._grown.notify_all()
