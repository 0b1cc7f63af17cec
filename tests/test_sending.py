"""What one message comes to: real endpoints that accept it, refuse it, fail, or say nothing."""

import socket
from collections.abc import Iterator

import pytest
from aiosmtpd.smtp import AuthResult
from notifier_endpoints import MESSAGE, mail_server, webhook

from monitor.model import Destination, Outcome
from monitor.notifier import Notifier, warm_up
from monitor.notifier.answers import failure

OPS = Destination("ops")
SLACK = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
SLACK_ADDRESS = "apprise.plugins.slack.NotifySlack.webhook_url"


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up()
    monkeypatch.setattr("apprise.plugins.slack.NotifySlack.request_rate_per_sec", 0)


@pytest.fixture
def refused() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{unused.getsockname()[1]}"


async def _send(url: str) -> Outcome:
    return await Notifier({OPS: url}, timeout=10).send(OPS, MESSAGE)


async def test_a_webhook_receives_title_body_and_severity() -> None:
    async with webhook() as hook:
        assert await _send(f"json://{hook.address}/alerts") == Outcome(delivered=True, status=200)
    posted = hook.received[0]
    assert (posted["title"], posted["message"], posted["type"]) == (MESSAGE.title, MESSAGE.body, "warning")
    assert hook.paths == ["/alerts"]


async def test_a_mail_server_receives_the_mail() -> None:
    async with mail_server() as mailbox:
        assert await _send(f"mailto://{mailbox.address}?from=a@example.com&to=b@example.com") == Outcome(delivered=True)
    recipients, mail = mailbox.mails[0]
    assert recipients == ["b@example.com"]
    assert "Ref k3v9" in mail


async def test_a_slack_webhook_as_pasted_works(monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook() as hook:
        monkeypatch.setattr(SLACK_ADDRESS, f"http://{hook.address}/services")
        assert (await _send(SLACK)).delivered
    assert hook.paths == ["/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"]
    assert hook.received[0]["text"] == MESSAGE.title


async def test_slack_asking_to_wait_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with webhook() as hook:
        monkeypatch.setattr(SLACK_ADDRESS, f"http://{hook.address}/services")
        hook.status, hook.headers = 429, {"Retry-After": "2.5"}
        assert await _send(SLACK) == failure("429 Too Many Requests", status=429, retry_after=2.5)


@pytest.mark.parametrize(("status", "permanent"), [(403, True), (404, True), (410, True), (408, False), (500, False)])
async def test_dead_webhooks_are_given_up_and_broken_ones_are_not(status: int, permanent: bool) -> None:
    async with webhook() as hook:
        hook.status = status
        outcome = await _send(f"json://{hook.address}")
    assert (outcome.delivered, outcome.status, outcome.permanent) == (False, status, permanent)
    assert outcome.reason.startswith(str(status))


async def test_telegrams_wait_stands_in_the_body() -> None:
    async with webhook() as hook:
        hook.status, hook.text = 429, '{"parameters": {"retry_after": 35}}'
        assert (await _send(f"json://{hook.address}")).retry_after == 35
        hook.text = "slow down"
        assert (await _send(f"json://{hook.address}")).retry_after is None


async def test_redirects_are_not_followed() -> None:
    """They would carry the token and the message to wherever they lead."""
    async with webhook() as hook, webhook() as elsewhere:
        hook.status, hook.headers = 307, {"Location": f"http://{elsewhere.address}/"}
        outcome = await _send(f"json://{hook.address}")
    assert outcome.reason == "307 Temporary Redirect: redirects are not followed, use the new address"
    assert elsewhere.received == []


@pytest.mark.parametrize("url", ["json://{}", "mailto://{}?from=a@example.com&to=b@example.com"])
async def test_a_refused_connection_may_pass(refused: str, url: str) -> None:
    assert await _send(url.format(refused)) == failure("connection refused")


async def test_an_endpoint_that_is_silent_for_too_long_may_pass() -> None:
    async with webhook() as hook:
        hook.open.clear()
        assert await _send(f"json://{hook.address}/?rto=0.05") == failure("no answer in time")


@pytest.mark.parametrize(
    ("command", "reply", "reason", "permanent"),
    [
        ("RCPT", "550 5.1.1 <b@example.com> unknown", "recipient (550 5.1.1 <***> unknown)", True),
        ("RCPT", "451 greylisted", "recipient (451 greylisted)", False),
        ("DATA", "554 looks like spam", "message (554 looks like spam)", True),
        ("DATA", "452 disk full", "message (452 disk full)", False),
    ],
)
async def test_a_mail_servers_refusal_is_its_code(command: str, reply: str, reason: str, permanent: bool) -> None:
    async with mail_server() as mailbox:
        mailbox.refusals[command] = reply
        outcome = await _send(f"mailto://{mailbox.address}?from=a@example.com&to=b@example.com")
    expected = failure(f"mail server refused the {reason}", status=int(reply[:3]), permanent=permanent)
    assert outcome == expected


async def test_a_refused_copy_fails_the_whole_for_good() -> None:
    """smtplib raises nothing when only some recipients are refused; a retry would write to the others again."""
    async with mail_server() as mailbox:
        mailbox.refusals["c@example.com"] = "550 unknown"
        outcome = await _send(f"mailto://{mailbox.address}?from=a@example.com&to=b@example.com&cc=c@example.com")
    assert (outcome.delivered, outcome.permanent, outcome.status) == (False, True, 550)


async def test_several_recipients_are_one_result() -> None:
    async with mail_server() as mailbox:
        mailbox.refusals["c@example.com"] = "451 later"
        outcome = await _send(f"mailto://{mailbox.address}?from=a@example.com&to=b@example.com,c@example.com")
    assert (outcome.delivered, outcome.status) == (False, 451)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_refused_mail_credentials_are_permanent() -> None:
    def deny(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    async with mail_server(authenticator=deny, auth_require_tls=False) as mailbox:
        outcome = await _send(f"mailto://monitor:canary99@{mailbox.address}?from=a@example.com&to=b@example.com")
    assert (outcome.permanent, outcome.status) == (True, 535)
    assert outcome.reason.startswith("mail server refused the user or password (535")


async def test_a_plugin_that_breaks_is_a_failure_that_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> bool:
        raise RuntimeError("json://user:canary99@example.com")

    monkeypatch.setattr("apprise.plugins.custom_json.NotifyJSON.send", broken)
    assert await _send("json://example.com") == failure("sending failed (RuntimeError)")


async def test_an_unusable_url_is_a_permanent_failure() -> None:
    outcome = await _send("slak://canary99/x/y")
    assert outcome.permanent
    assert "did you mean slack://?" in outcome.reason
