"""Several pieces of news about sources in one message."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from alerting_examples import SEEN, event, source_event

from monitor.alerting.drill import DrillSettings, due_drill, marked
from monitor.alerting.gathering import Gathered
from monitor.alerting.instead import tell_instead
from monitor.alerting.news import News
from monitor.alerting.render import Renderer
from monitor.alerting.routes import HEALTH_ROUTE, Router
from monitor.alerting.timing import HOST_WAIT, Why
from monitor.model import EventKind, Message, Severity, SourceEvent

UTC = ZoneInfo("UTC")
HOST = "https://billing.example.com"
RENDERER = Renderer([], hosts={f"shop{number}": "billing.example.com" for number in range(300)} | {"blog": "b.example"})
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def down(source: str, reason: str = "502 from there", kind: EventKind = EventKind.SOURCE_DOWN) -> SourceEvent:
    return SourceEvent(source, kind, SEEN, reason, SEEN - 3 * MINUTE)


def told(*events: SourceEvent) -> Message:
    found = RENDERER.gather(events)
    assert isinstance(found, News)
    return RENDERER.render_many(HEALTH_ROUTE, found, "7K3F", now=SEEN, channel="ops")


def test_a_reason_that_all_share_is_said_once() -> None:
    message = told(down("shop1"), down("shop2"), down("shop3"))
    assert message.title == "🔴 3 sources down on billing.example.com: shop1, shop2, shop3"
    assert message.subject == "3 sources down on billing.example.com: shop1, shop2, shop3"
    assert message.severity is Severity.FAILURE
    assert message.body.splitlines() == [
        "502 from there",
        "Until they answer again, no change of their orders can be seen",
        "Failing since 12:19 UTC",
        "Noticed 12:22 UTC · ref 7K3F",
    ]


def test_different_reasons_name_their_sources() -> None:
    message = told(down("shop1"), down("shop2", "401 from there"), down("shop3"))
    assert message.body.splitlines()[:2] == ["shop1, shop3: 502 from there", "shop2: 401 from there"]


def test_their_return_tells_what_the_trouble_was() -> None:
    message = told(down("shop1", kind=EventKind.SOURCE_UP), down("shop2", kind=EventKind.SOURCE_UP))
    assert message.title == "🟢 2 sources well again on billing.example.com: shop1, shop2"
    assert message.body.splitlines()[:2] == [
        "Their answers are good again, after 3 min",
        "The trouble was: 502 from there",
    ]


def test_sources_of_several_hosts_name_none() -> None:
    assert told(down("shop1"), down("blog")).title == "🔴 2 sources down: shop1, blog"


def test_many_sources_are_counted_and_few_named() -> None:
    message = told(*(down(f"shop{number}", f"reason {number}") for number in range(250)))
    assert message.title == "🔴 250 sources down on billing.example.com: shop0, shop1, shop2, shop3, shop4 and 245 more"
    assert len(message.body) < 8_000
    assert "… and 190 more reasons" in message.body


def test_a_source_that_fell_twice_is_told_once_with_its_latest_reason() -> None:
    message = told(down("shop1", "first"), down("shop2", "second"), down("shop1", "second"))
    assert message.title == "🔴 2 sources down on billing.example.com: shop1, shop2"
    assert message.body.startswith("second\n")


def test_news_of_several_kinds_are_told_by_kind() -> None:
    message = told(down("shop1", kind=EventKind.SOURCE_UP), down("shop2"), down("blog"))
    assert message.title == "🔴 3 pieces of news: 1 Source well again, 2 Source down"
    assert "🔴 Source down: shop2, blog\n502 from there" in message.body


def test_news_among_orders_are_told_above_the_table() -> None:
    found = RENDERER.gather([event(), down("shop1"), event("appeared", None)])
    assert isinstance(found, Gathered)
    assert found.count == 2
    message = RENDERER.render_many("digest", found, "7K3F", now=SEEN)
    assert message.body.startswith("502 from there\n")
    assert message.table is not None


def test_nothing_to_tell_is_an_error() -> None:
    with pytest.raises(ValueError, match="no event"):
        RENDERER.gather([])


def test_only_sources_that_share_a_server_wait_for_each_other() -> None:
    origins = {"shop": HOST, "shop2": HOST, "blog": "https://blog.example.com"}
    router = Router([], {"ops": ["one"]}, origins=origins)
    (planned,) = router.route(down("shop"), SEEN).planned
    assert planned.hold is not None
    assert (planned.hold.why, planned.hold.until) == (Why.HOST, SEEN + HOST_WAIT)
    keys = {hold.key for source in ("shop", "shop2") if (hold := router.route(down(source), SEEN).planned[0].hold)}
    assert len(keys) == 1
    assert router.route(down("blog"), SEEN).planned[0].hold is None
    up = router.route(down("shop", kind=EventKind.SOURCE_UP), SEEN).planned[0].hold
    assert up is not None
    assert up.key not in keys


@pytest.mark.parametrize(("sources", "seconds"), [(2, 30), (10, 30), (11, 90), (500, 90)])
def test_many_sources_wait_longer_for_each_other(sources: int, seconds: int) -> None:
    """They are polled a second apart: of forty that fail at once some are found down a whole interval after others."""
    router = Router([], {"ops": ["one"]}, origins={f"shop{number}": HOST for number in range(sources)})
    (planned,) = router.route(down("shop1"), SEEN).planned
    assert planned.hold is not None
    assert planned.hold.until == SEEN + timedelta(seconds=seconds)


def test_doubts_are_told_at_once() -> None:
    router = Router([], {"ops": ["one"]}, origins={"shop": HOST, "shop2": HOST})
    assert router.route(source_event("source_doubtful"), SEEN).planned[0].hold is None


def test_a_stand_in_is_the_message_as_it_was_and_says_what_failed() -> None:
    message = Message("title", "text\nSeen", Severity.INFO, "7K3F", text="text", small=("Seen",), footer="why")
    instead = tell_instead(message, "mail", "ops", ("Could not be sent to ops: gone",))
    assert (instead.title, instead.text, instead.ref) == ("title", "text", "7K3F")
    assert instead.body == "text\nSeen\nCould not be sent to ops: gone"
    assert instead.small == ("Seen", "Could not be sent to ops: gone")
    assert instead.footer.startswith("Sent to channel mail, because it is the fallback of ops")


@pytest.mark.parametrize(
    ("known", "now", "due"),
    [
        (None, SEEN, None),
        (SEEN - DAY, SEEN, SEEN.replace(hour=9, minute=0)),
        (SEEN.replace(hour=9, minute=0), SEEN, None),
        (SEEN - 9 * DAY, SEEN.replace(hour=8, minute=59), SEEN.replace(hour=9, minute=0) - DAY),
    ],
)
def test_a_daily_drill_is_due_once(known: object, now: object, due: object) -> None:
    drill = DrillSettings.model_validate({"channels": ["ops"], "daily": "09:00"})
    assert due_drill(drill, known, now, UTC) == due  # type: ignore[arg-type]  # of the table above


def test_a_weekly_drill_that_was_missed_is_made_up_for_within_a_day() -> None:
    drill = DrillSettings.model_validate({"channels": ["ops"], "weekly": "mon 09:00"})  # SEEN is a Tuesday, 12:22
    due = SEEN.replace(hour=9, minute=0) - DAY
    assert due_drill(drill, SEEN - 9 * DAY, due + DAY - MINUTE, UTC) == due
    assert due_drill(drill, SEEN - 9 * DAY, due + DAY, UTC) is None
    assert due_drill(drill, SEEN - 9 * DAY, due - MINUTE, UTC) is None


def test_a_drill_is_marked_once() -> None:
    assert marked("text") == "🧪 Drill: text"
    assert marked(marked("text")) == "🧪 Drill: text"
