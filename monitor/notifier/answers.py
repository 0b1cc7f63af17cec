"""What endpoints answer, read as Outcomes: passing or permanent, in words for people, with the server's own wish.

The words may quote a mail server or an exception: the caller redacts them.
"""

from __future__ import annotations

import math
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from monitor.model import Outcome

_PASSING = frozenset({408, 409, 421, 423, 425, 429})
"""The statuses between 400 and 499 that another attempt can help: the rest say that the request itself is at fault."""
_MOVED = frozenset({301, 308})
_LONGEST_WAIT = 86400.0
_QUOTE = 200
_BAD_ADDRESS = frozenset({"InvalidURL", "InvalidSchema", "MissingSchema", "InvalidHeader", "InvalidProxyURL"})

_TROUBLES: tuple[tuple[type[OSError], str], ...] = (
    (ssl.SSLCertVerificationError, "the server's certificate is not trusted"),
    (ssl.SSLError, "the encrypted connection failed"),
    (socket.gaierror, "host name not found"),
    (ConnectionRefusedError, "connection refused"),
    (TimeoutError, "no answer in time"),
    (ConnectionError, "connection broken"),
)
"""From the particular to the general: the first that stands anywhere among an error's causes names it."""


def failure(
    reason: str, status: int | None = None, *, permanent: bool = False, retry_after: float | None = None
) -> Outcome:
    """An attempt that did not deliver; passing unless said otherwise."""
    return Outcome(delivered=False, reason=reason, status=status, permanent=permanent, retry_after=retry_after)


def verdict(evidence: Sequence[Outcome], *, accepted: bool) -> Outcome:
    """One Outcome for all that was seen while Apprise sent one message.

    Several recipients in one URL are one result: as long as one failure may pass, so may the whole.
    """
    if accepted:
        return Outcome(delivered=True, status=evidence[-1].status if evidence else None)
    failures = [seen for seen in evidence if not seen.delivered]
    if failures:
        return max(reversed(failures), key=lambda seen: (not seen.permanent, seen.retry_after or 0))
    if evidence:
        status = evidence[-1].status
        return failure(f"the service answered {_phrase(status)} but did not accept the message", status)
    return failure("the service did not accept the message, and Apprise gives no reason")


def from_response(status: int, headers: Mapping[str, str], body: Any = None) -> Outcome:
    """An HTTP answer. ``headers`` ignore case; ``body`` is its JSON: Telegram and Matrix put the wait there."""
    if status < 300:
        return Outcome(delivered=True, status=status)
    retry_after = parse_retry_after(headers.get("Retry-After"), headers.get("Date"))
    if retry_after is None and status == 429:
        retry_after = _wait_in(body)
    hopeless = status in _MOVED or (400 <= status < 500 and status not in _PASSING)
    hint = ": redirects are not followed, use the new address" if status < 400 else ""
    # A wish for a later attempt contradicts "never": some services say 403 where they mean 429.
    return failure(_phrase(status) + hint, status, permanent=hopeless and retry_after is None, retry_after=retry_after)


def from_error(error: BaseException) -> Outcome:
    """An exception of smtplib, requests, a socket, or of the plugin itself."""
    if isinstance(error, smtplib.SMTPException):
        return _from_smtp(error)
    if type(error).__name__ in _BAD_ADDRESS:
        return failure("the channel's URL leads to no valid address or header", permanent=True)
    causes = list(_causes(error))
    for kind, words in _TROUBLES:
        if any(isinstance(cause, kind) for cause in causes):
            return failure(words)
    texts = (cause.strerror.lower() for cause in causes if isinstance(cause, OSError) and cause.strerror)
    return failure(next(texts, f"sending failed ({type(error).__name__})"))


def refused_recipient(code: int, text: bytes) -> Outcome:
    """One recipient refused by a mail server."""
    return _smtp_reply("mail server refused the recipient", code, text)


def parse_retry_after(value: str | None, date: str | None = None) -> float | None:
    """Retry-After in seconds, at most a day: whole, fractional, or a date, counted from the server's own ``date``.

    None for nonsense.
    """
    try:
        seconds = float(value or "nan")
    except ValueError:
        seconds = _seconds_until(value or "", date)
    return min(seconds, _LONGEST_WAIT) if math.isfinite(seconds) and seconds >= 0 else None


def _seconds_until(value: str, date: str | None) -> float:
    moment = _parsed_date(value)
    if moment is None:
        return math.nan
    start = _parsed_date(date or "") or datetime.now(UTC)
    return max(0.0, (moment - start).total_seconds())


def _parsed_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _wait_in(body: Any) -> float | None:
    fields = body if isinstance(body, dict) else {}
    nested = fields.get("parameters")
    wait = nested.get("retry_after") if isinstance(nested, dict) else fields.get("retry_after")
    if wait is None and isinstance(fields.get("retry_after_ms"), int):
        wait = fields["retry_after_ms"] / 1000
    return parse_retry_after(str(wait))


def _phrase(status: int | None) -> str:
    try:
        return f"{status} {HTTPStatus(status or 0).phrase}"
    except ValueError:
        return f"status {status}"


def _from_smtp(error: smtplib.SMTPException) -> Outcome:
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            return verdict([refused_recipient(*reply) for reply in refused.values()], accepted=False)
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError():
            # At the greeting a 5xx tells of the server's state, or of our address; it says nothing about the message.
            reply = _smtp_reply("mail server is not ready", error.smtp_code, error.smtp_error)
            return failure(reply.reason, reply.status)
        case smtplib.SMTPResponseException():
            return _smtp_reply(_smtp_words(error), error.smtp_code, error.smtp_error)
        case smtplib.SMTPNotSupportedError():
            return failure(f"mail server does not offer what the URL asks for ({error})", permanent=True)
        case smtplib.SMTPServerDisconnected():
            return failure("mail server closed the connection")
    return failure(f"mail was not sent ({_one_line(str(error))})")


def _smtp_words(error: smtplib.SMTPResponseException) -> str:
    match error:
        case smtplib.SMTPAuthenticationError():
            return "mail server refused the user or password"
        case smtplib.SMTPSenderRefused():
            return "mail server refused the sender"
        case smtplib.SMTPDataError():
            return "mail server refused the message"
    return "mail server refused"


def _smtp_reply(words: str, code: int, text: bytes | str) -> Outcome:
    said = _one_line(text.decode(errors="replace") if isinstance(text, bytes) else text)
    return failure(f"{words} ({f'{code} {said}'.strip()})", code, permanent=code >= 500)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_QUOTE]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it wraps: urllib3 keeps causes in ``reason`` and ``args`` too."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = (*current.args, getattr(current, "reason", None), current.__cause__, current.__context__)
        waiting += [cause for cause in wrapped if isinstance(cause, BaseException)]
