"""Several daemons are healthy as long as the work is done, whichever of them does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from postgres_server import database

from monitor.asking.health import SILENT_AFTER, Fault, faults_of
from monitor.model import SourceState
from monitor.store.base import Transaction
from monitor.store.glimpse import glimpse_of
from monitor.store.opening import open_store
from monitor.store.postgres_driver import PostgresDriver

MINUTE = timedelta(minutes=1)
EVERY = {"blog": MINUTE, "shop": MINUTE}


@pytest.fixture
def url() -> Iterator[str]:
    with database() as made:
        yield made


async def write(url: str, work: Callable[[Transaction], None]) -> None:
    store = open_store(url)
    await store.transact(work)
    await store.aclose()


def polled(tx: Transaction, at: datetime, *sources: str) -> None:
    for source in sources:
        tx.claim(source, "a daemon", at, 15.0)
        tx.save_source(source, SourceState("it", polled_at=at, good_at=at))


def judged(url: str, now: datetime) -> list[Fault]:
    return faults_of(EVERY, glimpse_of(url, now, 5.0), now)


async def test_one_daemon_of_three_that_is_gone_is_no_fault_while_its_sources_are_polled(url: str) -> None:
    now = datetime.now(UTC)

    def work(tx: Transaction) -> None:
        tx.live(now - 60 * MINUTE, {}, "killed")
        tx.live(now, {}, "second")
        tx.live(now, {}, "third")
        polled(tx, now, "blog", "shop")

    await write(url, work)
    assert judged(url, now) == []
    await write(url, lambda tx: polled(tx, now - 60 * MINUTE, "shop"))
    [fault] = judged(url, now)
    assert fault.part == "source"
    assert fault.text.startswith("shop: not polled since")


async def test_no_daemon_that_lives_is_a_fault(url: str) -> None:
    now = datetime.now(UTC)

    def work(tx: Transaction) -> None:
        for name in ("first", "second"):
            tx.live(now - SILENT_AFTER - MINUTE, {}, name)
        polled(tx, now, "blog", "shop")

    await write(url, work)
    assert [fault.part for fault in judged(url, now)] == ["daemon"]
    await write(url, lambda tx: tx.live(now, {}, "second"))
    assert judged(url, now) == []


async def test_a_machine_whose_clock_is_minutes_off_judges_by_the_databases(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, real = timedelta(hours=1), PostgresDriver.now_us
    now = datetime.now(UTC)
    monkeypatch.setattr(PostgresDriver, "now_us", lambda self: real(self) + hour // timedelta(microseconds=1))

    def work(tx: Transaction) -> None:
        tx.live(now + hour, {}, "first")
        polled(tx, now + hour, "blog", "shop")

    await write(url, work)
    assert judged(url, now) == []
    monkeypatch.undo()
    assert [fault.part for fault in judged(url, now)] == ["daemon", "source", "source"]
