"""What is different in another configuration, in words for the log: never a secret, nor what it was. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr

from monitor.config.settings import Settings
from monitor.fields import format_duration
from monitor.redact import Redactor

MOST = 50
"""Lines at most."""
_LONGEST = 60
"""Longer values, such as templates, have only changed."""
_MOST_NAMED = 10
_NAMED = {"sources": "source", "channels": "channel"}


def changes(before: Settings, after: Settings) -> list[str]:
    """What ``after`` has otherwise, a line each: ``source shop: every 60s → 30s``."""
    found = list(_changes(before, after))
    if len(found) > MOST:
        found = [*found[: MOST - 1], f"… and {len(found) - MOST + 1} more"]
    redactor = Redactor(before.secrets() | after.secrets())
    return [redactor.clean(line) for line in found]


def _changes(before: Settings, after: Settings) -> Iterator[str]:
    for key in (key for key in Settings.model_fields if key not in ("state", "state_password")):  # cannot change
        old, new = getattr(before, key), getattr(after, key)
        if key in _NAMED:
            yield from _entries(_NAMED[key], old, new)
        elif key == "routes":
            yield from _routes(old, new)
        elif isinstance(old, BaseModel) and isinstance(new, BaseModel):
            yield from (f"{key}: {said}" for said in _fields(old, new))
        else:
            yield from (said.replace(" ", ": ", 1) for said in _value(key, old, new))


def _entries(word: str, old: Mapping[str, BaseModel], new: Mapping[str, BaseModel]) -> Iterator[str]:
    """What became of the sources, or the channels, or the routes."""
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield f"{word} {name}: removed"
        elif name not in old:
            yield f"{word} {name}: added"
        else:
            yield from (f"{word} {name}: {said}" for said in _fields(old[name], new[name]))


def _routes(old: Sequence[Any], new: Sequence[Any]) -> Iterator[str]:
    """Which one stands first decides, where several lead one event to one URL, and where one stops the search."""
    olds, news = {route.name: route for route in old}, {route.name: route for route in new}
    yield from _entries("route", olds, news)
    if [name for name in olds if name in news] != [name for name in news if name in olds]:
        yield f"routes: another order: {', '.join(news)}"


def _fields(old: BaseModel, new: BaseModel, path: str = "") -> Iterator[str]:
    """The keys of two sections that differ."""
    kinds = {**type(old).model_fields, **type(new).model_fields}
    for name, field in kinds.items():
        key = f"{path}{field.serialization_alias or name}"
        yield from _value(key, getattr(old, name, None), getattr(new, name, None))


def _value(key: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, BaseModel) and isinstance(new, BaseModel):
        yield from _fields(old, new, f"{key}.")
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _value(f"{key}.{name}", old.get(name), new.get(name))
    elif _is_listing(old) and _is_listing(new):
        yield from _listing(key, old, new)
    else:
        yield _plain(key, old, new)


def _plain(key: str, old: Any, new: Any) -> str:
    if new is None:
        return f"{key} removed"
    if old is None and (isinstance(new, BaseModel) or not _can_be_shown(new)):
        return f"{key} added"
    if not (_can_be_shown(old) and _can_be_shown(new)):
        return f"{key} changed"
    return f"{key} {_spelled(old)} → {_spelled(new)}"


def _listing(key: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
    if not gone and not come:
        yield f"{key}: another order"
    for which, what in ((come, "added"), (gone, "removed")):
        if len(which) > _MOST_NAMED:
            yield f"{key}: {len(which):,} {what}"
        elif which and not all(map(_can_be_shown, which)):
            yield f"{key} changed"
        else:
            yield from (f"{_one_of(key)} {one} {what}" for one in which)


def _one_of(key: str) -> str:
    """``channel`` for ``channels``."""
    return key.removesuffix("s") if key.endswith(("channels", "orders", "days")) else key


def _is_listing(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _can_be_shown(value: Any) -> bool:
    """Not what is a secret, somebody's address, or too long for a line."""
    if isinstance(value, SecretStr | BaseModel | dict):
        return False
    if isinstance(value, list | tuple):
        return all(map(_can_be_shown, value)) and len(_spelled(value)) <= _LONGEST
    text = _spelled(value)
    return len(text) <= _LONGEST and text.isprintable() and "@" not in text


def _spelled(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case timedelta():
            return format_duration(value)
        case Enum():
            return str(value.value)
        case list() | tuple():
            return f"[{', '.join(map(_spelled, value))}]"
    return str(value)
