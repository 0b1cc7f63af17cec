"""What several commands do: read the configuration, set up the logs, open a state to read it."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from monitor.checks import CHECKS
from monitor.clock import Clock, SystemClock
from monitor.config import Settings, load
from monitor.redact import Redactor
from monitor.store.base import OpenedStore, Transaction
from monitor.store.opening import open_store
from monitor.store.sql import NEWS

T = TypeVar("T")


def read_settings(options: argparse.Namespace, *, thoroughly: bool = True) -> Settings:
    """The configuration; ConfigError with all of its problems. ``thoroughly``: channels' URLs and templates, too."""
    return load(Path(options.config), os.environ, checks=CHECKS if thoroughly else ())


def set_up_logs(settings: Settings, level: str | None = None, secrets: frozenset[str] | None = None) -> None:
    """Logs as the configuration wants them, with everything scrubbed that it, or ``secrets``, calls a secret."""
    from monitor.logs import configure_logs

    configure_logs(level or settings.log.level, settings.log.format, redactor=Redactor(secrets or settings.secrets()))


def now_of(options: argparse.Namespace) -> datetime:
    """The time at which the command was typed, in UTC."""
    clock: Clock = options.clock or SystemClock()
    return clock.now()


def ask_state(settings: Settings, work: Callable[[Transaction], T]) -> T:
    """Run ``work``, which writes nothing, on the state; beside a running daemon, too, and without holding it up."""
    return with_state(settings, lambda store: store.read(work))


def change_state(settings: Settings, work: Callable[[Transaction], T]) -> T:
    """Run ``work`` on the state without taking the right to poll; beside a running daemon, too, which hears of it."""

    def work_and_tell(tx: Transaction) -> T:
        result = work(tx)
        tx.tell_others(NEWS)
        return result

    return with_state(settings, lambda store: store.transact(work_and_tell))


def with_state(settings: Settings, use: Callable[[OpenedStore], Coroutine[None, None, T]]) -> T:
    """What ``use`` makes of the state; StateUnreachable if there is none yet."""

    async def open_and_use() -> T:
        store = open_store(settings.state_url, exclusive=False)
        try:
            return await use(store)
        finally:
            await store.aclose()

    return asyncio.run(open_and_use())
