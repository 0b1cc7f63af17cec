"""The state in a PostgreSQL database, which any number of daemons share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from monitor.store.base import Transaction
from monitor.store.postgres_schema import check_schema, ensure_schema
from monitor.store.postgres_session import Connection, PostgresSession, connect
from monitor.store.worker import Worker

T = TypeVar("T")
CLOSE_S = 4.0
"""How long an end waits for a transaction: less than a daemon may take to stop."""


class PostgresStore:
    """A state that is open: one connection, in a thread of its own, which is made again when it breaks."""

    def __init__(self, url: str, connection: Connection, *, created: bool) -> None:
        self.created = created
        self._session = PostgresSession(url, connection)
        self._worker = Worker(self._session)

    @property
    def failures(self) -> int:
        """How often it could not be used."""
        return self._session.failures

    @classmethod
    def open(cls, url: str, *, exclusive: bool = True) -> PostgresStore:
        """Open the state. StateTooNew or StateUnreachable say why it cannot be opened.

        ``exclusive``: create or migrate it; without it, nothing is changed by opening.
        """
        created = ensure_schema(url) if exclusive else False
        if not exclusive:
            check_schema(url)
        return cls(url, connect(url), created=created)

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in a transaction; when this returns it is committed, and else nothing of it has happened.

        After a deadlock with another daemon it is run again. StateUnreachable if the connection breaks while it
        commits: then nobody knows, as with a power cut.
        """
        return await self._worker.run(work, write=True)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run ``work``, which writes nothing, on one unchanging view."""
        return await self._worker.run(work, write=False)

    async def wipe(self, *, anew: bool = True) -> bool:
        """Free the space of what was deleted. PostgreSQL overwrites it when it is used again; what stands in its log
        of changes and in its backups goes with these."""
        return await self._worker.call(self._session.wipe)

    async def aclose(self) -> None:
        """Wait for the transaction under way, but not for a database that hangs; close the connection."""
        closing = asyncio.ensure_future(self._worker.aclose())
        done, _ = await asyncio.wait({closing}, timeout=CLOSE_S)
        if not done:
            self._session.give_up()
        await closing
