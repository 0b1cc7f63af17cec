"""Who among several daemons does what. A part of the interface in ``base.py``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

DAEMON, SOURCE = "daemon ", "source "
"""How the names of leases begin: of a daemon, held by itself while it lives; of what is polled by one daemon."""


class Lease(NamedTuple):
    """Who holds what, until when, if it is not renewed."""

    name: str
    owner: str
    until: datetime


class Leases(Protocol):
    """The part of a transaction's interface that divides work among daemons. All times are the database's own."""

    def database_now(self, now: datetime) -> datetime:
        """What time it is for all daemons: on a shared database its clock's; else ``now``."""
        ...

    def take_leases(self, names: Sequence[str], owner: str, lease_s: float | None, most: int) -> list[str]:
        """Take up to ``most`` of these that nobody holds, the first ones first; which.

        ``lease_s`` None: for as long as this owner attends. Only that is renewed, however much somebody holds.
        """
        ...

    def attend(self, name: str, owner: str, lease_s: float) -> bool:
        """This owner lives, under this name, for so long; whether it was known to. If not, it holds nothing."""
        ...

    def held_by(self, owner: str) -> list[str]:
        """All that this owner holds."""
        ...

    def drop_leases(self, owner: str, names: Collection[str]) -> None:
        """Give these up, as far as they are this owner's."""
        ...

    def leased(self, prefix: str) -> dict[str, str]:
        """What is held now of the names that begin so, and by whom."""
        ...

    def count_leased(self, prefix: str) -> dict[str, int]:
        """By owner, how many of the names that begin so are held."""
        ...

    def timed_leases(self, prefix: str) -> list[Lease]:
        """Those of them that run out unless they are renewed, in the order of their names."""
        ...

    def bury_owners(self) -> list[str]:
        """Whose time has run out holds nothing any more: leases, claimed sources, claimed deliveries; who."""
        ...

    def depart(self, owner: str) -> None:
        """This owner holds nothing any more."""
        ...

    def sweep_leases(self) -> int:
        """Give back what is held for somebody who does not attend: an owner that was buried while it took it."""
        ...

    def lock_telling(self) -> None:
        """Until this transaction ends, nobody else lets events join messages, or counts them: groups and storms are
        found out once, not by each daemon for itself."""
        ...

    def tell_others(self, topic: str) -> None:
        """Once this is committed, wake whoever listens for this in other processes."""
        ...
