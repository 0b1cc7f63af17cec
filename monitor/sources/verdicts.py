"""Which error an answer of a failing status is, and in which words: decided without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from monitor.errors import NotFound, RateLimited, Refused, Rejected, ServerFailed, SourceError
from monitor.sources.headers import Headers
from monitor.sources.ratelimit import allowance, wish

LONGEST_TEXT = 200
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


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Foreign text made fit for an error: one line, no control characters, ``longest`` characters at most."""
    start = text[: longest * 10]
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in start).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def failure(status: int, headers: Headers, where: str, detail: str | None, now: datetime) -> SourceError:
    """The error that an answer of this status (400 and above) is; ``detail``: what its body says, fit to be shown."""
    used_up = allowance(headers, now)
    kind, words = _kind_and_words(status, headers, limited=used_up is not None and used_up.left == 0)
    wanted = wish(headers, now, refused=kind is RateLimited)
    said = f" ({detail})" if detail else ""
    again = f", and again after {wanted:.0f} s" if wanted and kind in (RateLimited, ServerFailed) else ""
    return kind(f"{status} from {where}: {words}{again}{said}", retry_after=wanted)


def _kind_and_words(status: int, headers: Headers, *, limited: bool) -> tuple[type[SourceError], str]:
    if headers.get("cf-mitigated", "").strip().lower() == "challenge":
        return Rejected, (
            "Cloudflare asks for a browser check (cf-mitigated: challenge): "
            "let this machine's address pass in its firewall rules; the token is not at fault"
        )
    if status == 403 and ("retry-after" in headers or limited):
        return _WORDS[429]
    if status >= 500:
        return ServerFailed, "the server cannot answer now"
    return _WORDS.get(status, (Rejected, "the request is not accepted"))
