"""SIGKILL between the commit of a change and the answer with its order's details."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from daemons import TOKEN, Inbox, daemon, rows

from monitor.delivery.enrichment import GONE, HOLD_S
from monitor.simulator.server import Simulator


def let_pass(state: Path, seconds: float) -> None:
    """So much time passes while nobody is at work with this state."""
    with closing(sqlite3.connect(state)) as database, database:
        database.execute("UPDATE deliveries SET due_at = due_at - ?", [round(seconds * 1_000_000)])


async def test_a_message_whose_details_die_with_the_daemon_goes_without_them_and_once(
    shop: Simulator, inbox: Inbox, tmp_path: Path
) -> None:
    async with Simulator(shop.world, "hostup", token=TOKEN) as hosting:
        config = tmp_path / "monitor.yaml"
        config.write_text(
            f"sources:\n  shop: {{type: opterius, url: '{shop.url}', token: {TOKEN}, every: 1s, detail: hosting}}\n"
            f"  hosting: {{type: hostup, url: '{hosting.url}', api_key: {TOKEN}, every: 1h}}\n"
            f"channels: {{ops: {{url: '{inbox.url()}'}}}}\n",
            encoding="utf-8",
        )
        state = tmp_path / "order-monitor.db"
        async with daemon(config) as process:
            await process.until("poll_baseline")
            hosting.hold = asyncio.Event()
            shop.world.set_status(1, "active")
            await hosting.wait_for_requests(1)
            process.signal(signal.SIGKILL)
            await process.end()
        assert rows(state, "SELECT state, attempts, retry_in FROM deliveries") == [("waiting", 0, HOLD_S * 1_000_000)]
        assert inbox.arrivals == []
        let_pass(state, HOLD_S)
        async with daemon(config) as process:
            await inbox.wait_for(1)
            await process.polls(2)
        assert len(inbox.arrivals) == 1
        assert f"Without details: {GONE}." in inbox.arrivals[0].body
        assert hosting.request_count == 1, "and nobody asks again"
