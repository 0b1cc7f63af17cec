"""What happens is counted, and what is no longer configured is not."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from scraping import Scrape, change, counted, first_polls, grown, lively, scrape, scrape_with, sent, with_source
from web_stage import served

from monitor.alerting.silences import Matcher
from monitor.cli import watch
from monitor.delivery.verdicts import Sent
from monitor.errors import ClaimLost, MonitorError, StateUnreachable
from monitor.model import EventKind
from monitor.polling.commit import Committed
from monitor.simulator.faults import Failure
from monitor.web.hints import Hint
from monitor.web.signatures import Verifier


async def test_a_change_is_counted_from_the_poll_to_the_message(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        before = await scrape(stage)
        await change(stage, 3)
        await stage.until(lambda: bool(stage.receiver.received))
        await stage.until(lambda: sent(stage) > 0)
        after = await scrape_with(stage, "orders", source="shop", status="fraud", meaning="fraud")
        looked = stage.server.context.daemon.looked("shop")
    requests = looked.requests if looked else None
    assert grown(before, after, "polls_total", source="shop", result="ok") == 1
    assert grown(before, after, "poll_duration_seconds_count", source="shop") == 1
    assert grown(before, after, "requests_total", source="shop") == requests
    assert grown(before, after, "received_bytes_total", source="shop") > 1000
    assert grown(before, after, "events_total", source="shop", kind="status_changed") == 1
    assert after.value("deliveries_total", channel="ops", route="status", result="sent") == 1
    assert after.value("delivery_wait_seconds_count", channel="ops", gathered="no") == 1
    assert after.value("orders", source="shop", status="fraud", meaning="fraud") == 1
    assert after.value("orders_known", source="shop") == 30


async def test_every_counter_of_a_source_begins_at_zero(tmp_path: Path) -> None:
    """Prometheus sees no increase in a series that begins at 1."""
    async with served(tmp_path) as stage:
        found = await scrape(stage)
    for kind in set(EventKind) - {EventKind.DRILL}:
        assert found.value("events_total", source="shop", kind=kind) == 0
    assert found.value("polls_total", source="shop", result="failed") == 0
    assert found.value("config_reloads_total", result="refused") == 0


async def test_hints_begin_at_zero_where_they_are_heard(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        context = stage.server.context
        silent = await scrape(stage)
        listening = context.site.sources["shop"]._replace(hook=Verifier("made-up", "X-Signature"))
        context.metrics.serve(context.site._replace(sources={"shop": listening}))
        found = await scrape(stage)
    assert silent.value("hints_total", source="shop", result="taken") is None
    assert all(found.value("hints_total", source="shop", result=hint) == 0 for hint in Hint)


async def test_a_source_that_fails_is_seen_to_fail_and_to_be_down(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        good = await scrape(stage)
        stage.system.faults.set(Failure(code=401))
        await stage.app.poll_all()
        failing = await scrape(stage)
        await stage.app.poll_all()
        await stage.app.poll_all()
        down = await scrape(stage)
    assert (good.value("source_up", source="shop"), good.value("source_failures", source="shop")) == (1, 0)
    assert (failing.value("source_up", source="shop"), failing.value("source_failures", source="shop")) == (1, 1)
    assert (down.value("source_up", source="shop"), down.value("source_failures", source="shop")) == (0, 3)
    assert down.value("polls_total", source="shop", result="failed") == 3
    name = "source_last_{}_timestamp_seconds"
    assert down.value(name.format("good"), source="shop") == good.value(name.format("good"), source="shop")
    assert grown(good, down, name.format("poll"), source="shop") > 0


async def test_a_list_that_lost_its_orders_is_doubtful(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        for number in range(1, 21):
            stage.world.delete(number)
        await stage.app.poll_all()
        found = await scrape(stage)
    assert found.value("source_doubtful", source="shop") == 1
    assert found.value("polls_total", source="shop", result="doubtful") == 1
    assert found.value("source_up", source="shop") == 1


@pytest.mark.parametrize(
    ("error", "result"), [(ClaimLost("another daemon"), "superseded"), (StateUnreachable("the disk is full"), "lost")]
)
async def test_a_poll_that_comes_to_nothing_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: MonitorError, result: str
) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        before = await scrape(stage)

        async def poll(*, at_once: bool = False) -> None:
            raise error

        monkeypatch.setattr(stage.app._pollers["shop"], "poll", poll)
        await asyncio.gather(stage.app.poll_all(), return_exceptions=True)
        assert grown(before, await scrape(stage), "polls_total", source="shop", result=result) == 1


async def test_what_fails_to_be_sent_is_retried_or_dead(tmp_path: Path) -> None:
    async with lively(tmp_path) as stage:
        found = await scrape(stage)
    results = {result: _attempts(found, result) for result in ("sent", "retried", "dead")}
    assert results["sent"] == results["dead"] == 1
    assert results["retried"] >= 1
    assert found.value("outbox_deliveries", state="dead") == 1
    assert found.value("outbox_deliveries", state="waiting") == 1
    assert found.value("outbox_retried_deliveries") == 1
    assert found.value("silences_active") == 1
    assert found.value("hints_total", source="shop", result="taken") == 1


async def test_what_was_meant_to_wait_is_told_apart(tmp_path: Path) -> None:
    routes = [{"name": "grouped", "channels": ["ops"], "group": {"by": ["source"], "wait": "1s", "every": "1s"}}]
    async with served(tmp_path, more={"routes": routes}) as stage:
        await first_polls(stage)
        await change(stage, 3)
        waiting = await scrape(stage)
        await stage.until(lambda: counted(stage, "delivery_wait_seconds_count", channel="ops", gathered="yes") > 0)
        told = await scrape(stage)
    assert waiting.value("outbox_gathering_deliveries") == 1
    assert told.value("outbox_gathering_deliveries") == 0
    assert (told.value("delivery_wait_seconds_sum", channel="ops", gathered="yes") or 0) >= 1
    assert told.value("delivery_wait_seconds_count", channel="ops", gathered="no") is None


async def test_what_silences_keep_back_is_counted(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await first_polls(stage)
        now = stage.server.context.clock.now()
        until = now + timedelta(hours=1)
        await stage.app.store.transact(lambda tx: tx.add_silence(Matcher(), now, until, "maintenance"))
        await change(stage, 3)
        found = await scrape(stage)
    assert found.value("deliveries_silenced_total", source="shop") == 1
    assert found.value("outbox_deliveries", state="waiting") == 0


async def test_what_is_true_no_more_when_its_time_has_come_is_counted(tmp_path: Path) -> None:
    routes = [{"name": "fraud", "channels": ["ops"], "when": {"to": "fraud"}, "for": "1h"}]
    async with served(tmp_path, more={"routes": routes}) as stage:
        await first_polls(stage)
        await change(stage, 3)
        before = await scrape(stage)
        await change(stage, 3, "cancelled")
        after = await scrape(stage)
    assert before.value("outbox_gathering_deliveries") == 1
    assert grown(before, after, "deliveries_dropped_total", source="shop") == 1
    assert after.value("outbox_gathering_deliveries") == 0


async def test_what_a_reload_removes_disappears(tmp_path: Path) -> None:
    async with lively(tmp_path) as stage:
        settings = stage.app.settings
        sources, channels = {"store": settings.sources["shop"]}, {"mail": settings.channels["ops"]}
        (route, *_) = settings.routes
        routes = [route.model_copy(update={"name": "renamed", "channels": ("mail",)})]
        before = await scrape(stage)
        await stage.app.reload(settings.model_copy(update={"sources": sources, "channels": channels, "routes": routes}))
        after = await scrape(stage)
    assert (before.labels("source"), before.labels("channel"), before.labels("route")) == (
        {"shop"},
        {"ops"},
        {"status"},
    )
    assert after.labels("source") == {"store"}
    assert (after.labels("channel"), after.labels("route")) == (set(), set())


async def test_what_ends_after_its_channel_is_gone_is_not_counted(tmp_path: Path) -> None:
    async with lively(tmp_path) as stage:
        delivery = (await stage.app.store.read(lambda tx: tx.deliveries()))[0]
        metrics, context = stage.server.context.metrics, stage.server.context
        metrics.serve(context.site._replace(channels=(), sources={}))
        metrics.attempted(delivery, Sent(), context.clock.now())
        metrics.unpolled("shop", "lost")
        metrics.hinted("shop", Hint.TAKEN)
        metrics.committed("shop", Committed(events=Counter({EventKind.APPEARED: 1})))
        found = await scrape(stage)
    assert found.labels("channel") == set()
    assert not [one for one in found.samples if one.name.endswith("_total") and "source" in one.labels]


async def test_what_is_sent_for_a_route_that_is_gone_names_none(tmp_path: Path) -> None:
    async with lively(tmp_path) as stage:
        delivery = (await stage.app.store.read(lambda tx: tx.deliveries()))[0]
        context = stage.server.context
        context.metrics.serve(context.site._replace(routes=()))
        context.metrics.attempted(delivery, Sent(), context.clock.now())
        found = await scrape(stage)
    assert found.value("deliveries_total", channel="ops", route="", result="sent") == 1
    assert found.labels("route") == {""}


async def test_a_reload_is_counted_and_one_that_is_refused_stays_to_be_seen(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        first = await scrape(stage)
        broken = tmp_path / "broken.yaml"
        broken.write_text("sources: 7", encoding="utf-8")
        options = argparse.Namespace(config=str(broken), dry_run=False)
        await watch._reload(options, stage.app)
        refused = await scrape(stage)
        await stage.app.reload(with_source(stage.app.settings, every=timedelta(minutes=30)))
        done = await scrape(stage)
    at = "config_last_reload_success_timestamp_seconds"
    assert [one.value("config_last_reload_successful") for one in (first, refused, done)] == [1, 0, 1]
    assert [one.value("config_reloads_total", result="refused") for one in (first, refused, done)] == [0, 1, 1]
    assert [one.value("config_reloads_total", result="done") for one in (first, refused, done)] == [0, 0, 1]
    assert first.value(at) == refused.value(at)
    assert grown(refused, done, at) > 0
    assert done.value("source_poll_interval_seconds", source="shop") == 1800


async def test_another_state_in_the_file_is_a_reload_that_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        file = tmp_path / "monitor.yaml"
        file.write_text(file.read_text(encoding="utf-8") + "\nstate: sqlite:///elsewhere.db\n", encoding="utf-8")
        await watch._reload(argparse.Namespace(config=str(file), dry_run=False), stage.app)
        assert (await scrape(stage)).value("config_reloads_total", result="refused") == 1


async def test_answers_are_counted_by_the_part_that_gave_them(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        await scrape(stage)
        async with stage.http.get(f"{stage.url}/nothing-here"):
            pass
        async with stage.http.get(f"{stage.url}/hostile-{'x' * 500}"):
            pass
        found = await scrape(stage)
    assert found.value("http_requests_total", handler="exposition", code="200") == 1
    assert found.labels("handler") <= {"exposition", "none", "access"}
    assert "hostile" not in found.text


async def test_a_hint_for_no_source_of_ours_is_not_counted(tmp_path: Path) -> None:
    """Else whoever knocks could make as many series as he likes."""
    async with served(tmp_path) as stage:
        stage.server.context.metrics.hinted("somebody's", Hint.REFUSED)
        assert "somebody" not in (await scrape(stage)).text


async def test_two_servers_share_no_numbers(tmp_path: Path) -> None:
    """No registry is the process's: one that is made anew begins at 0."""
    async with served(tmp_path) as stage:
        await scrape(stage)
        before = stage.server
        settings = stage.app.settings
        assert settings.web is not None
        web = settings.web.model_copy(update={"listen": "127.0.0.2:0"})
        await stage.app.reload(settings.model_copy(update={"web": web}))
        assert stage.server is not before
        found = await scrape(stage)
        assert found.value("http_requests_total", handler="exposition", code="200") is None
        assert found.value("config_reloads_total", result="done") == 1


def _attempts(found: Scrape, result: str) -> float:
    return found.value("deliveries_total", channel="ops", route="status", result=result) or 0.0
