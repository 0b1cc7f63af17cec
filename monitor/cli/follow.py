"""`follow` and `unfollow`: orders of a system without a list, by their ids. They work beside a running daemon."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from monitor.alerting.views import readable
from monitor.cli.common import ask_state, change_state, read_settings
from monitor.cli.output import at, print_json, print_table
from monitor.config import Settings
from monitor.errors import ConfigError, Problem
from monitor.model import Known, Meanings
from monitor.sources.settings import Follows
from monitor.store.base import Transaction

_IN_FILE = "configuration"
_FROM_SHELL = "shell"


class _Followed(NamedTuple):
    """The ids that the configuration names, those named from the shell, and what is known of all of them."""

    in_file: Sequence[str]
    since: Mapping[str, datetime]
    known: Mapping[str, Known]

    @property
    def ids(self) -> list[str]:
        """All ids, shorter ones first, as numbers go."""
        return sorted({*self.in_file, *self.since}, key=lambda order_id: (len(order_id), order_id))


def follow(options: argparse.Namespace) -> int:
    """Follow these orders too; without any, list what is followed."""
    settings, in_file = _read(options)
    ids = _valid(options, settings)
    if not ids:
        return _list(options, settings, in_file)
    now = datetime.now(UTC)
    named = [order_id for order_id in ids if order_id not in in_file]
    new = change_state(settings, lambda tx: [i for i in named if tx.follow(options.source, i, now)])
    for order_id in ids:
        print(f"{options.source}: {order_id} {_what_became(order_id, in_file, new)}")
    return 0


def unfollow(options: argparse.Namespace) -> int:
    """Follow these orders no more, and forget them. 1 if one was not followed."""
    settings, in_file = _read(options)
    ids = _valid(options, settings)
    path = f"sources.{options.source}.orders"
    kept = [
        Problem(options.config, path, f"names {i}: remove it there; nothing was changed") for i in ids if i in in_file
    ]
    if kept:
        raise ConfigError(kept)
    ended = change_state(settings, lambda tx: [i for i in ids if tx.unfollow(options.source, i)])
    for order_id in ids:
        what = "is followed no more, and forgotten" if order_id in ended else "was not followed"
        print(f"{options.source}: {order_id} {what}")
    return 0 if len(ended) == len(ids) else 1


def _read(options: argparse.Namespace) -> tuple[Settings, Sequence[str]]:
    """The settings, and the ids that they name; ConfigError if there is no such source, or it reads a list."""
    settings = read_settings(options, thoroughly=False)
    source, path = settings.sources.get(options.source), f"sources.{options.source}"
    if source is None:
        known = ", ".join(settings.sources)
        raise ConfigError([Problem(options.config, path, f"no such source: there are {known}")])
    if not isinstance(source, Follows):
        text = f"a source of type {source.type} shows all of its orders: there is nothing to follow"
        raise ConfigError([Problem(options.config, path, text)])
    return settings, source.orders


def _valid(options: argparse.Namespace, settings: Settings) -> list[str]:
    """The ids as the source's type wants them, each once; ConfigError with all that are none."""
    ids: Any = type(settings.sources[options.source]).model_fields["orders"].annotation
    adapter: TypeAdapter[list[str]] = TypeAdapter(ids)
    try:
        return list(dict.fromkeys(adapter.validate_python(options.ids)))
    except ValidationError as error:
        faults = error.errors(include_url=False)
    raise ConfigError([Problem(str(fault["input"]), "", fault["msg"]) for fault in faults])


def _what_became(order_id: str, in_file: Sequence[str], new: Sequence[str]) -> str:
    if order_id in in_file:
        return "is followed already: the configuration names it"
    return "is followed from the next poll on" if order_id in new else "is followed already"


def _list(options: argparse.Namespace, settings: Settings, in_file: Sequence[str]) -> int:
    def find(tx: Transaction) -> _Followed:
        since = tx.followed(options.source)
        return _Followed(in_file, since, tx.known(options.source, [*in_file, *since]))

    found = ask_state(settings, find)
    if options.json:
        print_json(_document(options.source, order_id, found) for order_id in found.ids)
        return 0
    meanings = settings.sources[options.source].meanings
    rows = [_row(order_id, found, meanings, settings.time_zone) for order_id in found.ids]
    print_table(("id", "followed by", "since", "order", "status"), rows, f"{options.source}: no order is followed")
    return 0


def _document(source: str, order_id: str, found: _Followed) -> dict[str, object]:
    known = found.known.get(order_id)
    return {
        "source": source,
        "id": order_id,
        "followed_by": _IN_FILE if order_id in found.in_file else _FROM_SHELL,
        "since": None if order_id in found.in_file else found.since[order_id],
        "number": known.order.number if known else None,
        "status": known.order.status if known else None,
        "vanished_at": known.vanished_at if known else None,
    }


def _row(order_id: str, found: _Followed, meanings: Meanings, zone: str) -> list[str]:
    by_file, known = order_id in found.in_file, found.known.get(order_id)
    status = "never seen"
    if known:
        status = readable(known.order.status, meanings) + (" (vanished)" if known.vanished_at else "")
    return [
        order_id,
        _IN_FILE if by_file else _FROM_SHELL,
        "" if by_file else at(found.since[order_id], zone),
        known.order.label if known else "",
        status,
    ]
