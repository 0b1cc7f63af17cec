"""What every answer says besides, and what is answered where something cannot be."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from surfing import Browser, hashed
from web_stage import WebStage, served

from monitor.errors import StateUnreachable
from monitor.web.headers import PROTECTION

SECRET = "customer-name-of-an-order"


def _break(stage: WebStage, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def broken(_: object) -> Any:
        raise error

    monkeypatch.setattr(stage.server.context.reader, "read", broken)


async def raw(stage: WebStage, text: bytes) -> bytes:
    """What is answered to these bytes, until the connection is closed."""
    host, _, port = stage.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(text)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    await writer.wait_closed()
    return answer


def _lacks(headers: Any) -> set[str]:
    return {name for name, value in PROTECTION.items() if headers.get(name) != value}


async def test_every_answer_is_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        paths = ("/", "/events", "/nothing-here", "/api/nothing", "/metrics", "/healthz", "/login", "/static/none")
        answers = [await browser.get(path) for path in paths]
        answers += [await browser.get("/", {"Host": "evil.example.com"})]
        answers += [await browser.ask(method, "/") for method in ("POST", "PUT", "OPTIONS", "HEAD")]
        answers += [await browser.ask("POST", "/silences"), await browser.ask("POST", "/login", b"x" * 100_000)]
        _break(stage, monkeypatch, RuntimeError("broken"))
        answers += [await browser.get("/events")]
        assert {answer.status for answer in answers} >= {200, 303, 403, 404, 405, 413, 421, 500}
        for answer in answers:
            assert not _lacks(answer.headers), answer
            assert answer.headers["Cache-Control"] == "no-store"


async def test_a_stream_is_protected(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, stage.http.get(f"{stage.url}/stream") as answer:
        assert answer.status == 200
        assert not _lacks(answer.headers)
        assert answer.headers["Cache-Control"] == "no-store"


async def test_the_policy_is_strict() -> None:
    policy = PROTECTION["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "*" not in policy


UNREADABLE = [
    (b"GET nonsense\r\n\r\n", 400),
    (b"FOO / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 405),
    (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: x\r\n" * 200 + b"\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\nConnection: close\r\n\r\n", 417),
    (b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    (b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400),
]


async def test_what_can_hardly_be_read_is_refused_and_protected(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        for text, status in UNREADABLE:
            head = (await raw(stage, text)).partition(b"\r\n\r\n")[0].decode()
            first, *lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            assert first.split()[1] == str(status), (text[:60], head)
            assert not _lacks(headers), (text[:60], head)
            assert "Python" not in head


async def test_requests_that_cannot_be_read_fill_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with served(tmp_path) as stage:
        with structlog.testing.capture_logs() as lines:
            answer = await raw(stage, b"GET /a-customers-order HTTP/9\r\n\r\n")
        assert b"a-customers-order" not in answer
        assert not caplog.records
        assert {"event": "request_unreadable", "reason": "BadStatusLine", "log_level": "debug"} in lines
        assert {line["event"] for line in lines} <= {"request_unreadable", "poll", "source_watched"}


async def test_bad_addresses_are_no_fault_of_ours(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        for odd in (
            "%",
            "%zz",
            "%ff",
            "%00",
            "%C3%28",
            "%ED%A0%80",
            "%2f%2e%2e",
            "a%0d%0ab",
            "?q=%ff&q",
            "%F0%9F%92%A9",
        ):
            for path in ("/", "/orders/shop/", "/api/v1/orders/", "/static/", "/hooks/", "/login?next=/", "/sources/"):
                assert (await browser.get(path + odd)).status < 500, path + odd


async def test_a_state_that_cannot_be_read_is_said_in_plain_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        _break(stage, monkeypatch, StateUnreachable("the disk is full"))
        answer = await browser.get("/events")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
        assert "the disk is full" in answer.text
        assert answer.headers["Content-Type"].startswith("text/html")


async def test_a_bug_is_logged_whole_and_shown_to_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        _break(stage, monkeypatch, RuntimeError(SECRET))
        with structlog.testing.capture_logs() as lines:
            answer = await browser.get("/events")
        assert answer.status == 500
        assert SECRET not in answer.text
        assert "RuntimeError" not in answer.text
        (line,) = [line for line in lines if line["event"] == "page_failed"]
        assert (line["page"], line["exc_info"]) == ("/events", True)


async def test_programs_are_told_in_json_and_people_on_a_page(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        answer = await browser.get("/api/nothing")
        assert answer.status == 404
        assert set(json.loads(answer.text)) == {"error"}
        answer = await browser.get("/nothing")
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "There is nothing here." in answer.text


async def test_a_method_that_is_not_for_a_page_is_refused_with_those_that_are(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        answer = await browser.ask("PUT", "/")
        assert (answer.status, set(answer.headers["Allow"].split(","))) == (405, {"GET", "HEAD"})


async def test_a_body_that_is_too_long_is_refused(tmp_path: Path) -> None:
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        await browser.get("/login")
        for path in ("/login", "/hooks/shop", "/api/v1/silences", "/silences"):
            answer = await browser.ask("POST", path, b"x" * 70_000)
            assert answer.status in (404, 405, 413), path
        head = b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        assert b" 413 " in (await raw(stage, head + b"11170\r\n" + b"x" * 70_000 + b"\r\n0\r\n\r\n"))[:20]


async def test_who_is_not_logged_in_is_told_nothing_on_the_page_of_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a page has the frame of all pages, which may name sources and more."""
    monkeypatch.setattr("monitor.web.failures.error_page", lambda *_: pytest.fail("the page of an error was shown"))
    async with served(tmp_path, password=hashed()) as stage, Browser(stage.url) as browser:
        assert (await browser.post("/login", {"password": "x"})).status == 403
        assert (await browser.get("/static/none")).status == 404
        assert (await browser.ask("PUT", "/")).status == 405
