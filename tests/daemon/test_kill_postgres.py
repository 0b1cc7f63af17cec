"""SIGKILL on a shared database: whoever comes next tells what the dead one found, once, or again where nobody knows.

What befalls several daemons at work is in tests/chaos; here each dies at one instant, and nothing else happens.
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from daemons import Inbox, clean, configure, daemon, stop
from postgres_server import database

from monitor.app import open_app
from monitor.clock import SystemClock
from monitor.config.loading import load
from monitor.simulator.server import Simulator

DRIVER = str(Path(__file__).with_name("dying_daemon.py"))
_ROUTE = "routes: [{name: all, channels: [ops]}]\n"


def rows_of(state: str, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(state, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


def let_lease_pass(state: str) -> None:
    """As if so much time had gone by: the dead one cannot renew what says that it lives."""
    with psycopg.connect(state, autocommit=True) as connection:
        connection.execute("UPDATE leases SET until = 0 WHERE starts_with(name, 'daemon ')")


async def life_until(boundary: str, config: Path, crossing: int = 1) -> None:
    """One daemon, which dies there."""
    async with daemon(config, call=(DRIVER, boundary, str(crossing))) as process:
        assert await process.end(60) == -signal.SIGKILL, process.text


@pytest.mark.parametrize(
    ("boundary", "arrivals"),
    [
        ("commit written", 1),
        ("committed", 1),
        ("delivery claimed", 1),
        ("sent", 2),
        ("settling written", 2),
    ],
)
async def test_a_change_outlives_the_daemon_that_found_it(
    boundary: str, arrivals: int, shop: Simulator, inbox: Inbox, tmp_path: Path
) -> None:
    with database() as state:
        config = configure(tmp_path, shop.url, {"ops": inbox.url()}, f"state: {state}\n{_ROUTE}")
        async with open_app(load(config, {}), SystemClock()) as app:
            await app.poll_all()  # what there is now is known from here on
        shop.world.set_status(7, "fraud")
        await life_until(boundary, config)
        assert rows_of(state, "SELECT 1 FROM leases WHERE starts_with(name, 'source ')"), "the dead one's are left"
        let_lease_pass(state)
        async with daemon(config) as survivor:
            await inbox.wait_for(arrivals)
            await survivor.polls(2)
            assert (await stop(survivor))[0] == 0
            clean(survivor)
        assert len(set(inbox.arrivals)) == 1, "a copy is the same"
        assert len(inbox.arrivals) == arrivals
        assert rows_of(state, "SELECT order_id, kind FROM events") == [("7", "status_changed")]
        assert rows_of(state, "SELECT state FROM deliveries") == [("sent",)]
