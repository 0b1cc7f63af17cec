"""Heartbeats: an address that is asked while all is well, so that somebody else notices when that stops. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from monitor.fields import Duration, Section
from monitor.sources.settings import split_url

LATE = timedelta(minutes=5)
"""A message that has been due for so long, and is not sent, is trouble."""


def _is_address(value: SecretStr) -> SecretStr:
    text = value.get_secret_value().strip()
    parts = split_url(text)
    if parts is None or "@" in parts.netloc:
        wanted = "expected a web address such as https://hc.example.com/ping/abc, without user or password"
        raise PydanticCustomError("url", "{text}", {"text": wanted})
    return SecretStr(text)


class HeartbeatSettings(Section):
    """An address that is asked (GET) while all is well. Whoever listens there raises the alarm when that stops."""

    url: Annotated[SecretStr, AfterValidator(_is_address)]
    """The address, such as healthchecks' https://hc.example.com/ping/abc. Secret."""

    every: Annotated[Duration, Field(ge=timedelta(seconds=10))] = timedelta(minutes=5)
    """How often it is asked."""


class Watched(NamedTuple):
    """A source, as far as its heartbeat goes. ``reading``: how long one look at it takes."""

    name: str
    every: timedelta
    good_at: datetime | None
    down: bool = False
    reading: timedelta = timedelta(0)


def trouble(sources: Iterable[Watched], due_since: datetime | None, now: datetime, *, told: bool = False) -> str | None:
    """Why there is no heartbeat now; None: all is well.

    ``told``: somebody has been told of the sources that are down, which are no trouble any more. ``due_since``: since
    when a message has been due that was not sent.
    """
    for source in sources:
        if source.down and told:
            continue
        if reason := _trouble_of(source, now):
            return f"{source.name}: {reason}"
    if due_since is not None and now - due_since > LATE:
        return f"a message has been due since {due_since:%Y-%m-%d %H:%M} UTC and is not sent"
    return None


def _trouble_of(source: Watched, now: datetime) -> str | None:
    if source.down:
        return "it is down"
    if source.good_at is None:
        return "no look at it has succeeded yet"
    # One that succeeded in the future was timed by a clock that has been set back since: it proves nothing.
    if abs(now - source.good_at) > 2 * source.every + source.reading:
        return f"no look at it has succeeded since {source.good_at:%Y-%m-%d %H:%M} UTC"
    return None
