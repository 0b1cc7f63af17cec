"""`--help` teaches, and comes at once; bad usage says where to read more."""

import re
import subprocess
import sys

import pytest
from typed import Keyboard

COMMANDS = (
    "run",
    "poll",
    "demo",
    "check",
    "test",
    "init",
    "schema",
    "orders",
    "events",
    "deliveries",
    "explain",
    "backtest",
    "accept",
    "password",
    "silence",
    "simulate",
)
_HEAVY = ("aiohttp", "apprise", "sqlalchemy", "alembic", "pydantic", "pydantic_settings", "apscheduler", "yaml",
          "msgspec", "jinja2", "babel", "rich", "structlog", "requests", "sqlite3", "asyncio")  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    lines = [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)]
    program = f"""
import sys
from monitor.cli import main
for line in {lines!r}:
    try:
        main(line)
    except SystemExit as ended:
        assert ended.code == 0, line
print("heavy:", sorted(set({_HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "heavy: []"


def test_help_names_every_command_the_first_steps_and_the_exit_codes(keyboard: Keyboard) -> None:
    typed = keyboard.type("--help", config=False)
    assert typed.code == 0
    for command in COMMANDS:
        assert re.search(rf"^    {command} *(\n *)?\S", typed.out, re.MULTILINE), command
    assert "order-monitor demo" in typed.out
    assert "exit codes: 0 done, 1 failed, 2 bad usage or configuration" in typed.out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_what_it_does_and_every_option_what_it_means(command: str, keyboard: Keyboard) -> None:
    typed = keyboard.type(command, "--help", config=False)
    assert typed.code == 0
    description = typed.out.split("\n\n")[1]
    assert description[0].isupper()
    assert description.splitlines()[0].endswith(".")
    assert typed.out.count("\n") > 8, "a help that teaches has more than its usage"
    for option in re.findall(r"^  (-.*)$", typed.out, re.MULTILINE):
        assert re.search(r"\S  +\S", option) or f"{option}\n    " in typed.out, f"{option} is not explained"


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "run --nonsense", "test", "accept", "deliveries resend", "deliveries retry x", "orders --limit 0",
     "orders --limit -3", "events --limit x", "demo --orders -1", "deliveries --state lost", "simulate --dialect x",
     "explain shop", "explain", "backtest --limit 0"],
)  # fmt: skip
def test_bad_usage_ends_with_2_and_says_where_to_read(line: str, keyboard: Keyboard) -> None:
    typed = keyboard.type(*line.split(), config=False)
    assert (typed.code, typed.out) == (2, "")
    assert re.search(r"Try: order-monitor.* --help\n$", typed.err)
    assert "Traceback" not in typed.err


def test_the_configuration_can_be_named_by_the_environment() -> None:
    from monitor.cli.parser import make_parser

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MONITOR_CONFIG", "/etc/order-monitor.yaml")
        assert make_parser().parse_args(["run"]).config == "/etc/order-monitor.yaml"
        assert make_parser().parse_args(["run", "-c", "own.yaml"]).config == "own.yaml"
        patch.setenv("MONITOR_CONFIG", "")
        assert make_parser().parse_args(["run"]).config == "config/monitor.yaml"
