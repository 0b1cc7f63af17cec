"""Copies of a SQLite state: made beside whoever writes it, checked, and put in its place."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from monitor.errors import MonitorError, StateLocked, StateUnreachable
from monitor.model import SourceState
from monitor.store.schema import refuse_newer, version_of

_PATIENCE_S = 30.0
_STATE = msgspec.json.Decoder(SourceState)


class Content(msgspec.Struct, frozen=True):
    """What a copy holds. ``unsent`` messages wait; ``as_of`` is when a source was polled last."""

    bytes: int
    sources: int
    orders: int
    events: int
    deliveries: int
    unsent: int
    as_of: datetime | None


def back_up(state: Path, file: Path, *, force: bool = False) -> Content:
    """Copy the state at ``state`` to ``file``: as it is at one instant, whoever writes it meanwhile.

    ``file`` appears once the copy is whole, checked and on the disk; until then one that was there is not touched.
    """
    if not state.exists():
        raise StateUnreachable(f"{state}: there is no state yet; `order-monitor run` or `poll` makes it")
    if file.exists() and (file.is_dir() or file.samefile(state)):
        raise MonitorError(f"{file}: is {'a folder' if file.is_dir() else 'the state itself'}: name another file")
    if file.exists() and not force:
        raise MonitorError(f"{file}: is there already: --force overwrites it")
    _must_be_ours(state)
    with partial(file) as copy:
        with _opened(state) as connection, explained(f"cannot be copied to {file}", state):
            # Leaves out what was deleted and still stands in unused pages.
            connection.execute("VACUUM INTO ?", (str(copy),))
        content = examine(copy, called=file)
        put(copy, file)
    return content


def examine(path: Path, *, called: Path) -> Content:
    """What the copy at ``path`` holds; StateUnreachable if it is damaged. Errors name it as it is ``called``."""
    with explained("is damaged", called), _opened(path) as connection:
        [verdict] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if verdict != "ok":
            raise StateUnreachable(f"{called}: is damaged: {verdict}")
        states = [_STATE.decode(doc) for (doc,) in connection.execute("SELECT doc FROM sources WHERE doc IS NOT NULL")]
        [orders], [events], [deliveries, unsent] = (
            connection.execute(sql).fetchone()
            for sql in (
                "SELECT COUNT(*) FROM orders",
                "SELECT COUNT(*) FROM events",
                "SELECT COUNT(*), COUNT(CASE WHEN state IN ('waiting', 'sending') THEN 1 END) FROM deliveries",
            )
        )
    as_of = max((state.polled_at for state in states if state.polled_at), default=None)
    return Content(path.stat().st_size, len(states), orders, events, deliveries, unsent, as_of)


@contextmanager
def partial(file: Path) -> Iterator[Path]:
    """An empty file beside ``file``, to fill and to ``put``, which only its owner may read; gone after an error."""
    path = file.with_name(f"{file.name}.partial")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise MonitorError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        _hold(descriptor, path)
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)


def _hold(descriptor: int, path: Path) -> None:
    """Empty the file, which one that died may have left, unless somebody is just filling it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StateLocked(f"{path}: another process is writing it") from None
    os.fchmod(descriptor, 0o600)
    os.ftruncate(descriptor, 0)


def put(copy: Path, file: Path) -> None:
    """Let ``copy`` take the place of ``file`` at once, so that a power cut leaves one or the other."""
    with explained("cannot be written", file):
        _flush(copy)
        copy.replace(file)
        _flush(file.parent)


@contextmanager
def explained(what: str, path: Path) -> Iterator[None]:
    """Errors as ours, that say what went wrong with this file."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateUnreachable(f"{path}: {what}: {error}") from None
    except OSError as error:
        raise StateUnreachable(f"{path}: {what}: {error.strerror}") from None
    except msgspec.DecodeError:
        raise StateUnreachable(f"{path}: {what}: a source's state cannot be read") from None


def _must_be_ours(state: Path) -> None:
    version = version_of(state)
    if version is None:
        raise StateUnreachable(f"{state}: is empty")
    refuse_newer(state, version)


def _opened(path: Path) -> closing[sqlite3.Connection]:
    with explained("cannot be opened", path):
        return closing(sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
