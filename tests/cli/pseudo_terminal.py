"""A command on a real terminal: what stands on its screen is read, and answers are typed, as a person would."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import struct
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

# Opening it by name makes it the process's own, so that Ctrl-C comes as a signal and getpass finds it.
_START = """
import os, sys
os.close(os.open(os.ttyname(0), os.O_RDWR))
from monitor.cli import main
sys.exit(main())
"""
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Terminal:
    """``order-monitor ARGUMENTS`` in a folder. ``raw`` is all that was ever written to the screen."""

    def __init__(self, *arguments: str, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        self.raw = ""
        self._arguments = arguments
        self._folder = folder
        self._environ = {**os.environ, "TERM": "xterm", "TZ": "Europe/Stockholm", **(environ or {})}
        self._grown = asyncio.Event()
        self._ended = False
        self._read_to = 0

    @property
    def screen(self) -> str:
        """What was written, without colours and cursor movements."""
        return _CONTROL.sub("", self.raw)

    @property
    def left_standing(self) -> str:
        """The screen without the lines that were erased again."""
        return _CONTROL.sub("", re.sub(r"[^\n]*\x1b\[2K", "", self.raw))

    async def __aenter__(self) -> Self:
        self._ours, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 140, 0, 0))
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _START, *self._arguments,
            stdin=theirs, stdout=theirs, stderr=theirs, cwd=self._folder, env=self._environ, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)

    async def shows(self, text: str, seconds: float = 20) -> None:
        """Returns as soon as this stands on the screen, below what was waited for before."""
        try:
            async with asyncio.timeout(seconds):
                while (found := self.screen.find(text, self._read_to)) < 0:
                    assert not self._ended
                    self._grown.clear()
                    await self._grown.wait()
        except (TimeoutError, AssertionError):
            raise AssertionError(f"{text!r} is not below this:\n{self.screen[self._read_to :]}") from None
        self._read_to = found + len(text)

    async def answer(self, question: str, text: str) -> None:
        """Wait for the question, and type this and Return."""
        await self.shows(question)
        self.type(f"{text}\n")

    def type(self, keys: str) -> None:
        """Press these keys: ``\\x03`` is Ctrl-C."""
        os.write(self._ours, keys.encode())

    async def interrupt(self) -> None:
        """Press Ctrl-C until the command reacts, as people do.

        Between its last look at signals and the start of its waiting, Python misses one until the next key.
        """
        before = len(self.screen)
        async with asyncio.timeout(20):
            # The terminal itself shows ^C for the key.
            while not self.screen[before:].replace("^C", "").strip() and not self._ended:
                self._grown.clear()
                self.type("\x03")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._grown.wait(), 1)

    async def ends(self, seconds: float = 20) -> int:
        """The exit code, once the command has ended and all that it wrote is read."""
        async with asyncio.timeout(seconds):
            code = await self._process.wait()
            while not self._ended:
                self._grown.clear()
                await self._grown.wait()
        return code

    def _read(self) -> None:
        try:
            data = os.read(self._ours, 65536)
        except OSError:  # nobody holds the other end any more
            data = b""
        self.raw += data.decode(errors="replace")
        if not data:
            self._ended = True
            asyncio.get_running_loop().remove_reader(self._ours)
        self._grown.set()
