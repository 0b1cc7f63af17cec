"""No secret is in a log, a terminal, the state or an error: each is planted as a canary, and sought afterwards.

Through success and through every failure, at level DEBUG, raw, URL-quoted, JSON-escaped and in base64.
"""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from acceptance import Scenario, System
from aiohttp import web
from canaries import (
    BASIC,
    FILE_TOKEN,
    MAIL_PASSWORD,
    MAIL_USER,
    OTHER_TOKEN,
    SLACK_TOKEN,
    SOURCE_HEADER,
    SOURCE_TOKEN,
    URL_HEADER,
    URL_PASSWORD,
    URL_PATH,
    URL_QUERY,
    URL_USER,
    assert_silent,
)
from connections import clean_up
from daemon import Daemon
from receivers import JsonWebhook, MailServer, SlackServer
from stage import Stage, set_stage

from monitor.config import Settings
from monitor.logs import configure_logs
from monitor.redact import Redactor

_CONFIG = f"""
log: {{level: DEBUG, format: json}}
defaults: {{source: {{type: opterius, down_after: 1, timeout: 200ms}}}}
sources:
  shop: {{url: "{{shop}}", token: "${{CANARY_TOKEN}}", headers: {{X-Tenant: "{SOURCE_HEADER}"}}}}
  echo: {{url: "{{echo}}", token: {OTHER_TOKEN}, headers: {{X-Tenant: "{SOURCE_HEADER}"}}}}
  filed: {{url: "{{shop}}", token_file: token.secret}}
channels:
  ops: {{url_file: ops.secret}}
  second: {{url: "json://127.0.0.1:{{port}}/{URL_PATH}?:{URL_QUERY}={URL_QUERY}&rto=0.2"}}
  mail: {{url: "{{mailto}}"}}
  slack: {{url: "https://hooks.slack.com/services/T00000000/B00000000/{SLACK_TOKEN}"}}
routes:
  - {{name: all, when: {{event: [appeared, status_changed]}}, channels: [ops, second, mail, slack],
     body: "{{{{ 1 / (order.item_count - 1) }}}}"}}
"""


@pytest.fixture
async def echo() -> AsyncIterator[str]:
    """A billing system that repeats in its error what it was sent, as some do."""

    async def repeat(request: web.Request) -> web.Response:
        said = " ".join(f"{name}={value}" for name, value in request.headers.items())
        return web.json_response({"message": f"Invalid token: {said} {OTHER_TOKEN}"}, status=401)

    app = web.Application()
    app.router.add_get("/{path:.*}", repeat)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await clean_up(runner)


@pytest.fixture
def logs() -> io.StringIO:
    """All that is logged."""
    return io.StringIO()


@pytest.fixture
async def stage(
    tmp_path: Path,
    echo: str,
    logs: io.StringIO,
    redirect_slack: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stage]:
    monkeypatch.setenv("CANARY_TOKEN", SOURCE_TOKEN)
    async with AsyncExitStack() as servers:
        scenario = Scenario("canaries", "", [], systems={"shop": System(token=SOURCE_TOKEN, orders=20)})
        stage = await set_stage(scenario, tmp_path, "documented", servers)
        slack = stage.receivers["slack"]
        assert isinstance(slack, SlackServer)
        redirect_slack(slack.services)
        settings = _plant(stage, echo)
        configure_logs(settings.log.level, settings.log.format, redactor=Redactor(settings.secrets()), stream=logs)
        logging.getLogger().setLevel(logging.DEBUG)  # as if somebody had asked the libraries for all they know
        for handler in logging.getLogger().handlers:
            handler.setLevel(logging.DEBUG)
        monkeypatch.setattr(logging.getLogger("mail.log"), "propagate", False)  # the mail server's own, here in-process
        await stage.start()
        servers.push_async_callback(stage.stop)
        yield stage


def _plant(stage: Stage, echo: str) -> Settings:
    ops, mail = stage.receivers["ops"].port, stage.receivers["mail"].port
    basic = f"{URL_USER}:{quote(URL_PASSWORD, safe='')}"
    path = f"{URL_PATH}?+X-Api-Key={quote(URL_HEADER)}&rto=0.2"
    (stage.file.parent / "ops.secret").write_text(f"json://{basic}@127.0.0.1:{ops}/{path}\n")
    (stage.file.parent / "token.secret").write_text(f"{FILE_TOKEN}\n")
    login = f"{MAIL_USER}:{quote(MAIL_PASSWORD, safe='')}"
    mailto = f"mailto://{login}@127.0.0.1:{mail}?from=monitor@example.com&to=finance@example.com"
    text = _CONFIG.replace("{echo}", echo).replace("{port}", str(stage.receivers["second"].port))
    return stage.configure(text.replace("{mailto}", mailto))


async def _change(stage: Stage, number: int) -> None:
    """Something to tell, told: attempts at every channel, by the answers now in force."""
    await stage.step({"place": {"id": 1000 + number, "items": [{"product": "VPS 2 GB", "price": 100}]}})
    await stage.step({"poll": None})


async def _everything_goes_wrong(stage: Stage) -> None:
    await stage.step({"poll": None})
    await _change(stage, 1)
    ops = stage.receivers["ops"]
    assert ops.received
    for number, status in enumerate((500, 401, 404, 429, 302), 2):
        headers = {"Location": f"http://127.0.0.1/{URL_PATH}"} | ({"Retry-After": "1"} if status == 429 else {})
        for receiver in stage.receivers.values():
            receiver.answer(status, headers)
        await _change(stage, number)
    for receiver in stage.receivers.values():
        await receiver.away()
    await _change(stage, 10)
    for fault in ({"kind": "expired_token"}, {"kind": "failure", "code": 500}, {"kind": "latency", "seconds": 0.3},
                  {"kind": "redirect"}, {"kind": "login_page"}, {"kind": "truncated"}):  # fmt: skip
        await stage.step({"fault": fault})
        await stage.step({"poll": None})
        await stage.step({"clear": "all"})
    await stage.step({"system": {"shop": "away"}})
    await stage.step({"poll": 2})
    await stage.step({"wait": "25h"})


async def test_nothing_is_found_after_success_and_every_failure(
    stage: Stage, logs: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    await _everything_goes_wrong(stage)
    listings = [
        await stage.command(f"{command} --json") for command in ("orders", "events", "deliveries", "deliveries")
    ]
    listings += [
        await stage.command(command) for command in ("orders", "events", "deliveries", "check", "check --show")
    ]
    listings.append(await stage.command("deliveries retry"))
    listings.append(await stage.command("test ops", 1))
    text = logs.getvalue()
    events = {json.loads(line)["event"] for line in text.splitlines()}
    assert events >= {"delivery_sent", "delivery_dead", "delivery_retried", "poll_failed", "template_failed"}
    assert_silent(text, "the logs")
    assert_silent("".join(capfd.readouterr()), "what is printed")
    for number, text in enumerate(listings):
        assert text
        assert_silent(text, f"listing {number}")
    assert _search_state(stage.file.parent) >= {"order-monitor.db", "order-monitor.db-wal"}


def _search_state(folder: Path) -> set[str]:
    """Search the files of the state; their names."""
    files = list(folder.glob("order-monitor.db*"))
    for file in files:
        assert_silent(file.read_bytes(), file.name)
    return {file.name for file in files}


async def test_the_canaries_arrive_where_they_belong(stage: Stage) -> None:
    """Else the search would prove nothing."""
    await stage.step({"poll": None})
    await _change(stage, 1)
    asked = stage.systems["shop"].requests[0].headers
    assert asked["Authorization"].removeprefix("Bearer ") in (SOURCE_TOKEN, FILE_TOKEN)
    assert any(request.headers.get("X-Tenant") == SOURCE_HEADER for request in stage.systems["shop"].requests)
    ops = stage.receivers["ops"]
    assert isinstance(ops, JsonWebhook)
    request = ops.requests[0]
    assert request["Authorization"] == f"Basic {base64.b64encode(BASIC.encode()).decode()}"
    assert request["X-Api-Key"] == URL_HEADER
    mail = stage.receivers["mail"]
    assert isinstance(mail, MailServer)
    assert mail.logins[0] == (MAIL_USER, MAIL_PASSWORD)


async def test_a_bad_reload_says_nothing_secret(stage: Stage) -> None:
    """The faulty file holds secrets that the logs in force do not know yet."""
    text = stage.file.read_text().replace(SLACK_TOKEN, f"{SLACK_TOKEN}/too/much").replace("token: ot", "tokn: ot")
    stage.file.write_text(text.replace("json://", "jsn://"))
    assert_silent(await stage.command("check", 2), "check")


async def test_a_process_that_fails_from_the_start_says_nothing_secret(
    tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The true command, its logs and its last words, with a source that refuses and one that is not there."""
    monkeypatch.setenv("CANARY_TOKEN", SOURCE_TOKEN)
    (tmp_path / "monitor.yaml").write_text(
        f"""
log: {{level: DEBUG, format: json}}
defaults: {{source: {{type: opterius, down_after: 1, every: 1s}}}}
sources:
  echo: {{url: "{echo}", token: "${{CANARY_TOKEN}}", headers: {{X-Tenant: "{SOURCE_HEADER}"}}}}
channels:
  ops: {{url: "json://{URL_USER}:{quote(URL_PASSWORD, safe="")}@127.0.0.1:1/{URL_PATH}?+X-Key={quote(URL_HEADER)}"}}
"""
    )
    async with Daemon(tmp_path / "monitor.yaml") as daemon:
        await daemon.logged("poll_failed")
        await daemon.logged("delivery_retried")
        assert await daemon.stop() == 0
    assert_silent(daemon.output, "the output")
    _search_state(tmp_path)
