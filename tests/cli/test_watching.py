"""`poll`, for cron; `simulate` and `demo`, for everybody."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from typed import Hook, Keyboard, in_process

from monitor.simulator.world import World


async def test_the_first_poll_is_the_baseline_and_the_next_tells(keyboard: Keyboard, shop: World, hook: Hook) -> None:
    shop.place(id=1)
    typed = await keyboard.beside("poll")
    assert typed == (0, "shop: 1 order, 1 request, this is the baseline\n", "")
    shop.set_status(1, "active")
    typed = await keyboard.beside("poll")
    assert typed == (0, "shop: 1 order, 1 request, 1 status_changed\n", "")
    assert hook.titles == ["✅ Active: ORD-0001 · $5.00 · shop"]
    assert (await keyboard.beside("poll")).out == "shop: 1 order, 1 request, nothing new\n"


async def test_a_poll_that_delivers_not_everything_ends_with_1_and_the_next_delivers(
    keyboard: Keyboard, watched: World, hook: Hook
) -> None:
    hook.status = 404
    watched.set_status(5, "fraud")
    typed = await keyboard.beside("poll")
    assert typed.code == 1
    assert "not every message was delivered: `order-monitor deliveries` says why" in typed.out
    hook.status = 200
    await keyboard.beside("deliveries", "retry")
    assert (await keyboard.beside("poll")).code == 0
    assert hook.titles[-1] == "🚨 Fraud: ORD-0005 · $5.00 · shop"


async def test_a_poll_of_a_source_that_refuses_ends_with_1_and_says_so(keyboard: Keyboard, shop: World) -> None:
    keyboard.file.write_text(keyboard.file.read_text().replace("simulator-token", "expired-token"))
    typed = await keyboard.beside("poll")
    assert typed.code == 1
    assert re.match(r"shop: failed: 401 from http://\S+: the token is refused", typed.out)
    assert "expired-token" not in typed.out + typed.err


async def test_a_dry_run_leaves_nothing_and_sends_nothing(keyboard: Keyboard, shop: World, hook: Hook) -> None:
    shop.place(id=1)
    typed = await keyboard.beside("poll", "--dry-run")
    assert typed == (0, "shop: 1 order, 1 request, this is the baseline\n", "")
    keyboard.file.write_text(keyboard.file.read_text().replace("down_after: 2", "down_after: 1, timeout: 100ms"))
    keyboard.file.write_text(keyboard.file.read_text().replace("simulator-token", "expired-token"))
    typed = await keyboard.beside("poll", "--dry-run")
    assert typed.code == 1
    assert "--- to ops\n🔴 Source down: shop\n" in typed.out
    assert hook.posted == []
    assert [file.name for file in keyboard.file.parent.iterdir()] == ["monitor.yaml"]


async def test_every_source_is_polled_whatever_becomes_of_another(keyboard: Keyboard, shop: World) -> None:
    shop.place(id=1)
    text = keyboard.file.read_text()
    url = re.search(r"http://[^\"]+", text)
    assert url
    refused = f"sources: {{expired: {{type: opterius, url: '{url[0]}', token: old}}, "
    keyboard.file.write_text(text.replace("sources: {", refused))
    typed = await keyboard.beside("poll")
    assert typed.code == 1
    assert "expired: failed: 401 from " in typed.out
    assert "shop: 1 order, 1 request, this is the baseline\n" in typed.out


@asynccontextmanager
async def _running(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: asyncio.subprocess.Process, pattern: str) -> re.Match[str]:
    """The first line in which the pattern is found."""
    assert process.stdout is not None
    seen = ""
    async with asyncio.timeout(30):
        async for raw in process.stdout:
            seen += raw.decode()
            if match := re.search(pattern, raw.decode()):
                return match
    raise AssertionError(f"no {pattern} in:\n{seen}")


async def _ended(process: asyncio.subprocess.Process) -> int:
    async with asyncio.timeout(30):
        return await process.wait()


async def test_simulate_answers_like_the_billing_system_and_follows_its_timeline(tmp_path: Path) -> None:
    timeline = tmp_path / "timeline.yaml"
    timeline.write_text(
        "- {at: 0s, place: {number: MY-1, total: 1234}}\n- {at: 10ms, set: {order: MY-1, status: fraud}}\n"
    )
    arguments = ("--listen", "127.0.0.1:0", "--token", "tk", "--orders", "3", "--timeline", str(timeline))
    async with _running("simulate", *arguments) as process:
        url = (await _line(process, r"3 orders at (http://\S+), token: tk"))[1]
        async with aiohttp.ClientSession(headers={"Accept": "application/json"}) as session:
            async with session.get(f"{url}/api/v1/orders") as refused:
                assert refused.status == 401
            orders: list[dict[str, object]] = []
            async with asyncio.timeout(30):
                while not any(order["status"] == "fraud" and order["order_number"] == "MY-1" for order in orders):
                    async with session.get(f"{url}/api/v1/orders", headers={"Authorization": "Bearer tk"}) as response:
                        orders = (await response.json())["data"]
            assert orders[0]["total"] == 1234
            async with session.post(f"{url}/_simulator/orders/MY-1", json={"status": "active"}) as response:
                assert (await response.json())["status"] == "active"
        process.send_signal(signal.SIGTERM)
        assert await _ended(process) == 0


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("- {at: 0s, explode: 1}\n", 2, "is no timeline: step 1: expected at"),
        ("place: 1\n", 2, "is no timeline"),
        ("- {at: 0s, set: {order: 99999, status: fraud}}\n", 1, "a step cannot be done: there is no order 99999"),
    ],
)
def test_a_timeline_that_cannot_be_followed_is_explained(
    text: str, code: int, says: str, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyboard.file.write_text(text)
    arguments = ("--listen", "127.0.0.1:0", "--orders", "1", "--timeline", str(keyboard.file))
    typed = keyboard.type("simulate", *arguments, config=False)
    assert typed.code == code
    assert says in typed.err
    assert "Traceback" not in typed.err


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "nowhere", "127.0.0.1:x", "192.0.2.1:80"])
def test_an_address_that_cannot_be_listened_at_is_explained(address: str, keyboard: Keyboard) -> None:
    typed = keyboard.type("simulate", "--listen", address, "--orders", "1", config=False)
    assert typed.code == 1
    assert typed.err.startswith(f"order-monitor: cannot listen on {address}: ")


def test_demo_shows_an_alert_within_seconds_and_leaves_nothing() -> None:
    typed = in_process("demo", "--for", "5s", "--orders", "300")
    assert (typed.code, typed.err) == (0, "")
    assert re.search(r"^\d\d:\d\d:\d\d  ALERT  ", typed.out, re.MULTILINE), typed.out
    assert re.search(r"^[1-9]\d* changes in the billing system, [1-9]\d* alerts\. Nothing is left behind\.$", typed.out,
                     re.MULTILINE)  # fmt: skip


def test_demo_refuses_a_time_that_is_none(keyboard: Keyboard) -> None:
    typed = keyboard.type("demo", "--for", "soon", config=False)
    assert (typed.code, typed.err) == (2, "--for: expected a duration such as 90s, 5m, 1h or 2d\n")
