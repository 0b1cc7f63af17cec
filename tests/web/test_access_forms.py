"""Nothing is done in somebody's name that was not asked for on a page of ours, shown to the same person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from surfing import TOKEN, Browser, hashed
from web_stage import WebStage, served

POLL = "/sources/shop/poll"


@asynccontextmanager
async def shown(folder: Path, **web_: Any) -> AsyncIterator[tuple[WebStage, Browser]]:
    """A page that needs no log-in, and somebody who has it open."""
    async with served(folder, **web_) as stage, Browser(stage.url) as browser:
        await browser.get("/silences")
        yield stage, browser


async def _forged(browser: Browser, token: str) -> int:
    return (await browser.post(POLL, {"csrf": token})).status


async def test_a_form_of_ours_does_what_it_says(tmp_path: Path) -> None:
    async with shown(tmp_path) as (_, browser):
        assert (await browser.post(POLL)).status < 400
        assert (await browser.ask("POST", POLL, headers={"X-CSRF-Token": browser.token})).status < 400


@pytest.mark.parametrize("password", [None, hashed()], ids=["open", "locked"])
async def test_a_form_without_the_token_of_this_browser_does_nothing(tmp_path: Path, password: str | None) -> None:
    web_: dict[str, Any] = {"password": password} if password else {}
    async with served(tmp_path, **web_) as stage, Browser(stage.url) as browser, Browser(stage.url) as other:
        for who in (browser, other):
            await who.log_in() if password else None
            await who.get("/silences")
        for token in ("", "x", "ÿ", other.token, browser.token[:-1]):
            assert await _forged(browser, token) == 403, token
        assert (await browser.ask("POST", POLL)).status == 403
        assert await _forged(browser, browser.token) < 400


async def test_a_browser_without_its_cookie_has_no_token(tmp_path: Path) -> None:
    async with shown(tmp_path) as (stage, browser), Browser(stage.url) as other:
        assert await _forged(other, browser.token) == 403
        assert await _forged(other, "") == 403


async def test_a_token_from_before_the_log_in_is_worth_nothing_after_it(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        await browser.get("/login")
        before = browser.token
        await browser.log_in()
        assert await _forged(browser, before) == 403


async def test_the_log_in_itself_needs_a_form_of_ours(tmp_path: Path) -> None:
    """Else any page could make a visitor's address one that has to wait."""
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        answer = await browser.post("/login", {"password": "x"})
        assert answer.status == 403
        assert "password" not in answer.text


async def test_a_second_page_leaves_the_first_one_its_token(tmp_path: Path) -> None:
    async with shown(tmp_path) as (_, browser):
        first = browser.token
        await browser.get("/")
        assert await _forged(browser, first) < 400


async def test_a_form_that_is_no_form_is_refused(tmp_path: Path) -> None:
    async with shown(tmp_path) as (_, browser):
        fields = f"csrf={browser.token}".encode()
        for kind in (
            "text/plain", "application/json", "multipart/form-data; boundary=x", "multipart/form-data",
            "application/x-www-form-urlencoded; charset=utf-7", "application/x-www-form-urlencoded; charset=nonsense",
        ):  # fmt: skip
            assert (await browser.ask("POST", POLL, fields, {"Content-Type": kind})).status == 403, kind
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for body in (b"\xff\xfe=\x00", b"csrf=%", b"csrf=%ff%00", b"&&&==" * 1000, b"csrf"):
            assert (await browser.ask("POST", POLL, body, form)).status in (400, 403, 413), body
        assert (await browser.ask("POST", POLL, fields, form | {"Content-Encoding": "gzip"})).status == 400


OURS: list[dict[str, str]] = [
    {"Origin": "http://{host}"},
    {"Origin": "https://{host}"},
    {"Origin": "http://monitor.example.com"},
    {"Origin": "http://monitor.example.com:80", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]
THEIRS: list[dict[str, str]] = [
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://evil.example.com"},
    {"Origin": "https://monitor.example.com"},
    {"Origin": "http://monitor.example.com.evil.example.com"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "http://[::"},
    {"Origin": "http://{host}", "Sec-Fetch-Site": "same-site"},
    {"Origin": "http://{host}", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
]


async def test_what_the_browser_says_of_where_it_was_asked_is_believed(tmp_path: Path) -> None:
    async with shown(tmp_path, public_url="http://monitor.example.com") as (stage, browser):
        for said in OURS + THEIRS:
            host = stage.url.removeprefix("http://")
            headers = {name: value.replace("{host}", host) for name, value in said.items()}
            assert ((await browser.post(POLL, headers=headers)).status == 403) == (said in THEIRS), said


async def test_the_api_needs_the_token_of_a_form_too_unless_it_is_asked_with_the_other_one(tmp_path: Path) -> None:
    async with shown(tmp_path) as (_, browser):
        assert (await browser.ask("POST", "/api/v1/sources/shop/poll")).status == 403
        assert (await browser.ask("DELETE", "/api/v1/silences/1")).status in (403, 405)
    async with served(tmp_path, token=TOKEN) as stage, Browser(stage.url) as machine:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert (await machine.ask("POST", "/api/v1/sources/shop/poll", headers=bearer)).status < 300


async def test_hints_need_no_token_of_a_form(tmp_path: Path) -> None:
    """Systems that send them have no page; their signature is proof enough."""
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as sender:
        answer = await sender.ask("POST", "/hooks/shop", b"{}")
        assert (answer.status, "Load it again" in answer.text) in ((401, False), (403, False), (404, False))


async def test_who_follows_a_link_from_elsewhere_is_who_it_is(tmp_path: Path) -> None:
    """No cookie is sent with such a link: the browser is let ask once more by itself, and once only."""
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        again = await browser.get("/orders?a=1&b=%22%3E", link)
        assert again.status == 200
        assert '<meta http-equiv="refresh" content="0;url=/orders?a=1&amp;b=%22%3E">' in again.text
        assert "_session" not in str(browser.cookies)
        assert (await browser.get("/orders", link)).place == "/login?next=/orders"


async def test_a_link_from_elsewhere_takes_no_token_away(tmp_path: Path) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    async with shown(tmp_path) as (stage, _), Browser(stage.url) as linked:
        await linked.get("/silences", link)
        answer = await linked.get("/silences", link)
        assert answer.status == 200
        assert "_browser" not in str(answer.headers.getall("Set-Cookie", []))


async def test_no_other_page_gets_at_parts_of_ours(tmp_path: Path) -> None:
    async with shown(tmp_path) as (_, browser):
        part = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
        assert (await browser.get("/orders", part)).status == 403
        assert (await browser.get("/healthz", part)).status != 403
