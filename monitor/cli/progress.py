"""What `run` shows on a terminal: a bar while a long baseline is read, then what it is watching."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import structlog

from monitor.alerting.views import plain
from monitor.app import App
from monitor.cli.phrases import by_status, conditions, counted
from monitor.config import Settings
from monitor.config.settings import SourceSettings
from monitor.errors import StateError
from monitor.model import Known
from monitor.notifier import kind
from monitor.observers import Observer
from monitor.polling.bound import Bound, bound_in_words, reading_time, span
from monitor.polling.poller import PollResult
from monitor.redact import Redactor

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

FEW_PAGES = 5
"""A list of no more pages is read before anybody could look at a bar."""


@asynccontextmanager
async def shown_on_terminal(app: App) -> AsyncIterator[None]:
    """Tell a terminal on the standard error how the first polls go and what is watched. Elsewhere nothing."""
    if not sys.stderr.isatty():
        yield
        return
    first = _FirstPolls(app, await _baselines(app))
    app.observers.append(first)
    telling = asyncio.create_task(_tell(app, first))
    try:
        yield
    finally:
        app.observers.remove(first)
        first.bar.stop()
        telling.cancel()
        with suppress(asyncio.CancelledError, StateError):  # the polls say what is wrong with the state
            await telling


class _FirstPolls(Observer):
    """Watches each source until its first poll has ended; ``over`` is set once all have."""

    def __init__(self, app: App, baselines: Iterable[str]) -> None:
        self.results: dict[str, PollResult] = {}
        self.over = asyncio.Event()
        self.bar = _Bar()
        self._app = app
        self._known = set(baselines)

    def page_read(self, source: str, read: int, of: int | None) -> None:
        if source not in self._known and of is not None and of > FEW_PAGES:
            with suppress(OSError):  # the terminal is gone, but the poll goes on
                self.bar.advance(source, read, of)

    def polled(self, result: PollResult) -> None:
        with suppress(OSError):
            self.bar.finish(result.source)
        if result.committed.baseline:
            self._known.add(result.source)
        if not self.over.is_set():
            self.results[result.source] = result
        if self._app.settings.sources.keys() <= self.results.keys():
            self.over.set()


class _Bar:
    """A line for each long list that is being read; what is logged meanwhile goes above it."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def advance(self, source: str, read: int, of: int) -> None:
        progress = self._progress or self._start()
        if source not in self._tasks:
            self._tasks[source] = progress.add_task(f"{source}: reading the orders there are", total=of)
        progress.update(self._tasks[source], completed=min(read, of), total=of)

    def finish(self, source: str) -> None:
        task = self._tasks.pop(source, None)
        if task is not None and self._progress:
            self._progress.remove_task(task)
        if not self._tasks:
            self.stop()

    def stop(self) -> None:
        if self._progress:
            self._progress.stop()
            _log_to_standard_error()
        self._progress = None
        self._tasks.clear()

    def _start(self) -> Progress:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("pages,"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=5)
        self._progress.start()
        _log_to_standard_error()
        return self._progress


def _log_to_standard_error() -> None:
    """While a bar is shown another object stands in for the standard error, which moves the bar out of the way."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


async def _tell(app: App, first: _FirstPolls) -> None:
    await first.over.wait()
    counts = await app.store.read(lambda tx: {name: _count(tx.orders(name)) for name in app.settings.sources})
    clean = Redactor(app.settings.secrets()).clean
    for line in watching(app.settings, first.results, counts):
        _print(clean(line))


def _count(orders: Iterable[tuple[str, Known]]) -> Counter[str]:
    return Counter(known.order.status for _, known in orders if known.vanished_at is None)


async def _baselines(app: App) -> list[str]:
    """The sources whose orders are known: a long look at them is nothing to wait for."""
    states = await app.store.read(lambda tx: tx.sources())
    return [name for name, state in states.items() if state.baseline_at is not None]


def watching(
    settings: Settings, results: Mapping[str, PollResult], counts: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    """What is watched, line by line, after these first polls."""
    yield "Watching; Ctrl-C ends it."
    width = max(map(len, (*settings.sources, *settings.channels, *(route.name for route in settings.routes))))
    for name, source in settings.sources.items():
        yield f"  source   {name:<{width}}  {source.url}"
        for line in _source(source, results.get(name), counts.get(name, {})):
            yield f"           {'':<{width}}  {line}"
    for name, channel in settings.channels.items():
        kinds = ", ".join(kind(url.get_secret_value()) for url in channel.urls)
        yield f"  channel  {name:<{width}}  {kinds}"
    for route in settings.routes:
        yield f"  route    {route.name:<{width}}  {conditions(route.when)} → {', '.join(route.channels)}"
    if not settings.routes:
        yield f"  route    {'(none)':<{width}}  every change of status → every channel"


def _source(source: SourceSettings, result: PollResult | None, counts: Mapping[str, int]) -> Iterator[str]:
    error = result.snapshot.error if result else None
    total = sum(counts.values())
    if total or error is None:
        yield counted(total, "order") + (f": {by_status(counts, source.meanings)}" if total else "")
    if error is not None:
        yield f"the first look failed, the next will follow: {plain(str(error), 300)}"
    bound = result.bound if result else Bound(source.every)
    # The first look read everything; a watch takes a fraction of it.
    reading = result.seconds if result and error is None and bound.settle is None else 0.0
    reading = reading_time(bound.requests, source.max_requests_per_minute, reading)
    yield f"looked at every {span(bound.every.total_seconds())}: notices {bound_in_words(bound, reading)}"


def _print(line: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False).print(Text(line), soft_wrap=True)
