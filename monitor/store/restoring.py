"""Puts a copy in the place of a SQLite state that nobody uses, and keeps what was there."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from itertools import count
from pathlib import Path

import msgspec

from monitor.errors import StateError, StateLocked, StateTooNew, StateUnreachable
from monitor.store.copies import Content, examine, explained, partial, put
from monitor.store.lock import FileLock
from monitor.store.schema import HEAD, ensure_schema, refuse_newer, version_of
from monitor.store.sql import to_us

_NUMBERED = ("deliveries", "events", "silences")
_LEAP = 10_000
"""How many numbers may have been given since the backup, where the state that gave them cannot be asked."""
_UNSENT = "state IN ('waiting', 'sending')"


class Restored(msgspec.Struct, frozen=True):
    """What a restore has put in place, and where what was there is kept. ``dropped`` messages will not be sent.

    ``settled`` messages waited when the backup was made, and what was there knew that they no longer do.
    """

    content: Content
    kept: Path | None
    settled: int
    dropped: int


def restore(backup: Path, state: Path, now: datetime, *, drop_unsent: bool = False) -> Restored:
    """Put the copy at ``backup`` in the place of ``state``; StateLocked while somebody polls or sends with that."""
    if not backup.is_file():
        raise StateUnreachable(f"{backup}: there is no such file")
    if state.exists() and backup.samefile(state):
        raise StateUnreachable(f"{backup}: is the state itself")
    lock = FileLock(state)
    try:
        lock.acquire()
    except StateLocked as error:
        raise StateLocked(f"{error}: end it first") from None
    try:
        with partial(state) as copy:
            return _restore(backup, copy, state, now, drop_unsent=drop_unsent)
    finally:
        lock.release()


def _restore(backup: Path, copy: Path, state: Path, now: datetime, *, drop_unsent: bool) -> Restored:
    _fill(backup, copy)
    _bring_up_to_date(backup, copy)
    with explained("cannot be prepared", backup), closing(sqlite3.connect(copy, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        settled = _learn(connection, state)
        dropped = _drop(connection, now) if drop_unsent else 0
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE")  # alone in its file, whatever was written beside it
    content = examine(copy, called=backup)
    _resemble(copy, state)
    kept = _set_aside(state)
    put(copy, state)
    return Restored(content, kept, settled, dropped)


def _fill(backup: Path, copy: Path) -> None:
    # Immutable: not a file is made beside it, which may lie on a medium that cannot be written. Where a log lies
    # beside it, it is a copy made by hand, whose newest commits stand there.
    logged = Path(f"{backup}-wal").exists()
    uri = backup.absolute().as_uri() + ("" if logged else "?immutable=1")
    with (
        explained("cannot be read", backup),
        closing(sqlite3.connect(uri, uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _bring_up_to_date(backup: Path, copy: Path) -> None:
    """StateError unless it is a state of ours that this version can use."""
    try:
        version = version_of(copy)
        if version is None:
            raise StateUnreachable(f"{copy}: is empty")
        refuse_newer(copy, version)
        examine(copy, called=backup)
        ensure_schema(copy)
    except StateTooNew as error:
        raise StateTooNew(str(error).replace(str(copy), str(backup))) from None
    except StateError as error:
        raise StateUnreachable(str(error).replace(str(copy), str(backup))) from None
    finally:
        copy.with_name(f"{copy.name}.before-{HEAD}").unlink(missing_ok=True)


def _learn(connection: sqlite3.Connection, state: Path) -> int:
    """Let the copy know what the present state says, if that can be read: which messages are settled since, and which
    numbers were given, for a message's reference must never be that of another one. How many are settled."""
    settled, given = 0, dict[str, int]()
    if _is_of_this_version(state):
        # It may be damaged further in: that may be why a backup is to replace it.
        with suppress(sqlite3.Error), closing(sqlite3.connect(state)) as present:
            given = dict(present.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
            settled = _settle(connection, present)
    _go_on_counting(connection, given)
    return settled


def _is_of_this_version(state: Path) -> bool:
    try:
        return version_of(state) == HEAD
    except StateError:
        return False


def _go_on_counting(connection: sqlite3.Connection, given: dict[str, int]) -> None:
    before = dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    for table in _NUMBERED:
        highest = max(before.get(table, 0), given.get(table, before.get(table, 0) + _LEAP))
        connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest))


def _settle(connection: sqlite3.Connection, present: sqlite3.Connection) -> int:
    waiting = connection.execute(f"SELECT id, created_at, url FROM deliveries WHERE {_UNSENT}").fetchall()  # noqa: S608  # a constant
    return sum(_settle_one(connection, present, row) for row in waiting)


def _settle_one(connection: sqlite3.Connection, present: sqlite3.Connection, row: tuple[int, int, str]) -> bool:
    found = present.execute(
        "SELECT state, settled_at, attempts, last_error FROM deliveries"
        " WHERE id = ? AND created_at = ? AND url = ? AND state NOT IN ('waiting', 'sending')",
        row,
    ).fetchone()
    if found is None:
        return False
    told = present.execute("SELECT delivery_id, at, doc FROM attempts WHERE delivery_id = ?", row[:1]).fetchall()
    connection.execute(
        "UPDATE deliveries SET state = ?, settled_at = ?, attempts = ?, last_error = ?, owner = NULL WHERE id = ?",
        (*found, row[0]),
    )
    connection.execute("DELETE FROM attempts WHERE delivery_id = ?", row[:1])
    connection.executemany("INSERT INTO attempts (delivery_id, at, doc) VALUES (?, ?, ?)", told)
    return True


def _drop(connection: sqlite3.Connection, now: datetime) -> int:
    return connection.execute(
        f"UPDATE deliveries SET state = 'dropped', settled_at = ?, owner = NULL, last_error = ? WHERE {_UNSENT}",  # noqa: S608  # a constant
        (to_us(now), "dropped as a backup was restored: --unsent drop"),
    ).rowcount


def _resemble(copy: Path, state: Path) -> None:
    """The copy belongs to whom the state belongs, or else its folder: a daemon that is not root must be able to use
    what root restores."""
    model = state if state.exists() else state.absolute().parent
    owner = model.stat()
    if os.geteuid() == 0:
        for path in (copy, state.with_name(f"{state.name}.lock")):
            if path.exists():
                os.chown(path, owner.st_uid, owner.st_gid)
    if model is state:
        copy.chmod(owner.st_mode & 0o777)


def _set_aside(state: Path) -> Path | None:
    """Keep the present state under another name, its log included; None if there is none. ``state`` stays in place."""
    if not state.exists():
        return None
    kept = _free_name(state)
    with suppress(sqlite3.Error), closing(sqlite3.connect(state)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log goes with the last connection
    with explained("cannot be kept", state):
        os.link(state, kept)
        for suffix in ("-wal", "-shm"):  # of a state that is damaged: else it would spoil the one that comes
            with suppress(FileNotFoundError):
                Path(f"{state}{suffix}").rename(f"{kept}{suffix}")
    return kept


def _free_name(state: Path) -> Path:
    first = state.with_name(f"{state.name}.before-restore")
    names = (first if number == 1 else first.with_name(f"{first.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())
