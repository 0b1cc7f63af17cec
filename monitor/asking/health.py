"""Whether all is well with the daemon, judged from the signs of life in its state. Pure.

For a supervisor, so it is about us: one billing system that is down is news for people, not a reason to restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from monitor.store.vitals import Signs

LIFE_EVERY = timedelta(seconds=30)
"""How often the daemon says that it lives."""
SILENT_AFTER = timedelta(minutes=2)
_LEAST_PATIENCE = timedelta(minutes=5)
_INTERVALS = 3


class Fault(NamedTuple):
    """What is not well: ``part`` is daemon, state, source, sources or deliveries."""

    part: str
    text: str


def faults_of(every: Mapping[str, timedelta], signs: Signs, now: datetime) -> list[Fault]:
    """All that is not well; nothing, if the daemon does its work, or all that share the state do it together.

    ``every``: the sources that are configured, and how often each is polled. Of several daemons one that is gone is no
    fault, while others live and poll what it polled: then each source is, and somebody gives a sign of life.
    """
    now += signs.ahead
    return [*_silent(signs, now), *_unpolled(every, signs, now), *_failing(every, signs), *_stuck(signs)]


def patience(every: timedelta) -> timedelta:
    """How long nothing need be read of a source: a failed poll counts, so that any longer is a fault of ours."""
    return max(_INTERVALS * every, _LEAST_PATIENCE)


def _silent(signs: Signs, now: datetime) -> Iterator[Fault]:
    # A sign from the future was timed by a clock that has been set back since: it proves nothing.
    if signs.alive_at is not None and abs(now - signs.alive_at) > SILENT_AFTER:
        yield Fault(
            "daemon", f"no sign of life since {_at(signs.alive_at)}: it is dead, hangs, or cannot write the state"
        )


def _unpolled(every: Mapping[str, timedelta], signs: Signs, now: datetime) -> Iterator[Fault]:
    for name, interval in every.items():
        last = _last_read(signs, name)
        if last is None and not signs.sources:
            continue  # nothing was ever read: the sources' fault says so
        if last is None:
            yield Fault("source", f"{name}: was never polled: does the daemon know of it? It does after a reload")
        elif abs(now - last) > patience(interval):
            yield Fault("source", f"{name}: not polled since {_at(last)}")


def _last_read(signs: Signs, source: str) -> datetime | None:
    state = signs.sources.get(source)
    found = [state.polled_at if state else None, signs.read_at.get(source)]
    return max((at for at in found if at is not None), default=None)


def _failing(every: Mapping[str, timedelta], signs: Signs) -> Iterator[Fault]:
    if not every or any(_answers(signs, name) for name in every):
        return
    states = [signs.sources.get(name) for name in every]
    why = "every source is down" if any(state and state.down for state in states) else "no source was read yet"
    yield Fault("sources", f"{why}: {', '.join(every)}")


def _answers(signs: Signs, source: str) -> bool:
    """A first look at a very long list takes hours: whoever ended us for that would have it begin anew, for ever."""
    state = signs.sources.get(source)
    if state is None or state.good_at is None:
        return source in signs.read_at and not (state and state.down)
    return not state.down


def _stuck(signs: Signs) -> Iterator[Fault]:
    if signs.stuck_since is not None:
        since = _at(signs.stuck_since)
        yield Fault("deliveries", f"a message has been due since {since}, and nothing was tried at its address since")


def _at(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"
