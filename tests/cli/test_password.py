"""`password` prints what locks the page, and nothing that would open it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pseudo_terminal import Terminal
from typed import Typed, in_process

from monitor.config import load
from monitor.web.passwords import is_password

CHOSEN = "a made-up pässword"
CONFIG = """\
sources: {shop: {type: opterius, url: "https://billing.example.com", token: made-up}}
channels: {ops: {url: "json://alerts.example.com/"}}
web: {listen: "0.0.0.0:8080", password_file: web_password}
"""


def _piped(given: bytes) -> Typed:
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "password"], input=given, capture_output=True, timeout=60, check=False
    )
    return Typed(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\nand another line\n"])
def test_a_line_that_is_piped_in_becomes_a_hash_and_nothing_else(end: str, tmp_path: Path) -> None:
    typed = _piped(f"{CHOSEN}{end}".encode())
    assert typed.code == 0
    (line,) = typed.out.splitlines()
    assert line.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert is_password(CHOSEN, line)
    assert not is_password(f"{CHOSEN} ", line)
    assert "web: {password_file: web_password}" in typed.err
    assert CHOSEN not in typed.out + typed.err
    (tmp_path / "web_password").write_text(typed.out)
    (tmp_path / "monitor.yaml").write_text(CONFIG)
    assert load(tmp_path / "monitor.yaml", {}, ()).web


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (b"", "a password cannot be empty"),
        (b"\n", "a password cannot be empty"),
        (b"sevench\n", "a password has at least 8 characters"),
        (b"sevench\xff", "this is no UTF-8 text"),
        (b"x" * 1025, "a password has at most 1024 characters"),
        (b"x" * 100_000, "a password has at most 1024 characters"),
    ],
)
def test_what_is_no_password_is_refused(given: bytes, reason: str) -> None:
    typed = _piped(given)
    assert (typed.code, typed.out, typed.err) == (1, "", f"order-monitor: {reason}\n")


def test_each_hash_is_another() -> None:
    assert _piped(CHOSEN.encode()).out != _piped(CHOSEN.encode()).out


async def test_on_a_terminal_it_is_typed_twice_unseen(tmp_path: Path) -> None:
    async with Terminal("password", folder=tmp_path) as terminal:
        await terminal.answer("Password (not shown): ", "")
        await terminal.shows("A password cannot be empty. Try again.")
        await terminal.answer("Password (not shown): ", "short")
        await terminal.shows("A password has at least 8 characters. Try again.")
        await terminal.answer("Password (not shown): ", CHOSEN)
        await terminal.answer("Once more: ", "something else")
        await terminal.shows("These were two different ones. Try again.")
        await terminal.answer("Password (not shown): ", CHOSEN)
        await terminal.answer("Once more: ", CHOSEN)
        assert await terminal.ends() == 0
        (line,) = (line for line in terminal.screen.splitlines() if line.startswith("$argon2id$"))
        assert is_password(CHOSEN, line)
        assert CHOSEN not in terminal.raw
        assert "something else" not in terminal.raw


async def test_ctrl_c_ends_it_quietly(tmp_path: Path) -> None:
    async with Terminal("password", folder=tmp_path) as terminal:
        await terminal.shows("Password (not shown): ")
        await terminal.interrupt()
        assert await terminal.ends() == 130
        assert "Traceback" not in terminal.screen


async def test_the_end_of_the_input_ends_it_with_a_reason(tmp_path: Path) -> None:
    async with Terminal("password", folder=tmp_path) as terminal:
        await terminal.shows("Password (not shown): ")
        terminal.type("\x04")
        assert await terminal.ends() == 1
        assert "no password was typed" in terminal.screen


def test_no_command_shows_the_hash_or_the_token(tmp_path: Path) -> None:
    """Sessions are signed with the hash: it is worth as much as the password."""
    locked = "$argon2id$v=19$m=65536,t=3,p=1$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5"
    (tmp_path / "web_password").write_text(locked)
    file = tmp_path / "monitor.yaml"
    for more in ("token: canary-token-of-machines", "token: canary-token-of-machines, session: soon"):
        file.write_text(CONFIG.replace("web_password}", f"web_password, {more}}}"))
        for command in (["check", "--show"], ["check"], ["report"]):
            typed = in_process(*command, "-c", str(file))
            assert typed.out + typed.err
            assert "Y2FuYXJ5" not in typed.out + typed.err, command
            assert "canary" not in typed.out + typed.err, command
