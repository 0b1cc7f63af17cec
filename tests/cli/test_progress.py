"""`run` on a terminal: a bar while a long baseline is read, then what is watched; and nothing of it elsewhere."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pseudo_terminal import Terminal
from typed import Hook, webhook

from monitor.app import open_app
from monitor.cli.progress import shown_on_terminal
from monitor.clock import SystemClock
from monitor.config import load
from monitor.simulator.dialect import Call
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

TOKEN = "made-up-token-4711"
BAR = "shop: reading the orders there are"
WATCHING = "Watching; Ctrl-C ends it."


def large_world(pages: int = 12) -> World:
    world = World()
    for number in range(pages * 100 - 50):
        world.place(status="active" if number % 10 else "pending")
    return world


def configure(folder: Path, url: str, channel: str = "json://localhost:9/", **more: Any) -> None:
    config = {
        "sources": {"shop": {"type": "opterius", "url": url, "token": TOKEN}},
        "channels": {"ops": {"url": channel}},
        **more,
    }
    (folder / "monitor.yaml").write_text(yaml.safe_dump(config))


def hold_after(shop: Simulator, count: int) -> asyncio.Event:
    """From this request on, the shop answers nothing until the event is set."""
    hold = asyncio.Event()

    def before(_: Call) -> None:
        if shop.request_count >= count:
            shop.hold = hold

    shop.before_answer = before
    return hold


def running(folder: Path) -> Terminal:
    return Terminal("run", "-c", "monitor.yaml", folder=folder)


async def stop(terminal: Terminal) -> None:
    terminal.type("\x03")
    assert await terminal.ends() == 0
    assert "Traceback" not in terminal.screen


async def test_a_long_baseline_shows_a_bar_and_then_what_is_watched(tmp_path: Path) -> None:
    async with Simulator(large_world(), token=TOKEN) as shop:
        hold = hold_after(shop, 5)
        routes = [
            {"name": "fraud", "when": {"to": "fraud"}, "channels": ["ops"]},
            {"name": "rest", "channels": ["ops", "second"]},
        ]
        channels = {"ops": {"url": "json://localhost:9/"}, "second": {"url": ["json://localhost:9/a", "xml://h/b"]}}
        configure(tmp_path, shop.url, channels=channels, routes=routes)
        async with running(tmp_path) as terminal:
            await terminal.shows("started")
            await terminal.shows(BAR)
            await terminal.shows("/12 pages,")
            assert WATCHING not in terminal.screen
            shop.before_answer = None
            hold.set()
            await terminal.shows("poll_baseline")
            await terminal.shows(WATCHING)
            await terminal.shows("→ ops, second")
            shown = terminal.screen[terminal.screen.index(WATCHING) :].splitlines()
            assert BAR not in "\n".join(shown)
            await stop(terminal)
    assert [line.rstrip() for line in shown[:8]] == [
        WATCHING,
        f"  source   shop    {shop.url}",
        "                   1,150 orders: 1,035 active · 115 pending",
        "                   looked at every 60 s: notices changes in pending orders and of every status "
        "within 60 s, all else within 1 day",
        "  channel  ops     json",
        "  channel  second  json, xml",
        "  route    fraud   to fraud → ops",
        "  route    rest    every change of status → ops, second",
    ]
    assert TOKEN not in terminal.raw


async def test_logs_stand_whole_beside_the_bar(tmp_path: Path) -> None:
    async with Simulator(large_world(), token=TOKEN) as shop, Simulator(World(), token="another") as other:
        hold = hold_after(shop, 5)
        configure(tmp_path, shop.url)
        config = yaml.safe_load((tmp_path / "monitor.yaml").read_text())
        config["sources"]["other"] = {"type": "opterius", "url": other.url, "token": TOKEN}
        (tmp_path / "monitor.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        other.hold = asyncio.Event()
        async with running(tmp_path) as terminal:
            await terminal.shows("/12 pages,")
            other.hold.set()
            await terminal.shows("poll_failed")
            await terminal.shows(BAR)
            hold.set()
            await terminal.shows(WATCHING)
            await terminal.shows("the first look failed, the next will follow: 401")
            await stop(terminal)
    (line,) = (line for line in terminal.left_standing.splitlines() if "poll_failed" in line)
    assert re.match(r"\d\d:\d\d:\d\d \[warning  \] poll_failed    source=other", line), line
    assert BAR not in terminal.left_standing
    after = terminal.screen[terminal.screen.index(WATCHING) :]
    assert "stopped" in after, "logs go on below"


async def test_what_is_known_already_needs_no_bar_and_what_vanished_is_not_counted(tmp_path: Path) -> None:
    async with Simulator(large_world(), token=TOKEN) as shop:
        source = {"type": "opterius", "url": shop.url, "token": TOKEN, "every": "1s"}
        configure(tmp_path, shop.url, sources={"shop": source})
        async with running(tmp_path) as terminal:
            await terminal.shows(WATCHING)
            shop.world.delete(7)
            await terminal.shows("'vanished': 1")
            await stop(terminal)
        hold = hold_after(shop, shop.request_count + 8)
        async with running(tmp_path) as terminal:
            await shop.wait_for_requests(shop.request_count + 9)
            hold.set()
            await terminal.shows(WATCHING)
            await terminal.shows("1,149 orders: ")
            await stop(terminal)
        assert BAR not in terminal.screen


async def test_a_short_list_needs_no_bar(tmp_path: Path) -> None:
    async with Simulator(large_world(5), token=TOKEN) as shop:
        configure(tmp_path, shop.url)
        async with running(tmp_path) as terminal:
            await terminal.shows(WATCHING)
            await terminal.shows("(none)  every change of status → every channel")
            await stop(terminal)
    assert BAR not in terminal.screen


async def test_ctrl_c_while_the_bar_is_shown_ends_cleanly(tmp_path: Path) -> None:
    async with Simulator(large_world(), token=TOKEN) as shop:
        hold = hold_after(shop, 5)
        configure(tmp_path, shop.url)
        async with running(tmp_path) as terminal:
            await terminal.shows("/12 pages,")
            terminal.type("\x03")
            hold.set()
            assert await terminal.ends() == 0
        assert terminal.raw.count("\x1b[?25l") == terminal.raw.count("\x1b[?25h"), "the cursor is back"
    assert "Traceback" not in terminal.screen
    assert "stopped" in terminal.screen


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_the_bar_goes_even_if_its_poll_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the time that a poll has to end in runs out: its result never comes."""
    configure(tmp_path, "https://billing.example.com")
    screen = Tty()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    async with open_app(load(tmp_path / "monitor.yaml", {}), SystemClock()) as app:
        async with shown_on_terminal(app):
            app.observers.page_read("shop", 3, 12)
            assert sys.stderr is not screen, "the bar stands in for it"
        assert sys.stderr is screen
    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h") == 1


async def test_elsewhere_there_is_nothing_but_the_log(tmp_path: Path) -> None:
    async with Simulator(large_world(), token=TOKEN) as shop, webhook() as hook:
        assert isinstance(hook, Hook)
        configure(tmp_path, shop.url, hook.url)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", "run", "-c", str(tmp_path / "monitor.yaml"),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        lines: list[bytes] = []
        async with asyncio.timeout(20):
            while not lines or b"poll_baseline" not in lines[-1]:
                lines.append(await process.stderr.readline())
                assert lines[-1]
            process.send_signal(signal.SIGTERM)
            out, rest = await process.communicate()
    assert process.returncode == 0
    assert out == b""
    assert all(line.startswith(b"{") for line in [*lines, *rest.splitlines()]), lines
