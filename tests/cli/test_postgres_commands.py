"""Every command on a state in PostgreSQL, as it is typed; and the database's password in no word of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from postgres_server import database
from typed import Hook, Keyboard, Typed, in_process

from monitor.cli import main
from monitor.simulator.server import Simulator
from monitor.simulator.world import World
from monitor.store.address import shown
from monitor.store.postgres_driver import CHANNEL

PASSWORD = "hunter22hunter22"  # which the tests' server does not ask for
CONFIG = """\
state: "{state}"
state_password: {password}
sources: {{shop: {{type: opterius, url: "{shop}", token: simulator-token, down_after: 2, every: 1s}}}}
channels: {{ops: {{url: "{ops}"}}}}
routes: [{{name: all, when: {{event: [appeared, status_changed, changed, vanished, reappeared]}}, channels: [ops]}}]
log: {{level: debug}}
"""


@pytest.fixture
def state() -> Iterator[str]:
    with database() as url:
        yield url


@pytest.fixture
async def shop(keyboard: Keyboard, hook: Hook, state: str) -> AsyncIterator[World]:
    async with Simulator(World()) as simulator:
        keyboard.file.write_text(CONFIG.format(state=state, password=PASSWORD, shop=simulator.url, ops=hook.url))
        yield simulator.world


async def typed(keyboard: Keyboard, *arguments: str) -> Typed:
    """What a command came to, in which no password stood."""
    done = await keyboard.beside(*arguments)
    assert PASSWORD not in done.out + done.err
    return done


async def test_what_is_known_is_listed_as_from_a_file(watched: World, keyboard: Keyboard) -> None:
    assert len((await typed(keyboard, "orders", "--json")).json) == 61
    assert [
        row["order"]["status"] for row in (await typed(keyboard, "orders", "--json", "--status", "fraud")).json
    ] == ["fraud"]
    assert [row["kind"] for row in (await typed(keyboard, "events", "--json")).json] == [
        "status_changed",
        "changed",
        "appeared",
    ]
    assert {row["state"] for row in (await typed(keyboard, "deliveries", "--json")).json} == {"sent"}
    assert "status_changed" in (await typed(keyboard, "explain", "shop", "1")).out


async def test_drafts_are_tried_on_its_history(watched: World, keyboard: Keyboard) -> None:
    done = await typed(keyboard, "backtest", "--since", "1d")
    assert (done.code, "3 events since" in done.out) == (0, True)


async def test_silences_are_set_listed_and_ended(watched: World, keyboard: Keyboard, hook: Hook) -> None:
    assert (await typed(keyboard, "silence", "add", "--source", "shop", "--for", "1h", "--reason", "made up")).code == 0
    watched.set_status(3, "fraud")
    assert (await typed(keyboard, "poll")).code == 0
    assert len(hook.posted) == 3
    assert [row["id"] for row in (await typed(keyboard, "silence", "list", "--json")).json] == [1]
    assert (await typed(keyboard, "silence", "end", "1")).code == 0


async def test_dead_letters_are_sent_again(watched: World, keyboard: Keyboard, hook: Hook) -> None:
    hook.status = 404
    watched.set_status(3, "fraud")
    assert (await typed(keyboard, "poll")).code == 1
    hook.status = 200
    assert "1 dead letter will be sent again" in (await typed(keyboard, "deliveries", "retry")).out
    assert (await typed(keyboard, "poll")).code == 0
    assert hook.titles[-1] == hook.titles[-2]


async def test_a_loss_is_accepted(watched: World, keyboard: Keyboard) -> None:
    for number in range(10, 40):
        watched.delete(number)
    for _ in range(2):
        await typed(keyboard, "poll")
    accepted = await typed(keyboard, "accept", "shop")
    assert (accepted.code, "may lack 30 orders" in accepted.out) == (0, True)


async def test_an_order_is_erased(watched: World, keyboard: Keyboard) -> None:
    done = await typed(keyboard, "forget", "shop", "1", "--yes")
    assert (done.code, done.err) == (0, "")
    assert (await typed(keyboard, "explain", "shop", "1")).code == 1


async def test_report_and_check_say_where_the_state_is_and_no_password(
    watched: World, keyboard: Keyboard, state: str
) -> None:
    report = await typed(keyboard, "report")
    assert "psycopg 3." in report.out
    assert "| shop |" in report.out
    assert "state: postgresql://***/" in report.out, "whom and where is masked, as of any host"
    assert "host=" not in report.out
    check = await typed(keyboard, "check", "--show")
    assert f"state {shown(state)}; times in UTC" in check.out
    assert "state_password: '***'" in check.out


async def test_health_sees_whether_it_is_polled(watched: World, keyboard: Keyboard) -> None:
    assert (await typed(keyboard, "health")) == Typed(0, "healthy\n", "")

    class Later:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=20)

    assert main(["health", "-c", str(keyboard.file)], clock=Later()) == 1  # type: ignore[arg-type]  # asked for the time alone


async def test_health_imports_no_more_than_it_takes_to_ask_a_database(watched: World, keyboard: Keyboard) -> None:
    script = (
        "import sys; from monitor.cli import main; main(['health', '-c', sys.argv[1]])\n"
        "print(*sorted({'pydantic', 'aiohttp', 'apprise', 'sqlalchemy', 'alembic', 'jinja2'} & {*sys.modules}))"
    )
    done = subprocess.run(  # noqa: ASYNC221  # nothing else runs in this loop
        [sys.executable, "-c", script, str(keyboard.file)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "healthy\n\n"


async def test_backup_and_restore_name_the_commands_that_do_it(watched: World, keyboard: Keyboard, state: str) -> None:
    backup = await typed(keyboard, "backup", "/var/backups/my state.dump")
    assert backup.code == 2
    assert f"pg_dump --format=custom --file='/var/backups/my state.dump' --dbname='{shown(state)}'" in backup.err
    restore = await typed(keyboard, "restore", "state.dump")
    assert restore.code == 2
    assert f"pg_restore --clean --if-exists --single-transaction --dbname='{shown(state)}' state.dump" in restore.err


@pytest.mark.parametrize(
    "command",
    [["orders"], ["events"], ["deliveries"], ["deliveries", "retry"], ["silence", "list"], ["explain", "shop", "1"]],
)
async def test_without_a_state_a_command_says_what_makes_one(
    keyboard: Keyboard, hook: Hook, command: list[str]
) -> None:
    with database(empty=True) as url:
        keyboard.file.write_text(CONFIG.format(state=url, password=PASSWORD, shop="http://127.0.0.1:9", ops=hook.url))
        done = await typed(keyboard, *command)
        assert (done.code, done.out) == (1, "")
        assert "there is no state yet; `order-monitor run` or `poll` makes it" in done.err
        assert (await typed(keyboard, "health")).code == 1
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('orders')").fetchone() == (None,), "nothing is made by asking"


async def test_a_server_that_is_not_there_is_said_without_the_password(keyboard: Keyboard, hook: Hook) -> None:
    address = f"postgresql://monitor:{PASSWORD}@127.0.0.1:9/monitor"
    text = CONFIG.format(state=address, password="", shop="http://127.0.0.1:9", ops=hook.url)
    keyboard.file.write_text(text.replace("state_password: \n", ""))
    for command in ("orders", "health", "poll", "run", "report"):
        done = in_process(command, "-c", str(keyboard.file))
        assert done.code == (0 if command == "report" else 1)
        assert "PostgreSQL: " in done.out + done.err
        assert PASSWORD not in done.out + done.err


async def test_whatever_is_changed_wakes_who_listens(
    watched: World, keyboard: Keyboard, state: str, hook: Hook
) -> None:
    with psycopg.connect(state, autocommit=True) as connection:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        for command in (
            ["silence", "add", "--source", "shop", "--for", "1h", "--reason", "made up"],
            ["silence", "end", "1"],
            ["deliveries", "retry"],
            ["accept", "shop"],
            ["forget", "shop", "1", "--yes"],
        ):
            await typed(keyboard, *command)
            assert list(connection.notifies(timeout=5, stop_after=1)), command


async def test_the_log_says_where_the_state_is_plainly_and_without_its_password(
    shop: World, keyboard: Keyboard, state: str
) -> None:
    shop.place(id=1)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "run", "-c", str(keyboard.file), stderr=subprocess.PIPE, env={**os.environ}
    )
    assert process.stderr is not None
    lines = []
    async with asyncio.timeout(30):
        async for raw in process.stderr:
            lines.append(json.loads(raw))
            if lines[-1]["event"] == "poll":
                break
        process.send_signal(signal.SIGTERM)
        rest = (await process.stderr.read()).decode()
    assert await process.wait() == 0
    (started,) = [line for line in lines if line["event"] == "started"]
    assert started["state"] == shown(state)
    assert PASSWORD not in json.dumps(lines) + rest
