"""Why a route did not want an event, and what became of one, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from alerting_examples import SEEN, event, order, routes, serviced
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.conditions import subjects_of
from monitor.alerting.explaining import Part, agree, closings, decided, fate, first_sight, last_shown, opinions
from monitor.alerting.refusals import refuse
from monitor.alerting.routes import Router, Routing
from monitor.alerting.silences import Matcher, Mute, Silence
from monitor.model import Delivery, DeliveryState, Item, Known, OrderEvent, SourceState, Stuck

CHANNELS = {"ops": ["url-1"], "mail": ["url-2", "url-3"], "same": ["url-1"]}
LABELS = {"shop": {"client": "Acme", "tier": "gold"}}
STUCK = "[{name: old, when: {event: stuck, status: pending, after: 1d}}, {name: all, channels: [mail]}]"


def router(text: str) -> Router:
    return Router(routes(text), CHANNELS, LABELS)


def said(text: str, happened: OrderEvent) -> list[str]:
    return [str(one) for one in opinions(router(text), happened, Routing())]


@pytest.mark.parametrize(
    ("when", "happened", "refusal"),
    [
        ("{}", event("appeared", was=None), "event: status_changed — it is appeared"),
        ("{event: [changed, vanished]}", event(), "event: changed or vanished — it is status_changed"),
        ("{to: active}", event(), "to: active — it became fraud"),
        ("{from: active, to: active}", event(), "from: active — it was pending"),
        (
            "{event: appeared, from: '*'}",
            event("appeared", was=None),
            "from: * — there was no status before",
        ),
        ("{source: [a, b*]}", event(), "source: a or b* — it is shop"),
        ("{labels: {client: umbrella}}", event(), "labels: client umbrella — its source has client Acme, tier gold"),
        ("{labels: {client: acme}}", event(source="b"), "labels: client acme — its source has no labels"),
        ("{product: vps}", event(), "product: vps — it has Starter Hosting Plan"),
        ("{product: vps}", event(order=order(items=None)), "product: vps — its items are not known"),
        (
            "{product: vps}",
            event(order=order(items=tuple(map(Item, "abcde")))),
            "product: vps — it has a, b, c, 2 more",
        ),
        ("{currency: EUR}", event(), "currency: EUR — it is USD"),
        ("{currency: EUR}", event(order=order(total=None)), "currency: EUR — it is not known"),
        ("{min_total: {USD: 50, EUR: 45}}", event(), "min_total: USD 50, EUR 45 — it is USD 49.00"),
        ("{to: fraud, not: {to: fraud, source: shop}}", event(), "not: to: fraud, source: shop — that is so"),
        ("{unusual: true}", event(), "unusual: true — it is not unusual"),
    ],
)
def test_a_route_that_does_not_want_it_names_the_first_condition_that_does_not_hold(
    when: str, happened: OrderEvent, refusal: str
) -> None:
    assert said(f"[{{name: only, when: {when}}}]", happened) == [f"only: not wanted: {refusal}"]


def test_a_condition_that_cannot_say_what_it_found_is_still_named() -> None:
    (subject,) = subjects_of(event(), {}, {})
    assert str(refuse("brand_new", ["a", 2], subject)) == "brand_new: a or 2 — it does not hold"


def test_of_several_services_that_moved_each_is_refused() -> None:
    moved = serviced(["31 Active Starter", "32 Active Domain"], ["31 Suspended Starter", "32 Pending Domain"])
    (line,) = said("[{name: only, when: {event: service_changed, to: terminated}}]", moved)
    assert line == "only: not wanted: to: terminated — it became suspended; to: terminated — it became pending"


def test_what_a_product_is_called_stays_one_visible_line() -> None:
    happened = event(order=order(items=(Item("a\x1b[2J\nb"),)))
    assert said("[{name: only, when: {product: vps}}]", happened) == ["only: not wanted: product: vps — it has a[2J b"]


@given(
    st.sampled_from(["{}", "{to: fraud}", "{from: a*, not: {to: fraud}}", "{min_total: {USD: 5}}", "{unusual: false}"]),
    st.sampled_from(["fraud", "active", "On-Hold"]),
    st.sampled_from(["status_changed", "appeared", "vanished"]),
)
def test_a_route_is_refused_exactly_if_it_leads_nowhere(when: str, status: str, kind: str) -> None:
    one = router(f"[{{name: only, when: {when}}}]")
    happened = event(kind, order=order(status))
    (opinion,) = one.opinions(happened)
    assert bool(opinion.refusals) is not bool(one.route(happened, SEEN).planned)


def test_all_routes_have_their_say_in_their_order() -> None:
    text = """
    [{name: one}, {name: two, channels: [same, mail]}, {name: three, when: {to: active}},
     {name: four, stop: true, channels: [mail]}, {name: five}]
    """
    assert said(text, event()) == [
        "one: to ops",
        "two: to mail, mail#2",
        "two: not to same: one leads there already",
        "three: not wanted: to: active — it became fraud",
        "four: not to mail, mail#2: two leads there already",
        "five: was not asked: four stops the search",
    ]


def test_today_agrees_if_the_same_routes_lead_to_the_same_places() -> None:
    text = "[{name: one}, {name: two, channels: [same, mail]}]"
    then = decided(router(text).route(event(), SEEN))
    assert agree(then, opinions(router(text), event(), Routing()))
    assert agree(then, opinions(router(text.replace("]}]", "]}, {name: new, when: {to: x}}]")), event(), Routing()))
    for other in (
        text.replace("two", "second"),
        text.replace(", mail", ""),
        text.replace("two,", "two, urgent: true,"),
    ):
        assert not agree(then, opinions(router(other), event(), Routing())), other


def test_what_a_silence_muted_is_named_and_is_no_difference() -> None:
    silence = Silence(7, Matcher(), SEEN, SEEN + timedelta(hours=1), "migration")
    routing = router("[{name: one}]").route(event(), SEEN, [Mute(silence)])
    (one,) = decided(routing)
    assert (one.part, str(one)) == (Part.SILENCED, "one: not to ops: muted by silence 7 (migration)")
    assert agree([one], opinions(router("[{name: one}]"), event(), Routing()))
    assert not agree([one], opinions(router("[{name: other}]"), event(), Routing()))


def test_a_stuck_order_is_told_of_by_the_rule_that_found_it() -> None:
    happened = event("stuck", order=order("pending"), stuck=Stuck("old"))
    (first, second) = said(STUCK, happened)
    assert first == "old: to ops"
    one = router(STUCK)
    assert closings(one, happened, one.route(happened, SEEN)) == {}, "it is its beginning"
    assert second.startswith("all: not wanted: event: status_changed — it is stuck")
    other = event("stuck", order=order("pending"), stuck=Stuck("gone"))
    assert said(STUCK, other)[0] == "old: not wanted: stuck: old — it was found by gone"


def test_the_end_of_being_stuck_is_told_to_whom_it_was_told_then() -> None:
    one, moved = router(STUCK), event()
    routing = one.route(moved, SEEN, (), {"old": ["url-1"]})
    assert closings(one, moved, routing) == {"old": ["url-1"]}
    assert agree(decided(routing), opinions(one, moved, routing))
    assert not agree(decided(routing), opinions(one, moved, Routing()))


def test_how_an_order_came_to_be_known() -> None:
    known = Known(order(), 1, SEEN, SEEN)
    assert first_sight(known, [event("appeared", was=None)]) == "as a new order"
    assert "its baseline" in first_sight(known, [event()])
    later = Known(order(), 1, SEEN + timedelta(days=1), SEEN)
    assert "its baseline" in first_sight(later, [event("appeared", was=None)]), "that was before it was forgotten"


def test_an_order_was_last_seen_when_a_look_proved_it_to_be_as_it_is() -> None:
    known, hour = Known(order(), 1, SEEN, SEEN), timedelta(hours=1)
    assert last_shown(known, None) == SEEN
    assert last_shown(known, SourceState("x", complete_at=SEEN + hour)) == SEEN + hour
    assert last_shown(known, SourceState("x", proven_at={"fraud": SEEN + 2 * hour})) == SEEN + 2 * hour
    assert last_shown(known, SourceState("x", proven_at={"active": SEEN + 2 * hour})) == SEEN
    missing = msgspec.structs.replace(known, missing=1)
    assert last_shown(missing, SourceState("x", complete_at=SEEN + hour)) == SEEN


@pytest.mark.parametrize(
    ("others", "fields", "words"),
    [
        (0, {"state": "sent", "settled_at": SEEN}, "sent 12:22, ref 7K3F"),
        (0, {"state": "sending"}, "is being sent, ref 7K3F"),
        (0, {}, "waits until 12:22, ref 7K3F"),
        (0, {"attempts": 2, "last_error": "503"}, "will be tried again at 12:22: 503, ref 7K3F"),
        (0, {"last_error": "waits: no channel"}, "waits: no channel, ref 7K3F"),
        (0, {"state": "dead", "settled_at": SEEN, "last_error": "404"}, "dead letter since 12:22: 404, ref 7K3F"),
        (
            0,
            {"state": "dropped", "settled_at": SEEN, "last_error": "it became active", "gathers": "for"},
            "dropped 12:22: it became active, ref 7K3F",
        ),
        (
            2,
            {"gathers": "group"},
            "waits for others to join it until 12:22, in a group with 2 other events, ref 7K3F",
        ),
        (
            1,
            {"gathers": "quiet"},
            "held by quiet hours until 12:22, at the end of quiet hours with 1 other event, ref 7K3F",
        ),
        (
            0,
            {"gathers": "digest"},
            "gathered for the digest of 12:22, in a digest with no other event, ref 7K3F",
        ),
        (
            1000,
            {"gathers": "storm", "state": "sent", "settled_at": SEEN},
            "sent 12:22, in a storm's summary with 1,000 other events, ref 7K3F",
        ),
        (0, {"gathers": "for"}, "waits until 12:22 to see whether the order stays as it is, ref 7K3F"),
        (3, {"gathers": "reminder"}, "waits until 12:22, in one reminder with 3 other events, ref 7K3F"),
        (3, {"gathers": "host"}, "waits until 12:22, together with 3 other events, ref 7K3F"),
    ],
)
def test_what_became_of_a_message(others: int, fields: dict[str, Any], words: str) -> None:
    given_ = {"state": DeliveryState(fields.pop("state", "waiting"))} | fields
    delivery = Delivery(
        id=1, ref="7K3F", route="one", channel="ops", url_number=1, source="shop", order_id="88",
        created_at=SEEN, due_at=SEEN, expires_at=SEEN, **given_,
    )  # fmt: skip
    assert fate(delivery, others, _time) == words


def _time(time: datetime | None) -> str:
    return f"{time:%H:%M}" if time else ""
