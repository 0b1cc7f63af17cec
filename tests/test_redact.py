"""Secrets are found in channel URLs and removed from texts."""

from urllib.parse import quote

import pytest

from monitor.redact import Redactor, secrets_of


def test_every_secret_becomes_a_mask() -> None:
    assert Redactor(["hunter2", "tok-77"]).clean("hunter2 and tok-77, hunter2") == "*** and ***, ***"


def test_longest_secret_goes_first_so_that_no_part_of_it_stays() -> None:
    assert Redactor(["abcd", "abcd-efgh"]).clean("key abcd-efgh") == "key ***"


def test_quoted_and_escaped_forms_are_secret_too() -> None:
    secret = 'p/ä ss"w'
    text = f'{quote(secret)} {quote(secret, safe="").lower()} p/\\u00e4 ss\\"w'
    assert Redactor([secret]).clean(text) == "*** *** ***"


def test_without_secrets_the_text_stays() -> None:
    assert Redactor([""]).clean("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("json://canary_user:canary_pass@example.com/canary_path?canary=canary_query", "canary_user"),
        ("json://canary_user:canary_pass@example.com/canary_path?canary=canary_query", "canary_pass"),
        ("json://canary_user:canary_pass@example.com/canary_path?canary=canary_query", "canary_path"),
        ("json://canary_user:canary_pass@example.com/canary_path?canary=canary_query", "canary_query"),
        ("json://example.com/?+Authorization=Bearer%20canary_token", "canary_token"),
        ("slack://CANARYHOST/BBBBB/CCCCCC", "CANARYHOST"),
        ("https://hooks.slack.com/services/T0000/B0000/canarycanary", "canarycanary"),
        ("tgram://123456789:canary_bot/42", "123456789:canary_bot"),
        ("mailto://user:can%40ary@example.com", "can@ary"),
        ("mailto://user:pa#canary@example.com?to=x@example.com", "pa#canary"),
        ("mailto://u:p@example.com?to=a@example.com,canary@example.com", "canary@example.com"),
        ("not a url but canarycanary", "canarycanary"),
    ],
)
def test_parts_of_a_url_that_open_or_name_something_are_secret(url: str, secret: str) -> None:
    assert secret in secrets_of(url)


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://mail.example.com:587",
        "json://localhost:8080",
        "json://[::1]:8080",
        "https://hooks.slack.com/services",
        "json://192.0.2.1/?format=text&overflow=split",
        "json://example.com/a/bc",
        "json://monitor@example.com/shop/alerts",
    ],
)
def test_hosts_options_and_short_words_are_no_secrets(url: str) -> None:
    assert secrets_of(url) == frozenset()
