"""A webhook is a hint: whoever knows the secret makes the poll happen now, and that alone is believed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from web_stage import WebStage, served

from monitor.app import App
from monitor.config import load
from monitor.errors import ConfigError
from monitor.web.hints import Hint, Hints, gap
from monitor.web.hooks import LARGEST_BODY
from monitor.web.signatures import STRIPE, USUAL, WOOCOMMERCE, Verifier, header_for

SECRET = "made-up secret, 32 characters long"
BODY = b'{"id": 727, "status": "processing"}'
NOW = datetime(2026, 4, 11, 8, 0, tzinfo=UTC)
HOOK = {"hook": {"secret": SECRET}}


def digest(body: bytes = BODY, secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), body, "sha256")


def signed(body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    return {USUAL: f"sha256={digest(body, secret).hex()}"}


def stripe(at: datetime, body: bytes = BODY, secret: str = SECRET) -> str:
    seconds = int(at.timestamp())
    return f"t={seconds},v1={digest(f'{seconds}.'.encode() + body, secret).hex()}"


def holds(verifier: Verifier, value: str, body: bytes = BODY, now: datetime = NOW) -> bool:
    check = verifier.begin(value, now)
    if check is None:
        return False
    for start in range(0, len(body), 7):  # as it comes: in pieces
        check.update(body[start : start + 7])
    return check.holds()


@pytest.mark.parametrize(
    "value",
    [
        digest().hex(),
        digest().hex().upper(),
        f"sha256={digest().hex()}",
        f" SHA256={digest().hex()} ",
        base64.b64encode(digest()).decode(),
        base64.b64encode(digest()).decode().rstrip("="),
        base64.urlsafe_b64encode(digest()).decode(),
        f"sha256={base64.b64encode(digest()).decode()}",
    ],
)
def test_a_signature_is_known_in_hex_and_in_base64_with_and_without_its_name(value: str) -> None:
    assert holds(Verifier(SECRET, "X-Signature-256"), value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256=",
        digest().hex()[:-1],
        digest().hex() + "0",
        digest(secret="another secret").hex(),
        digest(BODY + b" ").hex(),
        hashlib.sha256(BODY).hexdigest(),
        hmac.digest(SECRET.encode(), BODY, "sha1").hex(),
        f"sha1={digest().hex()}",
        base64.b64encode(digest()[:-1]).decode(),
        "ü" * 64,
        "٣" * 64,
    ],
)
def test_anything_else_is_no_signature_of_this_body(value: str) -> None:
    assert not holds(Verifier(SECRET, USUAL), value)


def test_each_bit_of_a_signature_counts() -> None:
    verifier, right = Verifier(SECRET, USUAL), digest()
    for bit in range(256):
        wrong = (int.from_bytes(right, "big") ^ (1 << bit)).to_bytes(32, "big")
        assert not holds(verifier, wrong.hex())


@pytest.mark.parametrize(("off", "good"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_timed_signature_holds_for_five_minutes(off: int, good: bool) -> None:
    assert holds(Verifier(SECRET, STRIPE), stripe(NOW + timedelta(seconds=off))) is good


def test_a_timed_signature_is_of_its_own_time() -> None:
    """Else a recorded one could be sent again for ever, with a new time."""
    recorded = stripe(NOW - timedelta(hours=1))
    renewed = f"t={int(NOW.timestamp())},{recorded.partition(',')[2]}"
    assert not holds(Verifier(SECRET, STRIPE), renewed)


def test_one_of_several_timed_signatures_suffices_and_other_schemes_do_not() -> None:
    right, wrong = stripe(NOW), stripe(NOW, secret="the old secret").partition(",")[2]
    time, _, v1 = right.partition(",")
    verifier = Verifier(SECRET, STRIPE)
    assert holds(verifier, f"{time},{wrong},{v1}")
    assert holds(verifier, f"{time}, {v1}, v0=whatever")
    assert not holds(verifier, f"{time},{v1.replace('v1', 'v0')}")
    assert not holds(verifier, v1)
    assert not holds(verifier, f"{time},{time},{v1}")
    assert not holds(verifier, right.replace("t=", "t=-"))


def test_the_header_is_the_types_own_unless_another_is_named() -> None:
    assert header_for("woocommerce") == WOOCOMMERCE
    assert header_for("opterius") == USUAL


def test_a_verifier_never_shows_its_secret() -> None:
    assert SECRET not in repr(Verifier(SECRET, USUAL)) + str(vars(Verifier(SECRET, USUAL)).keys())


# Over HTTP, with a daemon


async def send(stage: WebStage, body: bytes = BODY, headers: dict[str, str] | None = None, source: str = "shop") -> int:
    async with stage.http.post(f"{stage.url}/hooks/{source}", data=io.BytesIO(body), headers=headers or {}) as answer:
        await answer.read()
        return answer.status


def polls_of(stage: WebStage) -> int:
    return len(stage.system.requests)


async def at_rest(stage: WebStage) -> int:
    """The number of requests once the first poll of the daemon itself is over."""
    await stage.until(lambda: stage.app.serving.server is not None)
    await settled(stage)
    return polls_of(stage)


async def settled(stage: WebStage) -> None:
    for _ in range(2):
        before = -1
        while before != polls_of(stage):
            before = polls_of(stage)
            await asyncio.sleep(0.2)


async def test_a_signed_hint_makes_a_change_known_at_once(tmp_path: Path) -> None:
    """Its source is polled once an hour."""
    async with served(tmp_path, shop=HOOK) as stage:
        await at_rest(stage)
        stage.world.place(id=9999)
        assert await send(stage, headers=signed()) == 202
        await stage.until(lambda: bool(stage.receiver.received))
        assert "9999" in stage.receiver.received[0]["title"]


async def test_what_a_hint_says_is_not_believed(tmp_path: Path) -> None:
    async with served(tmp_path, shop=HOOK) as stage:
        before = await at_rest(stage)
        body = b'{"id": 1, "status": "fraud"}'
        assert await send(stage, body, signed(body)) == 202
        await stage.until(lambda: polls_of(stage) > before)
        await settled(stage)
        assert stage.receiver.received == []


async def test_a_wrong_signature_polls_nothing_and_is_logged_without_what_came(tmp_path: Path) -> None:
    async with served(tmp_path, shop=HOOK) as stage:
        before = await at_rest(stage)
        with capture_logs() as logs:
            assert await send(stage, headers=signed(secret="somebody else's")) == 401
            assert await send(stage, headers={USUAL: "sha256=nonsense"}) == 401
            assert await send(stage) == 401
            assert await send(stage, b"webhook_id=17") == 401
        await settled(stage)
        assert polls_of(stage) == before
        (line,) = [line for line in logs if line["event"] == "hint_refused"]
        assert (line["source"], line["refused"]) == ("shop", 1)
        assert "processing" not in str(logs)
        assert SECRET not in str(logs)


async def test_many_wrong_ones_are_told_to_wait_and_do_not_keep_the_true_ones_out(tmp_path: Path) -> None:
    async with served(tmp_path, shop=HOOK) as stage:
        before = await at_rest(stage)
        answers = [await send(stage, headers=signed(secret="somebody else's")) for _ in range(15)]
        assert answers == [401] * 10 + [429] * 5
        assert await send(stage, headers=signed()) == 202
        await stage.until(lambda: polls_of(stage) > before)


async def test_a_source_without_a_webhook_and_one_that_is_none_are_not_there(tmp_path: Path) -> None:
    async with served(tmp_path) as stage:
        assert await send(stage, headers=signed()) == 404
        assert await send(stage, headers=signed(), source="other") == 404
        assert await send(stage, headers=signed(), source="%2e%2e%2fshop") == 404


async def test_a_hint_is_a_post(tmp_path: Path) -> None:
    async with served(tmp_path, shop=HOOK) as stage, stage.http.get(f"{stage.url}/hooks/shop") as answer:
        assert answer.status in (404, 405)


async def test_a_large_hint_counts_and_one_without_end_does_not(tmp_path: Path) -> None:
    async with served(tmp_path, shop=HOOK) as stage:
        body = b"x" * LARGEST_BODY
        assert await send(stage, body, signed(body)) == 202
        body += b"x"
        assert await send(stage, body, signed(body)) == 413


async def test_woocommerces_first_ping_is_answered_and_is_no_hint(tmp_path: Path) -> None:
    """It asks unsigned, with the number of the webhook, and saves that only if the answer is 200."""
    async with served(tmp_path, shop={"hook": {"secret": SECRET, "header": WOOCOMMERCE}}) as stage:
        before = await at_rest(stage)
        assert await send(stage, b"webhook_id=17") == 200
        assert await send(stage, b"webhook_id=17&status=fraud") == 401
        assert await send(stage, b"webhook_id=" + b"1" * 60) == 401
        assert await send(stage, b"") == 401
        await settled(stage)
        assert polls_of(stage) == before
        value = base64.b64encode(digest()).decode()
        assert await send(stage, headers={WOOCOMMERCE: value}) == 202
        await stage.until(lambda: polls_of(stage) > before)


async def test_stripes_signature_is_known_by_its_header(tmp_path: Path) -> None:
    async with served(tmp_path, shop={"hook": {"secret": SECRET, "header": "stripe-signature"}}) as stage:
        now = datetime.now(UTC)
        assert await send(stage, headers={STRIPE: stripe(now)}) == 202
        assert await send(stage, headers={STRIPE: stripe(now - timedelta(minutes=6))}) == 401


async def test_hints_in_a_row_are_two_polls_at_most(tmp_path: Path) -> None:
    """The first at once, all the others in one, a few seconds later: none of them is lost."""
    async with served(tmp_path, shop=HOOK | {"every": "12s"}) as stage:
        before = await at_rest(stage)
        assert await send(stage, headers=signed()) == 202
        await stage.until(lambda: polls_of(stage) > before)
        await settled(stage)
        once = polls_of(stage)
        for _ in range(20):
            assert await send(stage, headers=signed()) == 202
        await stage.until(lambda: polls_of(stage) > once)
        await settled(stage)
        assert polls_of(stage) - once <= once - before


async def test_a_reload_changes_whose_hints_are_true(tmp_path: Path) -> None:
    async with served(tmp_path, shop=HOOK) as stage:
        app: App = stage.app
        shop = app.settings.sources["shop"]
        gone = shop.model_copy(update={"hook": None})
        await app.reload(app.settings.model_copy(update={"sources": {"shop": gone}}))
        assert await send(stage, headers=signed()) == 404


# How hints become polls


class Time:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.waits: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self.waits.append((self.seconds + seconds, woken))
        await woken.wait()

    async def pass_(self, seconds: float) -> None:
        self.seconds += seconds
        for at, woken in self.waits:
            if at <= self.seconds:
                woken.set()
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.mark.parametrize(("every", "seconds"), [("1s", 1), ("12s", 1), ("30s", 2.5), ("60s", 5), ("1h", 5), ("1d", 5)])
def test_hints_cause_a_poll_in_a_share_of_the_interval_at_most(every: str, seconds: float, tmp_path: Path) -> None:
    units = {"s": 1, "h": 3600, "d": 86400}
    assert gap(timedelta(seconds=int(every[:-1]) * units[every[-1]])) == seconds


def _noting(polled: list[str]) -> Callable[[str], Awaitable[bool]]:
    async def poll_now(source: str) -> bool:
        polled.append(source)
        return True

    return poll_now


async def test_a_hint_too_soon_is_a_poll_later_and_all_of_them_are_one() -> None:
    time, polled = Time(), list[str]()
    hints = Hints(_noting(polled), time)
    minute = timedelta(minutes=1)
    assert await hints.take("shop", minute) is Hint.TAKEN
    await time.pass_(2)
    assert [await hints.take("shop", minute) for _ in range(10)] == [Hint.JOINED] * 10
    assert await hints.take("other", minute) is Hint.TAKEN
    await time.pass_(0)
    await time.pass_(2.9)
    assert polled == ["shop", "other"]
    await time.pass_(0.2)
    assert polled == ["shop", "other", "shop"]
    assert await hints.take("shop", minute) is Hint.JOINED
    await time.pass_(0)
    await time.pass_(5)
    assert polled.count("shop") == 3
    await time.pass_(5)
    assert await hints.take("shop", minute) is Hint.TAKEN


async def test_hints_end_with_the_server() -> None:
    time, polled = Time(), list[str]()
    hints = Hints(_noting(polled), time)
    await hints.take("shop", timedelta(minutes=1))
    await hints.take("shop", timedelta(minutes=1))
    await asyncio.sleep(0)
    await hints.aclose()
    await time.pass_(60)
    assert polled == ["shop"]


async def _stopping(source: str) -> bool:
    return False


async def test_while_the_daemon_stops_a_sender_is_told_to_come_again() -> None:
    assert await Hints(_stopping, Time()).take("shop", timedelta(minutes=1)) is Hint.STOPPING


async def test_of_refusals_the_first_of_a_minute_is_logged_with_how_many_there_were() -> None:
    time = Time()
    hints = Hints(_noting([]), time)
    with capture_logs() as logs:
        for _ in range(12):
            hints.refuse("shop", "wrong")
        await time.pass_(61)
        assert hints.refuse("shop", "wrong again")
    assert [(line["reason"], line["refused"]) for line in logs] == [("wrong", 1), ("wrong again", 12)]


# Settings


def fault(folder: Path, hook: Any, web: str = "web: {}\n") -> str:
    file = folder / "monitor.yaml"
    file.write_text(
        "sources: {shop: {type: opterius, url: https://a.example.com, token: abcdefgh, hook: "
        f"{hook}}}}}\nchannels: {{}}\n{web}"
    )
    with pytest.raises(ConfigError) as raised:
        load(file, {})
    return str(raised.value.problems[0])


def test_a_hook_needs_a_secret_that_is_one(tmp_path: Path) -> None:
    assert "hook.secret" in fault(tmp_path, "{}")
    assert "at least 8 characters" in fault(tmp_path, "{secret: short}")
    assert "letters, digits and hyphens" in fault(tmp_path, "{secret: long-enough, header: 'X Y'}")
    assert "unknown" in fault(tmp_path, "{secret: long-enough, heder: X}")


def test_a_hook_that_nobody_listens_for_is_a_mistake(tmp_path: Path) -> None:
    assert "add a section web" in fault(tmp_path, "{secret: long-enough}", web="")


def test_a_hooks_secret_may_stand_in_a_file_and_is_one_to_every_log(tmp_path: Path) -> None:
    (tmp_path / "hook.secret").write_text("from-a-file\n")
    (tmp_path / "monitor.yaml").write_text(
        "sources: {shop: {type: opterius, url: https://a.example.com, token: abcdefgh,\n"
        "  hook: {secret_file: hook.secret}}}\n"
        "channels: {ops: {url: 'json://alerts.example.com'}}\nweb: {}\n"
    )
    settings = load(tmp_path / "monitor.yaml", {})
    assert "from-a-file" in settings.secrets()
    assert settings.redacted()["sources"]["shop"]["hook"] == {"secret": "***"}
