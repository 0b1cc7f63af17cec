"""What systemd is told: that the daemon is ready, that it lives, reloads, ends. A datagram each; without systemd, none.

See sd_notify(3). The watchdog is fed only while the daemon does its work: else systemd ends it, and starts it again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

import structlog

from monitor.clock import Clock

_STATUS_EVERY_S = 30.0
_log = structlog.get_logger("monitor")


class Checkup(NamedTuple):
    """How the daemon is, in words, and whether it does its work."""

    status: str
    lives: bool


class Supervisor:
    """Tells whoever started us. ``address``: its socket; ``watchdog_s``: how long it waits for a sign of life."""

    def __init__(self, clock: Clock, address: str = "", watchdog_s: float | None = None) -> None:
        self._clock = clock
        self._address = address
        self._every = min(watchdog_s / 2, _STATUS_EVERY_S) if watchdog_s else _STATUS_EVERY_S
        self._feeds = watchdog_s is not None
        self._unheard = False

    @classmethod
    def of(cls, environ: Mapping[str, str], clock: Clock) -> Supervisor:
        """The one that this environment tells of."""
        return cls(clock, environ.get("NOTIFY_SOCKET", ""), _watchdog(environ))

    def ready(self) -> None:
        """The daemon polls and serves; or it has reloaded."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """The configuration is read again; ``ready`` ends that."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={int(self._clock.monotonic() * 1_000_000)}")

    def stopping(self) -> None:
        """The daemon ends."""
        self._tell("STOPPING=1\nSTATUS=ending: polls and messages under way get their time")

    async def watch(self, check: Callable[[], Awaitable[Checkup]]) -> None:
        """Say how the daemon is, until cancelled; and that it lives, as often as the watchdog wants, while it does."""
        while self._address:
            found = await check()
            fed = "\nWATCHDOG=1" if self._feeds and found.lives else ""
            self._tell(f"STATUS={' '.join(found.status.split())}{fed}")
            await self._clock.sleep(self._every)

    def _tell(self, lines: str) -> None:
        if not self._address:
            return
        # A name that begins with @ stands in no folder: Linux writes that as a null.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.sendto(lines.encode(), socket.MSG_DONTWAIT, address)
        except OSError as error:
            if not self._unheard:
                _log.warning("supervisor_unheard", reason=error.strerror or str(error))
            self._unheard = True


def _watchdog(environ: Mapping[str, str]) -> float | None:
    """Within how many seconds a sign of life is expected, None if none is, or not from this process."""
    time, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not time.isdecimal() or not int(time) or process not in ("", str(os.getpid())):
        return None
    return int(time) / 1_000_000
