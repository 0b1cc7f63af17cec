"""Daemons that share one PostgreSQL, as processes: how much they poll, at what cost, and who goes on when one dies."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg
from bench_client import HERE, World
from bench_goals import Measured
from bench_many import write_many
from bench_place import Place, say
from bench_shops import shops_process
from bench_stats import percentile

from monitor.store.opening import open_store

_MEASURED_S = 6.0
_LONGEST_S = 180.0
_EVENED_S = 20.0
_CLAIMS = 200


class Rate(NamedTuple):
    """Polls a second, and milliseconds of the daemons' CPU for each."""

    polls: float
    cpu_ms: float


class Daemons:
    """Those that run, on one configuration."""

    def __init__(self, config: Path, shops: World, state: str) -> None:
        self._config = config
        self._shops = shops
        self._state = state
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, count: int) -> None:
        """Have so many in all, and wait until each has its share, as far as it is given one in good time."""
        while len(self._running) < count:
            log = (self._config.parent / f"daemon-{uuid.uuid4().hex[:6]}.log").open("wb")
            command = [sys.executable, "-m", "monitor", "run", "-c", str(self._config)]
            self._running.append(subprocess.Popen(command, stdout=log, stderr=log))
        self._wait(lambda: len(self._shares()) == count, f"{count} daemons do not share the work")
        deadline = time.monotonic() + _EVENED_S
        while time.monotonic() < deadline and max(self._shares()) > 1.2 * min(self._shares()):
            time.sleep(0.1)
        say(f"{count} daemons: shares {self._shares()}")

    def wait_for_all(self, shops: int) -> float:
        """Seconds until each of the systems has been asked from now on."""
        began = time.monotonic()
        self._shops.control("reset")
        self._wait(lambda: self._shops.control("seen")["shops"] == shops, "not all are asked")
        return time.monotonic() - began

    def measure(self, seconds: float = _MEASURED_S) -> Rate:
        """What they do from now on."""
        self._shops.control("reset")
        cpu, began = self._cpu(), time.monotonic()
        time.sleep(seconds)
        polls, passed = self._shops.control("seen")["requests"], time.monotonic() - began
        return Rate(polls / passed, (self._cpu() - cpu) / max(polls, 1) * 1000)

    def kill_one(self) -> None:
        """Without a word."""
        daemon = self._running.pop()
        daemon.kill()
        daemon.wait()

    def stop(self) -> None:
        """All of them."""
        for daemon in self._running:
            daemon.terminate()
        for daemon in self._running:
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _shares(self) -> list[int]:
        with psycopg.connect(self._state) as connection:
            rows = connection.execute(
                "SELECT count(*) FROM leases WHERE name LIKE 'source %' GROUP BY owner"
            ).fetchall()
        return sorted(share for (share,) in rows)

    def _cpu(self) -> float:
        """Of all of them, threads and all, since they were started."""
        fields = [Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split() for one in self._running]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def _wait(self, holds: Callable[[], bool], problem: str) -> None:
        deadline = time.monotonic() + _LONGEST_S
        while not holds():
            if time.monotonic() > deadline or any(daemon.poll() is not None for daemon in self._running):
                logs = sorted(self._config.parent.glob("daemon-*.log"))
                raise RuntimeError(f"{problem}: {logs[-1].read_text()[-2000:]}")
            time.sleep(0.1)


async def daemons(place: Place, count: int = 2000) -> list[Measured]:
    """More work than they can do, for one, two and four; then one is killed. Claims are timed while two are at it."""
    with shops_process() as shops, _postgres() as state, _daemons(place, shops, state, count, "2s") as running:
        rates: dict[int, Rate] = {}
        claims: list[float] = []
        for number in (1, 2, 4):
            running.start(number)
            for _ in range(2):  # then each has been committed once, and is known to whoever polls it
                running.wait_for_all(count)
            rates[number] = running.measure()
            say(f"{number} daemons: {rates[number]}")
            if number == 2:
                claims = await _claims(state)
        running.kill_one()
        takeover = running.wait_for_all(count)
    one, latency = rates[1], percentile(claims, 0.95)
    said = ", ".join(f"{number}: {rate.polls:.0f}/s at {rate.cpu_ms:.2f} ms" for number, rate in rates.items())
    most = max(rate.cpu_ms for rate in rates.values()) / one.cpu_ms
    return [
        Measured("daemons", most, said, most, {str(number): rate._asdict() for number, rate in rates.items()}),
        Measured("claims", latency, f"{latency * 1000:.1f} ms", latency / 0.05),
        Measured("takeover", takeover, f"{takeover:.1f} s", takeover / 30),
    ]


async def hundred_thousand(place: Place, count: int = 100_000) -> list[Measured]:
    """Two daemons, with a hundred thousand sources of ten minutes: what a poll costs among so many."""
    with shops_process() as shops, _postgres() as state, _daemons(place, shops, state, count, "10m") as running:
        running.start(2)
        baseline = running.measure(30)
        say(f"their first polls: {baseline}")
    figure = f"{baseline.polls:.0f} a second, {baseline.cpu_ms:.2f} ms CPU each"
    return [Measured("hundred_thousand", baseline.polls, figure, baseline.polls / (count / 600))]


async def _claims(state: str) -> list[float]:
    """Seconds that a claim takes, one after the other."""
    store, took, owner = open_store(state), [], uuid.uuid4().hex
    try:
        for number in range(_CLAIMS):
            name, began = f"claimed{number}", time.perf_counter()
            claim = await store.transact(lambda tx, name=name: tx.claim(name, owner, datetime.now(UTC), 0.0))  # type: ignore[misc]  # a default binds it
            took.append(time.perf_counter() - began)
            if claim is None:
                raise RuntimeError(f"{name} was not to be had")
            await asyncio.sleep(0.005)
    finally:
        await store.aclose()
    return took


@contextmanager
def _daemons(place: Place, shops: World, state: str, count: int, every: str) -> Iterator[Daemons]:
    running = Daemons(write_many(shops, place.folder, count, f"'{state}'", every, "daemons"), shops, state)
    try:
        yield running
    finally:
        running.stop()


@contextmanager
def _postgres() -> Iterator[str]:
    sys.path.insert(0, str(HERE.parent))
    import postgres_server  # it belongs to the tests, and is not there for other scenes

    if postgres_server.server() is None:
        raise RuntimeError(f"PostgreSQL is not installed, and {postgres_server.NAMED} names none")
    with postgres_server.database() as url:
        yield url
