"""What a true browser makes of cookies, headers and policies."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Error, Page, async_playwright
from surfing import PASSWORD, hashed
from web_stage import WebStage, served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs chromium (Debian's package)")


@asynccontextmanager
async def surfing() -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of Chromium's, and what its console complained of."""
    complaints: list[str] = []
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page, complaints
        await browser.close()


@asynccontextmanager
async def elsewhere(text: str) -> AsyncIterator[str]:
    """Another site, of one page: a browser takes localhost and 127.0.0.1 for two."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def _log_in(page: Page, stage: WebStage, path: str = "/") -> None:
    await page.goto(f"{stage.url}{path}")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()


async def test_somebody_logs_in_looks_around_and_logs_out(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, surfing() as (page, complaints):
        await _log_in(page, stage, "/silences")
        await page.wait_for_url("**/silences")
        assert await page.evaluate("document.cookie") == ""
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url("**/login")
        await page.goto(f"{stage.url}/silences")
        assert page.url.endswith("/login?next=/silences")
        assert not complaints


async def test_a_link_from_elsewhere_finds_who_follows_it_logged_in(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, surfing() as (page, _):
        await _log_in(page, stage)
        await page.wait_for_url(f"{stage.url}/")
        async with elsewhere(f'<a href="{stage.url}/silences?a=1&amp;b=2">look</a>') as site:
            for _ in range(2):
                await page.goto(site)
                await page.get_by_role("link", name="look").click()
                await page.wait_for_url(f"{stage.url}/silences?a=1&b=2")
                await page.get_by_role("button", name="Log out").wait_for()


async def test_a_link_from_elsewhere_takes_who_is_not_logged_in_to_the_form(tmp_path: Path) -> None:
    async with (
        served(tmp_path, password=hashed()) as stage,
        surfing() as (page, _),
        elsewhere(f'<a href="{stage.url}/silences">look</a>') as site,
    ):
        await page.goto(site)
        await page.get_by_role("link", name="look").click()
        await page.wait_for_url("**/login?next=/silences")


async def test_a_form_elsewhere_does_nothing_here(tmp_path: Path) -> None:
    form = '<form method="post" action="{0}/sources/shop/poll"><button>win</button></form>'
    async with served(tmp_path) as stage, surfing() as (page, _):
        await page.goto(stage.url)
        async with elsewhere(form.format(stage.url)) as site:
            await page.goto(site)
            async with page.expect_response("**/sources/shop/poll") as answer:
                await page.get_by_role("button", name="win").click()
            assert (await answer.value).status == 403


async def test_nothing_elsewhere_can_frame_read_or_open_the_page(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as stage,
        surfing() as (page, complaints),
        elsewhere(f'<iframe src="{stage.url}/"></iframe><img src="{stage.url}/static/icon.svg">') as site,
    ):
        await page.goto(site, wait_until="load")
        assert any("frame-ancestors" in line or "X-Frame-Options" in line for line in complaints), complaints
        read = f"fetch('{stage.url}/api/v1/sources').then(() => 'read', () => 'refused')"
        assert await page.evaluate(read) == "refused"
        assert await page.evaluate("document.images[0].naturalWidth") == 0


async def test_what_could_make_a_script_of_a_text_does_not(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, surfing() as (page, _):
        await page.goto(stage.url)
        for harm in (
            "document.body.innerHTML = '<img src=x onerror=harm()>'",
            "document.body.setAttribute('onclick', 'harm()')",
            "document.createElement('script').text = 'harm()'",
            "document.write('<script>harm()</script>')",
            "setTimeout('harm()')",
        ):
            with pytest.raises(Error, match="Trusted"):
                await page.evaluate(f"() => {{ {harm} }}")
