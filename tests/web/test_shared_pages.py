"""The page of any daemon shows, and does, what concerns all that share its state."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import database
from scraping import scrape
from shared_stage import HOOK_SECRET, SharedStage, sharing, until
from surfing import PASSWORD, Browser, hashed
from web_stage import WebStage, served

NAME = re.compile(r"host[12]:\d+")


@pytest.fixture
def state() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture
async def stage(state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SharedStage]:
    async with sharing(tmp_path, state, monkeypatch) as made:
        yield made


def name_of(one: WebStage) -> str:
    assert one.app.sharing
    return one.app.sharing.name.rpartition(":")[0]


def polls(one: WebStage, source: str) -> float:
    registry = one.server.context.metrics.registry
    return registry.get_sample_value("order_monitor_polls_total", {"source": source, "result": "ok"}) or 0.0


async def page(one: WebStage, path: str = "/") -> str:
    async with Browser(one.url) as browser:
        seen = await browser.get(path)
    assert seen.status == 200
    return re.sub(r"\s+", " ", seen.text)


def source_card(text: str, source: str) -> str:
    return text.partition(f'data-key="source {source}"')[2].partition("</li>")[0]


async def test_a_page_shows_all_sources_and_who_polls_those_of_others(stage: SharedStage) -> None:
    """Only the daemon that polls a source knows how, and when next: the others say nothing instead of a guess."""
    holder, other = stage.holder("shop"), stage.other("shop")
    here, elsewhere = source_card(await page(holder), "shop"), source_card(await page(other), "shop")
    assert f"<dt>Polled by</dt><dd>{name_of(holder)} (this one)</dd>" in here
    assert f"<dt>Polled by</dt><dd>{name_of(holder)}</dd>" in elsewhere
    assert "Next look" in here
    assert "Budget" in here
    for text in (elsewhere, await page(other, "/sources/shop")):
        assert "Next look" not in text
        assert "Budget" not in text
        assert "Notices" not in text
        assert "Poll now" in text
    assert "Healthy" in elsewhere
    assert ">8</a>" in elsewhere


async def test_a_name_is_a_host_and_a_process(stage: SharedStage) -> None:
    """What makes a daemon unlike its predecessors is for machines."""
    text = await page(stage.daemons[0])
    for one in stage.daemons:
        assert one.app.sharing
        assert one.app.sharing.name not in text
        assert NAME.fullmatch(name_of(one))


async def test_the_api_says_who_polls_a_source_and_only_that_daemon_how(stage: SharedStage) -> None:
    holder, other = stage.holder("shop"), stage.other("shop")
    for one in (holder, other):
        for path in ("/api/v1/sources/shop", "/api/v1/sources"):
            async with one.http.get(f"{one.url}{path}") as answer:
                found = await answer.json()
            [shop] = [item for item in found.get("items", [found]) if item["name"] == "shop"]
            assert shop["daemon"] == name_of(holder)
            assert (shop["looked"] is None) == (one is other)
            assert shop["health"] == "well"


async def ask_on_page(one: WebStage) -> None:
    async with Browser(one.url) as browser:
        await browser.get("/sources/shop")
        assert (await browser.post("/sources/shop/poll")).status == 303


async def ask_by_api(one: WebStage) -> None:
    async with Browser(one.url) as browser:
        await browser.get("/")
        headers = {"X-CSRF-Token": browser.token}
        seen = await browser.ask("POST", "/api/v1/sources/shop/poll", headers=headers)
    assert (seen.status, json.loads(seen.text)) == (202, {"source": "shop", "polled": "now"})


async def ask_by_hint(one: WebStage) -> None:
    body = b"something has happened"
    headers = {"X-Hub-Signature-256": "sha256=" + hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()}
    async with one.http.post(f"{one.url}/hooks/shop", data=body, headers=headers) as answer:
        assert answer.status == 202


@pytest.mark.parametrize("ask", [ask_on_page, ask_by_api, ask_by_hint])
async def test_a_wish_for_a_poll_reaches_the_daemon_that_polls_the_source(
    stage: SharedStage, ask: Callable[[WebStage], Awaitable[None]]
) -> None:
    holder, other = stage.holder("shop"), stage.other("shop")
    before = polls(holder, "shop"), polls(other, "shop")
    await ask(other)
    assert await until(lambda: polls(holder, "shop") > before[0]) < 3
    assert polls(holder, "shop") == before[0] + 1
    assert polls(other, "shop") == before[1]


async def test_a_source_that_nobody_knows_is_wanted_of_nobody(stage: SharedStage) -> None:
    one = stage.daemons[0]
    assert not await one.server.context.daemon.poll_now("shop; DROP TABLE leases")
    for daemon in stage.daemons:
        daemon.app._heard("poll another")
        daemon.app._heard("poll ")


async def test_the_overview_lists_the_daemons_that_live_and_what_each_polls(stage: SharedStage) -> None:
    first, second = stage.daemons
    text = await page(first, "/fragments/daemons")
    assert f'<b>{name_of(first)} (this one)</b><span class="num">1 source</span>' in text
    assert f'<b>{name_of(second)}</b><span class="num">1 source</span>' in text
    assert 'id="daemons"' in await page(first)
    assert second.app.sharing
    assert first.app.sharing
    await second.app.sharing.stop()
    await first.app.sharing.beat()
    text = await page(first, "/fragments/daemons")
    assert f'<b>{name_of(first)} (this one)</b><span class="num">2 sources</span>' in text
    assert name_of(second) not in text


async def test_what_a_dead_daemon_held_is_nobodys_until_another_takes_it(stage: SharedStage) -> None:
    holder, other = stage.holder("shop"), stage.other("shop")
    assert holder.app.sharing
    owner = holder.app.sharing.name
    await other.app.store.transact(
        lambda tx: tx._db.run("UPDATE leases SET until = 0 WHERE owner = :owner AND name LIKE 'daemon %'", owner=owner)  # type: ignore[attr-defined]
    )
    assert "<dd>none just now; one takes it over within seconds</dd>" in source_card(await page(other), "shop")


async def test_a_daemon_alone_on_its_file_has_no_word_about_daemons(tmp_path: Path) -> None:
    async with served(tmp_path) as alone:
        text = await page(alone)
        assert "aemons" not in text
        assert "Polled by" not in text
        assert "Next look" in text
        async with alone.http.get(f"{alone.url}/api/v1/sources/shop") as answer:
            found = await answer.json()
        assert found["daemon"] is None
        assert found["looked"]["requests"] > 0
        numbers = await scrape(alone)
    assert [numbers.value(name) for name in ("daemons", "sources_held", "leases_valid")] == [1, 1, 1]


async def test_each_daemon_counts_what_it_does_and_all_count_the_same_orders(stage: SharedStage) -> None:
    holder, other = stage.holder("shop"), stage.other("shop")
    for one in stage.daemons:
        found = await scrape(one)
        assert [found.value(name) for name in ("daemons", "sources_held", "leases_valid")] == [2, 1, 1]
        assert [found.value("orders_known", source=source) for source in ("blog", "shop")] == [8, 8]
        knows = found.value("source_budget_used_requests", source="shop") is not None
        assert knows == (one is holder)
    assert other.app.sharing
    await other.app.sharing.roster.leave()
    found = await scrape(other)
    assert [found.value(name) for name in ("sources_held", "leases_valid")] == [0, 0]


# Sessions


async def test_a_log_in_counts_on_every_daemon_and_so_does_a_log_out(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sharing(tmp_path, state, monkeypatch, password=hashed()) as stage:
        first, second = stage.daemons
        async with Browser(first.url) as here, Browser(second.url) as there:
            assert (await here.log_in(PASSWORD)).status == 303
            assert not await there.is_in()
            there.take(here.cookies)
            assert await there.is_in()
            kept = here.cookies
            await here.get("/")
            assert (await here.post("/logout")).status == 303
            there.take(kept)
            async with asyncio.timeout(3):
                while await there.is_in():
                    there.take(kept)
