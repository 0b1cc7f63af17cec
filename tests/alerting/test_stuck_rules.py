"""Rules about stuck orders: what they ask, whom they tell, and how it reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from alerting_examples import SEEN, event, order, routes
from pydantic import ValidationError

from monitor.alerting.render import Renderer, check_channel_templates, check_templates
from monitor.alerting.routes import Router, Routing
from monitor.alerting.settings import ChannelStyle
from monitor.alerting.stuck import StuckRule
from monitor.alerting.timing import Hold, Why
from monitor.model import Meaning, OrderEvent, Severity, Stuck

CHANNELS = {"ops": ["a"], "boss": ["b"], "both": ["a", "c"]}
RULE = "{name: stuck, when: {event: stuck, status: pending, after: 24h}}"
FULL = (
    "{name: stuck, when: {event: stuck, status: pending, after: 24h}, escalate: {after: 72h, channels: [boss, both]}}"
)
DAY = timedelta(days=1)


def stuck(status: str = "pending", rule: str = "stuck", **said: Any) -> OrderEvent:
    since = SEEN - timedelta(hours=25)
    return OrderEvent("shop", event("stuck").kind, SEEN, order(status), 2, since=since, stuck=Stuck(rule, **said))


def told(routing: Routing) -> list[str]:
    return [f"{one.route}: {one.destination}" for one in routing.planned]


def rules(text: str, source: str = "shop", **more: Any) -> Sequence[StuckRule]:
    return Router(routes(f"[{text}]"), CHANNELS, **more).stuck_rules(source)


# What a rule asks


def test_a_rule_says_of_which_statuses_after_how_long() -> None:
    [rule] = rules(RULE.replace("pending", "[on-hold, p*]"))
    assert (rule.name, rule.after, rule.remind_every, rule.escalate_after) == ("stuck", DAY, None, None)
    assert [rule.covers(status) for status in ("On Hold", "pending", "n", "active")] == [True, True, False, False]


def test_a_rule_goes_by_what_statuses_mean() -> None:
    [rule] = rules(RULE, meanings={"shop": {"n": Meaning.PENDING}})
    assert rule.covers("N")


@pytest.mark.parametrize(
    ("condition", "asks"),
    [
        ("source: shop*", True),
        ("source: blog", False),
        ("labels: {client: acme}", True),
        ("labels: {client: initech}", False),
    ],
)
def test_a_rule_about_other_sources_asks_nothing_of_this_one(condition: str, asks: bool) -> None:
    text = RULE.replace("after:", f"{condition}, after:")
    assert bool(rules(text, labels={"shop": {"client": "acme"}})) is asks


def test_other_routes_are_no_such_rules() -> None:
    assert rules("{name: fraud, when: {to: fraud}}") == ()


@pytest.mark.parametrize(
    ("condition", "wants"),
    [
        ("min_total: {USD: 50}", False),
        ("min_total: {USD: 49}", True),
        ("product: '*hosting*'", True),
        ("not: {product: '*hosting*'}", False),
        ("currency: EUR", False),
    ],
)
def test_its_other_conditions_are_about_the_order(condition: str, wants: bool) -> None:
    [rule] = rules(RULE.replace("after:", f"{condition}, after:"))
    assert rule.wants(stuck()) is wants


def test_a_rule_that_asks_for_something_else_has_another_fingerprint() -> None:
    texts = [RULE, RULE.replace("24h", "12h"), RULE.replace("pending", "on_hold"), FULL]
    texts.append(RULE.replace("after:", "min_total: {USD: 5}, after:"))
    prints = [rules(text)[0].fingerprint for text in texts]
    assert len(set(prints)) == len(texts)
    assert rules(RULE.replace("when", "quiet: {from: '22:00', to: '07:00'}, when"))[0].fingerprint == prints[0]


def test_what_comes_next_is_a_reminder_or_the_escalation() -> None:
    [rule] = rules(FULL.replace("escalate:", "remind_every: 24h, escalate:"))
    entered = SEEN - DAY
    assert rule.next_at(entered, SEEN, escalated=False) == SEEN + DAY
    assert rule.next_at(entered, SEEN + DAY * 1.5, escalated=False) == entered + 3 * DAY
    assert rule.next_at(entered, SEEN + DAY * 1.5, escalated=True) == SEEN + DAY * 2.5
    assert rules(RULE)[0].next_at(entered, SEEN, escalated=False) is None


# Whom it tells


def test_a_stuck_order_is_told_of_by_the_rule_that_found_it_alone() -> None:
    longer = RULE.replace("name: stuck", "name: longer").replace("24h", "48h")
    router = Router(routes(f"[{RULE}, {longer}, {{name: rest, when: {{event: [appeared, vanished]}}}}]"), CHANNELS)
    assert told(router.route(stuck(), SEEN)) == ["stuck: ops"]
    assert told(router.route(stuck(rule="longer"), SEEN)) == ["longer: ops"]
    assert told(router.route(stuck(rule="gone"), SEEN)) == []


def test_explanations_say_which_rule_found_it() -> None:
    longer = RULE.replace("name: stuck", "name: longer")
    said = Router(routes(f"[{RULE}, {longer}]"), CHANNELS).opinions(stuck())
    assert [[str(refusal) for refusal in opinion.refusals] for opinion in said] == [
        [],
        ["stuck: longer — it was found by stuck"],
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ["stuck: ops"]),
        ({"escalated": True}, ["stuck: ops", "stuck: boss", "stuck: both#2"]),
        ({"escalated": True, "channels": False}, ["stuck: boss", "stuck: both", "stuck: both#2"]),
    ],
)
def test_it_is_escalated_to_others_and_to_each_url_once(said: Any, expected: list[str]) -> None:
    assert told(Router(routes(f"[{FULL}]"), CHANNELS).route(stuck(**said), SEEN)) == expected


def test_the_end_goes_to_those_who_were_told_as_far_as_they_are_still_there() -> None:
    router = Router(routes(f"[{FULL}]"), CHANNELS)
    routing = router.route(event(order=order("active")), SEEN, (), {"stuck": ("a", "b", "gone")})
    assert told(routing) == ["stuck: ops", "stuck: boss"]
    assert [one.hold for one in routing.planned] == [Hold(Why.CLOSED, SEEN, "shop")] * 2


def test_a_channel_that_the_rule_has_left_hears_of_the_end() -> None:
    router = Router(routes(f"[{RULE}]"), CHANNELS)
    assert told(router.route(event(), SEEN, (), {"stuck": ("b",)})) == ["stuck: boss"]


def test_where_a_route_leads_the_change_anyway_the_end_is_not_told_besides() -> None:
    """Whatever their order in the file, and although the rule is urgent."""
    urgent = RULE.replace("when", "urgent: true, when")
    router = Router(routes(f"[{urgent}, {{name: paid, when: {{to: active}}}}]"), CHANNELS)
    routing = router.route(event(order=order("active")), SEEN, (), {"stuck": ("a", "b")})
    assert told(routing) == ["paid: ops", "stuck: boss"]
    assert [(one.route, one.by) for one in routing.superseded] == [("stuck", "paid")]


@pytest.mark.parametrize(
    ("said", "holds", "why"),
    [
        ({}, "", None),
        ({"already": True}, "", Why.OVERDUE),
        ({"reminder": 1}, "", Why.REMINDER),
        ({"already": True}, "urgent: true", Why.OVERDUE),
        ({}, "group: {by: [order]}", Why.GROUP),
        ({"already": True}, "group: {by: [order]}", Why.OVERDUE),
        ({"reminder": 1}, "group: {by: [order]}", Why.REMINDER),
        ({"already": True}, "digest: {daily: '08:00'}", Why.DIGEST),
        ({"reminder": 1}, "quiet: {from: '00:00', to: '23:59'}", Why.QUIET),
    ],
)
def test_many_at_once_share_a_message_and_quiet_hours_hold_it(said: Any, holds: str, why: Why | None) -> None:
    text = RULE.replace("when", f"{holds}, when") if holds else RULE
    [planned] = Router(routes(f"[{text}]"), CHANNELS).route(stuck(**said), SEEN).planned
    assert (planned.hold and planned.hold.why) == why


# What a file may say


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{name: a, when: {event: stuck, after: 24h}}", "event stuck needs status, such as status: pending"),
        ("{name: a, when: {event: stuck, status: pending}}", "event stuck needs after, such as after: 24h"),
        ("{name: a, when: {to: active, after: 24h}}", "after goes with event: stuck only"),
        ("{name: a, when: {event: [stuck, vanished], status: x, after: 1h}}", "give stuck a route of its own"),
        ("{name: a, when: {event: stuck, status: x, after: 1h, to: y}}", "to is about a change"),
        ("{name: a, when: {event: stuck, status: x, after: 1h, not: {from: y}}}", "from is about a change"),
        ("{name: a, when: {event: stuck, status: x, after: 1h}, for: 2m}", "for is about a change"),
        ("{name: a, remind_every: 1h}", "remind_every goes with event: stuck only"),
        ("{name: a, escalate: {after: 1h, channels: [ops]}}", "escalate goes with event: stuck only"),
        (FULL.replace("72h", "24h"), "escalate.after is not longer than when.after"),
        (FULL.replace("24h", "5s"), "when.after\n  Input should be greater than or equal"),
        (RULE.replace("when", "escalate: {after: 72h}, when"), "escalate.channels\n  Field required"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault.replace("[", r"\[")):
        routes(f"[{text}]")


# How it reads


def written(text: str, about: OrderEvent, **more: Any) -> tuple[str, str, Severity]:
    message = Renderer(routes(f"[{text}]"), **more).render("stuck", about, "7K3F", now=SEEN, channel="ops")
    return message.title, message.body, message.severity


def test_it_reads_as_what_it_is() -> None:
    assert written(RULE, stuck()) == (
        "⏳ Stuck: ORD-0088 · $49.00 · shop",
        "pending for 1 day 1 h\nStarter Hosting Plan ×1\nNoticed 12:22 UTC · ref 7K3F",
        Severity.WARNING,
    )


def test_a_reminder_says_how_often_it_was_told_and_an_escalation_that_it_is_one() -> None:
    title, body, _ = written(FULL, stuck(reminder=2, escalated=True))
    assert title == "⏳ Still stuck: ORD-0088 · $49.00 · shop"
    assert body.splitlines()[:2] == ["pending for 1 day 1 h, told 2 times before", "Escalated: nobody has moved it on"]
    assert "told once before" in written(RULE, stuck(reminder=1))[1]


def test_an_order_that_is_stuck_in_a_grave_status_is_as_grave() -> None:
    assert written(RULE, stuck("fraud"))[2] is Severity.FAILURE


@pytest.mark.parametrize(
    ("happened", "title", "line"),
    [
        (event(order=order("active")), "✅ No longer stuck: ORD-0088 *", "pending → active, after 2 h 13 min"),
        (event(order=order("cancelled")), "✅ No longer stuck: ORD-0088 *", "pending → cancelled, after 2 h 13 min"),
        (event(), "🚨 No longer stuck: ORD-0088 *", "pending → fraud, after 2 h 13 min"),
        (event("vanished"), "👻 No longer stuck: ORD-0088 *", "Was fraud; the source no longer has it"),
    ],
)
def test_the_end_is_told_plainly(happened: OrderEvent, title: str, line: str) -> None:
    said, body, _ = written(RULE, happened)
    assert (said, body.splitlines()[0]) == (title.replace("*", "· $49.00 · shop"), line)


def test_the_words_of_a_rule_are_not_those_of_the_end() -> None:
    own = RULE.replace("when", "title: 'Waiting for {{ age }}: {{ order }}', when")
    assert written(own, stuck())[0] == "Waiting for 1 day 1 h: ORD-0088"
    assert written(own, event(order=order("active")))[0].startswith("✅ No longer stuck")


def test_templates_know_how_long_how_often_and_whether_it_is_escalated() -> None:
    own = RULE.replace("when", "body: '{{ age }}, {{ reminder }}, {{ escalated }}', when")
    assert list(check_templates(routes(f"[{own}]"))) == []
    assert written(own, stuck(reminder=1))[1].startswith("1 day 1 h, 1, False")


def test_a_channel_that_it_escalates_to_has_its_templates_tried_with_it() -> None:
    styles = {"boss": ChannelStyle(title="{{ 1 // (event != 'stuck') }}")}
    assert [path for path, _ in check_channel_templates(styles, routes(f"[{FULL}]"))] == [("channels", "boss", "title")]


def test_a_table_of_many_says_what_each_of_them_is() -> None:
    renderer = Renderer(routes(f"[{RULE}]"))
    found = renderer.gather([stuck(), msgspec.structs.replace(stuck(already=True), source="blog")])
    message = renderer.render_many("stuck", found, "7K3F", now=SEEN, channel="ops")
    assert message.title == "⏳ 2 orders: 2 Stuck · shop, blog"
    assert message.table is not None
    assert message.table.rows[0].cells == ("ORD-0088", "stuck, pending for 1 day 1 h", "$49.00", "shop")


def test_a_sample_is_stuck_in_a_status_that_the_rule_asks_for() -> None:
    message = Renderer(routes(f"[{RULE.replace('pending', 'on_hold')}]")).render_sample("stuck", "ops")
    assert (message.title, message.body.splitlines()[0]) == (
        "⏳ Stuck: ORD-0088 · $49.00 · shop",
        "on_hold for 1 day 1 h",
    )
