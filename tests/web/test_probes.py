"""/healthz and /readyz: asked by machines, without log-in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from argon2 import PasswordHasher
from web_stage import WebStage, served

from monitor.errors import StateUnreachable
from monitor.model import EventKind, SourceEvent, SourceState
from monitor.serving import job_of
from monitor.store.base import Store, Transaction
from monitor.web import probes

T = TypeVar("T")


async def ask(stage: WebStage, path: str, **headers: str) -> tuple[int, str]:
    async with stage.http.get(f"{stage.url}{path}", headers=headers) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.status, await answer.text()


async def change(stage: WebStage, **fields: Any) -> None:
    """Let the state say something else of the source, once the daemon's first poll has said what it is."""
    scheduler, job = stage.app._scheduler, job_of("shop")
    for _ in range(2):  # it may just be on its way from the scheduler to its task
        await stage.until(lambda: _is_far(scheduler.next_at(job)) and job not in scheduler._running)
        await asyncio.sleep(0.05)

    def write(tx: Transaction) -> None:
        state = tx.source("shop")
        assert state is not None
        tx.save_source("shop", msgspec.structs.replace(state, **fields))

    await stage.app.store.transact(write)


def _is_far(at: datetime | None) -> bool:
    return at is not None and at > datetime.now(UTC) + timedelta(minutes=30)


async def test_a_daemon_that_works_lives_and_is_ready(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        assert await ask(stage, "/healthz") == (200, "ok\n")
        assert await ask(stage, "/readyz") == (200, "ok\n")


async def test_who_wants_json_gets_it(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        status, text = await ask(stage, "/readyz", Accept="application/json")
        assert (status, msgspec.json.decode(text)) == (200, {"ok": True, "faults": []})
        await change(stage, down=True)
        status, text = await ask(stage, "/readyz", Accept="application/json")
        faults = [{"part": "sources", "text": "every source is down: shop"}]
        assert (status, msgspec.json.decode(text)) == (503, {"ok": False, "faults": faults})


async def test_neither_asks_for_a_log_in(tmp_path: Path) -> None:
    password = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash("a made-up password")
    async with served(tmp_path, password=password) as stage:
        assert (await ask(stage, "/healthz"))[0] == 200
        assert (await ask(stage, "/readyz"))[0] == 200


async def test_every_source_down_is_not_ready_but_alive_and_the_reason_stays_inside(tmp_path: Path) -> None:
    """Who has not logged in does not learn what the billing system said."""
    async with served(tmp_path) as stage:
        await change(stage, down=True, error="order 4711 of Ada Lovelace cannot be read")
        assert await ask(stage, "/readyz") == (503, "every source is down: shop\n")
        assert (await ask(stage, "/healthz"))[0] == 200


async def test_a_source_that_is_polled_no_more_is_not_ready(tmp_path: Path) -> None:
    """It is polled each hour here: three may pass."""
    async with served(tmp_path) as stage:
        now = datetime.now(UTC)
        await change(stage, polled_at=now - timedelta(hours=2, minutes=59))
        assert (await ask(stage, "/readyz"))[0] == 200
        await change(stage, polled_at=now - timedelta(hours=4))
        await stage.app.store.transact(lambda tx: tx.leave())  # forgets what was read meanwhile
        status, text = await ask(stage, "/readyz")
        assert status == 503
        assert text.startswith("shop: not polled since 2")


async def test_messages_that_nobody_tries_to_send_are_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as stage:
        hangs = asyncio.Event()

        async def hang() -> float:
            hangs.set()
            await asyncio.Event().wait()
            return 0

        monkeypatch.setattr(stage.app.deliveries, "_start_lanes", hang)
        stage.app.deliveries.wake()
        await hangs.wait()
        [destination] = stage.server.context.site.homes
        now = stage.server.context.clock.now()

        def write(tx: Transaction) -> None:
            event = SourceEvent("shop", EventKind.SOURCE_DOWN, now, "no connection")
            tx.add_delivery("health", destination, event, tx.add_event(event, "{}"), now - timedelta(minutes=16))

        assert (await ask(stage, "/readyz"))[0] == 200
        await stage.app.store.transact(write)
        status, text = await ask(stage, "/readyz")
        assert status == 503
        assert text.startswith("a message has been due since 2")


async def test_what_of_the_daemon_has_stopped_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path) as stage:
        monkeypatch.setattr(stage.app._scheduler, "_stopping", True)
        assert await ask(stage, "/healthz") == (503, "the scheduler does not run\n")
        assert await ask(stage, "/readyz") == (503, "the scheduler does not run\n")


class _Hangs:
    failures = 0

    async def read(self, work: Callable[[Transaction], T]) -> T:
        await asyncio.Event().wait()
        raise AssertionError

    transact = read

    async def aclose(self) -> None:
        return


class _Broken(_Hangs):
    async def read(self, work: Callable[[Transaction], T]) -> T:
        raise StateUnreachable("/var/lib/somewhere/state.db: disk I/O error") from OSError("disk I/O error")

    transact = read


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        (_Hangs(), "the state does not answer within 0 s\n"),
        (_Broken(), "the state cannot be read: disk I/O error\n"),
    ],
)
async def test_a_state_that_hangs_or_breaks_is_answered_for_in_time(
    reader: Store, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probes.READ_WITHIN_S < 5
    monkeypatch.setattr(probes, "READ_WITHIN_S", 0.05)
    async with served(tmp_path) as stage:
        monkeypatch.setattr(stage.server.context, "reader", reader)
        assert await ask(stage, "/readyz") == (503, said)
        assert (await ask(stage, "/healthz"))[0] == 200


async def test_what_is_not_configured_any_more_is_not_judged(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:

        def write(tx: Transaction) -> None:
            tx.claim("old", "x", datetime.now(UTC), 1)
            tx.save_source("old", SourceState("x", down=True))

        await stage.app.store.transact(write)
        assert (await ask(stage, "/readyz"))[0] == 200
