"""Opens a state by its URL. What a kind of database needs is imported only for it."""

from __future__ import annotations

from pathlib import Path

from monitor.errors import StateUnreachable
from monitor.store.address import POSTGRES, SQLITE, is_shared, shown
from monitor.store.base import OpenedStore

__all__ = ["POSTGRES", "SQLITE", "is_shared", "open_store", "shown"]


def open_store(state: str, *, exclusive: bool = True) -> OpenedStore:
    """The state at this URL. StateError says why it cannot be opened.

    ``exclusive``: to poll and send; creates or migrates it. Without it, it must be there, and opening changes nothing.
    """
    if is_shared(state):
        from monitor.store.postgres import PostgresStore  # noqa: PLC0415  # see above

        return PostgresStore.open(state, exclusive=exclusive)
    from monitor.store.sqlite import SqliteStore  # noqa: PLC0415  # see above

    path = Path(state.removeprefix(SQLITE))
    if not exclusive and not path.exists():
        raise StateUnreachable(f"{path}: there is no state yet; `order-monitor run` or `poll` makes it")
    return SqliteStore.open(path, exclusive=exclusive)
