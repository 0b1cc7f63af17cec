"""`order-monitor health`: from the state alone, with no daemon, by nobody's leave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typed import Keyboard, Typed

from monitor.cli import main
from monitor.simulator.world import World


class Later:
    """The machine's clock, so much later."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def health(keyboard: Keyboard, later: timedelta = timedelta(0), *options: str) -> Typed:
    keyboard._capfd.readouterr()
    code = main(["health", "-c", str(keyboard.file), *options], clock=Later(later))  # type: ignore[arg-type]  # asked for the time alone
    return Typed(code, *keyboard._capfd.readouterr())


async def test_a_state_that_was_just_polled_is_healthy(watched: World, keyboard: Keyboard) -> None:
    assert health(keyboard) == Typed(0, "healthy\n", "")
    done = health(keyboard, timedelta(0), "--json")
    assert (done.code, json.loads(done.out)) == (0, {"healthy": True, "faults": []})


async def test_a_state_that_nobody_polls_any_more_is_not(watched: World, keyboard: Keyboard) -> None:
    assert health(keyboard, timedelta(minutes=4)).code == 0
    done = health(keyboard, timedelta(minutes=6), "--json")
    [fault] = json.loads(done.out)["faults"]
    assert (done.code, fault["part"]) == (1, "source")
    assert fault["text"].startswith("shop: not polled since ")


async def test_it_needs_no_right_to_write(watched: World, keyboard: Keyboard) -> None:
    """It reads beside the daemon, and changes nothing."""
    state = keyboard.file.with_name("order-monitor.db")
    before = state.read_bytes()
    assert health(keyboard).code == 0
    assert state.read_bytes() == before


def test_no_state_is_not_healthy(keyboard: Keyboard) -> None:
    keyboard.file.write_text("sources: {shop: {}}")
    done = health(keyboard)
    assert done.code == 1
    assert "there is no state yet" in done.out


def test_a_file_that_is_no_state_is_not_healthy(keyboard: Keyboard) -> None:
    keyboard.file.write_text("sources: {shop: {}}")
    keyboard.file.with_name("order-monitor.db").write_text("scribble " * 1000)
    done = health(keyboard)
    assert done.code == 1
    assert "not a database" in done.out


def test_a_configuration_that_cannot_be_read_is_exit_code_2(keyboard: Keyboard) -> None:
    keyboard.file.write_text("sources: [")
    done = health(keyboard)
    assert (done.code, done.out) == (2, "")
    assert f"{keyboard.file}:" in done.err


async def test_what_the_environment_sets_is_heeded(
    watched: World, keyboard: Keyboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONITOR_SOURCES__SHOP__EVERY", "1h")
    assert health(keyboard, timedelta(hours=2)).code == 0


async def test_a_daemon_is_healthy_while_it_lives_and_not_two_minutes_after_its_death(
    shop: World, keyboard: Keyboard
) -> None:
    """A clean end is no death: its polls are judged then, which may be five minutes old."""
    state = keyboard.file.with_name("order-monitor.db")
    for number, last_words in ((signal.SIGTERM, 0), (signal.SIGKILL, 1)):
        command = [sys.executable, "-m", "monitor", "run", "-c", str(keyboard.file)]
        process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        async with asyncio.timeout(30):
            while not _polled(state):  # noqa: ASYNC110  # another process polls
                await asyncio.sleep(0.05)
        assert health(keyboard).code == 0
        process.send_signal(number)
        await process.wait()
        assert health(keyboard, timedelta(minutes=3)).code == last_words
        assert health(keyboard, timedelta(minutes=6)).code == 1
        with contextlib.closing(sqlite3.connect(state)) as connection, connection:
            connection.execute("UPDATE sources SET doc = NULL")


def _polled(state: Path) -> bool:
    if not state.exists():
        return False
    try:
        with contextlib.closing(sqlite3.connect(f"file:{state}?mode=ro", uri=True)) as connection:
            sql = "SELECT (SELECT COUNT(*) FROM schedules WHERE name = 'alive') * COUNT(doc) FROM sources"
            return bool(connection.execute(sql).fetchone()[0])
    except sqlite3.OperationalError:  # its tables are being made
        return False


async def test_it_costs_a_tenth_of_what_a_command_that_reads_everything_does(
    watched: World, keyboard: Keyboard
) -> None:
    """An image asks every half minute, for ever. Generous, as the machine may be busy: CPU, not time."""

    def cost(*arguments: str) -> float:
        command = [sys.executable, "-m", "monitor", *arguments, "-c", str(keyboard.file)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    cost("health")
    assert min(cost("health") for _ in range(3)) < min(cost("orders") for _ in range(2)) / 3
