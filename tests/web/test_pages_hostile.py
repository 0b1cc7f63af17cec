"""Whatever an order says, it is a text on the page, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pytest
from page_reading import Page
from surfing import Browser
from web_stage import WebStage, served

from monitor.diff import Change
from monitor.model import EventKind, Item, Known, Money, Order, OrderEvent, Service
from monitor.store.base import Transaction

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOSTILE = (
    '<script>alert("x")</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--</title></svg></textarea>",
    "javascript:alert(1)",
    "\u202egnp.exe\u2066 evil",
    "bell\x07 null\x00 escape\x1b[31m",
    "a\r\nSet-Cookie: x=1",
    "Zalgo" + "\u0301" * 400,
    "long" * 2_000,
)
IDS = ("a/b", "a%2Fb", "..", ".", "a b", "ü?#&=+;", "a//b", "%", '"><b>', "x" * 900, "/lead", "trail/", "*?[x]")

NONSENSE = (
    "/events?before=-1",
    "/events?before=99999999999999999999",
    "/events?kind=%3Cb%3E&source=%22",
    "/orders?after=x",
    "/orders?after=W10",
    "/orders?after=WzEsMiwzXQ",
    "/orders?after=%ff",
    "/orders?status=%00",
    "/orders?text=%00%27",
    "/deliveries?state=none&before=x",
    "/?span=%3Cb%3E",
    "/silences?source=%22%3E%3Cb%3E&event=%3Cb%3E&for=x",
    "/orders?after=WzkyMjMzNzIwMzY4NTQ3NzU4MDgsInMiLCIxIl0",
    "/events?text=" + "x" * 3000,
    "/silences?ended=99999",
    "/deliveries/999999999999999999",
    "/orders/shop/%ff",
    "/orders/%00/%00",
    "/orders/shop/",
)


def _story(tx: Transaction, order: Order) -> None:
    known = Known(order, 1, AT, AT, previous_status=order.status)
    event = OrderEvent("shop", EventKind.STATUS_CHANGED, AT, order, 1, before=order)
    tx.save_orders("shop", [Change(known, (event,), new=True)], {})
    tx.add_event(event, "{}")


def _hostile(text: str) -> Order:
    text = text.replace("\x00", "")
    item, service = Item(text, 1, Money(Decimal(1), "USD")), Service("1", text, text)
    return Order("h1", text, text, Money(Decimal("1E+99"), text[:40]), AT, (item,), text, (service,))


async def _write(stage: WebStage, order: Order) -> None:
    await stage.server.context.store.transact(lambda tx: _story(tx, order))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_an_order_is_escaped_on_every_page(tmp_path: Path, text: str) -> None:
    async with served(tmp_path, orders=3, shop={"order_url": "https://example.com/{number}"}) as stage:
        await _write(stage, _hostile(text))
        async with Browser(stage.url) as browser:
            for path in ("/", "/events", "/orders", "/orders/shop/h1", f"/orders?text={quote(text[:50])}"):
                answer = await browser.get(path)
                assert answer.status == 200
                page = Page(answer.text)
                assert not page.faults, (path, page.faults)
                assert "{{" not in text or text in page.text or path == "/"
                found = {hex(ord(sign)): path for sign in "\u202e\u2066\x07\x1b\r" if sign in answer.text}
                assert not found
                assert text not in answer.text or not set(text) & set("<>\"'"), path
                assert len(answer.text) < 100_000


@pytest.mark.parametrize("order_id", IDS)
async def test_an_order_of_any_id_has_a_page(tmp_path: Path, order_id: str) -> None:
    async with served(tmp_path, orders=3) as stage, Browser(stage.url) as browser:
        await _write(stage, Order(order_id, "active", "ODD-1", created_at=AT))
        listed = Page((await browser.get("/orders?text=ODD-1")).text)
        (link,) = [link for link in listed.links if link.text == "ODD-1"]
        answer = await browser.get(link.href)
        assert answer.status == 200
        assert Page(answer.text).headings[0] == (1, "ODD-1 active")
        (source,) = answer.text.split('data-src="')[1:]
        part = await browser.get(source.split('"')[0].replace("&amp;", "&"))
        assert part.status == 200
        assert "ODD-1" in part.text


async def test_a_link_out_leads_to_the_web_alone(tmp_path: Path) -> None:
    async with served(tmp_path, orders=3) as stage, Browser(stage.url) as browser:
        for template in ("javascript:alert({id})", "ftp://example.com/{id}"):
            context = stage.server.context
            shop = context.site.sources["shop"]._replace(order_url=template)
            context.serve(context.site._replace(sources={"shop": shop}))
            answer = await browser.get("/orders/shop/1")
            assert answer.status == 200
            assert "Open in" not in answer.text


@pytest.mark.parametrize("query", NONSENSE, ids=range(len(NONSENSE)))
async def test_an_address_that_makes_no_sense_harms_nothing(tmp_path: Path, query: str) -> None:
    async with served(tmp_path, orders=3) as stage, Browser(stage.url) as browser:
        answer = await browser.get(query)
    assert answer.status in (200, 404), answer.text
    assert not Page(answer.text).faults
