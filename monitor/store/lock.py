"""The lock that keeps a second process from polling or sending with the same SQLite state."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path
from typing import IO

from monitor.errors import StateLocked, StateUnreachable


class FileLock:
    """Held by the operating system on a file beside the state, so that it ends with the process, however that ends."""

    def __init__(self, state: Path) -> None:
        # Of the file itself, whatever links lead to it.
        real = state.resolve()
        self._path = real.with_name(real.name + ".lock")
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the lock; StateLocked names the process that holds it."""
        try:
            file = self._path.open("a+", encoding="utf-8")
        except FileNotFoundError:
            folder = self._path.parent
            raise StateUnreachable(f"{folder}: there is no such folder: make it, or name another in `state`") from None
        except OSError as error:
            raise StateUnreachable(f"{self._path}: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            file.close()
            raise StateLocked(
                f"{self._path}: held by {holder}; only one process may poll or send with a state"
            ) from None
        except OSError as error:
            file.close()
            raise StateUnreachable(f"{self._path}: cannot be locked: {error.strerror}") from None
        try:
            file.truncate(0)
            os.write(file.fileno(), f"process {os.getpid()} on {socket.gethostname()}\n".encode())
        except OSError as error:  # such as a full disk
            file.close()
            raise StateUnreachable(f"{self._path}: {error.strerror}") from None
        self._file = file

    def release(self) -> None:
        """Give the lock up. The file stays: to remove it would let two processes lock two files of one name."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None
