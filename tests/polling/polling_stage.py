"""Where a poll is tried: a shop that is watched, and a state that can break."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar, cast

from polling_shop import URL, Shop

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.errors import StateError
from monitor.model import Doubt, Event, EventKind, OrderEvent, SourceState
from monitor.polling.health import accept_loss
from monitor.polling.poller import Poller, PollResult
from monitor.polling.settings import PollSettings
from monitor.store.base import Store, StoredEvent, Transaction
from monitor.store.schema import ensure_schema
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


ALL_ORDER_EVENTS = ["appeared", "status_changed", "changed", "vanished", "reappeared"]


def router() -> Router:
    """Each event makes one delivery, to ``ops``."""
    everything = RouteSettings.model_validate(
        {"name": "everything", "when": {"event": ALL_ORDER_EVENTS}, "channels": ["ops"]}
    )
    return Router([everything], {"ops": ["one"]}, {}, ["ops"])


class Told(NamedTuple):
    """An event in short: of a source, ``order`` is empty and ``after`` its reason."""

    kind: EventKind
    order: str = ""
    before: str = ""
    after: str = ""


def told(event: Event) -> Told:
    if isinstance(event, OrderEvent):
        return Told(event.kind, event.order.id, event.before.status if event.before else "", event.order.status)
    return Told(event.kind)


class Watch:
    """A shop watched with a store. ``poll`` returns what the poll told; ``result`` is its result."""

    def __init__(self, shop: Shop, store: Store, *, owner: str = "one", url: str = URL, down_after: int = 3) -> None:
        self.shop = shop
        self.store = store
        self.result: PollResult
        self._owner = owner
        self._url = url
        self._settings = PollSettings(down_after=down_after)
        self._seen = 0
        self.restart()

    def restart(self, store: Store | None = None, url: str | None = None) -> None:
        """As a new process would begin: nothing is remembered but what the store holds."""
        self.store = store or self.store
        self._url = url or self._url
        self.poller = Poller(
            name="shop",
            source=self.shop.source(self._url),
            settings=self._settings,
            reading=self.shop.reading,
            store=self.store,
            router=router(),
            clock=self.shop.clock,
            owner=self._owner,
        )

    async def poll(self, times: int = 1, *, apart: float = 60) -> list[Told]:
        """What these polls told, ``apart`` seconds after one another; the last one's is checked against its rows."""
        for _ in range(times):
            self.shop.clock.pass_(seconds=apart)
            result = await self.poller.poll()
            assert result is not None
            self.result = result
        return [told(stored.event) for stored in await self.news()]

    async def news(self) -> list[StoredEvent]:
        """The events since the last time."""
        events = await self.store.transact(lambda tx: tx.events("shop"))
        new = [event for event in events if event.id > self._seen]
        self._seen = max((event.id for event in events), default=self._seen)
        return new

    async def state(self) -> SourceState:
        state = await self.store.transact(lambda tx: tx.source("shop"))
        assert state is not None
        return state

    async def doubt(self) -> Doubt | None:
        return (await self.state()).doubt

    async def accept(self) -> bool:
        """What ``order-monitor accept`` does."""

        def believe(tx: Transaction) -> bool:
            state = tx.source("shop")
            accepted = state and accept_loss(state)
            if accepted:
                tx.save_source("shop", accepted)
            return bool(accepted)

        return await self.store.transact(believe)


class BrokenTransaction(StateError):
    """The power goes off, in a test's way."""


class _Breaking:
    """A transaction that breaks at the n-th operation of a poll's commit, which begins with ``check``."""

    def __init__(self, inner: Transaction, number: int, *, after: bool) -> None:
        self._inner = inner
        self._left = number
        self._after = after
        self._committing = False

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._inner, name)
        self._committing = self._committing or name == "check"

        def call(*args: Any, **kwargs: Any) -> Any:
            self._left -= self._committing
            if self._left == 0 and not self._after:
                raise BrokenTransaction(name)
            result = operation(*args, **kwargs)
            if self._left == 0:
                raise BrokenTransaction(name)
            return result

        return call


class BreakableStore:
    """A store in which a poll's commit breaks before (or ``after``) its ``break_at``-th operation; None: at none."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.break_at: int | None = None
        self.after = False
        self.failures = 0

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        number = self.break_at
        if number is None:
            return await self._inner.transact(work)

        def broken(tx: Transaction) -> T:
            return work(cast(Transaction, _Breaking(tx, number, after=self.after)))

        return await self._inner.transact(broken)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._inner.read(work)

    async def aclose(self) -> None:
        await self._inner.aclose()


@cache
def _empty_state() -> bytes:
    """Made once: migrations have their own tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.db"
        ensure_schema(path)
        return path.read_bytes()


def new_state(folder: Path) -> Path:
    """The path of a new, empty state in this folder."""
    path = folder / "state.db"
    path.write_bytes(_empty_state())
    return path


@contextlib.contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory, where there is such a thing: a thousand histories wait for no disk."""
    with TemporaryDirectory(dir=_MEMORY) as folder:
        yield Path(folder)


@asynccontextmanager
async def state() -> AsyncIterator[SqliteStore]:
    """An empty state of its own, in such a folder."""
    with memory_folder() as folder:
        store = SqliteStore.open(new_state(folder))
        try:
            yield store
        finally:
            await store.aclose()


def appeared(order: int, status: str = "pending") -> Told:
    return Told(EventKind.APPEARED, str(order), "", status)


def moved(order: int, before: str, after: str) -> Told:
    return Told(EventKind.STATUS_CHANGED, str(order), before, after)


def vanished(order: int, status: str = "pending") -> Told:
    return Told(EventKind.VANISHED, str(order), status, status)


DOWN, UP, DOUBTFUL = (Told(kind) for kind in (EventKind.SOURCE_DOWN, EventKind.SOURCE_UP, EventKind.SOURCE_DOUBTFUL))


TABLES = ("sources", "orders", "events", "deliveries", "delivery_events", "attempts")


def rows_of(store: Any, *tables: str) -> dict[str, list[tuple[Any, ...]]]:
    """What other connections see of the state: only what was committed. Leases aside, which come before."""
    path = store.path
    with contextlib.closing(sqlite3.connect(path)) as connection:
        columns = {"sources": "name, doc"}
        return {
            table: connection.execute(f"SELECT {columns.get(table, '*')} FROM {table}").fetchall() for table in tables
        }
