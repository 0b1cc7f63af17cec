"""What an answer's status and headers mean, decided without I/O: which error, how long to wait, how old."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from monitor.errors import NotFound, RateLimited, Refused, Rejected, ServerFailed, SourceError

LONGEST_TEXT = 200
OLDEST_ANSWER = 60.0
_SECONDS = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]*)?")
_NOT_HERE = "there is nothing at this address: is url right?"
_WORDS: Mapping[int, tuple[type[SourceError], str]] = {
    401: (Refused, "the token is refused"),
    403: (Refused, "the token is refused, may not list orders, or this machine's address is blocked"),
    404: (NotFound, _NOT_HERE),
    407: (Rejected, "the proxy wants a user and a password: write them into proxy"),
    408: (ServerFailed, "the server waited too long for the request"),
    410: (NotFound, _NOT_HERE),
    425: (ServerFailed, "the server asks to come back later"),
    429: (RateLimited, "it is asked too often"),
}

Headers = Mapping[str, str]
"""Of an answer, with lower-case names."""


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Foreign text made fit for an error: one line, no control characters, ``longest`` characters at most."""
    start = text[: longest * 10]
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in start).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


@lru_cache(maxsize=256)
def http_date(text: str) -> datetime | None:
    """An HTTP date, aware; None for anything else."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def retry_after(headers: Headers, now: datetime) -> float | None:
    """The server's wish in seconds, from 0 up, however it is written; None for no wish or nonsense.

    A date is taken relative to the answer's own Date, so that a wrong clock does no harm; without one, to ``now``.
    """
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    else:
        until = http_date(text)
        if until is None:
            return None
        seconds = (until - (http_date(headers.get("date", "")) or now)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def age(headers: Headers) -> float:
    """How long a cache has kept this answer, in seconds; 0 where none says so."""
    text = headers.get("age", "").strip()
    return float(text) if _SECONDS.fullmatch(text) else 0.0


def failure(status: int, headers: Headers, where: str, detail: str | None, now: datetime) -> SourceError:
    """The error that an answer of this status (400 and above) is; ``detail``: what its body says, fit to be shown."""
    kind, words = _kind_and_words(status, headers)
    wish = retry_after(headers, now)
    said = f" ({detail})" if detail else ""
    again = f", and again after {wish:.0f} s" if wish and kind in (RateLimited, ServerFailed) else ""
    return kind(f"{status} from {where}: {words}{again}{said}", retry_after=wish)


def _kind_and_words(status: int, headers: Headers) -> tuple[type[SourceError], str]:
    if headers.get("cf-mitigated", "").strip().lower() == "challenge":
        return Rejected, (
            "Cloudflare asks for a browser check (cf-mitigated: challenge): "
            "let this machine's address pass in its firewall rules; the token is not at fault"
        )
    if status == 403 and "retry-after" in headers:
        return _WORDS[429]
    if status >= 500:
        return ServerFailed, "the server cannot answer now"
    return _WORDS.get(status, (Rejected, "the request is not accepted"))
