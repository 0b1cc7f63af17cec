"""A mail channel's URL, made of what people write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.notifier import build_mail_url, check_url, kind, recipients
from monitor.notifier.library import Endpoint


def read(url: str) -> Any:
    """What Apprise makes of the URL: its plugin."""
    return Endpoint(url)._plugin


def build(host: str = "mail.example.com", **more: Any) -> str:
    given_: dict[str, Any] = {"sender": "monitor@example.com", "to": "finance@example.com"}
    return build_mail_url(host, **(given_ | more))


@pytest.mark.parametrize(
    ("tls", "mode", "port"), [("none", "insecure", 25), ("starttls", "starttls", 587), ("ssl", "ssl", 465)]
)
def test_each_kind_of_encryption_has_its_port(tls: str, mode: str, port: int) -> None:
    plugin = read(build(tls=tls))
    assert (plugin.secure_mode, plugin.port, plugin.smtp_host) == (mode, port, "mail.example.com")
    assert read(build(tls=tls, port=2525)).port == 2525


def test_encryption_is_the_default() -> None:
    assert read(build()).secure_mode == "starttls"
    assert kind(build()) == "mailtos"


@pytest.mark.parametrize("host", ["smtp.gmail.com", "smtp.office365.com", "smtp.mail.yahoo.com"])
def test_a_big_providers_defaults_do_not_replace_what_was_said(host: str) -> None:
    plugin = read(build(host, tls="ssl", port=4650, user="me@gmail.com", password="secret-pass", sender="me@gmail.com"))
    assert (plugin.smtp_host, plugin.port, plugin.secure_mode) == (host, 4650, "ssl")
    assert (plugin.user, plugin.password) == ("me@gmail.com", "secret-pass")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "mail", "mail.example.com"])
def test_a_host_may_be_a_name_or_an_address(host: str) -> None:
    assert read(build(host)).smtp_host == host.strip("[]")


@pytest.mark.parametrize(
    ("sender", "to", "target"),
    [
        ("monitor@example.com", "finance@example.com", (False, "finance@example.com")),
        (
            "Order Monitor <monitor@example.com>",
            '"Doe, Jane" <finance@example.com>',
            ("Doe, Jane", "finance@example.com"),
        ),
        ("Büro & Söhne <monitor@example.com>", "finance+orders@example.com", (False, "finance+orders@example.com")),
    ],
)
def test_addresses_may_have_names(sender: str, to: str, target: object) -> None:
    url = build(sender=sender, to=to)
    plugin = read(url)
    assert plugin.from_addr[1] == "monitor@example.com"
    assert plugin.targets == [target]
    assert recipients(url) == 1
    check_url(url)


printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1)


@given(printable, printable)
def test_any_user_and_password_survive(user: str, password: str) -> None:
    plugin = read(build(user=user, password=password))
    assert (plugin.user, plugin.password) == (user, password)
    assert (plugin.smtp_host, plugin.targets) == ("mail.example.com", [(False, "finance@example.com")])


@pytest.mark.parametrize(
    "to",
    ["", "finance", "a@example.com, b@example.com", "a@b@c", "a b@example.com", "a@x.com\nBcc: b@x.com"],
)
def test_what_is_not_one_address_is_refused(to: str) -> None:
    """Apprise drops what it does not take for an address, and then sends nothing."""
    with pytest.raises(ValueError, match="to: expected one address, such as"):
        build(to=to)
    with pytest.raises(ValueError, match="from: expected one address, such as"):
        build(sender=to)


def test_a_password_needs_a_user() -> None:
    with pytest.raises(ValueError, match="user: is missing"):
        build(password="x")


@pytest.mark.parametrize("credentials", [{"user": "büro"}, {"user": "monitor", "password": "pässword"}])
def test_what_cannot_be_said_to_a_mail_server_is_refused(credentials: dict[str, str]) -> None:
    """Python's mail library stops there, in the middle of a log-in."""
    with pytest.raises(ValueError, match="other than letters, digits and signs of ASCII") as caught:
        build(**credentials)
    assert "pässword" not in str(caught.value)


@pytest.mark.parametrize("to", ["bö@example.com", "B <b@exämple.com>"])
def test_an_address_that_no_server_takes_is_refused(to: str) -> None:
    """Apprise drops it, and would send nothing."""
    with pytest.raises(ValueError, match="ASCII addresses only"):
        build(to=to)
