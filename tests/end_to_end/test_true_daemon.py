"""The daemon as a process: it watches, reloads, refuses, leaves; and loses nothing when it is restarted."""

from __future__ import annotations

import asyncio
import io
import json
import signal
from collections.abc import AsyncIterator
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from acceptance import copies
from daemon import Daemon
from receivers import JsonWebhook, MailServer

from monitor.cli import main
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

_CONFIG = """
log: {format: json}
defaults: {source: {type: opterius, token: simulator-token, every: 1s}}
"""


class Place:
    """A billing system, two receivers and a configuration."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.file = folder / "monitor.yaml"
        self.simulator = simulator
        self.world = simulator.world
        self.ops, self.mail = JsonWebhook(), MailServer()

    def configure(self, text: str) -> None:
        text = text.replace("{shop}", self.simulator.url).replace("{ops}", self.ops.url)
        self.file.write_text(_CONFIG + text.replace("{mail}", self.mail.url), encoding="utf-8")

    async def ask(self, *command: str) -> tuple[int, list[str]]:
        """A command beside the daemon: its exit code, and the lines that it printed."""
        output = io.StringIO()
        with redirect_stdout(output):
            code = await asyncio.to_thread(main, [*command, "-c", str(self.file)])
        return code, output.getvalue().splitlines()


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Simulator(World.seeded(1, 230)) as simulator:
        place = Place(tmp_path, simulator)
        await asyncio.gather(place.ops.back(), place.mail.back())
        yield place
        await asyncio.gather(place.ops.away(), place.mail.away())


_OPS = "sources: {shop: {url: '{shop}'}}\nchannels: {ops: {url: '{ops}'}}\n"
_MAIL = "sources: {moved: {url: '{shop}'}}\nchannels: {ops: {url: '{ops}'}, mail: {url: '{mail}'}}\n"


async def test_a_life_of_the_daemon(place: Place) -> None:
    """Baseline, alert, commands beside it, a bad reload, a good one, the end amid a send."""
    place.configure(_OPS)
    async with Daemon(place.file) as daemon:
        await daemon.logged("poll_baseline")
        order = place.world.place(id=1000)
        await daemon.logged("poll", 2)
        place.world.set_status(order.id, "active")
        await place.ops.wait_for(1)
        assert place.ops.received[0].title == "✅ Active: ORD-1000 · $5.00 · shop"
        await daemon.logged("delivery_sent")

        await _look_beside(place, daemon)

        place.file.write_text("sources: {shop: {urk: 1}}\n")
        daemon.send(signal.SIGHUP)
        refused = await daemon.logged("reload_refused")
        assert any("urk" in problem for problem in refused["problems"])
        place.world.set_status(order.id, "fraud")
        await place.ops.wait_for(2)

        place.configure(_MAIL)
        daemon.send(signal.SIGHUP)
        await daemon.logged("reloaded")
        await daemon.logged("poll_baseline", 2)
        place.world.set_status(order.id, "cancelled")
        await asyncio.gather(place.ops.wait_for(3), place.mail.wait_for(1))
        assert place.mail.received[0].title == "🚫 Cancelled: ORD-1000 · $5.00 · moved"

        place.ops.gate.clear()
        place.world.set_status(order.id, "active")
        await place.ops.wait_for(4)
        daemon.send(signal.SIGTERM)
        place.ops.gate.set()
        assert await daemon.ended() == 0
    assert daemon.lines[-1]["event"] == "stopped"
    _, lines = await place.ask("deliveries", "--json")
    assert {json.loads(line)["state"] for line in lines} == {"sent"}, "a send under way is settled first"
    assert len(place.ops.received) == 4
    assert not list(copies(place.ops.received))


async def _look_beside(place: Place, daemon: Daemon) -> None:
    code, lines = await place.ask("events", "--json")
    assert code == 0
    assert [json.loads(line)["kind"] for line in lines] == ["appeared", "status_changed"]
    assert (await place.ask("orders", "--json", "--status", "pending"))[0] == 0
    code, lines = await place.ask("deliveries", "--state", "sent")
    assert code == 0
    assert any("ops" in line for line in lines)
    async with Daemon(place.file) as second:
        assert await second.ended() == 1
    assert f"held by process {daemon.pid}" in second.output


async def test_an_alert_server_that_is_away_over_a_restart_gets_each_alert_once(place: Place) -> None:
    place.configure(_OPS)
    async with Daemon(place.file) as daemon:
        await daemon.logged("poll_baseline")
        await place.ops.away()
        for id_ in place.world.ids("active")[:3]:
            place.world.set_status(id_, "fraud")
        await daemon.logged("delivery_retried")
        assert await daemon.stop() == 0
    async with Daemon(place.file) as daemon:
        await daemon.logged("poll")
        await place.ops.back()
        await place.ops.wait_for(3, seconds=30)
        await daemon.logged("delivery_sent", 3)
        assert await daemon.stop(signal.SIGINT) == 0
    assert all(message.title.startswith("🚨 Fraud: ") for message in place.ops.received)
    assert len(place.ops.received) == 3
    assert not list(copies(place.ops.received))


async def test_a_configuration_that_cannot_be_used_ends_with_2(tmp_path: Path) -> None:
    file = tmp_path / "monitor.yaml"
    file.write_text("sources: {}\n")
    async with Daemon(file) as daemon:
        assert await daemon.ended() == 2
    assert f"{file}:1:1: channels: no channel" in daemon.output
    assert list(tmp_path.glob("*")) == [file]  # noqa: ASYNC240  # a test may wait for a folder
