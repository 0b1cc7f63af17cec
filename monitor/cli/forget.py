"""`forget`: erase all that there is of an order. It works beside a running daemon."""

from __future__ import annotations

import argparse
import asyncio
import sys

from monitor.alerting.views import NUMBER_LENGTH, plain
from monitor.cli.common import ask_state, read_settings, with_state
from monitor.cli.phrases import counted
from monitor.config import Settings
from monitor.errors import ConfigError, Problem, StateError
from monitor.fields import did_you_mean
from monitor.sources.settings import Follows
from monitor.store.base import OpenedStore, Transaction
from monitor.store.erasing import Erased
from monitor.store.opening import is_shared
from monitor.store.sql import NEWS

_PATIENCE_S = 40.0
"""For so long a message about it that is being sent is waited for."""
_TURN_S = 0.2
_SOON_WRITTEN = 200_000_000
"""Bytes of a state that is written anew within some five seconds: no longer need anybody on call wait for news."""


def forget(options: argparse.Namespace) -> int:
    """Erase an order; 1 if it is not known, or not all of it could be erased."""
    settings = read_settings(options, thoroughly=False)
    found = ask_state(settings, lambda tx: _find(tx, options, settings))
    source, name = options.source, plain(options.order, NUMBER_LENGTH)
    if not found:
        print(f"{source}: no order {name} is known, nor anything of it", file=sys.stderr)
        return 1
    if len(found) > 1:
        ids = ", ".join(plain(order_id, NUMBER_LENGTH) for order_id in found)
        print(f"{source}: several orders are called {name}; name one by its id: {ids}", file=sys.stderr)
        return 1
    _check_not_named(options, settings, found[0])
    if not _agreed(options, name):
        print("nothing was erased", file=sys.stderr)
        return 1
    anew = options.wipe or _is_soon_written(settings)
    erased, wiped = with_state(settings, lambda store: _erase(store, source, found[0], anew=anew))
    print("\n".join(_report(source, name, erased)))
    if not (wiped and anew):
        why = (
            "others keep in use"
            if anew
            else "is too large to let the daemon wait: next time --wipe, or at a quiet time"
        )
        remedy = f"sqlite3 {settings.state_file} 'VACUUM; PRAGMA wal_checkpoint(TRUNCATE)'"
        print(f"bytes of it may be left between the rows of the file, which {why}: {remedy}", file=sys.stderr)
    return 0 if wiped else 1


def _is_soon_written(settings: Settings) -> bool:
    """PostgreSQL's tables are vacuumed while others write."""
    return is_shared(settings.state) or settings.state_file.stat().st_size <= _SOON_WRITTEN


def _find(tx: Transaction, options: argparse.Namespace, settings: Settings) -> list[str]:
    ids = tx.called(options.source, options.order)
    there = {*settings.sources, *tx.sources()}
    if not ids and options.source not in there:
        near = did_you_mean(options.source, there) or f": there are {', '.join(sorted(there))}"
        raise ConfigError([Problem(options.config, f"sources.{options.source}", f"no such source{near}")])
    return ids


def _check_not_named(options: argparse.Namespace, settings: Settings, order_id: str) -> None:
    """ConfigError if the configuration follows the order: the next poll would read it again."""
    source = settings.sources.get(options.source)
    if source is None or not isinstance(source, Follows):
        return
    if order_id in source.orders:
        path = f"sources.{options.source}.orders"
        raise ConfigError([Problem(options.config, path, "names it: remove it there first; nothing was erased")])


def _agreed(options: argparse.Namespace, name: str) -> bool:
    """Whether it is meant; ConfigError where nobody can be asked."""
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise ConfigError([Problem("forget", "", "erases for good: say --yes, if you mean it; nothing was erased")])
    try:
        answer = input(f"Erase order {name} of {options.source} for good, with its history and messages? [y/N]: ")
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


async def _erase(store: OpenedStore, source: str, order_id: str, *, anew: bool) -> tuple[Erased, bool]:
    """Erase it, once nothing of it is being sent; whether no byte of it is left, in the log at least."""
    patience = asyncio.get_running_loop().time() + _PATIENCE_S
    told = False
    while await store.read(lambda tx: tx.sending_of(source, order_id)):
        if asyncio.get_running_loop().time() >= patience:
            break
        if not told:
            print("a message about it is being sent: waiting for its end", file=sys.stderr)
            told = True
        await asyncio.sleep(_TURN_S)

    def erase(tx: Transaction) -> Erased:
        tx.tell_others(NEWS)
        return tx.erase_order(source, order_id)

    erased = await store.transact(erase)
    try:
        return erased, await store.wipe(anew=anew)
    except StateError as error:  # such as a full disk; what was erased is erased
        print(f"order-monitor: {error}", file=sys.stderr)
        return erased, False


def _report(source: str, name: str, erased: Erased) -> list[str]:
    counts = [counted(number, word) for number, word in _counts(erased) if number]
    lines = [f"{source}: erased of order {name}: {', '.join([*(['the order'] if erased.known else []), *counts])}"]
    if erased.unsent:
        lines.append(f"not sent: {counted(erased.unsent, 'message')} that waited")
    if erased.sending:
        lines.append(f"still being sent: {counted(erased.sending, 'message')}, which may arrive")
    if erased.shared:
        lines.append(f"without their text from now on: {counted(erased.shared, 'message')} about other orders, too")
    return [
        *lines,
        f"If {source} still shows it, the next poll takes it for a new order and announces it: delete it there first.",
        "Backups, copies from before an upgrade, logs and what was sent are not reached: docs/privacy.md",
    ]


def _counts(erased: Erased) -> list[tuple[int, str]]:
    return [
        (erased.events, "event"),
        (erased.deliveries, "message"),
        (erased.attempts, "attempt"),
        (erased.silences, "silence"),
    ]
