"""What the command-line tests share: a keyboard, and a watched shop."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typed import Hook, Keyboard, webhook

from monitor.simulator.server import Simulator
from monitor.simulator.world import World

CONFIG = """\
sources: {{shop: {{type: opterius, url: "{shop}", token: simulator-token, down_after: 2}}}}
channels: {{ops: {{url: "{ops}"}}}}
routes: [{{name: all, when: {{event: [appeared, status_changed, changed, vanished, reappeared]}}, channels: [ops]}}]
"""


@pytest.fixture(autouse=True)
def _logs_put_back(logs_put_back: None) -> None:
    """A command sets up the logs of its whole process, which here lives on."""


@pytest.fixture
def keyboard(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Keyboard:
    return Keyboard(tmp_path / "monitor.yaml", capfd)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    async with webhook() as hook:
        yield hook


@pytest.fixture
async def shop(keyboard: Keyboard, hook: Hook) -> AsyncIterator[World]:
    """The orders of a simulated shop, which the configuration names."""
    async with Simulator(World()) as simulator:
        keyboard.file.write_text(CONFIG.format(shop=simulator.url, ops=hook.url))
        yield simulator.world


@pytest.fixture
async def watched(shop: World, keyboard: Keyboard, hook: Hook) -> World:
    """A shop after its baseline and a poll that saw three things happen."""
    for number in range(1, 61):
        shop.place(id=number, total=number * 100, status="active")
    await keyboard.beside("poll")
    shop.set_status(1, "fraud")
    shop.change(2, total=999)
    shop.place(id=61)
    await keyboard.beside("poll")
    assert len(hook.posted) == 3
    return shop
