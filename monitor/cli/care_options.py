"""What can be typed to look after a state and its daemon. Imports the standard library alone: see ``parser.py``."""

from __future__ import annotations

import argparse
from collections.abc import Callable

_HEALTH = """\
For supervisors, such as a container's health check. Reads the state alone: needs neither network nor daemon.
Exit code 1, and why, if the daemon gives no sign of life, a source is not polled any more, every source is down, or
messages are stuck. Where cron polls, `every` must be what cron does.
  order-monitor health --json"""
_BACKUP = """\
Consistent, and beside the running daemon, which does not wait for it. The file appears once it is whole and checked.
It holds what the state holds: orders, but neither secrets nor customers' names. Mode 0600.
  order-monitor backup /var/backups/order-monitor.db --force"""
_RESTORE = """\
Needs the daemon stopped. What is in place is kept beside it, as NAME.before-restore. An older backup is brought up to
date. What has changed since the backup is found by the next poll and told, once more where it had been told. Messages
that were waiting when the backup was made are sent, once more if they were sent since: --unsent drop prevents that.
  order-monitor restore /var/backups/order-monitor.db"""
_FORGET = """\
From state, history and outbox: its row, its events, the messages about it (waiting ones are not sent), silences that
name it, its part in messages about several orders. Works beside the running daemon. On a terminal it asks first.
What is deleted is overwritten. For the bytes that moved rows have left behind the file is then written anew, during
which the daemon cannot write: some seconds for up to 200 MB; a larger one only with --wipe (about 25 s for each GB).
  order-monitor forget shop ORD-0088 --yes"""
_MIGRATE_STATE = """\
Needs the daemon stopped, and a database that is empty. FROM is a file, or sqlite:///file as in `state`. All of it comes
in one transaction, is read back and compared; broken off at any instant, the same command begins anew, and no daemon
starts on what is not whole. The file stays as it is. A password stands best in a file, or in ~/.pgpass.
  order-monitor migrate-state order-monitor.db postgresql://monitor@db.example.com/monitor --password-file password"""
Add = Callable[..., argparse.ArgumentParser]
"""Adds a command: its name, the function to call, one line of help, and more of it."""


def add_commands(add: Add) -> None:
    """The five commands."""
    health = add("health", "health:health", "Say whether the daemon is at work, from its state alone.", _HEALTH)
    health.add_argument("--json", action="store_true", help="as a JSON document")
    backup = add("backup", "backup:backup", "Copy the state into a file, while the daemon runs.", _BACKUP)
    backup.add_argument("file", metavar="FILE", help="where to")
    backup.add_argument("--force", action="store_true", help="overwrite a file that is there")
    restore = add("restore", "backup:restore", "Put a backup in the place of the state.", _RESTORE)
    restore.add_argument("file", metavar="FILE", help="what `backup` made")
    restore.add_argument(
        "--unsent",
        choices=("keep", "drop"),
        default="keep",
        help="messages that were waiting then: send them, once more if they were sent since (default), or never",
    )
    move = add(
        "migrate-state",
        "migrate_state:migrate_state",
        "Move the state from SQLite to PostgreSQL.",
        _MIGRATE_STATE,
        configured=False,
    )
    move.add_argument("source", metavar="FROM", help="the SQLite state")
    move.add_argument("target", metavar="TO", help="an empty database: postgresql://user@host/database")
    move.add_argument("--password-file", metavar="FILE", help="the file that holds the database's password")
    forget = add("forget", "forget:forget", "Erase all that there is of an order.", _FORGET)
    forget.add_argument("source", metavar="SOURCE", help="its name in the configuration")
    forget.add_argument("order", metavar="ORDER", help="the order's id or number")
    forget.add_argument("--wipe", action="store_true", help="write a large state anew, too, while the daemon waits")
    forget.add_argument("--yes", action="store_true", help="do not ask")
