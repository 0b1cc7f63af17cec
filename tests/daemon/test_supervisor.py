"""What systemd is told, over a real socket, of a real daemon."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar, cast

import pytest
from daemons import Inbox, clean, configure, daemon, stop
from structlog.testing import capture_logs

from monitor import life
from monitor.clock import SystemClock
from monitor.errors import StateUnreachable
from monitor.life import Life
from monitor.scheduler import Scheduler
from monitor.simulator.server import Simulator
from monitor.store.base import Store, Transaction
from monitor.store.sqlite import SqliteStore
from monitor.supervisor import Checkup, Supervisor

T = TypeVar("T")


class Systemd:
    """Its end of the socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)  # noqa: FBT003  # the standard library's

    async def next(self, seconds: float = 30) -> list[str]:
        """The lines of the next datagram."""
        async with asyncio.timeout(seconds):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode().split("\n")

    async def until(self, *lines: str, seconds: float = 30) -> list[str]:
        """The next datagram that holds each of these lines, or beginnings of lines."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.next()
                if all(any(line.startswith(wanted) for line in found) for wanted in lines):
                    return found

    def drain(self) -> list[str]:
        """All that has come."""
        lines: list[str] = []
        try:
            while True:
                lines += self._socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return lines

    def close(self) -> None:
        self._socket.close()


@contextmanager
def listening_at(address: str) -> Iterator[Systemd]:
    systemd = Systemd(address)
    try:
        yield systemd
    finally:
        systemd.close()


@pytest.fixture(params=["in a folder", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Systemd]:
    abstract = f"@order-monitor-test-{os.getpid()}-{tmp_path.name}"
    with listening_at(abstract if request.param == "abstract" else str(tmp_path / "notify")) as made:
        yield made


def environ(systemd: Systemd, watchdog: timedelta | None = None) -> dict[str, str]:
    microseconds = {"WATCHDOG_USEC": str(watchdog // timedelta(microseconds=1))} if watchdog else {}
    return {"NOTIFY_SOCKET": systemd.address, **microseconds}


async def test_ready_reloading_and_stopping_are_said(systemd: Systemd) -> None:
    supervisor = Supervisor.of(environ(systemd), SystemClock())
    supervisor.ready()
    assert await systemd.next() == ["READY=1"]
    before = time.monotonic_ns() // 1000
    supervisor.reloading()
    first, second = await systemd.next()
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    supervisor.stopping()
    assert "STOPPING=1" in await systemd.next()


async def lives() -> Checkup:
    return Checkup("watching\n2 sources", lives=True)


async def does_not_live() -> Checkup:
    return Checkup("the state does not answer", lives=False)


@asynccontextmanager
async def watched(supervisor: Supervisor, check: Callable[[], object]) -> AsyncIterator[None]:
    task = asyncio.create_task(supervisor.watch(check))  # type: ignore[arg-type]  # one of the two above
    try:
        yield
    finally:
        task.cancel()


async def test_the_watchdog_is_fed_twice_as_often_as_it_wants(systemd: Systemd) -> None:
    supervisor = Supervisor.of(environ(systemd, timedelta(seconds=0.2)), SystemClock())
    async with watched(supervisor, lives):
        before = time.monotonic()
        for _ in range(4):
            assert await systemd.next() == ["STATUS=watching 2 sources", "WATCHDOG=1"]
        assert time.monotonic() - before > 0.25


async def test_a_daemon_that_does_not_work_feeds_no_watchdog_but_says_why(systemd: Systemd) -> None:
    supervisor = Supervisor.of(environ(systemd, timedelta(seconds=0.1)), SystemClock())
    async with watched(supervisor, does_not_live):
        for _ in range(4):
            assert await systemd.next() == ["STATUS=the state does not answer"]


@pytest.mark.parametrize(
    "variables", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "99", "WATCHDOG_PID": "1"}]
)
async def test_no_watchdog_or_that_of_another_process_is_not_fed(systemd: Systemd, variables: dict[str, str]) -> None:
    supervisor = Supervisor.of({**environ(systemd), **variables}, SystemClock())
    async with watched(supervisor, lives):
        assert await systemd.next() == ["STATUS=watching 2 sources"]


async def test_without_systemd_nothing_is_said() -> None:
    supervisor = Supervisor.of({}, SystemClock())
    supervisor.ready()
    async with asyncio.timeout(1):
        await supervisor.watch(lives)


async def test_a_socket_that_nobody_reads_is_mentioned_once(tmp_path: Path) -> None:
    supervisor = Supervisor(SystemClock(), str(tmp_path / "nobody"))
    with capture_logs() as log:
        supervisor.ready()
        supervisor.stopping()
    assert [(line["event"], line["reason"]) for line in log] == [("supervisor_unheard", "No such file or directory")]


# The daemon


async def test_systemd_learns_how_a_daemon_fares_from_its_start_to_its_end(
    tmp_path: Path, shop: Simulator, inbox: Inbox, systemd: Systemd
) -> None:
    config = configure(tmp_path, shop.url, {"ops": inbox.url()})
    async with daemon(config, environ=environ(systemd, timedelta(seconds=1))) as process:
        await systemd.until("READY=1")
        await process.until("poll_baseline")
        await systemd.until("STATUS=watching 1 source", "WATCHDOG=1")
        process.signal(signal.SIGHUP)
        await systemd.until("RELOADING=1", "MONOTONIC_USEC=")
        await systemd.until("READY=1")
        config.write_text("sources: [", encoding="utf-8")
        process.signal(signal.SIGHUP)
        await systemd.until("RELOADING=1")
        await systemd.until("READY=1")  # it goes on under the old one
        await systemd.until("WATCHDOG=1")
        code, _ = await stop(process)
        await systemd.until("STOPPING=1")
    assert code == 0
    clean(process)


async def test_a_daemon_that_stands_still_feeds_no_watchdog(
    tmp_path: Path, shop: Simulator, inbox: Inbox, systemd: Systemd
) -> None:
    config = configure(tmp_path, shop.url, {"ops": inbox.url()})
    async with daemon(config, environ=environ(systemd, timedelta(seconds=0.4))) as process:
        await systemd.until("WATCHDOG=1")
        process.signal(signal.SIGSTOP)
        await asyncio.sleep(0.3)  # what was on its way has come
        systemd.drain()
        await asyncio.sleep(1.2)  # nothing happens: there is nothing to wait for but time
        assert systemd.drain() == []
        process.signal(signal.SIGCONT)
        await systemd.until("WATCHDOG=1")
        await stop(process)


# What counts as life


class Hanging:
    """A state on a disk that does not answer."""

    failures = 0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        await asyncio.Event().wait()
        raise AssertionError

    transact = read

    async def aclose(self) -> None:
        return


class Broken(Hanging):
    """A state that cannot be read."""

    async def read(self, work: Callable[[Transaction], T]) -> T:
        raise StateUnreachable("state.db: disk I/O error")

    transact = read


@asynccontextmanager
async def living(store: Store) -> AsyncIterator[tuple[Life, asyncio.Task[None]]]:
    """A life with a scheduler that runs and something that stands for the delivery loop."""
    scheduler = Scheduler()
    made = Life(store, scheduler, lambda: {"shop": timedelta(seconds=60)}, SystemClock())
    delivering = asyncio.create_task(asyncio.Event().wait())
    made.begin(cast("asyncio.Task[None]", delivering))
    scheduler.start()
    try:
        yield made, cast("asyncio.Task[None]", delivering)
    finally:
        delivering.cancel()
        await scheduler.stop(0)


@pytest.mark.parametrize(("store", "said"), [(Hanging(), "does not answer within"), (Broken(), "disk I/O error")])
async def test_a_state_that_cannot_be_read_is_no_life(store: Store, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "READ_WITHIN_S", 0.05)
    async with living(store) as (made, _):
        found = await made.check()
    assert not found.lives
    assert said in found.status


async def test_a_delivery_loop_that_has_ended_is_no_life(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.db")
    async with living(store) as (made, delivering):
        assert (await made.check()).lives
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        assert await made.check() == Checkup("the delivery loop does not run", lives=False)
    await store.aclose()


async def test_a_scheduler_that_has_stopped_or_runs_no_job_is_no_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore.open(tmp_path / "state.db")
    async with living(store) as (made, _):
        await made._note()
        monkeypatch.setattr(made, "_noted", time.monotonic() - 121)
        assert "no scheduled job has ended for 121 s" in (await made.check()).status
        monkeypatch.undo()
        made._scheduler._stopping = True
        assert made.stopped() == ["the scheduler does not run"]
    await store.aclose()


async def test_a_source_that_is_down_is_said_but_no_reason_to_start_again(tmp_path: Path) -> None:
    """No restart makes a billing system answer."""
    store = SqliteStore.open(tmp_path / "state.db")
    async with living(store) as (made, _):
        assert await made.check() == Checkup("no source was read yet: shop", lives=True)
    await store.aclose()
