"""What `poll` does besides, for cron: heartbeats at its end, drills, and what would wait for a later look."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from connections import listening
from typed import Hook, Keyboard

from monitor.simulator.world import World


class Heart:
    """An address for heartbeats, and how often each path was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        return web.Response(text="OK")


@pytest.fixture
async def heart(keyboard: Keyboard, shop: World) -> AsyncIterator[Heart]:
    """One heartbeat of all, and one of the shop."""
    heart = Heart()
    app = web.Application()
    app.router.add_get("/{path:.*}", heart.answer)
    async with listening(app) as port:
        heart.url = f"http://127.0.0.1:{port}"
        own = f"down_after: 1, heartbeat: {{url: '{heart.url}/shop'}}"
        text = keyboard.file.read_text().replace("down_after: 2", own)
        keyboard.file.write_text(f"{text}heartbeat: {{url: '{heart.url}/all'}}\n")
        yield heart


async def test_a_poll_sends_each_heartbeat_at_its_end_if_all_is_well(keyboard: Keyboard, heart: Heart) -> None:
    for _ in range(2):
        assert (await keyboard.beside("poll")).code == 0
    assert sorted(heart.asked) == ["/all", "/all", "/shop", "/shop"]


async def test_a_poll_of_a_source_that_is_down_leaves_its_own_out(keyboard: Keyboard, heart: Heart) -> None:
    keyboard.file.write_text(keyboard.file.read_text().replace("simulator-token", "expired-token"))
    assert (await keyboard.beside("poll")).code == 1
    assert heart.asked == ["/all"]  # the health message has told of it


async def test_a_dry_run_tells_nobody_that_all_is_well(keyboard: Keyboard, heart: Heart) -> None:
    await keyboard.beside("poll", "--dry-run")
    assert heart.asked == []


async def test_an_address_that_does_not_answer_fails_no_poll(keyboard: Keyboard, heart: Heart) -> None:
    keyboard.file.write_text(keyboard.file.read_text().replace(f"{heart.url}/all", "http://127.0.0.1:9/secret-check"))
    typed = await keyboard.beside("poll")
    assert typed.code == 0
    assert "secret-check" not in typed.out + typed.err
    assert heart.asked == ["/shop"]


async def test_a_poll_waits_for_no_later_one_to_tell_of_a_whole_host(
    keyboard: Keyboard, shop: World, hook: Hook
) -> None:
    text = keyboard.file.read_text()
    one = text.partition("shop: ")[2].partition("}}")[0] + "}"
    down = one.replace("simulator-token", "expired-token").replace("down_after: 2", "down_after: 1")
    keyboard.file.write_text(text.replace(f"shop: {one}", f"shop: {down}, shop2: {down}"))
    assert (await keyboard.beside("poll")).code == 1
    assert [title.partition(" on ")[0] for title in hook.titles] == ["🔴 2 sources down"]
