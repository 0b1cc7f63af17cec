"""The daemon with its page, and the server that is its floor, as processes; and browsers, as far as they matter."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp
from bench_client import HERE, until

_TOKEN = re.compile(r'name="csrf" value="([^"]+)"')


class Server(NamedTuple):
    """A process that serves, and where."""

    pid: int
    url: str

    @property
    def cpu(self) -> float:
        """Seconds of CPU that its threads have used."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9

    @property
    def resident(self) -> int:
        """Bytes of its memory that are resident."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)[0]) * 1024


class Cost(NamedTuple):
    """What a page costs: seconds of CPU each, each one's seconds on the wall, and how large it is."""

    cpu: float
    walls: list[float]
    size: int


@contextmanager
def daemon(config: Path) -> Iterator[Server]:
    """``order-monitor run`` while the block lasts."""
    log_file = config.with_suffix(".log")
    command = [sys.executable, "-m", "monitor", "run", "-c", str(config)]
    with log_file.open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            served = re.compile(r'"page_served".*"url": ?"([^"]+)"|"url": ?"([^"]+)".*"page_served"')

            def found() -> re.Match[str] | None:
                return served.search(log_file.read_text(encoding="utf-8"))

            if not until(lambda: found() is not None or process.poll() is not None, 60) or not (where := found()):
                raise RuntimeError(f"the page is not served: {log_file.read_text(encoding='utf-8')[-2000:]}")
            yield Server(process.pid, (where[1] or where[2]).rstrip("/"))
        finally:
            process.kill()


@contextmanager
def constant() -> Iterator[Server]:
    """The floor (see ``bench_constant``) while the block lasts."""
    command = [sys.executable, str(HERE / "bench_constant.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(process.pid, process.stdout.readline().strip())
        process.communicate("")


async def loaded(http: aiohttp.ClientSession, server: Server, path: str, times: int) -> Cost:
    """Load a page again and again, one after the other."""
    cpu, walls, size = server.cpu, [], 0
    for _ in range(times):
        started = time.perf_counter()
        async with http.get(f"{server.url}{path}") as response:
            size = len(await response.read())
            if response.status != 200:
                raise RuntimeError(f"{path}: {response.status}")
        walls.append(time.perf_counter() - started)
    return Cost((server.cpu - cpu) / times, walls, size)


async def polled(http: aiohttp.ClientSession, server: Server) -> None:
    """Press "poll now"."""
    async with http.get(f"{server.url}/sources/shop") as response:
        token = _TOKEN.search(await response.text())
    if not token:
        raise RuntimeError("there is no form on the source's page")
    form = {"csrf": token[1]}
    async with http.post(f"{server.url}/sources/shop/poll", data=form, allow_redirects=False) as response:
        if response.status != 303:
            raise RuntimeError(f"poll now: {response.status} {await response.text()}")


class Streams:
    """Open pages that listen: when each frame with this in it arrived at each of them, in monotonic seconds."""

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self.arrived: list[list[float]] = []
        self._grown = asyncio.Condition()

    async def all_have(self, number: int) -> float:
        """When the last of them had its frame of this number (from 1)."""
        async with asyncio.timeout(60), self._grown:
            await self._grown.wait_for(lambda: all(len(times) >= number for times in self.arrived))
        return max(times[number - 1] for times in self.arrived)

    async def listen(self, http: aiohttp.ClientSession, url: str, ready: asyncio.Event) -> None:
        """One of them, until it is cancelled."""
        times: list[float] = []
        async with http.get(url, timeout=aiohttp.ClientTimeout(total=None)) as response:
            self.arrived.append(times)
            ready.set()
            async for line in response.content:
                if line.startswith(self._mark):
                    times.append(time.monotonic())
                    async with self._grown:
                        self._grown.notify_all()


@asynccontextmanager
async def listening(server: Server, path: str, mark: bytes, count: int) -> AsyncIterator[Streams]:
    """So many streams while the block lasts."""
    streams, ready = Streams(mark), [asyncio.Event() for _ in range(count)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        tasks = [asyncio.create_task(streams.listen(http, f"{server.url}{path}", one)) for one in ready]
        try:
            async with asyncio.timeout(20):
                await asyncio.gather(*(one.wait() for one in ready))
            yield streams
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
