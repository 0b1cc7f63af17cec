"""When a message may go: groups, quiet hours, digests, `for`, and what a storm's summary waits for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alerting_examples import SEEN, event, order, routes
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.hours import DAYS
from monitor.alerting.routes import Router
from monitor.alerting.settings import QuietSettings
from monitor.alerting.timing import Hold, Why, digest_at, hold_of, next_quiet, quiet_until, together, why_together
from monitor.model import OrderEvent

STOCKHOLM = ZoneInfo("Europe/Stockholm")
CHANNELS = {"ops": ["url-1"], "same": ["url-1"], "mail": ["url-2"]}
NIGHT = "quiet: {from: '22:00', to: '07:00'}"


def local(text: str, *, fold: int = 0) -> datetime:
    """A time on the clocks of Stockholm, in UTC; ``fold=1``: the second time that they show it."""
    return datetime.fromisoformat(text).replace(tzinfo=STOCKHOLM, fold=fold).astimezone(UTC)


def held(keys: str, now: datetime, happened: OrderEvent | None = None, **labels: str) -> Hold | None:
    """What a route with these keys makes an event wait for, in Stockholm."""
    (route,) = routes(f"[{{name: only, {keys}}}]")
    return hold_of(route, happened or event(), labels, now, STOCKHOLM)


def until(keys: str, now: str) -> datetime:
    hold = held(keys, local(now))
    assert hold is not None
    return hold.until


# Groups


def test_a_route_without_any_of_it_tells_at_once() -> None:
    assert held("stop: false", SEEN) is None


def test_a_group_waits_and_says_how_soon_there_may_be_another_message() -> None:
    assert held("group: {}", SEEN) == Hold(Why.GROUP, SEEN + timedelta(seconds=30), "source=shop", 300.0)
    short = held("group: {by: [], wait: 5s, every: 1h}", SEEN)
    assert short == Hold(Why.GROUP, SEEN + timedelta(seconds=5), "", 3600.0)


@pytest.mark.parametrize(
    ("by", "one", "other"),
    [
        ("source", event(), event(source="blog")),
        ("status", event(), event(order=order("active"))),
        ("event", event(), event("vanished")),
        ("currency", event(), event(order=order(total="49.00 EUR"))),
        ("currency", event(), event(order=order(total=None))),
        ("order", event(), event(order=order(id="89"))),
        ("order", event(), event(source="blog")),
    ],
)
def test_events_that_differ_in_it_are_in_different_groups(by: str, one: OrderEvent, other: OrderEvent) -> None:
    keys = f"group: {{by: [{by}]}}"
    first, second = held(keys, SEEN, one), held(keys, SEEN, other)
    assert first
    assert second
    assert first.key != second.key
    assert held("group: {by: []}", SEEN, one) == held("group: {by: []}", SEEN, other)


def test_a_status_in_another_spelling_is_in_the_same_group() -> None:
    keys = "group: {by: [status]}"
    assert held(keys, SEEN, event(order=order("On-Hold"))) == held(keys, SEEN, event(order=order("on_hold")))


def test_labels_of_the_source_split_groups_and_one_that_it_lacks_does_not() -> None:
    keys = "group: {by: [labels.client, labels.tier]}"
    acme, initech, none = held(keys, SEEN, client="acme"), held(keys, SEEN, client="initech"), held(keys, SEEN)
    assert acme
    assert initech
    assert none
    assert len({acme.key, initech.key, none.key}) == 3


def test_an_urgent_route_waits_for_nothing() -> None:
    assert held("urgent: true", local("2026-04-11T23:30")) is None


# Quiet hours


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-04-10T21:59:59", None),
        ("2026-04-10T22:00", "2026-04-11T07:00"),
        ("2026-04-11T00:00", "2026-04-11T07:00"),
        ("2026-04-11T06:59:59", "2026-04-11T07:00"),
        ("2026-04-11T07:00", None),
        ("2026-04-11T12:00", None),
    ],
)
def test_quiet_hours_pass_over_midnight(now: str, end: str | None) -> None:
    hold = held(NIGHT, local(now))
    assert hold == (Hold(Why.QUIET, local(end)) if end else None)


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        ("2026-04-10T23:00", True),  # Friday
        ("2026-04-11T06:00", True),  # the night of Friday
        ("2026-04-11T23:00", False),  # Saturday
        ("2026-04-12T23:00", False),
        ("2026-04-13T06:00", False),  # the night of Sunday
        ("2026-04-13T23:00", True),
    ],
)
def test_the_days_of_quiet_hours_are_those_on_which_they_begin(now: str, quiet: bool) -> None:
    keys = "quiet: {from: '22:00', to: '07:00', days: [mon, tue, wed, thu, fri]}"
    assert (held(keys, local(now)) is not None) is quiet


def test_quiet_hours_by_day() -> None:
    keys = "quiet: {from: '9:00', to: '17:30', days: [sat]}"
    assert until(keys, "2026-04-11T09:00") == local("2026-04-11T17:30")
    assert held(keys, local("2026-04-11T17:30")) is None


def test_the_night_in_which_clocks_go_forward_has_an_hour_less() -> None:
    assert until(NIGHT, "2026-03-28T22:00") - local("2026-03-28T22:00") == timedelta(hours=8)
    assert until(NIGHT, "2026-03-28T22:00") == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)


def test_the_night_in_which_clocks_go_back_has_an_hour_more() -> None:
    assert until(NIGHT, "2026-10-24T22:00") - local("2026-10-24T22:00") == timedelta(hours=10)
    for fold in (0, 1):
        hold = held(NIGHT, local("2026-10-25T02:30", fold=fold))
        assert hold == Hold(Why.QUIET, datetime(2026, 10, 25, 6, 0, tzinfo=UTC))


def test_quiet_hours_that_the_clocks_leave_out_are_none() -> None:
    quiet = QuietSettings.model_validate({"from": "02:15", "to": "02:45", "days": ["sun"]})
    at = local("2026-03-29T01:59:59") + timedelta(minutes=30)
    assert next_quiet(quiet, local("2026-03-28T12:00"), STOCKHOLM)[0] >= local("2026-03-29T03:15")
    quiet = QuietSettings.model_validate({"from": "02:30", "to": "03:00", "days": ["sun"]})
    for now in (at, local("2026-03-29T00:30")):
        assert next_quiet(quiet, now, STOCKHOLM)[0] == local("2026-04-05T02:30")
    assert quiet_until(quiet, at, STOCKHOLM) is None
    assert next_quiet(quiet, at, STOCKHOLM) == (local("2026-04-05T02:30"), local("2026-04-05T03:00"))


clocks = st.times().map(lambda at: f"{at:%H:%M}")
days = st.lists(st.sampled_from(DAYS), min_size=1, unique=True)
moments = st.integers(0, 366 * 24 * 3600).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(clocks, clocks, days, moments)
def test_quiet_hours_end_after_now_within_a_day_and_an_hour(begin: str, end: str, on: list[str], now: datetime) -> None:
    if begin == end:
        return
    quiet = QuietSettings.model_validate({"from": begin, "to": end, "days": on})
    start, stop = next_quiet(quiet, now, STOCKHOLM)
    assert start < stop > now
    assert stop - start <= timedelta(hours=25)
    assert quiet_until(quiet, now, STOCKHOLM) == (stop if start <= now else None)
    assert quiet_until(quiet, stop, STOCKHOLM) is None or next_quiet(quiet, stop, STOCKHOLM)[0] == stop
    assert DAYS[start.astimezone(STOCKHOLM).weekday()] in on


def test_a_group_that_would_go_in_quiet_hours_waits_for_their_end() -> None:
    keys = f"group: {{wait: 1m}}, {NIGHT}"
    assert held(keys, local("2026-04-10T21:59:30")) == Hold(Why.QUIET, local("2026-04-11T07:00"))
    assert held(keys, local("2026-04-11T06:59:30")) == Hold(Why.QUIET, local("2026-04-11T07:00"))
    group = held(keys, local("2026-04-10T21:58:30"))
    night = (local("2026-04-10T22:00"), local("2026-04-11T07:00"))
    assert group == Hold(Why.GROUP, local("2026-04-10T21:59:30"), "source=shop", 300.0, night)


def test_an_hour_in_quiet_hours_is_no_hour_for_a_digest() -> None:
    keys = f"digest: {{daily: '03:00'}}, {NIGHT}"
    assert until(keys, "2026-04-10T12:00") == local("2026-04-11T07:00")


# Digests


@pytest.mark.parametrize(
    ("digest", "now", "at"),
    [
        ("daily: '08:00'", "2026-04-11T07:59:59", "2026-04-11T08:00"),
        ("daily: '08:00'", "2026-04-11T08:00", "2026-04-12T08:00"),
        ("daily: '8:00'", "2026-03-28T09:00", "2026-03-29T08:00"),
        ("daily: '02:30'", "2026-10-24T12:00", "2026-10-25T02:30"),
        ("weekly: mon 08:00", "2026-04-11T12:00", "2026-04-13T08:00"),
        ("weekly: MON  8:00", "2026-04-13T08:00", "2026-04-20T08:00"),
        ("weekly: sat 23:59", "2026-04-11T12:00", "2026-04-11T23:59"),
        ("weekly: sun 02:30", "2026-03-28T12:00", "2026-03-29T03:30"),
    ],
)
def test_a_digest_goes_at_the_next_such_moment(digest: str, now: str, at: str) -> None:
    assert held(f"digest: {{{digest}}}", local(now)) == Hold(Why.DIGEST, local(at))


@given(clocks, moments)
def test_a_daily_digest_goes_within_a_day_and_two_hours(at: str, now: datetime) -> None:
    (route,) = routes(f"[{{name: only, digest: {{daily: '{at}'}}}}]")
    assert route.digest
    assert timedelta(0) < digest_at(route.digest, now, STOCKHOLM) - now <= timedelta(hours=26)


# For


def test_for_waits_alone_as_long_as_it_says() -> None:
    assert held("for: 2m", SEEN) == Hold(Why.FOR, SEEN + timedelta(minutes=2))


def test_for_that_ends_in_quiet_hours_waits_with_others_for_their_end() -> None:
    keys = f"for: 5m, {NIGHT}"
    evening, night = held(keys, local("2026-04-10T21:58")), held(keys, local("2026-04-11T03:00"))
    assert evening == night == together(Hold(Why.FOR, local("2026-04-11T07:00")))
    assert held(keys, local("2026-04-11T06:59")) == Hold(Why.FOR, local("2026-04-11T07:04"))


# Storms, and what is said


def test_a_storms_summary_goes_at_once_and_the_next_not_in_quiet_hours() -> None:
    router = Router(routes(f"[{{name: a, {NIGHT}}}, {{name: b, storm: {{within: 1m}}}}]"), CHANNELS)
    night = (datetime(2025, 7, 1, 22, 0, tzinfo=UTC), datetime(2025, 7, 2, 7, 0, tzinfo=UTC))
    assert router.storm_hold("a", SEEN) == Hold(Why.STORM, SEEN, "", 300.0, night)
    assert router.storm_hold("b", SEEN) == Hold(Why.STORM, SEEN, "", 60.0)
    assert router.storm_hold("default", SEEN) == Hold(Why.STORM, SEEN, "", 300.0)


def test_a_message_says_why_it_tells_of_many_where_that_is_not_plain() -> None:
    assert why_together("storm")
    assert why_together("quiet")
    assert [why_together(why) for why in ("", "group", "digest", "for")] == ["", "", "", ""]


# Urgent


def routed(text: str) -> list[tuple[str, Any]]:
    routing = Router(routes(text), CHANNELS).route(event(), SEEN)
    return [(planned.route, planned.hold and planned.hold.why) for planned in routing.planned]


def test_an_urgent_route_wins_a_url_over_an_earlier_digest() -> None:
    text = "[{name: all, digest: {daily: '08:00'}, channels: [same, mail]}, {name: fraud, urgent: true}]"
    assert routed(text) == [("fraud", None), ("all", Why.DIGEST)]
    routing = Router(routes(text), CHANNELS).route(event(), SEEN)
    assert [(one.route, str(one.destination), one.by) for one in routing.superseded] == [("all", "same", "fraud")]


def test_of_two_urgent_routes_the_first_decides() -> None:
    assert routed("[{name: all}, {name: one, urgent: true}, {name: two, urgent: true}]") == [("one", None)]
