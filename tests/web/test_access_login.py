"""Logging in: who has the password, for how long, and how often somebody may guess."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from shifted_clock import ShiftedClock
from surfing import PASSWORD, Browser, hashed
from web_stage import WebStage, served

from monitor.web.settings import WebSettings

SESSION, BROWSER = "order_monitor_0_session", "order_monitor_0_browser"


@asynccontextmanager
async def locked(folder: Path, **web_: Any) -> AsyncIterator[tuple[WebStage, Browser]]:
    """A page with a password, and somebody before it."""
    async with served(folder, **{"password": hashed(), **web_}) as stage, Browser(stage.url) as browser:
        yield stage, browser


def _with(stage: WebStage, **changes: Any) -> Any:
    """The settings with other ones for the page."""
    assert stage.app.settings.web is not None
    changed: WebSettings = stage.app.settings.web.model_copy(update=changes)
    return stage.app.settings.model_copy(update={"web": changed})


async def test_without_a_password_nobody_logs_in(tmp_path: Path) -> None:
    async with served(tmp_path) as stage, Browser(stage.url) as browser:
        assert (await browser.get("/")).status == 200
        assert (await browser.get("/login?next=/events")).place == "/events"


async def test_who_is_not_logged_in_is_led_to_the_form_and_back(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        asked = await browser.get("/orders?status=fraud")
        assert (asked.status, asked.place) == (303, "/login?next=/orders?status%3Dfraud")
        form = await browser.get(asked.place)
        assert form.status == 200
        assert "/orders?status=fraud" in form.text
        done = await browser.post("/login", {"password": PASSWORD, "next": "/orders?status=fraud"})
        assert (done.status, done.place) == (303, "/orders?status=fraud")
        assert (await browser.get(done.place)).status == 200
        assert (await browser.get("/login?next=/events")).place == "/events"


async def test_what_the_page_fetches_is_refused_rather_than_led_elsewhere(tmp_path: Path) -> None:
    """A script would take the form for what it asked for."""
    async with locked(tmp_path) as (_, browser):
        for path in ("/stream", "/fragments/sources", "/fragments", "/api/v1/orders", "/api", "/metrics"):
            answer = await browser.get(path)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="order-monitor"'), path
            assert answer.headers["Content-Type"].startswith("application/json")


async def test_a_form_sent_without_a_log_in_does_nothing(tmp_path: Path) -> None:
    async with locked(tmp_path) as (stage, browser):
        await browser.get("/login")
        answer = await browser.post("/sources/shop/poll")
        assert (answer.status, answer.place) == (303, "/login")
        assert stage.app.serving.server


async def test_a_wrong_password_is_refused_and_logged_without_itself(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        with structlog.testing.capture_logs() as lines:
            answer = await browser.log_in("wrong-but-close")
        assert answer.status == 403
        assert not await browser.is_in()
        assert [line for line in lines if line["event"] == "login_failed"] == [
            {"event": "login_failed", "address": "127.0.0.1", "log_level": "warning"}
        ]
        assert "wrong-but-close" not in f"{lines}{answer.text}{answer.headers}"


async def test_the_cookie_is_for_this_server_alone(tmp_path: Path) -> None:
    async with locked(tmp_path, session="2h") as (_, browser):
        await browser.get("/login")
        done = await browser.log_in()
        (cookie,) = done.headers.getall("Set-Cookie")
        name, _, rest = cookie.partition("=")
        assert name == SESSION
        assert rest.split("; ")[1:] == ["HttpOnly", "Max-Age=7200", "Path=/", "SameSite=Strict"]


async def test_behind_tls_the_cookies_are_for_tls_alone(tmp_path: Path) -> None:
    async with locked(tmp_path, public_url="https://monitor.example.com") as (stage, browser):
        form = await browser.get("/login")
        (cookie,) = form.headers.getall("Set-Cookie")
        assert cookie.startswith(f"__Host-{BROWSER}=")
        given = cookie.partition(";")[0]
        async with Browser(stage.url) as other:
            other.token = browser.token
            done = await other.post("/login", {"password": PASSWORD}, {"Cookie": given})
        (cookie,) = done.headers.getall("Set-Cookie")
        assert cookie.startswith(f"__Host-{SESSION}=")
        assert cookie.split("; ")[1:] == ["HttpOnly", "Max-Age=604800", "Path=/", "SameSite=Strict", "Secure"]


async def test_a_restart_ends_no_session_and_another_password_ends_all(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        await browser.log_in()
        cookies = browser.cookies
    async with locked(tmp_path) as (stage, browser):
        browser.take(cookies)
        assert await browser.is_in()
        other = SecretStr(hashed("another made-up password"))
        await stage.app.reload(_with(stage, password=other))
        assert not await browser.is_in()
        assert (await browser.log_in()).status == 403
        await browser.log_in("another made-up password")
        assert await browser.is_in()


async def test_a_reload_of_the_same_password_ends_no_session(tmp_path: Path) -> None:
    async with locked(tmp_path) as (stage, browser):
        await browser.log_in()
        await stage.app.reload(_with(stage, session=timedelta(days=30)))
        assert await browser.is_in()


async def test_a_session_ends_when_its_time_is_over(tmp_path: Path) -> None:
    clock = ShiftedClock()
    async with locked(tmp_path, session="2h", clock=clock) as (_, browser):
        await browser.log_in()
        cookies = browser.cookies
        clock.pass_(timedelta(hours=2, seconds=-10))
        assert await browser.is_in()
        clock.pass_(timedelta(seconds=12))
        browser.take(cookies)
        assert not await browser.is_in()


async def test_logging_out_ends_the_session_wherever_its_cookie_is(tmp_path: Path) -> None:
    async with locked(tmp_path) as (stage, browser), Browser(stage.url) as thief, Browser(stage.url) as other:
        await browser.log_in()
        await other.log_in()
        thief.take(browser.cookies)
        await browser.get("/")
        done = await browser.post("/logout")
        assert (done.status, done.place) == (303, "/login")
        assert SESSION not in browser.cookies
        assert not await browser.is_in()
        assert not await thief.is_in()
        assert await other.is_in()


async def test_who_has_logged_out_stays_so_over_a_restart(tmp_path: Path) -> None:
    clock = ShiftedClock()
    async with locked(tmp_path, clock=clock) as (stage, browser):
        await browser.log_in()
        cookies = browser.cookies
        await browser.get("/")
        assert (await browser.post("/logout")).status == 303
        assert len(await stage.app.store.read(lambda tx: tx.ended_sessions(clock.now()))) == 1
    async with locked(tmp_path, clock=clock) as (stage, browser):
        browser.take(cookies)
        assert not await browser.is_in()
        clock.pass_(timedelta(days=8))
        await browser.log_in()
        await browser.get("/")
        assert (await browser.post("/logout")).status == 303
        assert len(await stage.app.store.read(lambda tx: tx.ended_sessions(clock.now() - timedelta(days=30)))) == 1


async def test_no_cookie_can_be_made_up(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        for cookie in ("", "x", "a.b.c", "a.aaaaaa.c", "ÿ", "%00", '"', "." * 4000, "a." * 500):
            made_up = {"Cookie": f"{SESSION}={cookie}; {BROWSER}={cookie}"}
            assert (await browser.get("/", made_up)).status == 303, cookie


async def test_a_cookie_that_was_changed_is_none(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        await browser.log_in()
        given = browser.cookies
        name, stamp, signature = given[SESSION].split(".")
        for changed in (f"{name}.zzzzzz.{signature}", f"x{name}.{stamp}.{signature}", given[BROWSER]):
            browser.take({SESSION: changed})
            assert not await browser.is_in()
        browser.take(given)
        assert await browser.is_in()


async def test_who_guesses_has_to_wait_and_others_do_not(tmp_path: Path) -> None:
    clock = ShiftedClock()
    async with locked(tmp_path, clock=clock) as (stage, guesser), Browser(stage.url, "127.0.0.2") as owner:
        for guess in range(5):
            assert (await guesser.log_in(f"guess number {guess}")).status == 403
        late = await guesser.log_in()
        assert late.status == 429
        assert 290 <= int(late.headers["Retry-After"]) <= 300
        assert (await owner.log_in()).status == 303
        clock.pass_(timedelta(seconds=301))
        assert (await guesser.log_in()).status == 303


async def test_the_right_password_makes_up_for_wrong_ones(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        for _ in range(3):
            for _ in range(4):
                await browser.log_in("wrong password")
            assert (await browser.log_in()).status == 303
            await browser.get("/")
            await browser.post("/logout")


async def test_guessing_from_everywhere_is_held_up_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.web.access.is_password", lambda guess, hashed: False)
    clock = ShiftedClock()
    async with locked(tmp_path, clock=clock) as (stage, owner):
        for number in range(2, 8):
            async with Browser(stage.url, f"127.0.0.{number}") as guesser:
                for _ in range(5):
                    assert (await guesser.log_in("wrong password")).status == 403
        assert (await owner.log_in()).status == 429
        clock.pass_(timedelta(seconds=301))
        assert (await owner.log_in("wrong password")).status == 403


async def test_guesses_neither_stall_the_daemon_nor_take_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each guess costs a core for a while: two at a time, in threads, and everybody else is answered meanwhile."""
    at_once, most, go_on = [0], [0], threading.Event()

    def slow(guess: str, _: str) -> bool:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        go_on.wait(20)
        at_once[0] -= 1
        return False

    monkeypatch.setattr("monitor.web.access.is_password", slow)
    async with locked(tmp_path) as (stage, browser):
        guessers = [Browser(stage.url, f"127.0.0.{number}") for number in range(2, 8)]
        guesses = [asyncio.create_task(guesser.log_in("x")) for guesser in guessers]
        await stage.until(lambda: at_once[0] == 2)
        assert (await browser.get("/login")).status == 200
        go_on.set()
        assert {(await guess).status for guess in guesses} == {403}
        assert most[0] == 2
        for guesser in guessers:
            await guesser.__aexit__(None, None, None)


async def test_a_password_is_the_same_however_a_keyboard_spells_it(tmp_path: Path) -> None:
    async with locked(tmp_path, password=hashed("cr\u00e8me-br\u00fbl\u00e9e")) as (_, browser):
        assert (await browser.log_in("cre\u0300me-bru\u0302le\u0301e")).status == 303


async def test_a_guess_of_any_length_is_only_wrong(tmp_path: Path) -> None:
    async with locked(tmp_path) as (_, browser):
        assert (await browser.log_in("x" * 50_000)).status == 403
        assert (await browser.log_in("")).status == 403
