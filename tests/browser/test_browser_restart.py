"""The page outlives its daemon."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from browser_stage import row_of, visit
from daemons import TOKEN, configure, daemon, serving, stop
from playwright.async_api import Browser, expect

from monitor.simulator.server import Simulator
from monitor.simulator.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_an_open_page_survives_a_restart_of_the_daemon_and_misses_nothing(
    chromium: Browser, tmp_path: Path
) -> None:
    world, port = World.seeded(7, 30), free_port()
    first, second, third = world.ids("active")[:3]
    async with serving() as inbox, Simulator(world, token=TOKEN) as system:
        more = f"web: {{listen: '127.0.0.1:{port}'}}\n"
        config = configure(tmp_path, system.url, {"ops": inbox.url()}, more)
        async with visit(chromium, f"http://127.0.0.1:{port}") as at:
            async with daemon(config) as process:
                await process.until("poll_baseline")
                await at.go_live()
                world.set_status(first, "fraud")
                await expect(row_of(at.page, world.order(first).number)).to_be_visible()
                assert (await stop(process))[0] == 0
            await expect(at.page.locator("[data-connection]")).to_have_text("Connection lost: trying again")
            at.faults.clear()  # that nobody answers is what a browser complains of, rightly
            world.set_status(second, "fraud")
            async with daemon(config) as process:
                await process.until("delivery_sent")
                await at.is_live()
                await expect(row_of(at.page, world.order(second).number)).to_have_count(1)
                world.set_status(third, "fraud")
                await expect(row_of(at.page, world.order(third).number)).to_have_count(1)
                await expect(at.page.locator("#events > li")).to_have_count(3)
                at.faults[:] = [fault for fault in at.faults if "ERR_CONNECTION_REFUSED" not in fault]
                assert (await stop(process))[0] == 0
                await expect(at.page.locator("[data-connection=lost]")).to_be_visible()
            at.faults[:] = [fault for fault in at.faults if "ERR_" not in fault]
