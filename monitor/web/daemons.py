"""The daemons that share a state, as pages show them: who lives, and who polls what. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from monitor.roster import LEASE_S
from monitor.store.base import Transaction
from monitor.store.leases import DAEMON, SOURCE, Lease
from monitor.web.site import Share
from monitor.web.views import View, When


class Holders(NamedTuple):
    """What the state says: the daemons that live, and by the name of a source's lease, whose it is."""

    daemons: Sequence[Lease]
    of_lease: Mapping[str, str]


class Place(NamedTuple):
    """Where a source is polled: by which daemon (empty: by none just now), and whether that is this one."""

    daemon: str
    is_here: bool


class DaemonView(NamedTuple):
    """A row of the list of daemons. ``renewed`` is when it last said that it lives; it polls so many ``sources``."""

    name: str
    is_this: bool
    renewed: When
    sources: int


def find_holders(tx: Transaction) -> Holders:
    """Read it."""
    daemons = tx.timed_leases(DAEMON)
    living = {one.owner for one in daemons}
    # What a daemon held that is dead, it holds until somebody has buried it.
    return Holders(daemons, {name: owner for name, owner in tx.leased(SOURCE).items() if owner in living})


def short(owner: str) -> str:
    """A daemon's name for people: its host and process, without what makes it unlike any before it."""
    return owner.rpartition(":")[0] or owner


def place_of(source: str, share: Share, holders: Holders) -> Place:
    """Where a source is polled."""
    owner = holders.of_lease.get(share.leases.get(source, ""), "")
    return Place(short(owner), owner == share.name)


def view_daemons(share: Share, holders: Holders, view: View) -> list[DaemonView]:
    """Every daemon that lives."""
    polled = Counter(holders.of_lease.get(lease, "") for lease in share.leases.values())
    return [_view(one, share, polled[one.owner], view) for one in holders.daemons]


def _view(lease: Lease, share: Share, sources: int, view: View) -> DaemonView:
    renewed = view.when(lease.until - timedelta(seconds=LEASE_S))
    return DaemonView(short(lease.owner), lease.owner == share.name, renewed, sources)
