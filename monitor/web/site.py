"""What the server shows of a configuration, and what it may ask of the daemon that it is a part of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import msgspec

from monitor.alerting.routes import Router
from monitor.alerting.words import Words
from monitor.asking.muting import Configured
from monitor.model import Destination, Meanings
from monitor.polling.bound import Within
from monitor.redact import Redactor
from monitor.web.settings import WebSettings
from monitor.web.signatures import Verifier


class Shown(NamedTuple):
    """A source as it is configured. ``host`` is where it is read from; ``order_url`` has ``{id}`` or ``{number}``.

    ``hook`` knows whose hints are true; None: it takes none.
    """

    name: str
    type: str
    host: str
    every: timedelta
    down_after: int
    labels: Mapping[str, str]
    meanings: Meanings
    order_url: str | None
    hook: Verifier | None = None


class Site(NamedTuple):
    """The configuration in force, as far as the server needs it."""

    settings: WebSettings
    sources: Mapping[str, Shown]
    channels: Sequence[str]
    routes: Sequence[str]
    homes: Sequence[Destination]
    words: Words
    router: Router
    redactor: Redactor

    @property
    def mutable(self) -> Configured:
        """What a silence can be about."""
        labels = {name: source.labels for name, source in self.sources.items()}
        return Configured(labels, self.routes, self.channels, self.words.zone)


class Looked(msgspec.Struct, frozen=True):
    """What the daemon knows of how it reads a source, beyond the state.

    ``bound`` says in words how soon what is noticed; ``refusal`` why it is read whole. ``used`` counts the requests to
    its host in the last minute, of at most ``per_minute`` (None: no limit). ``orders`` were known after the last poll,
    which took ``requests`` and ``seconds``. ``next_at`` is when it is polled next. ``within``: ``bound`` in seconds.
    """

    bound: str = ""
    refusal: str = ""
    used: int = 0
    per_minute: int | None = None
    orders: int = 0
    requests: int = 0
    seconds: float = 0.0
    next_at: datetime | None = None
    within: Within | None = None


class Share(NamedTuple):
    """This daemon among those that share its state, as it knows without asking the state.

    ``name`` is what its leases say. ``daemons`` lived when it last looked. It polls ``held`` sources, and may do so
    while ``is_valid``. ``leases``: by source, the name of the lease of whichever daemon polls it.
    """

    name: str
    daemons: int
    held: int
    is_valid: bool
    leases: Mapping[str, str]


class Daemon(Protocol):
    """What the server may ask of the daemon."""

    def looked(self, source: str) -> Looked | None:
        """How a source is read; None if another daemon reads it, which alone knows."""
        ...

    def share(self) -> Share | None:
        """Its place among others; None where a state serves one daemon."""
        ...

    def stopped(self) -> Sequence[str]:
        """What of the daemon does not run, in words: nothing, while it lives."""
        ...

    async def poll_now(self, source: str) -> bool:
        """Let the next poll of a source begin at once, whichever daemon polls it; False if there is no such source.

        StateError if another daemon polls it, and cannot be told.
        """
        ...

    def deliver_now(self) -> None:
        """Something may be due in the outbox."""
        ...
