"""`demo` serves its page, says where, and opens it where somebody sits."""

from __future__ import annotations

import asyncio
import io
import re
import signal
import sys
import webbrowser

import aiohttp
import pytest

from monitor.cli.browsing import can_open, open_in_browser

SCREEN = {"DISPLAY": ":0"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_the_demo_serves_its_page_where_it_says() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "demo", "--orders", "50", "--no-browser", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            url = ""
            async for line in process.stdout:
                if found := re.search(r"page.*: (http://127\.0\.0\.1:\d+)$", line.decode().strip()):
                    url = found[1]
                if b"ALERT" in line:
                    break
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                assert answer.status == 200
                assert "Order Monitor" in await answer.text()
            process.send_signal(signal.SIGINT)
            await process.stdout.read()
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("environment", "out", "platform", "opens"),
    [
        (SCREEN, Terminal(), "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, Terminal(), "linux", True),
        ({}, Terminal(), "darwin", True),
        ({}, Terminal(), "linux", False),
        (SCREEN, io.StringIO(), "linux", False),
        (SCREEN | {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22"}, Terminal(), "linux", False),
    ],
    ids=["a screen", "Wayland", "a Mac", "no screen", "no terminal", "far away"],
)
def test_it_is_opened_only_where_somebody_sits(
    environment: dict[str, str], out: io.StringIO, platform: str, opens: bool
) -> None:
    assert can_open(environment, out, platform) is opens


class Opened(webbrowser.BaseBrowser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def open(self, url: str, new: int = 0, autoraise: bool = True) -> bool:
        self.urls.append(url)
        return True


def test_the_browser_gets_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Opened()
    monkeypatch.setattr(webbrowser, "get", lambda: browser)
    open_in_browser("http://127.0.0.1:8080")
    assert browser.urls == ["http://127.0.0.1:8080"]


def test_a_browser_of_the_terminal_is_left_alone_and_no_browser_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.GenericBrowser("false"))
    open_in_browser("http://127.0.0.1:8080")

    def none() -> webbrowser.BaseBrowser:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setattr(webbrowser, "get", none)
    open_in_browser("http://127.0.0.1:8080")
