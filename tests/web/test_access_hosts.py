"""A page elsewhere whose name was made to lead here (DNS rebinding) learns nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from surfing import Browser, hashed
from web_stage import served

from monitor.web.origins import may_be_asked_as, path_here

OURS = [
    "localhost", "LOCALHOST:8080", "localhost.:80", "127.0.0.1", "127.0.0.1:8080", "127.8.9.1", "[::1]", "[::1]:8080",
    "monitor.example.com", "Monitor.example.com:8443",
]  # fmt: skip
OTHERS = [
    "evil.example.com", "127.0.0.1.evil.example.com", "localhost.evil.example.com", "evil.localhost", "10.0.0.1",
    "0.0.0.0", "[::]", "2130706433", "0x7f.1", "127.1", "localhost@evil.example.com", "evil.example.com/localhost",
    "", " ", ":80", "localhost:99999", "[::1", "localhost#x", "localhost\t", "monitor.example.com.evil.example.com",
]  # fmt: skip


@pytest.mark.parametrize("host", OURS)
def test_names_of_this_machine_are_ours(host: str) -> None:
    assert may_be_asked_as([host], "https://monitor.example.com")


@pytest.mark.parametrize("host", OTHERS)
def test_other_names_are_not(host: str) -> None:
    assert not may_be_asked_as([host], "https://monitor.example.com")


def test_two_names_are_none_and_no_name_is_no_browser() -> None:
    assert not may_be_asked_as(["localhost", "localhost"], None)
    assert may_be_asked_as([], None)


async def test_without_a_password_another_name_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with served(tmp_path, public_url="https://monitor.example.com") as stage, Browser(stage.url) as browser:
        for path in ("/", "/api/v1/sources", "/metrics", "/healthz", "/static/x", "/nothing", "/hooks/shop"):
            refused = await browser.get(path, {"Host": "evil.example.com"})
            assert (refused.status, "web.public_url" in refused.text) == (421, True), path
            assert "shop" not in refused.text
        assert (await browser.post("/silences", headers={"Host": "evil.example.com"})).status == 421
        assert (await browser.get("/", {"Host": "monitor.example.com"})).status == 200


async def test_with_a_password_any_name_will_do(tmp_path: Path) -> None:
    """Cookies are given to one name and sent to no other."""
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        assert (await browser.get("/", {"Host": "shop.example.com"})).status == 303


@pytest.mark.parametrize(
    "wish", ["/", "/events", "/orders?status=fraud&after=1.2", "/orders/shop/%2F%3F", "/orders/a:b/c@d"]
)
def test_after_the_log_in_it_goes_on_to_a_page_here(wish: str) -> None:
    assert path_here(wish) == wish


@pytest.mark.parametrize(
    "wish",
    [
        "", "events", "//evil.example.com", "/\\evil.example.com", "\\\\evil.example.com", "https://evil.example.com",
        "/\t/evil.example.com", "/\n/evil.example.com", " //evil.example.com", "javascript:alert(1)", "/\x00", "/x\\y",
        "/x\r\nSet-Cookie: a=b", "/\u202e", "/login", "/login?next=/login", "/logout", "/stream", "/api/v1/orders",
        "/fragments/sources", "/" + "x" * 3000, "/\ud800",
    ],
)  # fmt: skip
def test_and_nowhere_else(wish: str) -> None:
    assert path_here(wish) == "/"


def test_a_name_that_is_not_ascii_is_quoted() -> None:
    assert path_here("/orders/shop/é€ x") == "/orders/shop/%C3%A9%E2%82%AC%20x"


async def test_the_form_leads_nowhere_else(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        form = await browser.get("/login?next=//evil.example.com")
        assert "evil" not in form.text
        assert (await browser.log_in(after="//evil.example.com")).place == "/"
        assert (await browser.get("/login?next=/%5Cevil.example.com")).place == "/"
