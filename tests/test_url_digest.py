"""A channel's URL is known again by its digest, whatever becomes of its secrets."""

from __future__ import annotations

import pytest

from monitor.redact import url_digest, url_keys

MAIL = "mailtos://monitor:one@mail.example.com:587/alerts?to=ops@example.com&mode=starttls"


def test_a_digest_is_sixteen_hex_digits() -> None:
    assert len(url_digest(MAIL)) == 16
    assert int(url_digest(MAIL), 16) >= 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (MAIL, MAIL.replace(":one@", ":another@")),
        ("json://ops:a/b@c@example.com/x", "json://ops:two@example.com/x"),
        ("json://ops:a/b@example.com/x", "json://ops:c/d@example.com/x"),
        *(
            (f"json://example.com/x?a=1&{key}=one", f"json://example.com/x?a=1&{key}=two")
            for key in (
                "+Authorization",
                "%2BX-Tenant",
                "-q",
                "pass",
                "smtp_pwd",
                "client_secret",
                "TOKEN",
                "apikey",
                "oauth",
            )
        ),
    ],
)
def test_another_password_or_key_leaves_the_digest(before: str, after: str) -> None:
    assert url_digest(before) == url_digest(after)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace("mailtos", "mailto"),
        MAIL.replace("monitor", "robot"),
        MAIL.replace("mail.example.com", "mx.example.com"),
        MAIL.replace("587", "465"),
        MAIL.replace("/alerts", "/news"),
        MAIL.replace("ops@example.com", "dev@example.com"),
    ],
)
def test_another_address_is_another_digest(other: str) -> None:
    assert url_digest(other) != url_digest(MAIL)


def test_a_webhooks_path_is_part_of_it_also_after_a_port_and_with_an_at() -> None:
    urls = [f"json://example.com:8080/{path}" for path in ("T1/B1/one", "T1/B1/two", "@one", "@two")]
    assert len({url_digest(url) for url in urls}) == 4


def test_equal_urls_of_two_channels_have_one_key() -> None:
    assert url_keys({"ops": [MAIL], "finance": ["json://example.com", MAIL]}) == {
        "ops": [url_digest(MAIL)],
        "finance": [url_digest("json://example.com"), url_digest(MAIL)],
    }


def test_urls_that_differ_in_a_header_only_are_two() -> None:
    """Two tenants of one host: what is for both must reach both."""
    one, two = "json://example.com/?+X-Tenant=one", "json://example.com/?+X-Tenant=two"
    keys = url_keys({"ops": [one], "finance": [two], "both": [two, one]})
    assert keys["ops"] == [url_digest(one)]
    assert keys["finance"] != keys["ops"]
    assert keys["both"] == [*keys["finance"], *keys["ops"]]
