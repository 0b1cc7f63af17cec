"""The page over reloads that meet each other, an end, or an address that cannot be had."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from web_stage import WebStage, served

from monitor.config import Settings


def listening_at(stage: WebStage, listen: str) -> Settings:
    """The settings in force, but for where the page is."""
    settings = stage.app.settings
    assert settings.web is not None
    return settings.model_copy(update={"web": settings.web.model_copy(update={"listen": listen})})


async def answers(stage: WebStage) -> int:
    async with stage.http.get(f"{stage.url}/healthz") as answer:
        return answer.status


async def test_a_new_address_that_is_taken_leaves_the_page_where_it_was(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with taken, served(tmp_path) as stage:
        before = f"http://127.0.0.2:{stage.url.rpartition(':')[2]}"
        await stage.app.reload(listening_at(stage, before.removeprefix("http://")))
        port = taken.sockets[0].getsockname()[1]
        await stage.app.reload(listening_at(stage, f"127.0.0.1:{port}"))
        assert stage.url == before
        assert await answers(stage) == 200
        taken.close()
        await taken.wait_closed()
        await stage.app.reload(stage.app.settings)
        assert stage.url == f"http://127.0.0.1:{port}"
        assert await answers(stage) == 200


async def test_of_two_reloads_at_once_the_later_one_holds(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        first, second = listening_at(stage, "127.0.0.2:0"), listening_at(stage, "127.0.0.3:0")
        await asyncio.gather(stage.app.reload(first), stage.app.reload(second))
        assert stage.url.startswith("http://127.0.0.3:")
        assert await answers(stage) == 200
        assert stage.app.observers.count(stage.server) == 1


async def test_a_reload_amid_the_end_leaves_nothing_that_serves(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        elsewhere = listening_at(stage, "127.0.0.2:0")
        await asyncio.gather(stage.app.serving.stop(), stage.app.reload(elsewhere))
        assert stage.app.serving.server is None


async def test_no_poll_begins_while_the_page_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    async with served(tmp_path) as stage:
        server, end = stage.server, stage.server.stop

        async def note_and_end() -> None:
            stopped.extend(server.context.daemon.stopped())
            await end()

        monkeypatch.setattr(server, "stop", note_and_end)
    assert "the scheduler does not run" in stopped
