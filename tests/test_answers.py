"""What an endpoint's answer means: may another attempt help, and when."""

import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from monitor.notifier.answers import failure, from_error, from_response, parse_retry_after, verdict


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 415, 422, 301, 308])
def test_what_the_request_itself_is_blamed_for_is_permanent(status: int) -> None:
    outcome = from_response(status, {})
    assert (outcome.delivered, outcome.permanent, outcome.status) == (False, True, status)


@pytest.mark.parametrize("status", [302, 307, 408, 409, 425, 429, 500, 501, 502, 503, 504, 520, 599])
def test_what_the_server_is_to_blame_for_may_pass(status: int) -> None:
    outcome = from_response(status, {})
    assert (outcome.delivered, outcome.permanent, outcome.status) == (False, False, status)


def test_a_wish_for_a_later_attempt_makes_a_refusal_passing() -> None:
    """Some services say 403 where they mean 429."""
    outcome = from_response(403, {"Retry-After": "30"})
    assert (outcome.permanent, outcome.retry_after) == (False, 30)


def test_reasons_are_words_for_people() -> None:
    assert from_response(429, {}).reason == "429 Too Many Requests"
    assert from_response(599, {}).reason == "status 599"
    assert "redirects are not followed" in from_response(302, {}).reason


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("999999999", 86400.0),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("Mon, 99 Foo 2026 00:00:00 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_or_nonsense(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value) == seconds


def test_retry_after_as_a_date_counts_from_the_servers_own_clock() -> None:
    server_now = datetime(2020, 1, 1, 12, tzinfo=UTC)
    date = format_datetime(server_now, usegmt=True)
    later = format_datetime(server_now + timedelta(seconds=90), usegmt=True)
    assert parse_retry_after(later, date) == 90
    assert parse_retry_after(date, later) == 0


def test_retry_after_as_a_date_without_the_servers_clock_counts_from_ours() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    seconds = parse_retry_after(later, "no date")
    assert seconds is not None
    assert 60 < seconds <= 90
    assert parse_retry_after("Wed, 01 Jan 2020 12:00:00 -0000") == 0


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"retry_after": 0.65}, 0.65),  # Discord
        ({"ok": False, "parameters": {"retry_after": 35}}, 35),  # Telegram
        ({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2000}, 2),  # Matrix
        ({"retry_after": "soon"}, None),
        (["retry_after"], None),
        (None, None),
    ],
)
def test_services_that_write_the_wait_into_the_body(body: object, seconds: float | None) -> None:
    assert from_response(429, {}, body).retry_after == seconds


def test_one_failure_that_may_pass_keeps_several_recipients_alive() -> None:
    gone, full = from_response(404, {}), from_response(429, {"Retry-After": "7"})
    assert verdict([from_response(200, {}), full, gone], accepted=False) == full
    assert verdict([gone, from_response(410, {})], accepted=False).status == 410


def test_success_in_http_but_not_in_substance_may_pass() -> None:
    """Slack's API says 200 and ok: false."""
    outcome = verdict([from_response(200, {})], accepted=False)
    assert outcome == failure("the service answered 200 OK but did not accept the message", 200)
    assert not verdict([], accepted=False).delivered


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.ConnectionError("x", ConnectionResetError(104, "reset by peer")), "connection broken"),
        (ssl.SSLCertVerificationError("self-signed"), "the server's certificate is not trusted"),
        (ssl.SSLError("handshake"), "the encrypted connection failed"),
        (OSError(113, "No route to host"), "no route to host"),
        (TimeoutError(), "no answer in time"),
        (smtplib.SMTPServerDisconnected("gone"), "mail server closed the connection"),
        (smtplib.SMTPConnectError(554, b"no service"), "mail server is not ready (554 no service)"),
        (smtplib.SMTPException("No suitable method"), "mail was not sent (No suitable method)"),
        (KeyError("inner"), "sending failed (KeyError)"),
    ],
)
def test_trouble_on_the_way_may_pass(error: Exception, words: str) -> None:
    outcome = from_error(error)
    assert (outcome.delivered, outcome.permanent, outcome.reason) == (False, False, words)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            smtplib.SMTPAuthenticationError(535, b"5.7.8 bad\ncredentials"),
            "mail server refused the user or password (535 5.7.8 bad credentials)",
        ),
        (smtplib.SMTPSenderRefused(550, b"no", "a@example.com"), "mail server refused the sender (550 no)"),
        (smtplib.SMTPDataError(554, b"spam"), "mail server refused the message (554 spam)"),
        (smtplib.SMTPResponseException(502, "what"), "mail server refused (502 what)"),
        (
            smtplib.SMTPNotSupportedError("STARTTLS not supported"),
            "mail server does not offer what the URL asks for (STARTTLS not supported)",
        ),
        (requests.exceptions.InvalidURL("no host"), "the channel's URL leads to no valid address or header"),
    ],
)
def test_refusals_that_stay_refusals_are_permanent(error: Exception, words: str) -> None:
    outcome = from_error(error)
    assert (outcome.delivered, outcome.permanent, outcome.reason) == (False, True, words)


def test_temporary_mail_refusals_may_pass() -> None:
    outcome = from_error(smtplib.SMTPRecipientsRefused({"a@example.com": (451, b"greylisted")}))
    assert outcome == failure("mail server refused the recipient (451 greylisted)", 451)
    assert not from_error(smtplib.SMTPAuthenticationError(454, b"later")).permanent


def test_errors_that_refer_to_each_other_are_read_once() -> None:
    first, second = OSError(), OSError()
    first.__cause__, second.__cause__ = second, first
    assert from_error(first).reason == "sending failed (OSError)"
