"""What opterius is asked, and what its settings may be: one spelling for an address, no secret in a refusal."""

from __future__ import annotations

import pytest
from opterius_rows import SOURCE, TOKEN, URL
from pydantic import ValidationError

from monitor.sources.base import ListQuery
from monitor.sources.opterius import Opterius, OpteriusSettings
from monitor.sources.registry import ADAPTERS


def test_a_request_asks_for_its_part_and_bears_the_token() -> None:
    request = SOURCE.list_request(ListQuery(page=3, size=500, status="pending"))
    assert request.path == "/api/v1/orders"
    assert request.params == (("page", "3"), ("per_page", "100"), ("status", "pending"))
    assert request.headers == {"Authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in repr(request) + repr(SOURCE)


def settings(**values: object) -> OpteriusSettings:
    return OpteriusSettings.model_validate({"type": "opterius", "url": URL, "token": TOKEN, **values})


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://billing.example.com/", "https://billing.example.com"),
        ("HTTPS://Billing.Example.com:443", "https://billing.example.com"),
        ("http://127.0.0.1:8080/shop//", "http://127.0.0.1:8080/shop"),
        (" https://[::1]:8443 ", "https://[::1]:8443"),
    ],
)
def test_one_address_has_one_spelling(written: str, url: str) -> None:
    """The address is part of a source's identity: a slash more is no other source."""
    assert settings(url=written).url == url


@pytest.mark.parametrize(
    "url",
    [
        "billing.example.com",
        "ftp://example.com",
        "https://",
        "https://canary@example.com",
        "https://user:canary@example.com",
        "https://example.com?token=canary",
        "https://example.com/?",
        "https://example.com#canary",
        "https://example.com:canary",
        "https://exa mple.com/canary",
        "https://example.com\\canary",
        "https://canary\n.example.com",
        "https://canary\x00.example.com",
        "https://[::1",
    ],
)
def test_an_unusable_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(url=url)
    assert caught.value.error_count() == 1
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "  ", "two words", "line\nbreak", "tökén"])
def test_a_token_that_no_header_can_hold_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(token=token)
    assert token.strip() == "" or token not in str(caught.value)


def test_a_token_from_a_file_loses_its_line_break() -> None:
    values = {"type": "opterius", "url": URL, "token_file": "/run/secrets/shop_token"}
    read = OpteriusSettings.model_validate(values, context={"read_secret": lambda path: f"{TOKEN}\n"})
    assert read.token.get_secret_value() == TOKEN


def test_the_registry_makes_the_adapter_from_its_settings() -> None:
    entry = ADAPTERS["opterius"]
    assert entry.settings is OpteriusSettings
    made = entry.make(settings())
    assert isinstance(made, Opterius)
    assert made.identity == SOURCE.identity
