"""Fallbacks, fire drills and heartbeats in the configuration."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from config_folder import GOOD, Folder

SOURCE = "sources: {shop: {type: opterius, url: 'https://billing.example.com', token: made-up}}\n"
URL = "url: 'json://alerts.example.com'"
PING = "https://hc.example.com/ping/4f1ac9d2-made-up"


def _channels(**fallbacks: str) -> str:
    named = (f"  {name}: {{{URL}, fallback: {other}}}\n" for name, other in fallbacks.items())
    return f"{SOURCE}channels:\n  end: {{{URL}}}\n{''.join(named)}"


def test_a_chain_of_fallbacks_is_fine(folder: Folder) -> None:
    settings = folder.load(_channels(ops="mail", mail="pager", pager="end"))
    assert [settings.channels[name].fallback for name in ("ops", "mail", "pager", "end")] == [
        "mail",
        "pager",
        "end",
        None,
    ]


@pytest.mark.parametrize(
    ("fallbacks", "problem"),
    [
        ({"ops": "ops"}, "this is the channel itself, expected the name of another under channels"),
        ({"ops": "mail", "mail": "ops"}, "leads in a ring: ops → mail → ops, expected the name of another"),
        ({"ops": "a", "a": "b", "b": "ops"}, "leads in a ring: ops → a → b → ops, expected the name of another"),
        ({"ops": "ennd"}, "unknown channel, did you mean end?"),
    ],
)
def test_a_fallback_that_leads_nowhere_is_refused(folder: Folder, fallbacks: dict[str, str], problem: str) -> None:
    said = folder.problems(_channels(**fallbacks))
    assert len(said) == 1
    assert said[0].startswith(f"monitor.yaml:4:53: channels.ops.fallback: {problem}")


def test_a_way_into_a_ring_is_not_the_ring(folder: Folder) -> None:
    assert [problem.split(": ")[1] for problem in folder.problems(_channels(ops="a", a="b", b="a"))] == [
        "channels.a.fallback"
    ]


def test_one_channel_may_be_the_fallback_of_all_others_by_default(folder: Folder) -> None:
    defaults = "defaults: {channel: {fallback: end}}\n"
    channels = f"channels: {{ops: {{{URL}}}, end: {{{URL}, fallback: null}}}}"
    settings = folder.load(f"{SOURCE}{defaults}{channels}")
    assert (settings.channels["ops"].fallback, settings.channels["end"].fallback) == ("end", None)
    assert folder.problems(f"{SOURCE}{defaults}channels: {{ops: {{{URL}}}, end: {{{URL}}}}}")


def test_drills_are_held_daily_or_weekly(folder: Folder) -> None:
    daily = folder.load(f"{GOOD}drill: {{channels: [ops], daily: '9:05'}}").drill
    assert daily is not None
    assert (daily.daily, daily.weekly) == (time(9, 5), None)
    weekly = folder.load(f"{GOOD}drill: {{channels: [ops], weekly: Mon 09:00}}").drill
    assert weekly is not None
    assert weekly.weekly == "mon 09:00"


@pytest.mark.parametrize(
    ("drill", "problem"),
    [
        ("{channels: [ops]}", "drill: expected either daily or weekly"),
        ("{channels: [ops], daily: '25:00'}", "drill.daily: expected a time of day"),
        ("{channels: [], daily: '09:00'}", "drill.channels: "),
        ("{channels: [opps], daily: '09:00'}", "drill.channels[0]: unknown channel, did you mean ops?"),
        ("{daily: '09:00'}", "drill.channels: "),
    ],
)
def test_a_drill_that_cannot_be_held_is_refused(folder: Folder, drill: str, problem: str) -> None:
    said = folder.problems(f"{GOOD}drill: {drill}")
    assert len(said) == 1
    assert f": {problem}" in said[0]


def test_no_source_and_no_route_is_called_as_drills_are(folder: Folder) -> None:
    said = folder.problems(f"{GOOD.replace('shop:', 'drill:')}routes: [{{name: drill, channels: [ops]}}]")
    assert [problem.split(": ", 1)[1] for problem in said] == [
        "sources.drill: drill is the source of fire drills: take another name",
        "routes[0].name: drill is the route of fire drills: take another name",
    ]


def test_heartbeats_are_of_all_and_of_a_source_and_their_addresses_are_secrets(folder: Folder) -> None:
    folder.write(f"{PING}-too\n", "address")
    own = GOOD.replace("    token:", "    heartbeat: {url_file: address, every: 90s}\n    token:")
    settings = folder.load(f"{own}heartbeat: {{url: {PING}}}")
    assert settings.heartbeat is not None
    assert settings.heartbeat.every == timedelta(minutes=5)
    shop = settings.sources["shop"].heartbeat
    assert shop is not None
    assert (shop.url.get_secret_value(), shop.every) == (f"{PING}-too", timedelta(seconds=90))
    assert {PING, f"{PING}-too"} <= settings.secrets()
    assert "made-up" not in str(settings.redacted())


@pytest.mark.parametrize("url", ["hc.example.com/ping", "ftp://hc.example.com/x", "https://me:pass@hc.example.com/x"])
def test_a_heartbeat_needs_a_web_address(folder: Folder, url: str) -> None:
    said = folder.problems(f"{GOOD}heartbeat: {{url: '{url}'}}")
    assert len(said) == 1
    assert "heartbeat.url: expected a web address such as https://hc.example.com/ping/abc" in said[0]
    assert "pass@" not in said[0]


def test_a_heartbeat_is_no_stress_test(folder: Folder) -> None:
    assert "heartbeat.every" in folder.problems(f"{GOOD}heartbeat: {{url: '{PING}', every: 1s}}")[0]
