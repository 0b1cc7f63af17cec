"""What the commands `poll` and `run` do and show as real processes."""

from __future__ import annotations

import re
from pathlib import Path

from daemons import TOKEN, Inbox, clean, configure, daemon, rows, run_once, stop

from monitor.simulator.faults import ExpiredToken
from monitor.simulator.server import Simulator

# For cron, and for trying


async def test_poll_exits_0_and_says_what_it_saw(tmp_path: Path, shop: Simulator, inbox: Inbox) -> None:
    path = configure(tmp_path, shop.url, {"ops": inbox.url()})
    code, first = await run_once(path)
    assert (code, first.output) == (0, "shop: 30 orders, 1 request, this is the baseline\n")
    shop.world.set_status(1, "fraud")
    code, second = await run_once(path)
    assert (code, second.output) == (0, "shop: 30 orders, 1 request, 1 status_changed\n")
    assert [arrival.path for arrival in inbox.arrivals] == ["/ops"]


async def test_poll_exits_1_when_a_source_fails_and_when_a_message_does_not_arrive(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    path = configure(tmp_path, shop.url, {"ops": inbox.url()})
    shop.faults.set(ExpiredToken(times=1))
    code, failed = await run_once(path)
    assert code == 1
    assert failed.output.startswith("shop: failed: 401 ")
    assert TOKEN not in failed.output + failed.text
    await run_once(path)
    shop.world.set_status(1, "fraud")
    inbox.status = 503
    code, undelivered = await run_once(path)
    assert code == 1
    assert "not every message was delivered" in undelivered.output
    assert rows(tmp_path / "order-monitor.db", "SELECT state, attempts FROM deliveries") == [("waiting", 1)]


async def test_a_dry_run_prints_and_sends_nothing_and_leaves_no_state(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    async with daemon(configure(tmp_path, shop.url, {"ops": inbox.url()}), "--dry-run") as process:
        await process.until("poll_baseline")
        shop.world.set_status(1, "fraud")
        await process.until("delivery_sent")
        code, _ = await stop(process)
    assert code == 0
    assert process.output.startswith("--- to ops\n")
    assert "ORD-0001" in process.output
    assert inbox.arrivals == []
    assert not (tmp_path / "order-monitor.db").exists()


# The log


async def test_at_debug_the_log_is_json_and_shows_no_credential_and_no_librarys_chatter(
    tmp_path: Path, shop: Simulator, inbox: Inbox
) -> None:
    secret = "T0ken-1n-the-path"
    path = configure(tmp_path, shop.url, {"ops": inbox.url(secret)}, "log: {level: debug}\n")
    async with daemon(path) as process:
        await process.until("poll_baseline")
        inbox.status = 500
        shop.world.set_status(1, "fraud")
        await process.until("delivery_retried")
        inbox.status = 200
        await process.until("delivery_sent")
        shop.faults.set(ExpiredToken())
        await process.until("poll_failed")
        await stop(process)
    clean(process)
    assert secret not in process.text
    assert TOKEN not in process.text
    assert not re.search("urllib3|apprise|apscheduler|http/1.1", process.text, re.IGNORECASE)
