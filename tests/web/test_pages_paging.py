"""Paging reaches every row exactly once, and filters narrow what it reaches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from page_reading import Page
from surfing import Browser
from web_stage import served

from monitor.diff import Change
from monitor.model import EventKind, Known, Order, OrderEvent
from monitor.store.base import Transaction

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


async def walked(browser: Browser, path: str) -> list[list[str]]:
    """The orders that each page links to, from page to page, to the end."""
    pages = []
    while path:
        answer = await browser.get(path)
        assert answer.status == 200
        links = Page(answer.text).links
        pages.append([link.href for link in links if link.href.startswith("/orders/")])
        path = next((link.href for link in links if link.text in ("Next page", "Older")), "")
    return pages


def _many(tx: Transaction) -> None:
    """Orders of two sources, many of which entered their status at the same time, and an event of each."""
    for source in ("shop", "blog"):
        for number in range(130):
            status = "fraud" if number % 10 == 0 else "active"
            order = Order(f"{source}-{number}", status, f"N{number:04}")
            at = AT + timedelta(seconds=number // 60)
            event = OrderEvent(source, EventKind.APPEARED, at, order, 1)
            tx.save_orders(source, [Change(Known(order, 1, at, at), (event,), new=True)], {})
            tx.add_event(event, "{}")


async def test_paging_reaches_every_order_exactly_once(tmp_path: Path) -> None:
    async with served(tmp_path, orders=0) as stage, Browser(stage.url) as browser:
        await stage.server.context.store.transact(_many)
        pages = await walked(browser, "/orders")
        some = await walked(browser, "/orders?source=blog&status=fraud")
        found = await walked(browser, "/orders?text=N0012")
        none = await browser.get("/orders?text=nothing")
    reached = [address for page in pages for address in page]
    assert len(reached) == len(set(reached)) == 260
    assert len(pages) == 6
    assert sorted(some[0]) == sorted(f"/orders/blog/blog-{number}" for number in range(0, 130, 10))
    assert sorted(found[0]) == ["/orders/blog/blog-12", "/orders/shop/shop-12"]
    assert "No order fits." in none.text


async def test_paging_reaches_every_event_exactly_once(tmp_path: Path) -> None:
    async with served(tmp_path, orders=0) as stage, Browser(stage.url) as browser:
        await stage.server.context.store.transact(_many)
        pages = await walked(browser, "/events")
        of_one = await walked(browser, "/events?source=blog&kind=appeared")
        found = await walked(browser, "/events?text=n0012")
    reached = [address for page in pages for address in page]
    assert len(reached) == len(set(reached)) == 260
    assert sum(map(len, of_one)) == 130
    assert sorted(address for page in found for address in page) == ["/orders/blog/blog-12", "/orders/shop/shop-12"]


async def test_only_the_first_page_of_events_is_live(tmp_path: Path) -> None:
    async with served(tmp_path, orders=0) as stage, Browser(stage.url) as browser:
        await stage.server.context.store.transact(_many)
        first = await browser.get("/events?source=shop&kind=appeared&text=Fraud")
        older = await browser.get("/events?before=100")
    assert 'data-stream data-source="shop" data-kind="appeared" data-text="fraud"' in first.text
    assert "data-stream" not in older.text


async def test_the_statuses_to_choose_from_are_those_that_there_are(tmp_path: Path) -> None:
    async with served(tmp_path, orders=0) as stage, Browser(stage.url) as browser:
        await stage.server.context.store.transact(_many)
        page = Page((await browser.get("/orders?source=shop")).text)
    assert "active (117)" in page.text
    assert "fraud (13)" in page.text
    assert "130 orders" in page.text
