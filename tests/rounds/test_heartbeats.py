"""Heartbeats, with a real server that listens for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hearts import OPS, START, Ward
from structlog.testing import capture_logs

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold, Why
from monitor.model import EventKind, Outcome, SourceEvent
from monitor.polling.heartbeat import Watched, trouble
from monitor.store.base import Transaction

MINUTE = timedelta(minutes=1)


async def test_while_all_is_well_the_address_is_asked_at_its_interval(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("ping/abc?x=1"), "every": "5m"}))
    assert await ward.minutes(20, "shop") == ["/ping/abc?x=1"] * 4
    assert {agent.partition("/")[0] for agent in ward.agents} == {"order-monitor"}


async def test_a_source_that_is_not_looked_at_stops_the_heartbeat_until_it_is(ward: Ward) -> None:
    ward.serve(ward.settings("shop", "blog", heartbeat={"url": ward.address("all"), "every": "1m"}))
    assert len(await ward.minutes(5, "shop", "blog")) == 5
    with capture_logs() as logs:
        quiet = await ward.minutes(10, "shop")
    assert len(quiet) == 2  # two intervals may pass between two looks
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("heartbeat_withheld", "blog: no look at it has succeeded since 2026-04-11 08:04 UTC")
    ]
    await ward.looked("blog")
    await ward.looked("shop")
    await ward.rounds.make()
    assert len(ward.asked) == 8  # at once, not an interval later


async def test_a_failed_poll_is_no_look(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all"), "every": "1m"}))
    await ward.looked("shop")
    for _ in range(3):
        ward.clock.passed += 60
        await ward.looked("shop", good=False)
    await ward.rounds.make()
    assert ward.asked == []


async def test_a_source_that_was_never_seen_stops_the_heartbeat(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all")}))
    await ward.rounds.make()
    assert ward.asked == []


async def test_a_source_that_is_down_stops_its_own_heartbeat_alone_once_that_is_told(ward: Ward) -> None:
    ward.serve(ward.settings("shop", "blog", own=True, heartbeat={"url": ward.address("all")}))
    await ward.looked("blog")
    await ward.looked("shop", good=False, down=True)
    await ward.rounds.make()
    assert sorted(ward.asked) == ["/all", "/blog"]


async def test_where_nobody_is_told_a_source_that_is_down_stops_the_heartbeat_of_all(ward: Ward) -> None:
    ward.serve(ward.settings("shop", "blog", heartbeat={"url": ward.address("all")}, health={"channels": []}))
    await ward.looked("blog")
    await ward.looked("shop", down=True)
    await ward.rounds.make()
    assert ward.asked == []


async def test_a_message_that_is_not_sent_for_five_minutes_stops_the_heartbeat(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all"), "every": "1m"}))
    await ward.deliver()
    asked = await ward.minutes(10, "shop")
    assert len(asked) == 6
    await ward.store.transact(_send)
    assert len(await ward.minutes(2, "shop")) == 2


async def test_a_retry_does_not_make_a_message_young_again(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all"), "every": "1m"}))
    await ward.deliver()
    await ward.minutes(4, "shop")

    def fail(tx: Transaction) -> None:
        claimed = tx.claim_delivery([OPS], "tests", ward.clock.now())
        assert claimed is not None
        tx.retry_at(claimed, ward.clock.now(), 3600, Outcome(delivered=False, reason="503"))

    await ward.store.transact(fail)
    await ward.minutes(2, "shop")
    assert await ward.minutes(5, "shop") == []


async def test_what_waits_for_its_hour_is_not_late(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all"), "every": "1m"}))

    def digest(tx: Transaction) -> None:
        now = ward.clock.now()
        event, hold = SourceEvent("shop", EventKind.SOURCE_DOWN, now), Hold(Why.DIGEST, now + 60 * MINUTE)
        tx.join(Planned("health", OPS, hold), hold, event, tx.add_event(event, "{}"), now)

    await ward.store.transact(digest)
    assert len(await ward.minutes(30, "shop")) == 30


async def test_a_failure_that_passes_is_tried_again_at_once(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all")}))
    await ward.looked("shop")
    ward.statuses = [503, 503]
    with capture_logs() as logs:
        await ward.rounds.make()
    assert ward.asked == ["/all"] * 3
    assert logs == []


async def test_a_failure_is_a_line_in_the_log_that_does_not_name_the_address(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("ping/secret-token?key=very-secret")}))
    await ward.looked("shop")
    ward.statuses = [404] * 3
    with capture_logs() as logs:
        await ward.rounds.make()
    assert [(log["event"], log["reason"]) for log in logs] == [
        ("heartbeat_failed", f"404 from http://127.0.0.1:{ward.port}")
    ]


async def test_a_server_that_is_away_raises_nothing(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": "http://127.0.0.1:9/ping/secret-token"}))
    await ward.looked("shop")
    with capture_logs() as logs:
        await ward.rounds.make()
    assert [log["event"] for log in logs] == ["heartbeat_failed"]
    assert "secret-token" not in str(logs)


async def test_a_dry_run_sends_no_heartbeat(ward: Ward) -> None:
    ward.rounds = ward.new_rounds(pings=False)
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all")}))
    await ward.looked("shop")
    await ward.rounds.make()
    await ward.rounds.beat_now()
    assert ward.asked == []


async def test_a_reload_takes_another_address_at_once(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("one")}))
    await ward.minutes(1, "shop")
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("two")}))
    await ward.minutes(1, "shop")
    assert ward.asked == ["/one", "/two"]


async def test_a_restart_sends_a_heartbeat_as_soon_as_all_is_well(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all")}))
    await ward.minutes(1, "shop")
    ward.clock.passed += 3600
    ward.rounds = ward.new_rounds()
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all")}))
    await ward.rounds.make()
    assert len(ward.asked) == 1
    await ward.minutes(1, "shop")
    assert len(ward.asked) == 2


async def test_a_state_that_cannot_be_read_is_a_line_in_the_log(ward: Ward) -> None:
    ward.serve(ward.settings("shop", heartbeat={"url": ward.address("all")}))
    await ward.looked("shop")
    await ward.store.transact(_damage)
    with capture_logs() as logs:
        await ward.rounds.make()
    assert [log["event"] for log in logs] == ["state_unusable"]


@pytest.mark.parametrize(
    ("since_s", "reading_s", "late"),
    [(0, 0, False), (120, 0, False), (121, 0, True), (121, 60, False), (-121, 0, True)],
)
def test_a_look_may_be_two_intervals_old_and_as_long_as_one_takes(since_s: int, reading_s: int, late: bool) -> None:
    looked = START - timedelta(seconds=since_s)
    watched = Watched("shop", MINUTE, looked, reading=timedelta(seconds=reading_s))
    assert (trouble([watched], None, START) is not None) is late


def _send(tx: Transaction) -> None:
    claimed = tx.claim_delivery([OPS], "tests", START + timedelta(days=1))
    assert claimed is not None
    tx.settle(claimed, START, Outcome(delivered=True), "", "")


def _damage(tx: Transaction) -> None:
    tx.save_source("shop", "no state")  # type: ignore[arg-type]  # what a damaged row is read as
