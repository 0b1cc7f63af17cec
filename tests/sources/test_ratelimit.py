"""What servers say of their limits, in the forms of HostUp, Laravel, GitHub and each draft of the standard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from monitor.errors import RateLimited, Refused
from monitor.sources.ratelimit import Allowance, allowance, retry_after, wish
from monitor.sources.verdicts import failure

NOW = datetime(2026, 4, 1, 12, 0, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
X = "x-ratelimit-"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({X + "limit": "60", X + "remaining": "59"}, (59, None)),
        ({X + "remaining": "0", X + "reset": str(EPOCH + 30)}, (0, 30)),
        ({X + "remaining": "0", X + "reset": f"{EPOCH + 30}000"}, (0, 30)),
        ({X + "remaining": "0", X + "reset": "2026-04-01T12:00:30Z"}, (0, 30)),
        ({X + "remaining": "0", X + "reset": "2026-04-01T14:00:30.000+02:00"}, (0, 30)),
        ({X + "remaining": "0", X + "reset": "2026-04-01 12:00:30"}, (0, 30)),
        ({X + "remaining": "0", X + "reset": "Wed, 01 Apr 2026 12:00:30 GMT"}, (0, 30)),
        ({X + "remaining": "0", X + "reset": "12.5"}, (0, 12.5)),
        ({X + "remaining": "0", X + "reset": str(EPOCH - 30)}, (0, 0)),
        ({"x-rate-limit-remaining": "3", "x-rate-limit-reset": "5"}, (3, 5)),
        ({"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "0", "ratelimit-reset": "50"}, (0, 50)),
        ({"ratelimit": "limit=100, remaining=7, reset=5"}, (7, 5)),
        ({"ratelimit": "limit=100,remaining=0,reset=5"}, (0, 5)),
        ({"ratelimit": '"default";r=0;t=30'}, (0, 30)),
        ({"ratelimit": '"default";r=50'}, (50, None)),
        ({"ratelimit": '"burst";r=4;t=3, "daily";r=900;t=3600'}, (4, 3)),
        ({"ratelimit": '"burst";r=0;t=3, "daily";r=0;t=3600'}, (0, 3600)),
        ({"ratelimit": '"a;r=0;\\"t=9,b";r=8;t=2'}, (8, 2)),
        ({"ratelimit": '"default";r=8;t=2', X + "remaining": "1", X + "reset": "4"}, (1, 4)),
        # Nonsense.
        ({X + "remaining": "", X + "reset": "30"}, None),
        ({X + "remaining": "-1", X + "reset": "30"}, None),
        ({X + "remaining": "many", X + "reset": "30"}, None),
        ({X + "remaining": "9" * 400}, None),
        ({X + "limit": "0", X + "remaining": "0", X + "reset": "30"}, None),
        ({X + "remaining": "0", X + "reset": "soon"}, (0, None)),
        ({X + "remaining": "0", X + "reset": "inf"}, (0, None)),
        ({X + "remaining": "0", X + "reset": "9" * 18}, (0, pytest.approx(1e15, rel=0.01))),
        ({"ratelimit": "limit=0, remaining=0, reset=9"}, None),
        ({"ratelimit": "r, t;;=,=="}, None),
        ({"ratelimit": '"default;r=0;t=30'}, (0, 30)),
        ({"ratelimit": "default;r=1.5;t=30"}, None),
    ],
)
def test_each_form_is_read(headers: dict[str, str], expected: tuple[int, float] | None) -> None:
    assert allowance(headers, NOW) == (expected and Allowance(*expected))


def test_a_reset_counts_from_the_answers_own_date() -> None:
    """Their clock is an hour ahead of ours."""
    date = {"date": "Wed, 01 Apr 2026 13:00:00 GMT", X + "remaining": "0"}
    assert wish({**date, X + "reset": str(EPOCH + 3620)}, NOW) == 20
    assert wish({**date, X + "reset": "2026-04-01T13:00:20Z"}, NOW) == 20
    assert wish({**date, X + "reset": "20"}, NOW) == 20


def test_retry_after_counts_more_than_a_reset() -> None:
    assert wish({"retry-after": "7", X + "remaining": "0", X + "reset": "30"}, NOW) == 7


def test_a_limit_that_is_not_used_up_is_no_wish() -> None:
    assert wish({X + "remaining": "1", X + "reset": "30"}, NOW) is None


def test_a_429_may_say_its_reset_alone() -> None:
    headers = {X + "limit": "60", X + "reset": "30"}
    assert allowance(headers, NOW) is None
    assert failure(429, headers, "WHERE", None, NOW).retry_after == 30
    assert failure(503, headers, "WHERE", None, NOW).retry_after is None


def test_a_used_up_limit_sent_as_403_is_no_refusal() -> None:
    used_up = failure(403, {X + "remaining": "0", X + "reset": "30"}, "WHERE", None, NOW)
    assert isinstance(used_up, RateLimited)
    assert "asked too often, and again after 30 s" in str(used_up)
    assert isinstance(failure(403, {X + "remaining": "9", X + "reset": "30"}, "WHERE", None, NOW), Refused)


def test_retry_after_may_be_a_moment() -> None:
    assert retry_after({"retry-after": str(EPOCH + 9)}, NOW) == 9
    assert retry_after({"retry-after": "2026-04-01T12:00:09Z"}, NOW) == 9
