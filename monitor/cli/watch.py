"""`run` and `poll`."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import structlog

from monitor import __version__
from monitor.app import App, open_app
from monitor.cli.common import read_settings, set_up_logs
from monitor.cli.phrases import counted
from monitor.cli.progress import shown_on_terminal
from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.config.changes import changes
from monitor.errors import ConfigError
from monitor.model import Destination, Message, Outcome
from monitor.polling.poller import PollResult
from monitor.supervisor import Supervisor

_MOST_NAMED = 20
_log = structlog.get_logger("monitor")


class PrintingSender:
    """For dry runs: what would be sent is printed, and counts as sent."""

    async def send(self, destination: Destination, message: Message) -> Outcome:
        print(f"--- to {destination}\n{message.title}\n{message.body}", flush=True)
        return Outcome(delivered=True)

    async def idle(self, destination: Destination) -> None:
        return


def run(options: argparse.Namespace) -> int:
    """Watch until a signal says to stop."""
    settings = read_settings(options)
    set_up_logs(settings)
    with _state_for(options, settings) as settings:
        return asyncio.run(_run(options, settings))


def poll(options: argparse.Namespace) -> int:
    """One poll of each source, one attempt at each due delivery."""
    settings = read_settings(options)
    set_up_logs(settings, "error")
    with _state_for(options, settings) as settings:
        return asyncio.run(_poll(options, settings))


@contextmanager
def _state_for(options: argparse.Namespace, settings: Settings) -> Iterator[Settings]:
    if not options.dry_run:
        yield settings
        return
    with tempfile.TemporaryDirectory(prefix="order-monitor-") as folder:
        yield settings.model_copy(update={"state": f"sqlite:///{folder}/dry-run.db", "state_password": None})


async def _run(options: argparse.Namespace, settings: Settings) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Until there is something to exchange, the file that is being read is the one that is asked for.
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    sender = PrintingSender() if options.dry_run else None
    async with open_app(settings, SystemClock(), sender) as app:
        reloads: set[asyncio.Task[None]] = set()
        supervisor = Supervisor.of(os.environ, SystemClock())
        loop.add_signal_handler(signal.SIGHUP, _begin_reload, options, app, supervisor, reloads)
        _log.info(
            "started",
            version=__version__,
            config=options.config,
            state=settings.state_place,
            sources=_named(settings.sources),
            channels=list(settings.channels),
        )
        async with shown_on_terminal(app):
            await app.run(stop, supervisor)
    _log.info("stopped")
    return 0


def _named(names: Collection[str]) -> list[str] | int:
    """The names; where a line would be too long for them, how many there are."""
    return list(names) if len(names) <= _MOST_NAMED else len(names)


def _begin_reload(
    options: argparse.Namespace, app: App, supervisor: Supervisor, reloads: set[asyncio.Task[None]]
) -> None:
    task = asyncio.ensure_future(_reload_announced(options, app, supervisor))
    reloads.add(task)
    task.add_done_callback(reloads.discard)


async def _reload_announced(options: argparse.Namespace, app: App, supervisor: Supervisor) -> None:
    """A reload that whoever started us is told of: `systemctl reload` need not wait for its end, but can."""
    supervisor.reloading()
    try:
        await _reload(options, app)
    finally:
        supervisor.ready()


async def _reload(options: argparse.Namespace, app: App) -> None:
    """Exchange the configuration; a bad one leaves the old in force, and says so."""
    try:
        settings = read_settings(options)
    except ConfigError as error:
        _log.error("reload_refused", problems=[str(problem) for problem in error.problems], in_force="the old one")
        app.reload_refused()
        return
    if not options.dry_run and settings.state_url != app.settings.state_url:
        _log.error("reload_refused", problems=["state: cannot change while running: restart"], in_force="the old one")
        app.reload_refused()
        return
    said = changes(app.settings, settings) or "nothing"
    # Before anything goes by them, for nothing that is logged from now on may hold a secret of theirs.
    set_up_logs(settings, secrets=app.secrets | settings.secrets())
    await app.reload(settings)
    _log.info("reloaded", changes=said, sources=_named(settings.sources), channels=list(settings.channels))


async def _poll(options: argparse.Namespace, settings: Settings) -> int:
    sender = PrintingSender() if options.dry_run else None
    async with open_app(settings, SystemClock(), sender) as app, app.visiting():
        results = await app.poll_all()
        for name, result in results.items():
            print(_line(name, result))
        await app.rounds.hurry()
        arrived = await app.deliveries.drain()
        await app.keep_house()
        await app.rounds.beat_now()
        if not arrived:
            print("not every message was delivered: `order-monitor deliveries` says why; the rest waits in the outbox")
    read = all(result is None or result.snapshot.error is None for result in results.values())
    return 0 if read and arrived else 1


def _line(name: str, result: PollResult | None) -> str:
    if result is None:
        return f"{name}: another process polls it"
    if result.snapshot.error is not None:
        return f"{name}: failed: {result.snapshot.error}"
    events = ", ".join(f"{count} {kind}" for kind, count in result.committed.events.items()) or "nothing new"
    if result.committed.baseline:
        events = "this is the baseline"
    doubt = f"; in doubt: {result.committed.doubt.reason}" if result.committed.doubt else ""
    return f"{name}: {counted(result.known, 'order')}, {counted(result.requests, 'request')}, {events}{doubt}"
