"""Every error that Order Monitor raises, as one tree. Their texts are for people: what happened, what to do about it.

MonitorError
├── ConfigError               the configuration, with all of its problems at once
├── ChannelError              a channel's URL that Apprise cannot use
├── TemplateError             a route's template that does not compile or render
├── SourceError               a source gave no usable answer
│   ├── Unreachable           no connection, a broken one, or no answer in time: may pass
│   ├── ServerFailed          5xx, or an answer to come back later: may pass
│   ├── RateLimited           429: may pass
│   ├── Refused               401 or 403: the credentials are at fault
│   ├── NotFound              404 or 410
│   ├── Rejected              any other 4xx: the request is at fault
│   ├── Redirected            an answer from elsewhere
│   ├── OurFault              a bug of ours met while reading
│   └── BadAnswer             an answer that is no list of orders
│       ├── TooLarge          … because it is larger than the limit
│       └── Stale             … because it is older than what was read before
└── StateError                the state: database file or server
    ├── StateLocked           another process polls or sends with this state
    ├── StateTooNew           written by a newer version
    ├── StateUnreachable      cannot be opened, read or written
    └── ClaimLost             another daemon has taken over: nothing of this poll may be written
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class MonitorError(Exception):
    """The root: everything that Order Monitor raises on purpose."""


class Problem(NamedTuple):
    """One fault of the configuration: ``where`` is file:line:column, ``path`` the dotted key."""

    where: str
    path: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


class ConfigError(MonitorError):
    """The configuration cannot be used; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class ChannelError(MonitorError):
    """A channel's URL cannot be used. The text never holds the URL."""


class TemplateError(MonitorError):
    """A template does not compile or render."""


class SourceError(MonitorError):
    """A source gave no usable answer. ``passing``: may pass by itself; ``retry_after``: the server's wish, in s."""

    passing = False

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Unreachable(SourceError):
    """No connection, a broken one, or no answer in time."""

    passing = True


class ServerFailed(SourceError):
    """The server says that it cannot answer now."""

    passing = True


class RateLimited(SourceError):
    """The server says that it is asked too often."""

    passing = True


class Refused(SourceError):
    """The server does not accept the credentials."""


class NotFound(SourceError):
    """The server does not know what was asked for. ``body`` is how it said so, and never printed."""

    def __init__(self, text: str, *, retry_after: float | None = None, body: bytes = b"") -> None:
        super().__init__(text, retry_after=retry_after)
        self.body = body


class Rejected(SourceError):
    """The server does not accept the request."""


class Redirected(SourceError):
    """The answer would come from elsewhere."""


class OurFault(SourceError):
    """A bug of ours, met while a source was read; ``__cause__`` is what was raised."""

    @classmethod
    def of(cls, error: Exception) -> OurFault:
        """The error to report. Its text names the kind of the bug only: an exception's own may hold order data."""
        fault = cls(f"a fault of Order Monitor's own ({type(error).__name__}): please report it; the log has more")
        fault.__cause__ = error
        return fault


class BadAnswer(SourceError):
    """The answer is not what this source's adapter can believe."""


class TooLarge(BadAnswer):
    """The answer is larger than the limit."""


class Stale(BadAnswer):
    """The answer is older than what was read before."""


class StateError(MonitorError):
    """The state cannot be used."""


class StateLocked(StateError):
    """Another process polls or sends with this state."""


class StateTooNew(StateError):
    """The state was written by a newer version."""


class StateUnreachable(StateError):
    """The state cannot be opened, read or written."""


class ClaimLost(StateError):
    """Another daemon has taken over."""
