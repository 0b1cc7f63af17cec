"""Which lanes are this daemon's, where several send what one outbox holds: one daemon at a time sends to a URL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from monitor.store.base import Transaction

_ASK_AGAIN = timedelta(seconds=2)


def lane_lease(url: str) -> str:
    """The name of the lease of a URL's lane."""
    return f"lane {url}"


class LaneLease(Protocol):
    """How lanes are shared."""

    is_shared: bool

    @property
    def term(self) -> int | None:
        """Which term of this daemon's attendance this is, None while it is not sure of it. What was claimed in another
        may be another daemon's."""
        ...

    async def prove(self) -> None:
        """Make sure that this daemon attends. StateError if the state cannot be used."""
        ...

    def share(
        self, tx: Transaction, due: Mapping[str, datetime], now: datetime, owner: str, busy: Collection[str]
    ) -> dict[str, datetime]:
        """When which lane is due for this daemon; one that another is at work on, a little later. ``busy`` are those at
        work."""
        ...

    def take(self, tx: Transaction, url: str, owner: str) -> bool:
        """Whether this daemon may send to this URL now."""
        ...

    def leave(self, tx: Transaction, url: str, owner: str) -> None:
        """Let another daemon send to this URL."""
        ...

    def keep(self, url: str) -> None:
        """This lane rests: it stays with its daemon, which alone knows for how long, until nothing waits there."""
        ...


class Unshared:
    """Of a state that serves one daemon."""

    is_shared = False
    term = 0

    async def prove(self) -> None:
        return

    def share(
        self, tx: Transaction, due: Mapping[str, datetime], now: datetime, owner: str, busy: Collection[str]
    ) -> dict[str, datetime]:
        return dict(due)

    def take(self, tx: Transaction, url: str, owner: str) -> bool:
        return True

    def leave(self, tx: Transaction, url: str, owner: str) -> None:
        return

    def keep(self, url: str) -> None:
        return


class Shared:
    """Lanes are leased as they come due, and given up when they are empty."""

    is_shared = True

    def __init__(self, attendance: Attendance) -> None:
        self._attendance = attendance
        self._idle: set[str] = set()
        """What is held and not at work: it rests, or is about to begin."""

    @property
    def term(self) -> int | None:
        return self._attendance.term if self._attendance.is_valid else None

    async def prove(self) -> None:
        await self._attendance.prove()

    def share(
        self, tx: Transaction, due: Mapping[str, datetime], now: datetime, owner: str, busy: Collection[str]
    ) -> dict[str, datetime]:
        if not self._attendance.is_valid:
            return {url: max(at, now + _ASK_AGAIN) for url, at in due.items()}
        if over := set(self._idle) - due.keys() - set(busy):
            tx.drop_leases(owner, [lane_lease(url) for url in over])
            self._idle -= over
        ripe = [url for url, at in due.items() if at <= now and url not in busy]
        taken = set(tx.take_leases([lane_lease(url) for url in ripe], owner, None, len(ripe)))
        others = {url for url in ripe if lane_lease(url) not in taken}
        self._idle.update(set(ripe) - others)
        return {url: now + _ASK_AGAIN if url in others else at for url, at in due.items()}

    def take(self, tx: Transaction, url: str, owner: str) -> bool:
        return bool(tx.take_leases([lane_lease(url)], owner, None, 1))

    def leave(self, tx: Transaction, url: str, owner: str) -> None:
        self._idle.discard(url)
        tx.drop_leases(owner, [lane_lease(url)])

    def keep(self, url: str) -> None:
        self._idle.add(url)


class Attendance(Protocol):
    """Who knows whether this daemon's leases hold."""

    @property
    def is_valid(self) -> bool:
        """Whether they do."""
        ...

    @property
    def term(self) -> int:
        """How often they were begun anew."""
        ...

    async def prove(self) -> None:
        """Make sure that they do."""
        ...
