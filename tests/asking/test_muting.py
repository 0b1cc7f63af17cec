"""A silence that is asked for: everything that is wrong with it at once, each beside its field; or what to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitor.alerting.silences import Matcher
from monitor.asking.muting import Configured, Draft, Fault, Hints, Wish, draft, read_labels
from monitor.redact import Redactor

NOW = datetime(2026, 12, 1, 11, 0, tzinfo=UTC)
LABELS = {"shop": {"client": "Acme"}, "hosting": {}}
CONFIGURED = Configured(LABELS, ["fraud"], ["ops_slack", "mail"], ZoneInfo("Europe/Stockholm"))
HINTS = Hints("Say what", "Say that you mean it")
SHOP = Matcher(source=("shop",))


def asked(
    matcher: Matcher = SHOP, span: str | None = "2h", until: str | None = None, **more: Any
) -> Draft | list[Fault]:
    wish = Wish(matcher, span, until, more.pop("reason", "migration"), **more)
    return draft(wish, CONFIGURED, HINTS, Redactor(["s3cret-token"]), NOW)


def test_what_makes_sense_becomes_a_draft() -> None:
    made = asked(reason="  the\nmigration ", by=" Ada ")
    assert made == Draft(SHOP, NOW + timedelta(hours=2), "the migration", "Ada")


@pytest.mark.parametrize(
    ("until", "utc"),
    [
        ("2026-12-01 13:30", "2026-12-01T12:30+00:00"),
        ("2026-12-01T13:30", "2026-12-01T12:30+00:00"),
        ("2026-12-01T13:30Z", "2026-12-01T13:30+00:00"),
    ],
)
def test_a_time_is_in_the_configurations_zone_unless_it_names_its_own(until: str, utc: str) -> None:
    made = asked(span=None, until=until)
    assert isinstance(made, Draft)
    assert made.until == datetime.fromisoformat(utc)


FAULTS: list[tuple[dict[str, Any], Fault]] = [
    ({"matcher": Matcher()}, Fault("matcher", "", "of what? Say what")),
    ({"everything": True}, Fault("all", "", "is everything, not only source shop: leave one of them out")),
    ({"matcher": Matcher(source=("shpo",))}, Fault("source", "shpo", "there is no such source, did you mean shop?")),
    ({"matcher": Matcher(route=("x",))}, Fault("route", "x", "there is no such route: there are fraud, health")),
    ({"matcher": Matcher(channel=("male",))}, Fault("channel", "male", "there is no such channel, did you mean mail?")),
    ({"matcher": Matcher(event=("stick",))}, Fault("event", "stick", "there is no such event, did you mean stuck?")),
    ({"matcher": Matcher(order=("1", ""))}, Fault("order", "", "is empty")),
    ({"matcher": Matcher(from_=(" ",))}, Fault("from", "", "is empty")),
    (
        {"matcher": Matcher(labels={"cleint": ("a",)})},
        Fault("labels", "cleint", "no source has such a label, did you mean client?"),
    ),
    (
        {"matcher": Matcher(labels={"client": ("Acne",)})},
        Fault("labels", "client=Acne", "no source is labelled so, did you mean Acme?"),
    ),
    ({"matcher": Matcher(labels={"client": ()})}, Fault("labels", "client", "is empty")),
    ({"span": None}, Fault("for", "", "say until when, by one of: for how long, or until")),
    ({"until": "2027-01-01"}, Fault("for", "", "say until when, by one of: for how long, or until")),
    ({"span": "2"}, Fault("for", "2", "expected a duration such as 90s, 5m, 1h or 2d")),
    ({"span": "0s"}, Fault("for", "0s", "is over already: it is 2026-12-01 12:00:00 CET")),
    ({"span": "31d"}, Fault("for", "31d", "is longer than 30d: Say that you mean it")),
    ({"span": "9999999d", "long": True}, Fault("for", "9999999d", "is too far ahead")),
    ({"span": None, "until": "soon"}, Fault("until", "soon", "expected a time such as '2026-12-01 08:00'")),
    ({"span": None, "until": ""}, Fault("until", "", "expected a time such as '2026-12-01 08:00'")),
    (
        {"span": None, "until": "2026-12-01 12:00"},
        Fault("until", "2026-12-01 12:00", "is over already: it is 2026-12-01 12:00:00 CET"),
    ),
    ({"span": None, "until": "0001-01-01"}, Fault("until", "0001-01-01", "is too far ahead")),
    ({"reason": " "}, Fault("reason", "", "is empty: say why, for whoever wonders")),
    ({"reason": "x" * 201}, Fault("reason", "", "is longer than 200 characters")),
    ({"by": "x" * 201}, Fault("by", "", "is longer than 200 characters")),
]  # fmt: skip


@pytest.mark.parametrize(("wish", "fault"), FAULTS)
def test_what_cannot_be_meant_is_named_with_its_field(wish: dict[str, Any], fault: Fault) -> None:
    assert asked(**wish) == [fault]


def test_all_faults_are_named_at_once() -> None:
    faults = asked(Matcher(source=("shpo",), route=("frued",), labels={"cleint": ("a",)}), "2", reason="", by="x" * 300)
    assert isinstance(faults, list)
    assert [fault.field for fault in faults] == ["source", "route", "labels", "for", "reason", "by"]


def test_everything_and_what_is_long_can_be_meant() -> None:
    assert isinstance(asked(Matcher(), "30d", everything=True), Draft)
    assert isinstance(asked(Matcher(), "300d", everything=True, long=True), Draft)


def test_patterns_and_the_routes_without_configuration_count() -> None:
    matcher = Matcher(("s*",), {"client": ("ac?e",)}, event=("source_*",), route=("health",), channel=("OPS_*",))
    assert isinstance(asked(matcher), Draft)
    bare = CONFIGURED._replace(routes=[])
    wish = Wish(Matcher(route=("default",)), "1h", None, "x")
    assert isinstance(draft(wish, bare, HINTS, Redactor([]), NOW), Draft)
    assert isinstance(draft(wish, CONFIGURED, HINTS, Redactor([]), NOW), list)


def test_secrets_are_struck_out_of_what_is_kept() -> None:
    made = asked(reason="the new s3cret-token", by="s3cret-token")
    assert isinstance(made, Draft)
    assert (made.reason, made.by) == ("the new ***", "***")


def test_labels_are_read_as_people_type_them() -> None:
    assert read_labels(["client=acme", "client=a=b", "team=x"]) == {"client": ("acme", "a=b"), "team": ("x",)}
    assert read_labels([]) == {}
    assert read_labels(["client=acme", "client", "=x", "x="]) == [
        Fault("labels", wrong, "expected KEY=VALUE") for wrong in ("client", "=x", "x=")
    ]
