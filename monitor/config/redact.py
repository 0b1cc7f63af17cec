"""Settings without their secrets, and the secrets without their settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, SecretStr

from monitor.redact import MASK, secrets_of
from monitor.store.address import is_shared, passwords, shown

SHORTEST = 4

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")


def secrets(settings: BaseModel) -> frozenset[str]:
    """Every secret and, of URLs, the parts that may be some, as written and decoded, of 4 letters or more."""
    found = {part for value in _values(settings) for part in _parts(value)}
    return frozenset(part for part in found if len(part) >= SHORTEST)


def redacted(settings: BaseModel) -> dict[str, Any]:
    """The settings as plain data with every secret masked."""
    masked = _masked(settings.model_dump(by_alias=True, exclude_none=True))
    return masked if isinstance(masked, dict) else {}


def _masked(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, dict):
        return {key: _masked(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(child) for child in value]
    if isinstance(value, str):
        return shown(value) if is_shared(value) else _USERINFO.sub(f"{MASK}@", value)
    return _simple(value)


def _simple(value: Any) -> Any:
    return value if isinstance(value, bool | int | float) else str(value)


def _values(value: Any) -> Iterator[str]:
    """Every secret below, and every URL that holds a user."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value().strip()
    elif isinstance(value, str) and is_shared(value):
        yield from passwords(value)
    elif isinstance(value, str) and _USERINFO.search(value):
        yield value
    else:
        for child in _children(value):
            yield from _values(child)


def _children(value: Any) -> list[Any]:
    if isinstance(value, BaseModel):
        return [getattr(value, name) for name in type(value).model_fields]
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else []


def _parts(secret: str) -> Iterator[str]:
    yield secret
    if "://" in secret:
        yield from secrets_of(secret)
