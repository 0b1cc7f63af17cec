"""`check --connect`: what it shows of sources in both dialects and of channels, and that it sends nothing."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pseudo_terminal import Terminal
from pydantic import SecretStr
from typed import Hook, Keyboard, Typed

from monitor.cli.connect import look
from monitor.cli.findings import SourceFound
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.simulator.faults import IgnoredFilter, LoginPage, LyingTotal
from monitor.simulator.server import Simulator
from monitor.simulator.world import World

TOKEN = "made-up-token-4711"
STATUSES = {"active": 117, "pending": 3, "fraud": 2}
SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
SLACK_ADDRESS = "apprise.plugins.slack.NotifySlack.webhook_url"


class HastyClock(SystemClock):
    """Sleep passes at once, so that nobody waits for patience to end."""

    def __init__(self) -> None:
        self._slept = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self._slept

    async def sleep(self, seconds: float) -> None:
        self._slept += seconds
        await asyncio.sleep(0)


def small_world() -> World:
    """122 orders, the newest of them ORD-0122: fraud, $49.00, one item."""
    world = World()
    for status, count in STATUSES.items():
        for _ in range(count):
            world.place(status=status, total=4900, at=datetime(2025, 7, 1, 12, 22, tzinfo=UTC))
    return world


def configuration(url: str, channel: str, **more: Any) -> dict[str, Any]:
    return {
        "sources": {"shop": {"type": "opterius", "url": url, "token": TOKEN}},
        "channels": {"ops": {"url": channel}},
        **more,
    }


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


async def connected(keyboard: Keyboard, config: dict[str, Any], *flags: str) -> Typed:
    keyboard.file.write_text(yaml.safe_dump(config))
    return await keyboard.beside("check", "--connect", *flags)


async def found(url: str, **source: Any) -> SourceFound:
    """What is found at this address, with patience that ends at once."""
    settings = Settings.model_validate(
        {"sources": {"shop": {"type": "opterius", "url": url, "token": SecretStr(TOKEN), **source}}}
    )
    (only,) = await look(settings, HastyClock())
    assert isinstance(only, SourceFound)
    return only


async def test_a_source_as_documented_shows_what_it_holds(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, hook.url))
        assert shop.request_count == 5, "a page, and a look at the total of each status"
    assert (typed.code, typed.err) == (0, "")
    summary, _, shown = typed.out.partition("\n\n")
    assert summary.startswith(f"{keyboard.file}: right. ")
    lines = shown.replace("\u00a0", " ").splitlines()
    assert lines[0] == f"shop: opterius, {shop.url}"
    assert lines[1].startswith("  ✓ answers     in ")
    assert lines[2:] == [
        "  ✓ token       accepted",
        "    dialect     as documented: pages, totals, filters",
        "    orders      122 orders: 117 active · 3 pending · 2 fraud",
        "    one as read ORD-0122 · fraud · $49.00 · 1 item · created Jul 1, 2025, 12:22 UTC",
        "    noticed     changes within 60 s, deletions within 2 min",
        "    a day       2,880 requests: 1,440 polls of 2",
        "    routes      a change to any of these statuses reaches somebody",
        "",
        "ops: json",
        f"  ✓ host        {hook.url[7:].removesuffix('/alerts')} answers, without encryption; nothing was sent",
    ]
    assert hook.posted == []
    assert list(keyboard.file.parent.iterdir()) == [keyboard.file], "it keeps no state"


async def test_a_source_as_released_shows_the_same_by_one_full_read(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), "released", token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, hook.url), "--json")
    assert (typed.code, typed.err) == (0, "")
    source, channel = typed.json
    assert source["dialect"] == "released"
    assert source["by_status"] == STATUSES
    assert (source["requests"], source["requests_a_day"]) == (1, 1440)
    assert source["order"]["total"] == {"amount": "49", "currency": "USD"}
    assert "items" not in source["order"]
    assert (source["ok"], source["token_accepted"], source["noticed_within_s"]) == (True, True, 60)
    assert (channel["channel"], channel["ok"], channel["tried"], channel["secure"]) == ("ops", True, True, False)


async def test_json_documents_stand_alone_on_the_output(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, hook.url), "--json", "--show")
    assert [document.get("source", document.get("channel")) for document in typed.json] == ["shop", "ops"]
    assert typed.json[0]["by_status"] == STATUSES


def test_json_goes_with_connect_only(keyboard: Keyboard) -> None:
    keyboard.file.write_text("")
    assert keyboard.type("check", "--json")[:2] == (2, "")


async def test_a_wrong_token_is_told_apart_from_a_dead_host(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), token="another") as shop:
        typed = await connected(keyboard, configuration(shop.url, hook.url))
        (source, _) = (await connected(keyboard, configuration(shop.url, hook.url), "--json")).json
    assert typed.code == 1
    assert f"✗ token       401 from {shop.url}/api/v1/orders: the token is refused (Unauthenticated.)" in typed.out
    assert (source["ok"], source["reachable"], source["token_accepted"]) == (False, True, False)


async def test_a_dead_host_is_not_reachable() -> None:
    seen = await found(f"http://127.0.0.1:{closed_port()}")
    assert (seen.reachable, seen.token_accepted) == (False, None)
    assert seen.problem is not None
    assert "Connection refused" in seen.problem


async def test_a_missing_certificate_says_nothing_about_the_host(tmp_path: Path) -> None:
    seen = await found("https://billing.example.com", ca_file=str(tmp_path / "none.pem"))
    assert seen.problem is not None
    assert seen.problem.startswith("ca_file")
    assert not seen.reachable


async def test_a_login_page_is_an_answer_but_no_list() -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        shop.faults.set(LoginPage())
        seen = await found(shop.url)
    assert seen.reachable
    assert "is a web page" in (seen.problem or "")


async def test_totals_that_cannot_be_believed_are_counted_instead() -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        shop.faults.set(IgnoredFilter())
        seen = await found(shop.url)
        assert seen.by_status == STATUSES
        assert seen.requests == 2
        shop.faults.clear()
        shop.world.place(status="on-hold")
        seen = await found(shop.url)
    assert seen.by_status == {**STATUSES, "on-hold": 1}, "a status that the adapter does not know"


async def test_a_list_that_proves_no_absence_is_warned_of() -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        shop.faults.set(IgnoredFilter())
        shop.faults.set(LyingTotal(by=7))
        seen = await found(shop.url)
    assert seen.by_status == STATUSES
    assert seen.warnings == ["what it lacks proves nothing: the list says that it holds 129 orders, but shows 122"]


@pytest.mark.parametrize(("hours", "words"), [(2, "7,200 s ahead of ours"), (-3, "10,800 s behind ours")])
async def test_a_clock_that_is_off_is_warned_of(hours: int, words: str) -> None:
    world = small_world()
    world.now = lambda: datetime.now(UTC) + timedelta(hours=hours, seconds=0.5)
    async with Simulator(world, token=TOKEN) as shop:
        seen = await found(shop.url)
    (warning,) = seen.warnings
    number = int(words.split(maxsplit=1)[0].replace(",", ""))
    assert any(f"its clock is {n:,} {words.partition(' ')[2]}" == warning for n in range(number - 3, number + 4))


async def test_an_empty_source_is_no_failure(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(World(), token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, hook.url))
    assert typed.code == 0
    assert "    orders      0 orders\n" in typed.out
    assert "one as read" not in typed.out


async def test_the_last_page_being_full_costs_a_look_behind_it() -> None:
    world = World()
    for _ in range(200):
        world.place()
    async with Simulator(world, token=TOKEN) as shop:
        assert (await found(shop.url)).requests == 3


async def test_a_busy_configuration_is_warned_of(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        config = configuration(shop.url, hook.url)
        config["sources"]["shop"]["every"] = "1s"
        typed = await connected(keyboard, config)
    assert "a day       172,800 requests: 86,400 polls of 2" in typed.out
    assert "! " in typed.out
    assert "about 120 a minute: a longer every spares the server" in typed.out


async def test_what_stands_in_an_order_cannot_speak_to_the_terminal(keyboard: Keyboard, hook: Hook) -> None:
    world = World()
    world.place(number="\x1b]0;owned\x07ORD [red]", status="fr\x1b[2Jaud")
    async with Simulator(world, "documented", token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, hook.url))
    assert "\x1b" not in typed.out
    assert "[red]" in typed.out


async def test_no_secret_is_shown(keyboard: Keyboard, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SLACK_ADDRESS, "http://127.0.0.1:9")
    world = small_world()
    world.place(number=f"ORD {TOKEN}")  # as a system would that puts what it is told into its orders
    async with Simulator(world, token=TOKEN) as shop:
        config = configuration(shop.url, f"{hook.url}/canary-path-4712?+Authorization=canary-key")
        config["channels"]["slack"] = {"url": SLACK.replace("XXXX", "4713")}
        plain = await connected(keyboard, config)
        as_json = await connected(keyboard, config, "--json")
    assert "ORD ***" in plain.out
    for shown in (*plain[1:], *as_json[1:]):
        assert not any(secret in shown for secret in (TOKEN, "canary", "4712", "4713"))


async def test_a_channel_that_refuses_fails_and_nothing_else_does(keyboard: Keyboard) -> None:
    port = closed_port()
    async with Simulator(small_world(), token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, f"json://127.0.0.1:{port}/x"))
    assert typed.code == 1
    assert "122 orders" in typed.out
    assert f"✗ host        127.0.0.1:{port}: no connection (Connection refused)" in typed.out


async def test_an_unknown_service_is_not_tried(keyboard: Keyboard) -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        typed = await connected(keyboard, configuration(shop.url, f"pover://{'u' * 30}@{'a' * 30}"))
    assert typed.code == 0
    assert "! host        not tried: which host it talks to is not known" in typed.out


async def test_on_a_terminal_it_is_shown_in_colour(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        keyboard.file.write_text(yaml.safe_dump(configuration(shop.url, hook.url)))
        folder = keyboard.file.parent
        async with Terminal("check", "--connect", "-c", "monitor.yaml", folder=folder) as terminal:
            assert await terminal.ends() == 0
    assert "Contacting shop, ops …" in terminal.screen
    assert "orders      122 orders: 117 active · 3 pending · 2 fraud" in terminal.screen
    assert "\x1b[32m✓" in terminal.raw


async def test_unreached_statuses_are_told(keyboard: Keyboard, hook: Hook) -> None:
    async with Simulator(small_world(), token=TOKEN) as shop:
        routes = [{"name": "fraud", "when": {"to": "fraud"}, "channels": ["ops"]}]
        typed = await connected(keyboard, configuration(shop.url, hook.url, routes=routes))
    assert typed.code == 0
    assert "! routes      none is about a change to pending, active: it would alert nobody" in typed.out
