"""`backup` and `restore`."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote

from monitor.cli.common import now_of, read_settings
from monitor.cli.output import at
from monitor.cli.phrases import counted
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.store.address import is_shared
from monitor.store.copies import Content, back_up
from monitor.store.restoring import Restored
from monitor.store.restoring import restore as put_back


def backup(options: argparse.Namespace) -> int:
    """Copy the state."""
    settings = _of_a_file(options, f"pg_dump --format=custom --file={quote(options.file)}", "--dbname={}")
    content = back_up(settings.state_file, Path(options.file), force=options.force)
    print(f"{options.file}: {_held(content)}")
    return 0


def restore(options: argparse.Namespace) -> int:
    """Put a backup in the place of the state."""
    settings = _of_a_file(
        options, "pg_restore --clean --if-exists --single-transaction", f"--dbname={{}} {quote(options.file)}"
    )
    state = settings.state_file
    done = put_back(Path(options.file), state, now_of(options), drop_unsent=options.unsent == "drop")
    print(f"{state}: restored from {options.file}: {_held(done.content)}")
    if done.kept:
        print(f"what was there before is kept as {done.kept}; delete it when you need it no more")
    if done.content.as_of:
        last = at(done.content.as_of, settings.time_zone)
        print(f"it is as of {last}: what has changed since is told by the next poll, even where it was told before")
    print("\n".join(_messages(done)))
    return 0


def _of_a_file(options: argparse.Namespace, tool: str, rest: str) -> Settings:
    """The settings; ConfigError, with what does it, if the state is a database, whose own tools do that better."""
    settings = read_settings(options, thoroughly=False)
    if is_shared(settings.state):
        command = f"{tool} {rest.format(quote(settings.state_place))}"
        where = "docs/postgresql.md has what to heed"
        raise ConfigError(
            [Problem(options.config, "state", f"is in PostgreSQL, whose own tool does that: {command} ({where})")]
        )
    return settings


def _messages(done: Restored) -> list[str]:
    lines = []
    if done.settled:
        lines.append(f"{counted(done.settled, 'message')} had been settled since: not sent again")
    if done.dropped:
        lines.append(f"{counted(done.dropped, 'message')} will not be sent: `order-monitor deliveries --state dropped`")
    elif done.content.unsent:
        unsent = counted(done.content.unsent, "message")
        lines.append(f"to be sent: {unsent} that waited; what was sent since the backup comes a second time")
    return lines or ["no message waited to be sent"]


def _held(content: Content) -> str:
    parts = [
        counted(content.sources, "source"),
        counted(content.orders, "order"),
        counted(content.events, "event"),
        f"{counted(content.deliveries, 'message')} ({content.unsent:,} to be sent)",
    ]
    return f"{_size(content.bytes)}, whole: {', '.join(parts)}"


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1_000_000:,.1f} MB" if bytes_ >= 1_000_000 else f"{max(bytes_ // 1000, 1)} kB"
