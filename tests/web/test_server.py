"""The server starts, changes and ends with the daemon."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from web_stage import served

from monitor.errors import MonitorError


async def test_the_daemon_serves_where_it_is_told_to(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, stage.http.get(f"{stage.url}/nothing-here") as answer:
        assert answer.status == 404


async def test_an_address_that_is_taken_ends_the_start_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    async with served(tmp_path) as stage:
        taken = stage.url.removeprefix("http://")
        with pytest.raises(MonitorError, match=r"web\.listen: cannot listen on 127\.0\.0\.1:\d+: .*in use"):
            async with served(tmp_path / "second", listen=taken):
                pass


async def test_a_reload_without_the_section_ends_the_server(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        url = stage.url
        await stage.app.reload(stage.app.settings.model_copy(update={"web": None}))
        with pytest.raises(aiohttp.ClientError):
            await stage.http.get(url)
