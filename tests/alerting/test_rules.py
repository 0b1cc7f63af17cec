"""Rules about a source as a whole: which hours matter, when orders are lacking, when too many are of one status."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from alerting_examples import SEEN, event, routes, source_event
from pydantic import ValidationError

from monitor.alerting.hours import DAYS, Between, Hours
from monitor.alerting.render import Renderer, check_channel_templates, check_templates
from monitor.alerting.routes import Router
from monitor.alerting.rules import AbsentRule, Entered, Sight, SpikeRule, judge_absence, judge_spike
from monitor.alerting.settings import ChannelStyle, RouteSettings
from monitor.alerting.timing import Why
from monitor.model import EventKind, RuleState, SourceEvent

CHANNELS = {"ops": ["url-1"], "mail": ["url-2"]}
ABSENT = "{event: absent, for: 6h}"
SPIKE = "{event: spike, status: fraud, share: 10%, within: 1h}"
HOUR = timedelta(hours=1)


def rule_about(when: str, source: str = "shop", **labels: str) -> AbsentRule | SpikeRule | None:
    router = Router(routes(f"[{{name: one, when: {when}}}]"), CHANNELS, {source: labels})
    return next(iter(router.rules(source)), None)


# The hours that matter


def hours(between: str | None, zone: str = "UTC", days: str = "") -> Hours:
    when = (
        f"{{event: absent, for: 6h{f', between: {between!r}' if between else ''}{f', days: {days}' if days else ''}}}"
    )
    router = Router(routes(f"[{{name: one, when: {when}}}]"), CHANNELS, time_zone=zone)
    (rule,) = router.rules("shop")
    assert isinstance(rule, AbsentRule)
    return rule.hours


@pytest.mark.parametrize(
    ("between", "zone", "days", "begin", "end", "expected"),
    [
        (None, "UTC", "", "2026-04-11T08:00", "2026-04-11T09:30", 90),
        (None, "UTC", "", "2026-04-11T08:00", "2026-04-11T08:00", 0),
        ("08:00-20:00", "UTC", "", "2026-04-11T07:30", "2026-04-11T08:30", 30),
        ("08:00-20:00", "UTC", "", "2026-04-11T19:30", "2026-04-11T20:30", 30),
        ("08:00-20:00", "UTC", "", "2026-04-11T21:00", "2026-04-12T07:00", 0),
        ("08:00-20:00", "UTC", "", "2026-04-11T19:00", "2026-04-12T09:00", 120),
        ("20:00-08:00", "UTC", "", "2026-04-11T23:30", "2026-04-12T00:30", 60),
        ("20:00-08:00", "UTC", "", "2026-04-11T07:00", "2026-04-11T21:00", 120),
        # by the clocks of the time zone
        ("08:00-20:00", "Europe/Stockholm", "", "2026-04-11T05:30", "2026-04-11T06:30", 30),
        # on the days on which they begin: the 11th is a Saturday
        (None, "UTC", "[mon, fri]", "2026-04-10T23:00", "2026-04-11T01:00", 60),
        ("20:00-08:00", "UTC", "[fri]", "2026-04-11T07:00", "2026-04-11T21:00", 60),
        ("08:00-20:00", "UTC", "[sun]", "2026-04-11T08:00", "2026-04-11T20:00", 0),
        # the night in which an hour is left out, and the one in which it comes twice
        ("00:00-06:00", "Europe/Stockholm", "", "2026-03-28T22:00", "2026-03-29T08:00", 300),
        ("00:00-06:00", "Europe/Stockholm", "", "2026-10-24T20:00", "2026-10-25T08:00", 420),
        (None, "Europe/Stockholm", "[sun]", "2026-10-24T12:00", "2026-10-26T12:00", 1500),
    ],
)
def test_only_the_hours_that_matter_count(
    between: str | None, zone: str, days: str, begin: str, end: str, expected: int
) -> None:
    start, stop = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (begin, end))
    assert hours(between, zone, days).within(start, stop) == timedelta(minutes=expected)


def test_time_that_is_looked_at_in_pieces_is_as_long_as_in_one() -> None:
    matter = hours("08:00-20:00", "Europe/Stockholm")
    begin = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
    pieces = sum((matter.within(begin + n * HOUR, begin + (n + 1) * HOUR) for n in range(100)), timedelta(0))
    assert pieces == matter.within(begin, begin + 100 * HOUR)


# No new order for long

SIX_HOURS = AbsentRule("quiet_shop", 6 * HOUR, Hours(ZoneInfo("UTC"), Between.of("08:00-20:00")))
BEGUN = RuleState(SEEN - 100 * HOUR)


def sight(seen: timedelta | None = HOUR, *, new: bool = False, last: datetime | None = None) -> Sight:
    return Sight("shop", SEEN, None if seen is None else SEEN - seen, last, new)


def lacking(span: timedelta) -> RuleState:
    return RuleState(BEGUN.begun, span)


def test_orders_are_lacking_once_so_long_a_time_was_seen_without() -> None:
    state, news = judge_absence(SIX_HOURS, lacking(4 * HOUR), sight())
    assert (state.lacking, state.on, news) == (5 * HOUR, False, None)
    state, news = judge_absence(SIX_HOURS, state, sight(last=SEEN - 7 * HOUR))
    assert state.on
    assert news == SourceEvent(
        "shop",
        EventKind.ABSENT,
        SEEN,
        "There was no new order for 6h, counted between 08:00 and 20:00",
        SEEN - 7 * HOUR,
        rule="quiet_shop",
    )


def test_it_is_told_once_however_long_it_lasts() -> None:
    on = RuleState(BEGUN.begun, 6 * HOUR, on=True)
    assert judge_absence(SIX_HOURS, on, sight())[1] is None


def test_a_new_order_ends_it_and_counting_begins_anew() -> None:
    on = RuleState(BEGUN.begun, 9 * HOUR, on=True, since=SEEN - 9 * HOUR)
    state, news = judge_absence(SIX_HOURS, on, sight(new=True))
    assert state == BEGUN
    assert news
    assert news.over
    assert news.since == SEEN - 9 * HOUR
    assert judge_absence(SIX_HOURS, lacking(5 * HOUR), sight(new=True)) == (BEGUN, None)


def test_time_that_was_not_seen_lacks_nothing() -> None:
    assert judge_absence(SIX_HOURS, lacking(5 * HOUR), sight(None)) == (lacking(5 * HOUR), None)


# Too many of one status

WAVE = SpikeRule("wave", "fraud", lambda status: status == "fraud", Decimal("0.1"), HOUR, 10)
ON = RuleState(BEGUN.begun, on=True, since=SEEN - HOUR)


@pytest.mark.parametrize(
    ("hits", "orders", "begins"),
    [(10, 100, True), (9, 9, False), (10, 101, False), (11, 101, True), (12, 12, True), (0, 0, False), (0, 500, False)],
)
def test_a_spike_begins_at_its_share_and_its_number(hits: int, orders: int, begins: bool) -> None:
    state, news = judge_spike(WAVE, BEGUN, Entered(orders, hits, whole=False), "shop", SEEN)
    assert (state.on, news is not None) == (begins, begins)
    if news:
        assert (news.about, news.rule, news.over) == ("fraud", "wave", False)
        assert news.reason.startswith(f"{hits} of the {orders} orders that entered a status within 1h became fraud: ")


@pytest.mark.parametrize(
    ("hits", "orders", "ends"),
    [(9, 100, False), (10, 200, False), (5, 100, False), (4, 40, True), (10, 201, True), (0, 0, True)],
)
def test_it_ends_below_half_of_one_of_them(hits: int, orders: int, ends: bool) -> None:
    """Else a share that sways about the threshold would be told each time."""
    state, news = judge_spike(WAVE, ON, Entered(orders, hits, whole=True), "shop", SEEN)
    assert (not state.on, bool(news and news.over)) == (ends, ends)


def test_it_is_not_over_before_all_of_the_time_was_seen() -> None:
    """After an outage nothing is known of it, which proves nothing."""
    assert judge_spike(WAVE, ON, Entered(0, 0, whole=False), "shop", SEEN) == (ON, None)


def test_one_order_ends_it_where_one_suffices() -> None:
    one = WAVE._replace(at_least=1, share=Decimal("0.01"))
    assert judge_spike(one, ON, Entered(1, 1, whole=True), "shop", SEEN)[1] is None
    assert judge_spike(one, ON, Entered(0, 0, whole=True), "shop", SEEN)[1] is not None


# Routes


@pytest.mark.parametrize(
    ("when", "about"),
    [
        ("{event: absent, for: 6h}", True),
        ("{event: absent, for: 6h, source: sh*}", True),
        ("{event: absent, for: 6h, source: blog}", False),
        ("{event: absent, for: 6h, labels: {client: acme}}", True),
        ("{event: absent, for: 6h, labels: {client: initech}}", False),
        ("{event: absent, for: 6h, not: {source: shop}}", False),
        ("{event: absent, for: 6h, not: {source: shop, labels: {client: initech}}}", True),
    ],
)
def test_a_rule_is_about_the_sources_that_its_route_names(when: str, about: bool) -> None:
    assert bool(rule_about(when, client="Acme")) is about


def test_what_is_not_said_has_its_default() -> None:
    spike, absent = rule_about(SPIKE), rule_about(ABSENT)
    assert isinstance(spike, SpikeRule)
    assert isinstance(absent, AbsentRule)
    assert (spike.at_least, spike.share, spike.is_it("fraud"), spike.is_it("active")) == (
        10,
        Decimal("0.1"),
        True,
        False,
    )
    assert (absent.hours.between, set(absent.hours.days)) == (None, set(DAYS))


def found(**fields: object) -> SourceEvent:
    return SourceEvent(**{"source": "shop", "kind": EventKind.ABSENT, "at": SEEN, "rule": "one", **fields})  # type: ignore[arg-type]  # a test's shorthand


def test_what_a_rule_finds_goes_where_its_own_route_leads_and_not_to_health() -> None:
    router = Router(
        routes(f"[{{name: one, when: {ABSENT}}}, {{name: two, when: {ABSENT}, channels: [mail]}}]"), CHANNELS
    )
    assert [(p.route, p.destination.channel) for p in router.route(found(), SEEN).planned] == [("one", "ops")]
    assert not router.route(found(rule="gone"), SEEN).planned
    health = router.route(source_event("source_down"), SEEN)
    assert {planned.route for planned in health.planned} == {"health"}


def test_a_route_with_a_rule_is_about_no_order() -> None:
    router = Router(routes(f"[{{name: one, when: {SPIKE}}}, {{name: two, when: {ABSENT}}}]"), CHANNELS)
    assert not router.route(event(), SEEN).planned


def hold_of_rule(route: str) -> tuple[Why, datetime] | None:
    router = Router(routes(f"[{{name: one, when: {ABSENT}, {route}}}]"), CHANNELS)
    (planned,) = router.route(found(), SEEN).planned
    return (planned.hold.why, planned.hold.until) if planned.hold else None


def test_quiet_hours_and_digests_hold_what_a_rule_finds_and_groups_do_not() -> None:
    quiet = "quiet: {from: '12:00', to: '13:00'}"
    assert hold_of_rule(quiet) == (Why.QUIET, SEEN.replace(hour=13, minute=0))
    assert hold_of_rule("digest: {daily: '08:00'}") == (Why.DIGEST, datetime(2025, 7, 2, 8, 0, tzinfo=UTC))
    assert hold_of_rule("urgent: true") is None
    assert hold_of_rule("group: {}") is None


def test_held_news_of_a_rule_are_told_one_by_one() -> None:
    """Of what begins and ends in one night both are to be read."""
    router = Router(routes(f"[{{name: one, when: {ABSENT}, quiet: {{from: '12:00', to: '13:00'}}}}]"), CHANNELS)
    keys = set()
    for happened in (found(), found(at=SEEN + timedelta(minutes=1), over=True)):
        (planned,) = router.route(happened, SEEN).planned
        assert planned.hold
        keys.add(planned.hold.key)
    assert len(keys) == 2


def worded(style: ChannelStyle, route: str = "") -> str:
    settings = routes(f"[{{name: one, when: {ABSENT}{route}}}]")
    message = Renderer(settings, styles={"ops": style}).render("one", found(), "7K3F", now=SEEN, channel="ops")
    assert message.problem is None
    return message.title


def test_a_rule_is_worded_by_its_route_and_not_by_its_channel() -> None:
    """A channel's words are about orders."""
    style = ChannelStyle(title="{{ order.number }}", body="{{ order.status }}")
    assert worded(style) == "🔕 No new orders: shop"
    assert worded(style, ", title: 'Nothing from {{ source }}'") == "Nothing from shop"
    sample = Renderer(routes(f"[{{name: one, when: {SPIKE}}}]")).render_sample("one")
    assert sample.title == "📈 Spike: fraud · shop"


def test_the_words_of_a_rule_are_tried_when_the_file_is_read() -> None:
    settings = routes(f"[{{name: one, when: {ABSENT}, body: '{{{{ order.number }}}}'}}]")
    assert [text for _, text in check_templates(settings)] == ["fails for an event absent: unknown variable 'order'"]
    style = ChannelStyle(title="{{ order.number }}")
    assert not list(check_channel_templates({"ops": style}, routes(f"[{{name: one, when: {ABSENT}}}]")))


# Settings


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("{event: absent}", "event absent needs for, such as for: 6h"),
        ("{event: spike, share: 10%, within: 1h}", "event spike needs status, such as status: fraud"),
        ("{event: spike, status: fraud, within: 1h}", "event spike needs share, such as share: 10%"),
        ("{event: spike, status: fraud, share: 10%}", "event spike needs within, such as within: 1h"),
        ("{event: [absent, appeared], for: 6h}", "event lists absent beside others: give absent a route of its own"),
        ("{for: 6h}", "for goes with event: absent only"),
        ("{event: appeared, between: '08:00-20:00'}", "between goes with event: absent only"),
        ("{event: spike, status: x, share: 1%, within: 1h, days: [mon]}", "days goes with event: absent only"),
        ("{event: absent, for: 6h, share: 10%}", "share goes with event: spike only"),
        ("{event: absent, for: 6h, at_least: 3}", "at_least goes with event: spike only"),
        ("{event: absent, for: 6h, product: x}", "product is about single orders, and absent is about a source"),
        ("{event: absent, for: 6h, unusual: false}", "unusual is about single orders"),
        ("{event: absent, for: 6h, not: {to: x}}", "not has to, which is about single orders"),
        ("{event: absent, for: 6h, between: 08:00-08:00}", "begins when it ends"),
        ("{event: absent, for: 6h, between: 08:00}", 'expected two times of day such as "08:00-20:00"'),
        ("{event: absent, for: 6h, between: 08:00-25:00}", "expected two times of day"),
        ("{event: absent, for: 6h, between: 7}", "expected two times of day"),
        ("{event: absent, for: 6h, days: []}", "at least 1 item"),
        ("{event: spike, status: fraud, share: 0%, within: 1h}", "above 0% and up to 100%"),
        ("{event: spike, status: fraud, share: 101%, within: 1h}", "above 0% and up to 100%"),
        ("{event: spike, status: fraud, share: 0.1, within: 1h}", "expected a share such as 10%"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(when: str, fault: str) -> None:
    with pytest.raises(ValidationError) as refused:
        routes(f"[{{name: one, when: {when}}}]")
    assert fault in str(refused.value)


def test_a_rule_is_written_as_it_was_read() -> None:
    when = {"event": ["absent"], "for": "6h", "between": "08:00-20:00", "days": ["mon"]}
    spike = {"event": ["spike"], "status": ["fraud"], "share": "0.5%", "within": "1h", "at_least": 3}
    for given in (when, spike):
        route = RouteSettings.model_validate({"name": "one", "channels": ["ops"], "when": given})
        said = route.when.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert said == given
        assert RouteSettings.model_validate({"name": "one", "channels": ["ops"], "when": said}) == route
