"""Secrets: never in an error, masked where settings are shown, and all known to whoever scrubs the logs."""

from __future__ import annotations

import json

import pytest
from config_folder import Folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import Settings, load
from monitor.errors import ConfigError

CANARY = "canary7h3x"

FULL_OF_SECRETS = f"""\
state: sqlite:///x.db
sources:
  shop:
    type: opterius
    url: https://billing.example.com
    token: {CANARY}a
    proxy: http://{CANARY}b:{CANARY}c@proxy.example.com:3128
    headers: {{X-Key: {CANARY}d}}
  envied:
    type: opterius
    url: https://billing.example.com
    token: ${{TOKEN}}
channels:
  ops:
    url:
    - json://{CANARY}e:{CANARY}f@alerts.example.com/{CANARY}g?x={CANARY}h&+X-Key={CANARY}i
    - slack://{CANARY}j/{CANARY}k/{CANARY}l
  filed:
    url_file: url
  mail: {{url: "mailtos://me:{CANARY}m%20x@mail.example.com"}}
"""
ENVIRON = {"TOKEN": f"{CANARY}n", "MONITOR_CHANNELS__MORE__URL": f"json://x.example.com/{CANARY}o"}


@pytest.fixture
def secretive(folder: Folder) -> Folder:
    folder.write(f"json://x.example.com/{CANARY}p\n", "url")
    folder.write(f"{CANARY}q", "secret")
    folder.write(FULL_OF_SECRETS)
    return folder


def _said(folder: Folder, text: str, environ: dict[str, str] | None = None) -> str:
    return "\n".join(folder.problems(text, ENVIRON | (environ or {})))


_VALUES = [
    "'{0}",
    "{0}", "'{0}'", "[{0}]", "{{a: '{0}'}}", "{{{0}: }}", "{{token:{0}}}", "*{0}", "&{0} x", "!{0} x", "!!{0} x",
    "@{0}", "%{0}", "`{0}", "| {0}", "{0}: {0}", "{0}\n\tx", "\t{0}", "postgresql://me:{0}@db.example.com/x",
    "https://me:{0}@x.example.com", "{0}://{0}", "sqlite://{0}", "'{0}\\q'", '"{0}\\q"', '"{0}\\0"', "${{{0}", "a #{0}",
    "{{<<: {0}}}", "- {0}\n    - {0}", "{0}\x07", "{0}.yaml", "../{0}", "'[{0}'", "[*{0}]",
]  # fmt: skip


@pytest.mark.parametrize("value", _VALUES)
def test_no_error_shows_the_value_that_it_refuses(secretive: Folder, value: str) -> None:
    """Each value of the file in turn becomes every kind of nonsense around a secret."""
    written = value.format(CANARY)
    lines = FULL_OF_SECRETS.splitlines()
    for number, line in enumerate(lines):
        key, colon, _ = line.partition(": ")
        if colon:
            said = _said(secretive, "\n".join([*lines[:number], f"{key}: {written}", *lines[number + 1 :]]))
            assert CANARY not in said.replace(f".{CANARY}", ""), said  # a key of a mapping is no value


@pytest.mark.parametrize(
    "more",
    [
        "time_zone: {0}", "locale: {0}", "include: {0}", "include: [{0}, '{0}*']", "log: {{level: {0}, format: {0}}}",
        "health: {{channels: [{0}]}}",
        "routes: [{{name: a, channels: [{0}], when: {{event: {0}, to: [5]}}, stop: {0}}}]",
        "routes: [{{name: '{0}', channels: []}}, {{name: '{0}', channels: []}}]", "routes: {0}", "defaults: {0}",
        "defaults: {{source: {{every: {0}, token_file: {0}}}}}", "x: ${{{0}:x}}", "x: !{0}",
    ],
)  # fmt: skip
def test_no_error_shows_a_value_of_any_other_setting(secretive: Folder, more: str) -> None:
    said = _said(secretive, FULL_OF_SECRETS + more.format(CANARY))
    assert said
    assert CANARY not in said


@pytest.mark.parametrize(
    "name",
    [
        "SOURCES", "SOURCES__SHOP", "SOURCES__SHOP__EVERY", "SOURCES__SHOP__TOKEN_FILE", "SOURCES__SHOP__LABELS",
        "_STATE", "SORCES__SHOP__TOKEN", "CHANNELS__OPS__URL", "HEALTH__CHANNELS", "LOG", "_ROUTES", "_TIME_ZONE",
        "_LOCALE",
    ],
)  # fmt: skip
def test_no_error_shows_the_value_of_a_variable(secretive: Folder, name: str) -> None:
    for value in (
        CANARY,
        f'["{CANARY}"]',
        f'{{"url": "{CANARY}"',
        f"[{CANARY}",
        f'{{"every": "{CANARY}"}}',
        f"x {CANARY}",
    ):
        assert CANARY not in _said(secretive, FULL_OF_SECRETS, {f"MONITOR_{name}": value})


def test_no_error_shows_what_a_secret_file_holds(secretive: Folder) -> None:
    for content in (f"{CANARY} x\ny", f"{CANARY}\xe5".encode("latin-1"), f"{CANARY}\0", "x" * 70000 + CANARY):
        data = content if isinstance(content, bytes) else content.encode()
        (secretive.path / "secret").write_bytes(data)
        said = _said(secretive, FULL_OF_SECRETS.replace(f"token: {CANARY}a", "token_file: secret"))
        assert "sources.shop.token" in said
        assert CANARY not in said


def _loaded(folder: Folder) -> Settings:
    return load(folder.main, ENVIRON)


def test_settings_print_no_secret(secretive: Folder) -> None:
    settings = _loaded(secretive)
    for shown in (repr(settings), str(settings), json.dumps(settings.redacted()), settings.model_dump_json()):
        assert CANARY not in shown


def test_the_redacted_settings_show_the_rest(secretive: Folder) -> None:
    secretive.write(FULL_OF_SECRETS + "routes: [{name: a, channels: [ops], when: {from: x, min_total: {USD: 1.5}}}]\n")
    shown = _loaded(secretive).redacted()
    assert shown["sources"]["shop"]["token"] == "***"
    assert shown["sources"]["shop"]["headers"] == {"X-Key": "***"}
    assert shown["sources"]["shop"]["every"] == "1m"
    assert shown["channels"]["ops"]["url"] == ["***", "***"]
    assert shown["routes"][0]["when"] == {"from": ["x"], "min_total": {"USD": "1.5"}}


def test_every_secret_and_each_part_of_a_url_is_known_as_one(secretive: Folder) -> None:
    secrets = _loaded(secretive).secrets()
    for letter in "abcdefghijklnop":
        assert f"{CANARY}{letter}" in secrets, letter
    assert f"{CANARY}m x" in secrets
    assert f"{CANARY}m%20x" in secrets


def test_hosts_and_ordinary_words_of_urls_are_no_secrets(folder: Folder, good: str) -> None:
    text = good.replace(
        "json://alerts.example.com/", "https://alerts.example.com/services/webhook/orders/abc?format=text"
    )
    assert folder.load(text).secrets() == {
        "made-up-token",
        "https://alerts.example.com/services/webhook/orders/abc?format=text",
    }


# Texts as a file might hold them after an accident: its own lines, moved or indented, and characters special to YAML.
_PIECES = [*FULL_OF_SECRETS.splitlines(), "routes:", "- name: a", "  channels: [ops]", "  when: {event: changed}"]
_PIECES += ["<<: *a", "x-a: &a", "defaults: {source: {every: 1s}}", "include: '*.txt'", "log: {level: INFO}", "- - -"]
_SCRAPS = st.sampled_from(
    [*":{}[]&*!|>'\"%@`#,?-~$\t\n ", "${", "$$", "${X:-", "}", "0x1F", "1e9", ".nan", "\x00", "\ufeff", "\u2028"]
)
_LINE = st.one_of(st.sampled_from(_PIECES), st.text(max_size=12), st.lists(_SCRAPS, max_size=8).map("".join))


@st.composite
def _accidents(draw: st.DrawFn) -> str:
    lines = FULL_OF_SECRETS.splitlines()
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + draw(st.integers(0, 2))] = [" " * draw(st.integers(0, 6)) + draw(_LINE).lstrip()]
    text = "\n".join(lines)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(_SCRAPS) + text[at + draw(st.integers(0, 3)) :]
    return text


_FUZZ = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _settles(folder: Folder, content: bytes, environ: dict[str, str] | None = None) -> None:
    """Anything but settings or an error with places and without secrets fails."""
    folder.main.write_bytes(content)
    outcome = _outcome(folder, ENVIRON | (environ or {}))
    if isinstance(outcome, ConfigError):
        assert outcome.problems
        for problem in outcome.problems:
            assert problem.where
            assert problem.text
            assert CANARY not in problem.text


def _outcome(folder: Folder, environ: dict[str, str]) -> Settings | ConfigError:
    try:
        return load(folder.main, environ)
    except ConfigError as error:
        return error


@_FUZZ
@given(text=_accidents())
def test_an_accident_gives_settings_or_errors_and_nothing_else(secretive: Folder, text: str) -> None:
    _settles(secretive, text.encode(errors="replace"))


@_FUZZ
@given(lines=st.lists(_LINE, max_size=12))
def test_any_lines_give_settings_or_errors_and_nothing_else(secretive: Folder, lines: list[str]) -> None:
    _settles(secretive, "\n".join(lines).encode(errors="replace"))


@_FUZZ
@given(content=st.binary(max_size=60))
def test_any_bytes_give_settings_or_errors_and_nothing_else(secretive: Folder, content: bytes) -> None:
    _settles(secretive, content)


_PARTS = ["SOURCES", "SHOP", "TOKEN", "CHANNELS", "OPS", "URL", "0", "", "LABELS", "ROUTES", "_"]
_JSON = ["[]", "{}", '{"a": [1]}', "null", "[[]]", '[{"a": null}]']


@_FUZZ
@given(
    path=st.lists(st.sampled_from(_PARTS), max_size=5),
    value=st.one_of(st.text(max_size=20), st.sampled_from(_JSON)),
)
def test_any_variable_gives_settings_or_errors_and_nothing_else(secretive: Folder, path: list[str], value: str) -> None:
    name = "MONITOR_" + "__".join(["", *path] if len(path) < 2 else path)
    _settles(secretive, FULL_OF_SECRETS.encode(), {name: value})


def test_each_line_can_go_missing(secretive: Folder) -> None:
    lines = FULL_OF_SECRETS.splitlines()
    for gone in range(len(lines)):
        _settles(secretive, "\n".join(lines[:gone] + lines[gone + 1 :]).encode())
