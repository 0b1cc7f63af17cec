"""Every page, looked at with the eyes of a browser: no fault, no violation, no barrier, no attack that works."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from browser_stage import DESK, PHONE, SMALL_PHONE, Visit, visit
from full_house import HOSTILE, LONG, full_house, pages
from playwright.async_api import Browser, expect
from surfing import hashed
from web_stage import WebStage, served

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WebStage]:
    async with full_house(tmp_path_factory.mktemp("house")) as stage:
        yield stage


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_needs_scrolling_sideways_or_makes_the_browser_complain(
    chromium: Browser, house: WebStage, scheme: str
) -> None:
    async with visit(chromium, house.url, color_scheme=scheme) as at:
        at.refused = {404}
        for path in pages(house):
            await at.go(path)
            for width, height in (DESK, PHONE, SMALL_PHONE):
                await at.page.set_viewport_size({"width": width, "height": height})
                assert await at.is_narrow_enough(), f"{path} at {width} pixels"


@pytest.mark.parametrize(("scheme", "size"), [("light", DESK), ("dark", PHONE)], ids=["light", "dark, on a phone"])
async def test_no_page_has_a_barrier(chromium: Browser, house: WebStage, scheme: str, size: tuple[int, int]) -> None:
    # The engine is a script that our policy keeps out.
    async with visit(chromium, house.url, size, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce") as at:
        at.refused = {404}
        found = {path: await barriers(at, path) for path in pages(house)}
        assert {path: faults for path, faults in found.items() if faults} == {}


async def test_the_log_in_has_no_barrier(chromium: Browser, tmp_path: Path) -> None:
    async with (
        served(tmp_path, password=hashed()) as stage,
        visit(chromium, stage.url, PHONE, bypass_csp=True, reduced_motion="reduce") as at,
    ):
        assert await barriers(at, "/login") == []
        assert await at.is_narrow_enough()
        at.refused = {401, 403}
        await at.page.get_by_label("Password").fill("a wrong one")
        await at.page.keyboard.press("Enter")
        await expect(at.page.get_by_role("alert")).to_be_visible()
        assert (await Axe().run(at.page)).response["violations"] == []


async def barriers(at: Visit, path: str) -> list[str]:
    """What the accessibility engine finds on a page."""
    await at.go(path)
    violations = (await Axe().run(at.page)).response["violations"]
    return [f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes'][:3]]}" for one in violations]


async def test_an_order_that_is_an_attack_is_text_and_nothing_else(chromium: Browser, house: WebStage) -> None:
    async with visit(chromium, house.url) as at:
        at.refused = {404}
        for path in pages(house):
            await at.go(path)
            assert await at.page.title() != "taken"
            assert await unsafe(at) == []
        await at.go("/events")
        await expect(at.page.locator("#events")).to_contain_text("<script>document.title")


async def test_an_attack_that_comes_in_live_is_text_and_nothing_else(chromium: Browser, tmp_path: Path) -> None:
    async with served(tmp_path) as stage, visit(chromium, stage.url) as at:
        await at.go_live()
        for text in (*HOSTILE, LONG):
            stage.world.place(number=f"live {text}")
        await stage.app.poll_all()
        await expect(at.page.locator("#events > li")).to_have_count(len(HOSTILE) + 1)
        await expect(at.page.locator("#events")).to_contain_text("live <script>document.title")
        await expect(at.page.locator("[data-announce]")).to_contain_text("10 new events")
        assert await unsafe(at) == []
        for width, height in (PHONE, SMALL_PHONE):
            await at.page.set_viewport_size({"width": width, "height": height})
            assert await at.is_narrow_enough()
        assert await at.page.title() != "taken"


async def unsafe(at: Visit) -> list[str]:
    """Elements that an order could only have brought in."""
    found: list[str] = await at.page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) =>
          (element.localName === "script" && !element.src) ||
          (element.localName === "img" && !element.src.includes("/static/")) ||
          [...element.attributes].some(({ name, value }) =>
            name.startsWith("on") || (/^(href|src|action)$/.test(name) && /^\\s*javascript:/i.test(value)))
        ).map((element) => element.outerHTML.slice(0, 200))"""
    )
    return found
