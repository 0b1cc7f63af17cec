"""A page that is read, and a daemon that has seen and told something."""

from __future__ import annotations

import asyncio

from page_reading import Page
from surfing import Browser
from web_stage import WebStage

ROUTES = [
    {"name": "fraud", "when": {"to": "fraud"}, "channels": ["ops"], "urgent": True},
    {"name": "new", "when": {"event": "appeared"}, "channels": ["ops"], "group": {"wait": "1h", "every": "1h"}},
]
LINKED = {"order_url": "https://billing.example.com/orders/{id}", "max_requests_per_minute": 600}


async def page_of(browser: Browser, path: str, status: int = 200) -> Page:
    """A page that has no fault."""
    answer = await browser.get(path)
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    page = Page(answer.text)
    assert not page.faults, (path, page.faults)
    return page


async def settled(stage: WebStage) -> None:
    """Look at the source, and wait until no message is on its way."""
    await stage.app.poll_all()
    context = stage.server.context
    async with asyncio.timeout(20):
        while True:
            outbox = await context.reader.read(lambda tx: tx.outbox(context.clock.now()))
            if not outbox.sending and outbox.waiting == outbox.gathering:
                return
            await asyncio.sleep(0.01)


async def lively(stage: WebStage) -> dict[str, int]:
    """An order of which the fraud was told, one of which it could not be, a new one that waits in a group."""
    told, dead, *_ = stage.world.ids("active")
    stage.world.set_status(told, "fraud")
    await settled(stage)
    stage.receiver.status = 404
    stage.world.set_status(dead, "fraud")
    new = stage.world.place().id
    await settled(stage)
    stage.receiver.status = 200
    return {"told": told, "dead": dead, "new": new}
