"""The pages: each says what it should, is made as pages should be, and is of use when there is nothing yet."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from page_reading import Page
from page_stage import LINKED, ROUTES, lively, page_of
from surfing import Browser, hashed
from web_stage import WebStage, served

from monitor.alerting.silences import Matcher
from monitor.model import EventKind, SourceEvent
from monitor.store.base import Transaction
from monitor.web.assets import assets

PAGES = ("/", "/events", "/orders", "/deliveries", "/silences", "/sources/shop", "/nothing-here")


def _is_well_made(page: Page) -> None:
    assert page.title.endswith("· Order Monitor")
    assert [level for level, _ in page.headings].count(1) == 1
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), page.headings
    assert all(text for _, text in page.headings)
    assert all(link.text for link in page.links), page.links
    assert '<html lang="en">' in page.html
    assert "Skip to the content" in page.text


async def test_every_page_is_well_made(tmp_path: Path) -> None:
    more: dict[str, Any] = {"routes": ROUTES}
    async with served(tmp_path, more=more, shop=LINKED) as stage, Browser(stage.url) as browser:
        known = await lively(stage)
        await _silence(stage)
        deliveries = [f"/deliveries/{number}" for number in (1, 2, 3)]
        for path in (*PAGES, f"/orders/shop/{known['told']}", *deliveries, "/silences?ended=1", "/?span=7d"):
            _is_well_made(await page_of(browser, path, 404 if path == "/nothing-here" else 200))


async def test_every_page_is_of_use_when_there_is_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, orders=0) as stage, Browser(stage.url) as browser:
        said = {path: (await page_of(browser, path)).text for path in PAGES[:-1]}
    assert "Nothing has happened yet." in said["/"]
    assert "No orders are known yet." in said["/"]
    assert "Nothing is silenced." in said["/"]
    assert "Nothing has happened yet." in said["/events"]
    assert "No orders are known yet." in said["/orders"]
    assert "Nothing was sent yet." in said["/deliveries"]
    assert "Nothing is silenced." in said["/silences"]
    assert "It has always been well." in said["/sources/shop"]


async def test_without_sources_the_overview_says_so(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        context = stage.server.context
        context.serve(context.site._replace(sources={}))
        page = await page_of(browser, "/")
    assert page.headings[0] == (1, "Nothing is watched")


async def test_the_overview_says_at_a_glance_that_all_is_well(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        page = await page_of(browser, "/")
    assert page.headings[0] == (1, "All is well")
    assert "1 source is watched, everybody was told." in page.text
    assert page.title.startswith("All is well")
    assert "30 orders" in page.text


async def test_the_overview_says_at_a_glance_what_is_wrong(tmp_path: Path) -> None:
    async with (
        served(tmp_path, more={"routes": ROUTES}, shop={"down_after": 1}) as stage,
        Browser(stage.url) as browser,
    ):
        await lively(stage)
        await stage.system.stop()
        await stage.app.poll_all()
        page = await page_of(browser, "/")
    assert page.headings[0] == (1, "2 things need attention")
    assert "shop Down since" in page.text
    (letters,) = [link for link in page.links if link.text.startswith("1 dead letter")]
    assert letters.href == "/deliveries?state=dead"
    assert "New orders" in page.text
    assert "waits for others to join it until" in page.text


async def test_every_live_part_can_be_had_alone(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}) as stage, Browser(stage.url) as browser:
        known = await lively(stage)
        for path in (*PAGES[:-1], f"/orders/shop/{known['told']}", "/deliveries?state=dead"):
            page = await browser.get(path)
            for address in _live(page.text):
                part = await browser.get(address)
                assert part.status == 200, address
                assert "<html" not in part.text
                assert "".join(part.text.split()) in "".join(page.text.split()), address
        assert (await browser.get("/fragments/nothing")).status == 404
        assert (await browser.get("/fragments/sources/nothing")).status == 404


def _live(html: str) -> list[str]:
    return [part.split('"')[0].replace("&amp;", "&") for part in html.split('data-src="')[1:]]


async def test_an_order_tells_its_story(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}, shop=LINKED) as stage, Browser(stage.url) as browser:
        known = await lively(stage)
        told = await page_of(browser, f"/orders/shop/{known['told']}")
        dead = await page_of(browser, f"/orders/shop/{known['dead']}")
        new = await page_of(browser, f"/orders/shop/{known['new']}")
    assert "Active → fraud" in told.text
    assert "fraud → ops sent" in told.text.replace("Sent ", "")
    assert "as it was then: its baseline" in told.text
    links = {link.href for link in told.links}
    assert f"https://billing.example.com/orders/{known['told']}" in links
    assert f"/silences?source=shop&order={known['told']}#add" in links
    assert "dead letter since" in dead.text
    assert "404 Not Found" in dead.text
    assert any(action.endswith("/retry") for _, action, _ in dead.forms)
    assert "Appeared, pending" in new.text
    assert "waits for others to join it until" in new.text


async def test_routes_of_today_that_say_otherwise_are_told_of(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}) as stage, Browser(stage.url) as browser:
        known = await lively(stage)
        before = await page_of(browser, f"/orders/shop/{known['told']}")
        routes = [stage.app.settings.routes[1]]
        await stage.app.reload(stage.app.settings.model_copy(update={"routes": routes}))
        after = await page_of(browser, f"/orders/shop/{known['told']}")
    assert "Today's routes would do otherwise" not in before.text
    assert "Today's routes would do otherwise" in after.text


async def test_an_order_is_found_by_its_number(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        answer = await browser.get("/orders/shop/ORD-0007")
        assert (answer.status, answer.place) == (303, "/orders/shop/7")
        page = await page_of(browser, "/orders/shop/none-such", 404)
        assert page.headings[0] == (1, "No such order")


async def test_a_message_shows_its_text_while_it_is_kept(tmp_path: Path) -> None:
    async with served(tmp_path, more={"routes": ROUTES}) as stage, Browser(stage.url) as browser:
        await lively(stage)
        page = await page_of(browser, "/deliveries/1")
        context = stage.server.context
        await context.store.transact(lambda tx: tx.drop_bodies(context.clock.now()))
        later = await page_of(browser, "/deliveries/1")
        missing = await page_of(browser, "/deliveries/999", 404)
    assert "Fraud: ORD-" in page.text
    assert "No text is kept." in later.text
    assert "No such message" in missing.text


async def test_a_source_page_says_how_it_is_read_and_what_became_of_it(tmp_path: Path) -> None:
    async with served(tmp_path, shop=LINKED | {"labels": {"client": "acme"}}) as stage, Browser(stage.url) as browser:
        await stage.server.context.store.transact(_news)
        page = await page_of(browser, "/sources/shop")
        missing = await page_of(browser, "/sources/none", 404)
    for said in ("shop Healthy", "opterius at 127.0.0.1", "client acme", "every 1 h", "of 600 requests a minute"):
        assert said in page.text
    assert "no connection" in page.text
    assert "No such source" in missing.text


def _news(tx: Transaction) -> None:
    at = tx.sources()["shop"].polled_at
    assert at is not None
    tx.add_event(SourceEvent("shop", EventKind.SOURCE_DOWN, at, "no connection"), "{}")


async def _silence(stage: WebStage) -> None:
    now = stage.server.context.clock.now()
    hour = timedelta(hours=1)
    await stage.server.context.store.transact(
        lambda tx: [
            tx.add_silence(Matcher(source=("shop",)), now, now + hour, "migration", "kim"),
            tx.add_silence(Matcher(to=("fraud",)), now - 3 * hour, now - hour, "known"),
            tx.add_silence(Matcher(to=("active",)), now - 5 * hour, now - 4 * hour, "older"),
        ]
    )


async def test_log_out_is_offered_to_who_is_logged_in(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        form = await page_of(browser, "/login?next=%2Forders")
        assert form.forms[-1][:2] == ("post", "/login")
        assert form.forms[-1][2]["next"] == "/orders"
        assert "Deliveries" not in form.text
        await browser.log_in()
        page = await page_of(browser, "/")
        assert any(action == "/logout" for _, action, _ in page.forms)


async def test_what_pages_load_is_kept_by_browsers_until_it_changes(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        page = await browser.get("/")
        for name, asset in assets().items():
            address = f"/static/{name}?v={asset.version}"
            assert address in page.text
            answer = await browser.get(address)
            assert answer.status == 200
            assert "immutable" in answer.headers["Cache-Control"]
            again = await browser.get(address, {"If-None-Match": answer.headers["ETag"]})
            assert (again.status, again.text) == (304, "")
            assert (await browser.get(f"/static/{name}")).headers["Cache-Control"] == "no-cache"
        assert (await browser.get("/static/page.html")).status == 404
        assert (await browser.get("/static/..%2fserver.py")).status == 404


@pytest.mark.parametrize("query", ["did=retried&n=2", "did=retried&n=0", "did=polling", "did=silenced"])
async def test_a_notice_says_what_was_done(tmp_path: Path, query: str) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        page = await browser.get(f"/?{query}")
    assert '<p class="notice" role="status">' in page.text


async def test_a_notice_is_never_taken_from_an_address(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        page = await browser.get("/?did=call+0800-FRAUD&n=<b>9</b>")
        odd = await browser.get("/?did=retried&n=call-me")
    assert "0800-FRAUD" not in page.text
    assert 'class="notice"' not in page.text
    assert "call-me" not in odd.text
