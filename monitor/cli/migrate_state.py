"""`migrate-state`: a SQLite state becomes a PostgreSQL one."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from monitor.cli.phrases import counted
from monitor.errors import ConfigError, Problem
from monitor.store.address import EXPECTED, SQLITE, fault, is_shared, shown, with_password
from monitor.store.moving import Moved, move

_REDRAW_S = 0.2


def migrate_state(options: argparse.Namespace) -> int:
    """Move it, and say what to do next."""
    began = time.monotonic()
    file, url = _from(options.source), _to(options)
    moved = move(file, url, Progress())
    took = f"{time.monotonic() - began:,.1f} s"
    held = f"{_held(moved)}; each table was read back and compared"
    print(f"{shown(url)}: {'was moved already' if moved.before else f'moved in {took}'}: {held}")
    print(f"next: set `state: {shown(url)}` in the configuration, and start the daemons")
    print(f"{file} is as it was: keep it as a backup. A daemon that runs on it again sends its messages a second time")
    return 0


class Progress:
    """A line on a terminal, which the next one overwrites."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._next = 0.0

    def __call__(self, table: str, rows: int, total: int) -> None:
        now = time.monotonic()
        if self._shown and (now >= self._next or rows == total):
            self._next = now + _REDRAW_S
            print(
                f"\r\x1b[K{table}: {rows:,} of {total:,}",
                end="\n" if rows == total else "",
                file=sys.stderr,
                flush=True,
            )


def _from(text: str) -> Path:
    if is_shared(text):
        raise ConfigError([Problem("FROM", "", "expected a SQLite file: no state is moved from PostgreSQL")])
    return Path(text.removeprefix(SQLITE))


def _to(options: argparse.Namespace) -> str:
    url: str = options.target
    wrong = fault(url) if is_shared(url) else EXPECTED
    if wrong:
        raise ConfigError([Problem("TO", "", wrong)])
    if options.password_file is None:
        return url
    try:
        return with_password(url, Path(options.password_file).read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeError):
        raise ConfigError([Problem("--password-file", "", "cannot be read")]) from None


def _held(moved: Moved) -> str:
    rows = moved.rows
    return ", ".join(
        [
            counted(rows["sources"], "source"),
            counted(rows["orders"], "order"),
            counted(rows["events"], "event"),
            f"{counted(rows['deliveries'], 'message')} ({moved.unsent:,} to be sent)",
        ]
    )
