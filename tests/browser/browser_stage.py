"""Somebody at a real browser: what they see and do, and every fault that the browser finds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from playwright.async_api import Browser, ConsoleMessage, Dialog, Page, Response, expect
from web_stage import WebStage

from monitor.model import DeliveryState

PHONE, SMALL_PHONE, DESK = (390, 844), (320, 640), (1280, 900)
_TELL_OF_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""
_ARRIVAL = """(text) => new Promise((resolve) => {
  const list = document.querySelector("[data-stream]");
  const look = () => list.innerText.includes(text) && resolve(Date.now() / 1000);
  new MutationObserver(look).observe(list, { childList: true });
  look();
})"""


class Visit:
    """A page that is open. ``faults`` are what the browser complains of: there must be none at the end."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        self.refused: set[int] = set()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("dialog", self._asked)
        page.on("response", self._answered)

    async def go(self, path: str = "/") -> None:
        """Open a page of the site."""
        await self.page.goto(self.url + path)

    async def go_live(self, path: str = "/") -> None:
        """Open a page, and wait until it is told what happens."""
        await self.go(path)
        await self.is_live()

    async def is_live(self) -> None:
        await expect(self.page.locator("[data-connection=live]")).to_have_text("Live")

    async def arrival(self, text: str) -> float:
        """When a row with this text stands in the list of events, in seconds since 1970."""
        return float(await self.page.evaluate(_ARRIVAL, text))

    async def is_narrow_enough(self) -> bool:
        """Whether nobody has to scroll sideways."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))

    async def focused(self, what: str = "element.textContent.trim()") -> str:
        """What has the focus: its text, or what else is asked of ``element``."""
        return str(await self.page.evaluate(f"(() => {{ const element = document.activeElement; return {what}; }})()"))

    async def tab_to(self, text: str, presses: int = 60) -> None:
        """Press Tab until what has this text, or label, has the focus, which must show."""
        for _ in range(presses):
            await self.page.keyboard.press("Tab")
            if text in await self.focused("element.getAttribute('aria-label') || element.textContent.trim()"):
                assert await self._focus_shows(), f"nobody sees that {text} has the focus"
                return
        raise AssertionError(f"{text} cannot be reached by Tab")

    async def _focus_shows(self) -> bool:
        return bool(
            await self.page.evaluate(
                """(() => {
                  const element = document.activeElement, style = getComputedStyle(element);
                  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                  const box = element.getBoundingClientRect();
                  return outlined && box.width > 1 && box.height > 1;
                })()"""
            )
        )

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not self._was_refused(message):
            self.faults.append(f"console: {message.text}")

    def _was_refused(self, message: ConsoleMessage) -> bool:
        """Whether it only says that the server answered with a status which the test provokes."""
        return any(f"status of {status}" in message.text for status in self.refused)

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.refused:
            self.faults.append(f"{response.status}: {response.url}")

    async def _asked(self, dialog: Dialog) -> None:
        self.faults.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()


@asynccontextmanager
async def visit(chromium: Browser, url: str, size: tuple[int, int] = DESK, **options: Any) -> AsyncIterator[Visit]:
    """A browser of its own at this address: its cookies are nobody else's."""
    context = await chromium.new_context(viewport={"width": size[0], "height": size[1]}, **options)
    try:
        await context.add_init_script(_TELL_OF_VIOLATIONS)
        context.set_default_timeout(10_000)
        opened = Visit(await context.new_page(), url)
        yield opened
        assert opened.faults == []
    finally:
        await context.close()


async def dead_letter(stage: WebStage) -> str:
    """A message that could not be delivered; its order's number."""
    stage.receiver.status = 400
    order = stage.world.order(stage.world.ids("active")[0])
    stage.world.set_status(order.id, "fraud")
    await stage.app.poll_all()
    async with asyncio.timeout(20):
        while not await stage.app.store.read(lambda tx: tx.deliveries([DeliveryState.DEAD])):  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.01)
    stage.receiver.status = 200
    return order.number


def row_of(page: Page, text: str) -> Any:
    """The row of the list of events that has this text."""
    return page.locator("#events > li", has_text=text)


def story(source: str, order: object) -> str:
    """Where an order's story is told."""
    return f"/orders/{source}/{quote(str(order), safe='')}"
