"""The section `web`: reachable from elsewhere only with a password, and faults are named where they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
from surfing import hashed

from monitor.config import Settings, load
from monitor.errors import ConfigError
from monitor.web.settings import WebSettings

OPEN = "listen is reachable from elsewhere: set password_file to a hash that `order-monitor password` makes"
REST = """\
sources: {shop: {type: opterius, url: "https://billing.example.com", token: made-up}}
channels: {ops: {url: "json://alerts.example.com/"}}
"""
HERE = ("127.0.0.1:8080", "127.0.0.2:1", "[::1]:8080", "localhost:8080", "127.255.255.254:65535", "127.0.0.1:0")
ELSEWHERE = ("0.0.0.0:8080", "[::]:8080", "192.0.2.7:80", "[2001:db8::1]:8080", "10.0.0.1:8080", "[::ffff:10.0.0.1]:1")


def _load(folder: Path, text: str) -> Settings:
    file = folder / "monitor.yaml"
    file.write_text(f"{text}\n{REST}", encoding="utf-8")
    return load(file, {}, ())


def _web(folder: Path, text: str) -> WebSettings:
    web = _load(folder, text).web
    assert web is not None
    return web


def _problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        _load(folder, text)
    return [str(problem).replace(f"{folder}/", "") for problem in refused.value.problems]


def test_without_the_section_there_is_no_server(tmp_path: Path) -> None:
    assert _load(tmp_path, "").web is None


def test_by_default_it_listens_to_this_machine_alone(tmp_path: Path) -> None:
    web = _web(tmp_path, "web: {}")
    assert (web.listen, web.password, web.token) == ("127.0.0.1:8080", None, None)


@pytest.mark.parametrize("listen", HERE)
def test_on_this_machine_it_needs_no_password(tmp_path: Path, listen: str) -> None:
    assert _web(tmp_path, f"web: {{listen: '{listen}'}}").listen == listen


@pytest.mark.parametrize("listen", ELSEWHERE)
def test_elsewhere_only_with_a_password(tmp_path: Path, listen: str) -> None:
    (problem,) = _problems(tmp_path, f"time_zone: UTC\nweb:\n  listen: '{listen}'\n")
    assert problem == f"monitor.yaml:3:11: web.listen: {OPEN}"
    (tmp_path / "hash").write_text(f"{hashed()}\n")
    assert _web(tmp_path, f"web: {{listen: '{listen}', password_file: hash}}").password


def test_a_token_is_no_password(tmp_path: Path) -> None:
    assert OPEN in _problems(tmp_path, "web: {listen: '0.0.0.0:80', token: sixteen-characters-long}")[0]


@pytest.mark.parametrize(
    "listen",
    ["8080", ":8080", "monitor.example.com:8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
     "127.0.0.1:-1", "*:80", "http://127.0.0.1:80", "127.1:80", "[::1]", "127.0.0.1:8080 x", "127.0.0.1:٨"],
)  # fmt: skip
def test_what_is_no_address_is_refused_where_it_stands(tmp_path: Path, listen: str) -> None:
    (problem,) = _problems(tmp_path, f"web:\n  listen: '{listen}'\n")
    assert problem.startswith("monitor.yaml:2:11: web.listen: expected an address and a port, such as 127.0.0.1:8080")


def test_a_hash_may_stand_in_the_file_itself(tmp_path: Path) -> None:
    password = _web(tmp_path, f"web: {{password: '{hashed()}'}}").password
    assert password
    assert password.get_secret_value() == hashed()


@pytest.mark.parametrize("password", ["hunter22hunter22", "$2b$12$bcrypt", "$argon2id$v=19$m=1,t=1,p=1$canary", "x y"])
def test_a_password_in_place_of_its_hash_is_refused_unseen(tmp_path: Path, password: str) -> None:
    (problem,) = _problems(tmp_path, f"web: {{password: '{password}'}}")
    assert problem.endswith("expected a hash, which `order-monitor password` makes of a password")
    assert password not in problem
    (tmp_path / "hash").write_text(password)
    (problem,) = _problems(tmp_path, "web: {password_file: hash}")
    assert password not in problem


def test_a_short_token_is_refused_unseen(tmp_path: Path) -> None:
    (problem,) = _problems(tmp_path, "web: {token: canary-7}")
    assert problem.endswith("expected at least 16 characters: openssl rand -hex 32")
    assert "canary" not in problem


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("https://monitor.example.com", "https://monitor.example.com"),
        ("https://monitor.example.com/", "https://monitor.example.com"),
        ("http://monitor.example.com:8443", "http://monitor.example.com:8443"),
        ("https://[2001:db8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_where_people_reach_it_is_an_origin(tmp_path: Path, written: str, meant: str) -> None:
    assert _web(tmp_path, f"web: {{public_url: '{written}'}}").public_url == meant


@pytest.mark.parametrize(
    "written",
    ["monitor.example.com", "ftp://monitor.example.com", "https://", "https://me:canary@monitor.example.com",
     "https://x.example.com?a=b", "https://x.example.com#a", "https://x.example.com:99999", "https://[::",
     "https://a b", "https://x.example.com:x", "https://x.example.com/monitor", "https://x.example.com\\\\y"],
)  # fmt: skip
def test_what_is_no_origin_is_refused(tmp_path: Path, written: str) -> None:
    (problem,) = _problems(tmp_path, f"web: {{public_url: '{written}'}}")
    assert "web.public_url" in problem
    assert "canary" not in problem


@pytest.mark.parametrize("session", ["0s", "-1h", "soon"])
def test_a_session_lasts_for_a_while(tmp_path: Path, session: str) -> None:
    assert "web.session" in _problems(tmp_path, f"web: {{session: {session}}}")[0]


def test_hash_and_token_are_secrets_to_all_that_shows_settings(tmp_path: Path) -> None:
    settings = _load(tmp_path, f"web: {{password: '{hashed()}', token: a-made-up-token-canary}}")
    assert {hashed(), "a-made-up-token-canary"} <= settings.secrets()
    shown = f"{settings.redacted()} {settings!r} {settings}"
    assert hashed() not in shown
    assert "canary" not in shown
