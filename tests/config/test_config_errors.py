"""Every error at its place, all at once, in words that say what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from config_folder import EXPECTED_TYPE, Folder
from pydantic_core import ErrorDetails

from monitor.config import Settings
from monitor.config.nodes import Mark, Node, Origin
from monitor.config.words import words

BAD = """\
sources:
  shop:
    typ: opterius
    url: 5
    token: [x]
    every: 1ms
    down_after: 0
    labels: [x]
    timeout: 5
    headers: {a: }
    headers_file: x
    client_key_file: key.pem
  Bad: {type: foo, url: 'https://u:p@x', token: "1 2"}
  worse: {type: opterius, token: [x], statuses: {x: actve}, tokn: 5}
  empty:
channels:
  ops: {url: foo}
  none: {url: []}
  file: {url_file: nope}
health: {channels: [opps]}
routes:
- name: a
  channels: [ops, oops]
  when: {fro: a, event: status_chnged, not: {too: x}, min_total: {usd: 1, USD: x, EUR: .nan, SEK: -1}}
- name: a
  channels: []
  stop: maybe
- channels: ops
- 7
log: {level: LOUD, format: jason}
time_zone: Europe/Stokholm
locale: xx
statee: 3
state: mysql:///x
"""


def test_every_error_is_reported_at_its_place_in_one_go(folder: Folder) -> None:
    folder.write("key", "key.pem")
    assert [line.removeprefix("monitor.yaml:") for line in folder.problems(BAD)] == [
        "3:5: sources.shop.typ: unknown key, did you mean type?",
        f"3:5: sources.shop.type: required, but missing, {EXPECTED_TYPE}",
        "4:10: sources.shop.url: expected text: put the value in quotes",
        "6:12: sources.shop.every: must be at least 1s",
        "7:17: sources.shop.down_after: must be at least 1",
        "8:13: sources.shop.labels: expected keys and values, as in key: value",
        "9:14: sources.shop.timeout: expected a duration such as 90s, 5m, 1h or 2d",
        "10:18: sources.shop.headers.a: expected text, but there is nothing",
        "11:5: sources.shop.headers_file: unknown key, did you mean headers?",
        "12:22: sources.shop.client_key_file: client_key_file needs client_cert beside it",
        "13:3: sources.Bad: a name holds lower-case letters, digits and _, and starts with a letter",
        f"13:15: sources.Bad.type: {EXPECTED_TYPE}",
        "13:25: sources.Bad.url: must hold no user or password: credentials have keys of their own",
        "14:10: sources.worse.url: required, but missing",
        "14:34: sources.worse.token: expected text",
        "14:53: sources.worse.statuses.x: expected one of pending, active, fraud, cancelled, completed, failed, "
        "suspended, refunded, expired; did you mean active?",
        "14:61: sources.worse.tokn: unknown key, did you mean token?",
        "15:9: sources.empty: expected keys and values, as in key: value, but there is nothing",
        "17:14: channels.ops.url: expected an Apprise URL such as json://alerts.example.com, or a webhook's address",
        "18:15: channels.none.url: must not be empty",
        "19:20: channels.file.url_file: there is no such file",
        "20:21: health.channels[0]: unknown channel, did you mean ops?",
        "23:19: routes[0].channels[1]: unknown channel, did you mean ops?",
        "24:10: routes[0].when.fro: unknown key, did you mean from?",
        "24:25: routes[0].when.event: expected one of appeared, status_changed, changed, invoice_changed, "
        "service_changed, vanished, reappeared, stuck, absent, spike; did you mean status_changed?",
        "24:46: routes[0].when.not.too: unknown key, did you mean to?",
        "24:67: routes[0].when.min_total.usd: expected a currency code such as USD",
        "24:80: routes[0].when.min_total.USD: expected a number",
        "24:88: routes[0].when.min_total.EUR: expected a number",
        "24:99: routes[0].when.min_total.SEK: must be at least 0",
        "25:9: routes[1].name: this name is taken, the first stands at monitor.yaml:22:9",
        "26:13: routes[1].channels: must not be empty",
        "27:9: routes[1].stop: expected true or false",
        "28:3: routes[2].name: required, but missing",
        "28:13: routes[2].channels: expected a list, as in [first, second]",
        "29:3: routes[3]: expected keys and values, as in key: value",
        "30:14: log.level: expected one of debug, info, warning, error, critical",
        "30:28: log.format: expected one of auto, text, json; did you mean json?",
        "31:12: time_zone: unknown time zone, did you mean Europe/Stockholm?",
        "32:9: locale: unknown locale, expected one such as en, sv or en_GB",
        "33:1: statee: unknown key, did you mean state?",
        "34:8: state: expected sqlite:///file.db, with four slashes before an absolute path, and a file that lasts;"
        " or postgresql://user@host/database",
    ]


def test_one_misspelt_key_reads_like_the_promise(folder: Folder, good: str) -> None:
    problems = folder.problems(good.replace("    token:", "    timeut: 5s\n    token:"))
    assert problems == ["monitor.yaml:5:5: sources.shop.timeut: unknown key, did you mean timeout?"]


def test_a_client_key_without_certificate_is_one_error(folder: Folder, good: str) -> None:
    folder.write("made-up key", "key.pem")
    assert folder.problems(good.replace("channels:", "    client_key_file: key.pem\nchannels:")) == [
        "monitor.yaml:6:22: sources.shop.client_key_file: client_key_file needs client_cert beside it"
    ]


def test_a_text_of_pydantic_that_nobody_has_read_is_not_shown() -> None:
    """It may quote the value, as that of an unknown union tag does."""
    error: ErrorDetails = {"type": "union_tag_invalid", "loc": (), "msg": "Input tag 'hunter22'", "input": ""}
    node = Node("hunter22", Mark(Origin("x", Path(), 1), 1, 1, "x"))
    assert words(error, node) == "is not valid here"


def test_a_key_that_may_be_a_value_is_not_shown(folder: Folder, good: str) -> None:
    """``{token:abc}`` lacks its blank: the whole of it is a key."""
    problems = folder.problems(good.replace("url: json", "url: [json").replace("com/", "com/]") + "log: {level:info}\n")
    assert problems == ["monitor.yaml:9:7: log.(odd key): unknown key: a blank must follow the colon"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log: {}\n", ["1:1: channels: no channel: messages would go nowhere", "1:1: sources: no source: there is"]),
        ("sources: {}\nchannels:\n", ["1:1: sources: no source", "2:1: channels: no channel", "2:10: channels: exp"]),
    ],
)
def test_no_sources_or_no_channels_is_an_error(folder: Folder, text: str, expected: list[str]) -> None:
    problems = folder.problems(text)
    assert len(problems) == len(expected)
    for problem, start in zip(problems, expected, strict=True):
        assert problem.startswith(f"monitor.yaml:{start}")


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm", "America/Argentina/Ushuaia"])
def test_known_time_zones_load(folder: Folder, good: str, zone: str) -> None:
    assert folder.load(good + f"time_zone: {zone}\n").time_zone == zone


@pytest.mark.parametrize("zone", ["''", "Europe", "../etc/passwd", "/etc/passwd", '"a\\0b"', "x" * 5000, "utc", "é"])
def test_other_time_zones_do_not(folder: Folder, good: str, zone: str) -> None:
    assert ": time_zone: unknown time zone" in folder.problems(good + f"time_zone: {zone}\n")[0]


@pytest.mark.parametrize(("written", "locale"), [("sv", "sv"), ("sv-SE", "sv_SE"), ("zh_Hant_TW", "zh_Hant_TW")])
def test_known_locales_load(folder: Folder, good: str, written: str, locale: str) -> None:
    assert folder.load(good + f"locale: {written}\n").locale == locale


@pytest.mark.parametrize("locale", ["''", "xx", "en_XX", "../x", "e", "'-'"])
def test_other_locales_do_not(folder: Folder, good: str, locale: str) -> None:
    assert ": locale: unknown locale" in folder.problems(good + f"locale: {locale}\n")[0]


@pytest.mark.parametrize(
    "state", ["sqlite://x.db", "sqlite:///", "'sqlite:///:memory:'", "sqlite:///x.db?mode=ro", "5"]
)
def test_other_states_are_refused(folder: Folder, good: str, state: str) -> None:
    assert "monitor.yaml:9:8: state: expected" in folder.problems(good + f"state: {state}\n")[0]


@pytest.mark.parametrize("duration", ["1h30m", "90s", "1.5h", "2d", "1w"])
def test_durations_load(folder: Folder, good: str, duration: str) -> None:
    assert folder.problems(good.replace("channels:", f"    every: {duration}\nchannels:")) == []


@pytest.mark.parametrize("duration", ["90", "1x", "-5s", "5 minutes", "9" * 400 + "d", "", "[1s]", "1e999999d"])
def test_other_durations_do_not(folder: Folder, good: str, duration: str) -> None:
    (problem,) = folder.problems(good.replace("channels:", f"    every: {duration}\nchannels:"))
    assert "sources.shop.every: " in problem
    assert "duration" in problem


def _two_problems(settings: Settings) -> Iterator[tuple[tuple[str | int, ...], str]]:
    yield ("channels", "ops", "url"), f"one of {len(settings.channels)} is not understood"
    for number, route in enumerate(settings.routes):
        yield ("routes", number, "title"), f"template of {route.name} does not compile"


def test_the_callers_checks_are_reported_with_the_rest_and_in_order(folder: Folder, good: str) -> None:
    """They run on what can be built: the faulty source and the faulty route are left out."""
    text = (
        good.replace("    token:", "    tokn: x\n    token:")
        + "  bad: {url: nonsense}\nroutes:\n- {nme: x, channels: [ops]}\n- {name: y, channels: [op], title: '{{'}\n"
    )
    assert folder.problems(text, checks=[_two_problems]) == [
        "monitor.yaml:5:5: sources.shop.tokn: unknown key, did you mean token?",
        "monitor.yaml:9:10: channels.ops.url: one of 1 is not understood",
        "monitor.yaml:10:14: channels.bad.url: expected an Apprise URL such as json://alerts.example.com, "
        "or a webhook's address",
        "monitor.yaml:12:3: routes[0].name: required, but missing",
        "monitor.yaml:12:4: routes[0].nme: unknown key, did you mean name?",
        "monitor.yaml:13:24: routes[1].channels[0]: unknown channel, did you mean ops?",
        "monitor.yaml:13:36: routes[1].title: template of y does not compile",
    ]


def test_the_callers_checks_alone_are_enough_to_refuse(folder: Folder, good: str) -> None:
    assert folder.problems(good, checks=[_two_problems]) == [
        "monitor.yaml:8:10: channels.ops.url: one of 1 is not understood"
    ]


def test_a_good_file_has_the_documented_defaults(folder: Folder, good: str) -> None:
    settings = folder.load(good)
    shop = settings.sources["shop"]
    assert (shop.every.total_seconds(), shop.timeout.total_seconds(), shop.down_after) == (60, 10, 3)
    assert (settings.time_zone, settings.locale, settings.log.level, settings.log.format) == (
        "UTC",
        "en",
        "info",
        "auto",
    )
    assert settings.routes == []
    assert settings.health_channels == ("ops",)
    assert settings.state_file == folder.path / "order-monitor.db"


def test_health_news_can_be_silenced(folder: Folder, good: str) -> None:
    assert folder.load(good + "health: {channels: []}\n").health_channels == ()


def test_health_channels_can_be_chosen(folder: Folder, good: str) -> None:
    text = good + "  more: {url: json://more.example.com}\nhealth: {channels: [more]}\n"
    assert folder.load(text).health_channels == ("more",)


def test_log_levels_are_read_in_any_case(folder: Folder, good: str) -> None:
    assert folder.load(good + "log: {level: WARNING, format: JSON}\n").log.level == "warning"
