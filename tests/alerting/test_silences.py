"""Silences: what they are about, what they hold back, and what goes on as ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from alerting_examples import SEEN, event, order, routes, serviced, source_event
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.routes import Router, Routing
from monitor.alerting.silences import Matcher, Mute, Silence
from monitor.model import Event, Meaning

CHANNELS = {"ops": ["url-1"], "mail": ["url-2", "url-3"], "same": ["url-1"]}
LABELS = {"shop": {"client": "Acme", "tier": "gold"}}
MEANINGS = {"shop": {"betalt": Meaning.ACTIVE}}
ROUTES = """
- {name: fraud, when: {to: fraud}, channels: [ops, mail], urgent: true}
- {name: all, when: {event: [appeared, status_changed, service_changed, vanished]}, channels: [ops, same]}
"""
HOUR = timedelta(hours=1)


def silence(number: int = 1, **matcher: Any) -> Mute:
    """A silence about what is given, in JSON's words: ``from=["pending"]``."""
    about = msgspec.convert({name.rstrip("_"): value for name, value in matcher.items()}, Matcher)
    return Mute(Silence(number, about, SEEN, SEEN + HOUR, f"reason {number}"))


def routed(happened: Event, *silences: Mute) -> Routing:
    return Router(routes(ROUTES), CHANNELS, LABELS, ["mail"], MEANINGS).route(happened, SEEN, silences)


def planned(routing: Routing) -> list[str]:
    return [f"{one.route}: {one.destination}" for one in routing.planned]


def silenced(routing: Routing) -> list[str]:
    return [f"{one.route}: {one.destination} ({one.silence})" for one in routing.silenced]


FRAUD = event()
DOWN = source_event("source_down")
PAID = event(order=order("betalt"))
ADDED = serviced(["31 Active Hosting"], ["31 Suspended Hosting"])
MATCHED = [
    ({}, FRAUD, True),
    ({}, DOWN, True),
    # source and labels
    ({"source": ["shop"]}, FRAUD, True),
    ({"source": ["blog", "SH*"]}, FRAUD, True),
    ({"source": ["sho"]}, FRAUD, False),
    ({"source": ["shop"]}, DOWN, True),
    ({"source": ["blog"]}, DOWN, False),
    ({"labels": {"client": ["acme"], "tier": ["g*"]}}, FRAUD, True),
    ({"labels": {"client": ["acme"], "tier": ["silver"]}}, FRAUD, False),
    ({"labels": {"country": ["*"]}}, FRAUD, False),
    ({"labels": {"client": ["acme"]}}, DOWN, True),
    ({"labels": {"client": ["other"]}}, DOWN, False),
    # an order, by id or number
    ({"order": ["88"]}, FRAUD, True),
    ({"order": ["ord-0088"]}, FRAUD, True),
    ({"order": ["ORD-00*"]}, FRAUD, True),
    ({"order": ["8"]}, FRAUD, False),
    ({"order": ["88"]}, event(order=order(number=None)), True),
    ({"order": ["*"]}, DOWN, False),
    # from and to, of one move, in the source's words or by meaning
    ({"from": ["pending"]}, FRAUD, True),
    ({"from": ["pending"], "to": ["Fraud"]}, FRAUD, True),
    ({"from": ["active"], "to": ["fraud"]}, FRAUD, False),
    ({"to": ["active"]}, PAID, True),
    ({"to": ["betalt"]}, PAID, True),
    ({"to": ["suspended"]}, ADDED, True),
    ({"from": ["*"]}, event("appeared", was=None), False),
    ({"to": ["*"]}, DOWN, False),
    # kinds
    ({"event": ["status_changed"]}, FRAUD, True),
    ({"event": ["vanished", "source_*"]}, FRAUD, False),
    ({"event": ["vanished", "source_*"]}, DOWN, True),
    # all that is given
    ({"source": ["shop"], "order": ["88"], "to": ["fraud"], "event": ["status_changed"]}, FRAUD, True),
    ({"source": ["shop"], "order": ["89"], "to": ["fraud"]}, FRAUD, False),
]


@pytest.mark.parametrize(("matcher", "happened", "mutes"), MATCHED)
def test_a_silence_mutes_what_matches_all_that_is_given(matcher: dict[str, Any], happened: Event, mutes: bool) -> None:
    routing = routed(happened, silence(**matcher))
    assert (bool(routing.silenced), bool(routing.planned)) == (mutes, not mutes)


def test_each_muted_delivery_is_named_with_its_silence_and_reason() -> None:
    routing = routed(FRAUD, silence(7, source=["shop"]))
    assert silenced(routing) == [
        "fraud: ops (7)",
        "fraud: mail (7)",
        "fraud: mail#2 (7)",
        "all: ops (7)",
        "all: same (7)",
    ]
    assert {one.reason for one in routing.silenced} == {"reason 7"}
    assert routing.muted == {"url-1", "url-2", "url-3"}


def test_of_several_silences_the_oldest_is_named() -> None:
    assert {one.silence for one in routed(FRAUD, silence(3, order=["89"]), silence(4), silence(5)).silenced} == {4}


def test_a_silenced_channel_gets_nothing_and_the_others_all() -> None:
    routing = routed(FRAUD, silence(channel=["mail"]))
    assert (planned(routing), silenced(routing)) == (["fraud: ops"], ["fraud: mail (1)", "fraud: mail#2 (1)"])
    assert planned(routed(DOWN, silence(channel=["ops"]))) == ["health: mail", "health: mail#2"]


def test_a_silenced_route_takes_no_way_from_another_one() -> None:
    """What it would have told is told by the next route that leads there: nobody has silenced that one."""
    routing = routed(FRAUD, silence(route=["fr*"]))
    assert planned(routing) == ["all: ops"]
    assert silenced(routing) == ["fraud: ops (1)", "fraud: mail (1)", "fraud: mail#2 (1)"]
    assert [one.route for one in routing.superseded] == ["all"]
    assert routing.muted == {"url-2", "url-3"}


def test_the_news_of_sources_have_a_route_that_can_be_silenced() -> None:
    assert planned(routed(DOWN, silence(route=["health"]))) == []
    assert planned(routed(DOWN, silence(route=["fraud"]))) == ["health: mail", "health: mail#2"]


def test_the_route_that_ends_the_search_ends_it_when_it_is_silenced_too() -> None:
    router = Router(routes("[{name: one, stop: true}, {name: two}]"), CHANNELS)
    routing = router.route(FRAUD, SEEN, [silence(route=["one"])])
    assert (planned(routing), silenced(routing), routing.stopped_by) == ([], ["one: ops (1)"], "one")


def test_without_silences_routing_says_nothing_of_them() -> None:
    assert b"silenced" not in msgspec.json.encode(routed(FRAUD))


@pytest.mark.parametrize(
    ("at", "active"), [(-1, False), (0, True), (1, True), (3599, True), (3600, False), (3601, False)]
)
def test_a_silence_is_active_from_when_it_was_set_until_its_end(at: int, active: bool) -> None:
    one = Silence(1, Matcher(), SEEN, SEEN + HOUR, "migration")
    assert one.is_active(SEEN + timedelta(seconds=at)) is active


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        (Matcher(), "everything"),
        (Matcher(source=("shop", "blog"), from_=("pending",)), "source shop or blog, from pending"),
        (Matcher(labels={"client": ("acme",)}, channel=("ops",)), "label client acme, channel ops"),
    ],
)
def test_a_matcher_is_said_in_words(matcher: Matcher, words: str) -> None:
    assert str(matcher) == words


_SOME = st.sampled_from([[], ["*"], ["ops"], ["mail"], ["fraud"], ["all"], ["nothing"]])


@given(st.lists(st.tuples(_SOME, _SOME), max_size=3), st.sampled_from([FRAUD, PAID, ADDED, DOWN]))
def test_each_delivery_is_planned_superseded_or_silenced_and_never_two_of_these(
    wanted: list[tuple[list[str], list[str]]], happened: Event
) -> None:
    silences = [silence(number, route=route, channel=channel) for number, (route, channel) in enumerate(wanted, 1)]

    def deliveries(routing: Routing) -> list[tuple[str, str]]:
        kinds = (routing.planned, routing.superseded, routing.silenced)
        return sorted((one.route, str(one.destination)) for found in kinds for one in found)

    routing = routed(happened, *silences)
    assert deliveries(routing) == deliveries(routed(happened))
    told = [one.destination.url for one in routing.planned]
    assert len(told) == len(set(told))
    assert routing.muted.isdisjoint(told)
