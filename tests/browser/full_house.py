"""A state with something of everything, orders that are an attack among it, for tests that look at every page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from browser_stage import dead_letter
from web_stage import WebStage, served

from monitor.alerting.silences import Matcher
from monitor.clock import SystemClock
from monitor.simulator.truth import TrueItem, TrueService
from monitor.store.base import Transaction

HOSTILE = (
    "<script>document.title = 'taken'; alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "' onmouseover='alert(3)' x='",
    "javascript:alert(4)",
    "</textarea></title><svg onload=alert(5)>",
    "\u202e8800-DRO\u2066",
    "{{ 7 * 7 }}{% raw %}",
    "../../logout?x=1#y",
    "88\r\nSet-Cookie: a=b",
)
LONG = "W" * 10_000
_MORE = {
    "routes": [
        {"name": "status", "channels": ["ops"]},
        {"name": "digest", "when": {"event": "appeared"}, "channels": ["ops"], "digest": {"daily": "08:00"}},
    ],
}


@asynccontextmanager
async def full_house(folder: Path) -> AsyncIterator[WebStage]:
    """Events of several kinds, a dead letter, a digest that waits, silences that mute and that have ended."""
    shop = {"order_url": "https://billing.example.com/orders/{number}", "labels": {"client": "acme"}}
    async with served(folder, orders=120, more=_MORE, shop=shop) as stage:
        await dead_letter(stage)
        world = stage.world
        for text in (*HOSTILE, LONG):
            world.place(
                number=text, items=[TrueItem(text, 2, 100)], services=[TrueService(1, text, text)], invoice_status=text
            )
        world.set_status(world.ids("active")[1], "cancelled")
        await stage.app.poll_all()
        for text in (*HOSTILE, LONG):
            world.set_status(text, f"s{text}"[:2000])
        await stage.app.poll_all()
        now = SystemClock().now()
        await stage.app.store.transact(lambda tx: _mute(tx, now))
        yield stage


def _mute(tx: Transaction, now: datetime) -> None:
    tx.add_silence(Matcher(source=("shop",), to=("fraud",)), now, now + timedelta(hours=2), "the shop moves", "Kim")
    tx.add_silence(Matcher(order=(HOSTILE[0],)), now, now + timedelta(hours=1), HOSTILE[1], HOSTILE[2])
    past = now - timedelta(hours=5)
    tx.add_silence(Matcher(), past, past + timedelta(hours=1), "a move that is over")


def pages(stage: WebStage) -> list[str]:
    """Every page, with the filters and the orders that matter."""
    ids = stage.world.ids()
    return [
        "/",
        "/events",
        f"/events?source=shop&kind=status_changed&text={quote(HOSTILE[0])}",
        "/orders",
        f"/orders?text={quote(HOSTILE[1])}",
        f"/orders/shop/{ids[0]}",
        f"/orders/shop/{ids[-1]}",
        f"/orders/shop/{ids[-len(HOSTILE) - 1]}",
        "/orders/shop/no-such-order",
        "/deliveries",
        "/deliveries?state=dead",
        "/deliveries/1",
        "/silences",
        "/sources/shop",
        "/no/such/page",
    ]
