"""What aiohttp, ssl and the operating system throw, in our own words."""

from __future__ import annotations

import os
import ssl
from typing import Any

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from monitor.errors import BadAnswer, Rejected, SourceError, Unreachable
from monitor.sources.verdicts import plain

FOREIGN = (aiohttp.ClientError, HttpProcessingError, OSError)  # TimeoutError and ssl.SSLError are OSErrors


def in_our_words(error: Exception, where: str, seconds: float) -> SourceError:
    """The SourceError for an error of aiohttp, ssl or the operating system. Its text holds no credential."""
    kind, passing, words = next(row[1:] for row in _WORDS if isinstance(error, row[0]))
    mapped = kind(f"{where}: {words.format(seconds=seconds, reason=_reason(error))}")
    mapped.passing = passing
    return mapped


def _reason(error: Any) -> str:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    cause = cause.__cause__ if isinstance(cause.__cause__, ssl.SSLError) else cause
    if isinstance(cause, ssl.SSLError):
        return plain(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or type(cause).__name__)
    number = getattr(cause, "errno", None) or 0
    return os.strerror(number) if number > 0 else plain(getattr(cause, "strerror", None) or type(error).__name__)


_Kinds = type[Exception] | tuple[type[Exception], ...]
_WORDS: tuple[tuple[_Kinds, type[SourceError], bool, str], ...] = (
    # The first row that fits counts: the narrower kinds stand above the wider.
    (aiohttp.ClientProxyConnectionError, Unreachable, True, "its proxy cannot be reached ({reason}): check proxy"),
    (
        aiohttp.ClientHttpProxyError,
        Unreachable,
        True,
        "its proxy does not let us through: check proxy and its password",
    ),
    (
        ssl.SSLCertVerificationError,
        Unreachable,
        False,
        "its certificate is not trusted ({reason}): set ca_file if it has an authority of its own",
    ),
    (ssl.SSLError, Unreachable, True, "no TLS connection ({reason}): does url begin rightly with https, not http?"),
    (aiohttp.ClientConnectorDNSError, Unreachable, True, "the host is not found ({reason}): is url right?"),
    (aiohttp.ConnectionTimeoutError, Unreachable, True, "no connection in time: is it up, and is url right?"),
    (TimeoutError, Unreachable, True, "no whole answer within {seconds:.3g} s"),
    (aiohttp.ClientPayloadError, Unreachable, True, "the answer broke off, or is damaged"),
    (aiohttp.ServerDisconnectedError, Unreachable, True, "the server closed the connection without an answer"),
    ((aiohttp.ClientResponseError, HttpProcessingError), BadAnswer, False, "what answers there speaks no valid HTTP"),
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), Rejected, False, "this is no address to read from"),
    (Exception, Unreachable, True, "no connection, or a broken one ({reason})"),
)
