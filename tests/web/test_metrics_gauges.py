"""How things are is told as of now, and names nothing that it should not."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from scraping import change, first_polls, lively, scrape, scrape_with, sent, with_source
from web_stage import TOKEN, served

from monitor.model import Meaning
from monitor.polling.bound import Bound, bound_in_seconds
from monitor.simulator.faults import Failure
from monitor.store.base import Tallies, Transaction
from monitor.web import exposition
from monitor.web.gauges import LONGEST_STATUS, MOST_STATUSES, OTHER, statuses


async def test_a_state_that_cannot_be_read_is_told_and_fails_no_scrape(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        well = await scrape(stage)
        stage.server.context.reader._session._connection.close()  # type: ignore[attr-defined]  # as if its disk were gone
        ill = await scrape(stage)
    assert (well.value("state_up"), well.value("state_errors_total")) == (1, 0)
    assert ill.value("state_up") == 0
    assert (ill.value("state_errors_total") or 0) >= 1
    assert ill.value("polls_total", source="shop", result="ok") == well.value("polls_total", source="shop", result="ok")
    assert ill.value("source_poll_interval_seconds", source="shop") == 3600
    assert ill.value("orders_known", source="shop") is None


async def test_a_state_that_hangs_is_told_and_holds_up_no_scrape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as stage:
        context = stage.server.context
        monkeypatch.setattr(exposition, "PATIENCE_S", 0.05)
        with monkeypatch.context() as patch:
            patch.setattr(context, "reader", _Hanging())
            found = await scrape(stage)
    assert found.value("state_up") == 0
    assert found.value("orders_known", source="shop") is None


async def test_counting_that_takes_long_is_waited_for_by_the_next_scrape(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as stage:
        context, go_on = stage.server.context, asyncio.Event()
        read = context.reader.read

        async def slowly(work: Callable[[Transaction], object]) -> object:
            found = await read(work)
            if isinstance(getattr(found, "found", None), Tallies):
                await go_on.wait()
            return found

        monkeypatch.setattr(exposition, "PATIENCE_S", 0.5)
        monkeypatch.setattr(context.reader, "read", slowly)
        early = await scrape(stage)
        go_on.set()
        later = await scrape_with(stage, "orders_known", source="shop")
    assert (early.value("state_up"), early.value("orders_known", source="shop")) == (1, None)
    assert early.value("source_up", source="shop") == 1
    assert later.value("orders_known", source="shop") == 30


async def test_what_a_source_calls_its_statuses_is_bounded(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        stage.world.set_status(1, '</script>\n"{}\\ ' + "x" * 100)
        stage.world.set_status(2, "Paid In Full")
        shop = stage.app.settings.sources["shop"]
        meanings = {**shop.statuses, "paid_in_full": Meaning.ACTIVE}
        await stage.app.reload(with_source(stage.app.settings, statuses=meanings))
        await stage.app.poll_all()
        found = await scrape_with(stage, "orders", source="shop", status="paid_in_full", meaning="active")
    assert max(map(len, found.labels("status"))) == LONGEST_STATUS
    assert not any("\n" in status for status in found.labels("status"))


def test_only_the_most_frequent_statuses_have_a_series_of_their_own() -> None:
    counts = Counter({f"status_{number:03}": 1000 - number for number in range(200)})
    found = statuses(counts, {})
    assert len(found) == MOST_STATUSES + 1
    assert found["status_000", ""] == 1000
    assert found[OTHER, ""] == sum(1000 - number for number in range(MOST_STATUSES, 200))
    assert sum(found.values()) == counts.total()


def test_statuses_that_look_the_same_are_counted_together() -> None:
    long = "x" * 100
    assert statuses(Counter({f"{long}a": 1, f"{long}b": 2, "fraud": 4}), {"fraud": Meaning.FRAUD}) == {
        ("fraud", "fraud"): 4,
        ("x" * 63 + "…", ""): 3,
    }


async def test_bounds_are_told_in_seconds_after_the_first_poll(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        found = await scrape(stage)
        bounds = {
            change: found.value("source_detection_bound_seconds", source="shop", change=change)
            for change in ("open", "status", "other")
        }
    assert bounds == {"open": 3600, "status": 3600, "other": 3600}


@pytest.mark.parametrize(
    ("bound", "reading", "seconds"),
    [
        (Bound(timedelta(seconds=60)), 0.0, (60, 60, 60)),
        (Bound(timedelta(seconds=60)), 90.0, (180, 180, 180)),
        (Bound(timedelta(seconds=60), sweep=timedelta(days=1)), 1.0, (60, 60, 86400)),
        (Bound(timedelta(seconds=60), ("pending",), timedelta(seconds=600), timedelta(days=1)), 1.0, (60, 600, 86400)),
        (Bound(timedelta(seconds=60), (), timedelta(seconds=600), timedelta(days=1)), 1.0, (600, 600, 86400)),
    ],
)
def test_a_bound_in_seconds(bound: Bound, reading: float, seconds: tuple[float, ...]) -> None:
    assert bound_in_seconds(bound, reading) == seconds


async def test_a_budget_is_told_with_its_use(tmp_path: Path) -> None:
    async with lively(tmp_path) as stage:
        found = await scrape(stage)
    assert found.value("source_budget_limit_requests", source="shop") == 6000
    assert (found.value("source_budget_used_requests", source="shop") or 0) >= 4


async def test_openmetrics_is_spoken_where_it_is_asked_for(tmp_path: Path) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    async with served(tmp_path) as stage:
        async with stage.http.get(f"{stage.url}/metrics", headers={"Accept": accept}) as answer:
            assert answer.content_type == "application/openmetrics-text"
            text = await answer.text()
        async with stage.http.get(f"{stage.url}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in openmetrics_families(text)}  # type: ignore[no-untyped-call]  # theirs
    assert families["order_monitor_polls"].type == "counter"


@pytest.mark.parametrize(("asked", "given"), [("gzip", "gzip"), ("identity", None)])
async def test_an_answer_is_compressed_where_that_is_asked_for(tmp_path: Path, asked: str, given: str | None) -> None:
    async with (
        served(tmp_path) as stage,
        aiohttp.ClientSession(auto_decompress=False) as http,
        http.get(f"{stage.url}/metrics", headers={"Accept-Encoding": asked}) as answer,
    ):
        body = await answer.read()
        assert answer.headers.get("Content-Encoding") == given
    text = gzip.decompress(body) if given else body
    assert b"order_monitor_build_info" in text


async def test_no_secret_no_order_and_no_address_is_in_a_scrape(tmp_path: Path) -> None:
    async with lively(tmp_path) as stage:
        stage.receiver.status = 200
        stage.world.place(id=987654321, number="ORD-CANARY-1")
        await stage.app.poll_all()
        await stage.until(lambda: sent(stage, "new") > 0)
        await change(stage, 987654321)
        stage.system.faults.set(Failure(code=503, times=100))
        found = await scrape(stage)
        hosts = [stage.url, stage.system.url, stage.system.url.rpartition(":")[2]]
        events = await stage.app.store.read(lambda tx: tx.events("shop", "987654321"))
    assert events, "the canary was seen"
    numbers = {text for sample in found.samples for text in sample.labels.values()}
    for canary in (TOKEN, "987654321", "CANARY", "127.0.0.1", "alerts", "://", *hosts):
        assert not any(canary in text for text in numbers), canary
    for canary in (TOKEN, "987654321", "CANARY", *hosts[:2]):
        assert canary not in found.text


class _Hanging:
    """A state on a disk that does not answer."""

    failures = 0

    async def read(self, work: object) -> None:
        await asyncio.get_running_loop().create_future()
