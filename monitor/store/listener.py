"""Hears what is committed to a shared PostgreSQL database: LISTEN, on a connection of its own."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg

from monitor.errors import StateError
from monitor.store.postgres_driver import CHANNEL
from monitor.store.postgres_session import connect
from monitor.store.sql import GAP

_PAUSE_S = 2.0


class Listener:
    """Calls ``heard`` in the loop that made it, with what somebody has told (be it this very daemon); with ``GAP``
    when it has begun to listen, as something may have been told before."""

    def __init__(self, url: str, heard: Callable[[str], None]) -> None:
        self._url = url
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._closed, self._closing = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="listener", daemon=True)
        self._thread.start()

    async def aclose(self) -> None:
        """Listen no more."""
        os.close(self._closing)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        try:
            while self._is_open():
                # The transactions say what is wrong with the database; what is missed meanwhile is found by looking.
                with suppress(psycopg.Error, StateError), connect(self._url) as connection:
                    self._listen(connection)
                self._is_open(_PAUSE_S)
        finally:
            os.close(self._closed)

    def _listen(self, connection: psycopg.Connection) -> None:
        connection.execute(f"LISTEN {CHANNEL}".encode())
        self._call(GAP)
        while self._is_open(None, connection.fileno()):
            # A broken connection can be read from, too, and says so then.
            for topic in {told.payload for told in connection.notifies(timeout=0)}:
                self._call(topic)

    def _is_open(self, timeout_s: float | None = 0, *others: int) -> bool:
        """Wait until it is closed, or one of these can be read; False if it is closed."""
        return self._closed not in select.select([self._closed, *others], [], [], timeout_s)[0]

    def _call(self, topic: str) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._heard, topic)
