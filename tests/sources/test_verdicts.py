"""What statuses, headers and foreign texts are taken for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.errors import NotFound, RateLimited, Refused, Rejected, ServerFailed, SourceError
from monitor.sources.headers import age
from monitor.sources.ratelimit import retry_after
from monitor.sources.verdicts import failure, plain

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
WHERE = "https://billing.example.com/api/v1/orders"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("-3", 0),
        ("Wed, 01 Apr 2026 12:00:30 GMT", 30),
        ("Wed, 01 Apr 2026 11:00:00 GMT", 0),
        ("Wednesday, 01-Apr-26 12:00:30 GMT", 30),
        ("Wed Apr  1 12:00:30 2026", 30),
        ("soon", None),
        ("", None),
        ("inf", None),
        ("nan", None),
        ("1_000", None),
        ("９", None),
        ("9" * 400, None),
        ("Wed, 99 Apr 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_no_retry_after_is_no_wish() -> None:
    assert retry_after({}, NOW) is None


def test_a_retry_date_counts_from_the_answers_own_date() -> None:
    """The server's clock may be an hour off ours."""
    headers = {"retry-after": "Wed, 01 Apr 2026 13:00:20 GMT", "date": "Wed, 01 Apr 2026 13:00:00 GMT"}
    assert retry_after(headers, NOW) == 20


@pytest.mark.parametrize(("text", "seconds"), [("300", 300), ("0", 0), ("old", 0), ("", 0)])
def test_age_is_read_and_nonsense_is_no_age(text: str, seconds: float) -> None:
    assert age({"age": text}) == seconds


@pytest.mark.parametrize(
    ("status", "kind", "passing"),
    [
        (401, Refused, False),
        (403, Refused, False),
        (404, NotFound, False),
        (410, NotFound, False),
        (400, Rejected, False),
        (407, Rejected, False),
        (422, Rejected, False),
        (408, ServerFailed, True),
        (425, ServerFailed, True),
        (429, RateLimited, True),
        (500, ServerFailed, True),
        (502, ServerFailed, True),
        (599, ServerFailed, True),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[SourceError], passing: bool) -> None:
    error = failure(status, {}, WHERE, None, NOW)
    assert type(error) is kind
    assert error.passing is passing
    assert str(error).startswith(f"{status} from {WHERE}: ")


def test_a_refused_token_is_said_with_the_servers_own_words() -> None:
    error = failure(401, {}, WHERE, "Invalid or expired token.", NOW)
    assert str(error) == f"401 from {WHERE}: the token is refused (Invalid or expired token.)"


def test_a_limit_sent_as_403_is_no_refusal() -> None:
    error = failure(403, {"retry-after": "9"}, WHERE, None, NOW)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 9


def test_cloudflares_challenge_is_no_refusal_and_is_named() -> None:
    error = failure(403, {"cf-mitigated": "challenge"}, WHERE, None, NOW)
    assert not isinstance(error, Refused)
    assert "Cloudflare" in str(error)
    assert "not at fault" in str(error)


def test_the_servers_whole_wish_stays_on_the_error() -> None:
    assert failure(429, {"retry-after": "3600"}, WHERE, None, NOW).retry_after == 3600


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\r\nlines\tand\x00more", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),
        ("left\u202eright", "left right"),
        ("  ", ""),
    ],
)
def test_foreign_text_becomes_one_plain_line(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_foreign_text_is_bounded() -> None:
    assert len(plain("x" * 1_000_000)) == 200
