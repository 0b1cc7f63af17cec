"""`backtest`: a draft's routes on what has happened, against the messages that there were."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typed import Hook, Keyboard, Typed, webhook

from monitor.simulator.server import Simulator
from monitor.simulator.world import World

CONFIG = """\
sources: {{shop: {{type: opterius, url: "{shop}", token: simulator-token}}}}
channels: {{ops: {{url: "{ops}"}}, quiet: {{url: "{ops}/other"}}}}
"""
RUNNING = """
routes:
  - {name: fraud, when: {to: fraud}, channels: [ops]}
  - {name: paid, when: {to: active}, channels: [quiet]}
"""


@pytest.fixture
async def history(keyboard: Keyboard, hook: Hook) -> AsyncIterator[World]:
    """Two frauds and two payments, found by two polls after the baseline."""
    async with Simulator(World()) as simulator:
        keyboard.file.write_text(CONFIG.format(shop=simulator.url, ops=hook.url) + RUNNING)
        for number in range(1, 9):
            simulator.world.place(id=number, total=number * 1000)
        await keyboard.beside("poll")
        for number, status in ((1, "fraud"), (2, "active"), (3, "fraud"), (4, "active")):
            simulator.world.set_status(number, status)
        await keyboard.beside("poll")
        yield simulator.world


def draft(keyboard: Keyboard, routes: str) -> Path:
    """A draft beside the running configuration, which differs in its routes."""
    path = keyboard.file.with_name("draft.yaml")
    path.write_text(keyboard.file.read_text().partition("\nroutes:")[0] + f"\nroutes:\n{routes}")
    return path


async def alone(keyboard: Keyboard, path: Path, *options: str) -> Typed:
    return await asyncio.to_thread(keyboard.type, "backtest", *options, "-c", str(path), config=False)


async def played(keyboard: Keyboard, path: Path, *options: str) -> Typed:
    return await alone(keyboard, path, "--since", "1d", "--state-of", str(keyboard.file), *options)


async def test_the_running_configuration_would_send_what_it_sent(keyboard: Keyboard, history: World) -> None:
    typed = await keyboard.beside("backtest")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.endswith("no difference: 4 messages, the same as there were\n")
    assert re.search(r"^in all +4 +4 *$", typed.out, re.MULTILINE)
    (found,) = (await keyboard.beside("backtest", "--json")).json
    assert (found["events"], found["same"], found["differences"]) == (4, 4, [])


async def test_what_would_be_new_and_what_would_be_no_more(keyboard: Keyboard, history: World) -> None:
    path = draft(keyboard, "  - {name: fraud, when: {to: [fraud, active], min_total: {USD: 30}}, channels: [ops]}\n")
    typed = await played(keyboard, path)
    assert typed.code == 0
    signs = [line[0] for line in typed.out.splitlines() if re.match("[-+~] ", line)]
    assert sorted(signs) == ["+", "-", "-", "-"]
    assert re.search(r"^\+ .* UTC  fraud → ops: shop ORD-0004 pending → active", typed.out, re.MULTILINE)
    assert re.search(r"^- .* UTC  fraud → ops: shop ORD-0001 pending → fraud", typed.out, re.MULTILINE)
    assert re.search(r"^fraud +ops +2 +2 *$", typed.out, re.MULTILINE)
    assert re.search(r"^paid +quiet +2 +0 +-2 *$", typed.out, re.MULTILINE)


async def test_what_would_be_grouped_otherwise(keyboard: Keyboard, history: World) -> None:
    path = draft(
        keyboard,
        "  - {name: fraud, when: {to: fraud}, channels: [ops], group: {by: [source], wait: 30s}}\n"
        "  - {name: paid, when: {to: active}, channels: [quiet]}\n",
    )
    typed = await played(keyboard, path)
    (line,) = [line for line in typed.out.splitlines() if re.match("[-+~] ", line)]
    assert re.match(r"~ .* fraud → ops: shop ORD-0001 .* and 1 more; until now in 2 messages$", line)
    (found,) = (await played(keyboard, path, "--json")).json
    (difference,) = found["differences"]
    assert (difference["what"], difference["messages_before"], len(difference["events"])) == ("grouped", 2, 2)


@pytest.mark.parametrize("held", ["digest: {daily: '08:00'}", "storm: {over: 1, within: 5m}"])
async def test_digests_and_storms_are_played_through(keyboard: Keyboard, history: World, held: str) -> None:
    path = draft(keyboard, f"  - {{name: all, channels: [ops], {held}}}\n")
    (found,) = (await played(keyboard, path, "--json")).json
    (row,) = [row for row in found["routes"] if row["route"] == "all"]
    assert row["would"] == 1


async def test_for_drops_what_moved_on_in_time(keyboard: Keyboard, history: World) -> None:
    history.set_status(1, "active")
    await keyboard.beside("poll")
    path = draft(keyboard, "  - {name: fraud, when: {to: fraud}, channels: [ops], for: 1h}\n")
    (found,) = (await played(keyboard, path, "--json")).json
    gone = [one["first"]["order"]["number"] for one in found["differences"] if one["what"] == "gone"]
    assert (gone.count("ORD-0001"), gone.count("ORD-0003")) == (2, 0)


async def test_a_dead_letter_was_a_message(keyboard: Keyboard, history: World, hook: Hook) -> None:
    hook.status = 404
    history.set_status(5, "fraud")
    await keyboard.beside("poll")
    assert "no difference: 5 messages" in (await keyboard.beside("backtest")).out


async def test_what_stands_in_for_a_dead_letter_is_no_message_of_its_own(keyboard: Keyboard, history: World) -> None:
    async with webhook() as gone:
        gone.status = 404
        lost = f"channels: {{lost: {{url: '{gone.url}', fallback: ops}}, ops:"
        text = keyboard.file.read_text().replace("channels: {ops:", lost, 1)
        keyboard.file.write_text(text.replace("channels: [ops]", "channels: [lost]"))
        history.set_status(5, "fraud")
        await keyboard.beside("poll")
        await keyboard.beside("poll")
    states = [(row["channel"], row["state"]) for row in (await keyboard.beside("deliveries", "--json")).json]
    assert states[-2:] == [("lost", "dead"), ("ops", "sent")]
    (found,) = (await keyboard.beside("backtest", "--json")).json
    assert {row["to"]: row["were"] for row in found["routes"] if row["route"] == "fraud"} == {"lost": 1, "ops": 2}


async def test_a_renamed_channel_and_a_new_url_are_the_same_place(keyboard: Keyboard, history: World) -> None:
    path = draft(keyboard, RUNNING.partition("routes:\n")[2].replace("[ops]", "[desk]"))
    path.write_text(path.read_text().replace("{ops:", "{desk:").replace("/other", "/another"))
    (found,) = (await played(keyboard, path, "--json")).json
    assert (found["same"], found["differences"]) == (4, [])


async def test_sources_without_history_and_history_without_a_source_are_said(
    keyboard: Keyboard, history: World
) -> None:
    path = draft(keyboard, RUNNING.partition("routes:\n")[2])
    path.write_text(path.read_text().replace("{shop:", "{store:"))
    typed = await played(keyboard, path)
    assert "note: source store has no history here" in typed.out
    assert "note: source shop is not in the draft: its 4 events went through no route" in typed.out
    assert sum(line.startswith("- ") for line in typed.out.splitlines()) == 4


async def test_what_is_older_is_left_out(keyboard: Keyboard, history: World) -> None:
    typed = await keyboard.beside("backtest", "--since", "2100-01-01")
    assert typed.out.startswith("0 events since 2100-01-01 00:00:00 UTC")
    assert typed.out.endswith("no difference: 0 messages, the same as there were\n")


async def test_a_draft_that_is_wrong_is_refused_as_by_check(keyboard: Keyboard, history: World) -> None:
    typed = await played(keyboard, draft(keyboard, "  - {name: fraud, when: {tu: fraud}, channels: [opps]}\n"))
    assert (typed.code, typed.out) == (2, "")
    assert "routes[0].when.tu" in typed.err
    assert "did you mean ops?" in typed.err


@pytest.mark.parametrize("since", ["soon", "30", "2026-13-01", "99999999999d"])
async def test_a_time_that_is_none_is_refused(keyboard: Keyboard, history: World, since: str) -> None:
    typed = await keyboard.beside("backtest", "--since", since)
    assert (typed.code, typed.out) == (2, "")
    assert typed.err.startswith("--since: expected a duration such as 30d or a date such as ")


async def test_the_state_is_the_draft_s_own_or_that_of_the_running_configuration(
    keyboard: Keyboard, history: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = elsewhere / "draft.yaml"
    path.write_text(keyboard.file.read_text())
    monkeypatch.chdir(elsewhere)
    monkeypatch.delenv("MONITOR_CONFIG", raising=False)
    typed = await alone(keyboard, path)
    assert typed.code == 1
    assert "there is no state; --state-of FILE names the running configuration, whose it is" in typed.err
    monkeypatch.setenv("MONITOR_CONFIG", str(keyboard.file))
    assert "no difference: 4 messages" in (await alone(keyboard, path)).out
    assert not list(elsewhere.glob("*.db"))


async def test_nothing_is_sent_and_nothing_is_written(keyboard: Keyboard, history: World, hook: Hook) -> None:
    state = keyboard.file.parent / "order-monitor.db"
    digest, posted = hashlib.sha256(state.read_bytes()).digest(), len(hook.posted)
    await played(keyboard, draft(keyboard, "  - {name: all, channels: [ops]}\n"))
    assert hashlib.sha256(state.read_bytes()).digest() == digest
    assert len(hook.posted) == posted
