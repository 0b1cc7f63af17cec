"""What `init` writes, and what it takes answers for."""

from __future__ import annotations

import os
import re
import tempfile
from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.cli.interview import machine_time_zone, source_url
from monitor.cli.starter import Draft, Mail, Secret, fill_in, scalar
from monitor.config import load

STARTER = (files("monitor.cli") / "starter.yaml").read_text(encoding="utf-8")


@settings(deadline=None)  # it writes files
@given(st.text())
@example("@")
def test_any_text_becomes_yaml_that_means_just_this_text(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "monitor.yaml")
        file.write_text(
            "sources: {shop: {type: opterius, url: 'https://x.example.com', token: t}}\n"
            "channels: {ops: {url: 'json://localhost'}}\n"
            f"routes: [{{name: a, channels: [ops], title: {scalar(text)}}}]",
            encoding="utf-8",
        )
        assert load(file, {}).routes[0].title == text


@pytest.mark.parametrize(
    "text", ["null", "yes", "1e3", "0032", "22:00", "a: b", "a #b", "- x", "${NAME}", "$$", "*a", "", "~", "[x]", "b\n"]
)
def test_what_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert yaml.safe_load(scalar(text).replace("$$", "$")) == text


def test_what_needs_no_quotes_has_none() -> None:
    for text in ("https://billing.example.com:8443/shop", "ops@example.com", "shop_token", "Europe/Stockholm"):
        assert scalar(text) == text


def test_comments_stay_in_line_with_those_of_the_starter_file() -> None:
    filled = fill_in(STARTER, Draft("my", "https://a.example.com", Secret("file", "t"), to=Secret("variable", "URL")))
    columns = {line.index(" # ") for line in filled.splitlines() if re.match(r"\s+\w.* # ", line)}
    assert len(columns) == 1, filled


def test_mail_without_a_user_names_none() -> None:
    mail = Mail("mail.example.com", 25, "none", "a@example.com", ("b@example.com",))
    read = yaml.safe_load(fill_in(STARTER, Draft(to=mail)))
    assert read["channels"]["ops"]["mail"].keys() == {"host", "port", "tls", "from", "to"}


@pytest.mark.parametrize(
    "typed",
    ["billing.example.com", "https://billing.example.com/", "https://BILLING.example.com:443/api/v1/orders?page=2"],
)
def test_an_address_is_taken_as_it_is_meant(typed: str) -> None:
    assert source_url(typed) == "https://billing.example.com"


@pytest.mark.parametrize(
    ("variable", "zone"), [("Europe/Stockholm", "Europe/Stockholm"), (":Asia/Tokyo", "Asia/Tokyo")]
)
def test_the_machines_time_zone_is_guessed(variable: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", variable)
    assert machine_time_zone() == zone


def test_a_time_zone_that_nobody_knows_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "made/up")
    monkeypatch.setattr(os.path, "realpath", lambda path: "/etc/localtime")
    assert machine_time_zone() != "made/up"


def test_secrets_do_not_print() -> None:
    assert "canary" not in repr(Secret("file", "name", "canary")) + repr(Draft(token=Secret("here", "", "canary")))
