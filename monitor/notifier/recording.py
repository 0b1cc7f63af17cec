"""Hears what an endpoint answers while Apprise, which keeps it to itself, sends in this thread.

Two ears, because Apprise returns True or False only: ``requests.Session.send``, wrapped once, shows each response and
its headers; Apprise's own logger is called from inside its ``except`` blocks, where the exception can be picked up. The
log texts are not looked at. Both do nothing in a thread that is not recording.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monitor.model import Outcome
from monitor.notifier.answers import from_error, from_response, refused_recipient

if TYPE_CHECKING:
    import requests

_thread = threading.local()


@contextmanager
def recording() -> Iterator[list[Outcome]]:
    """The evidence that this thread gathers inside the block, in order."""
    _thread.evidence = evidence = list[Outcome]()
    try:
        yield evidence
    finally:
        del _thread.evidence


def note(outcome: Outcome) -> None:
    """Adds to this thread's evidence, if it is recording."""
    evidence: list[Outcome] | None = getattr(_thread, "evidence", None)
    if evidence is not None:
        evidence.append(outcome)


class LogListener(logging.Filter):
    """Notes the exception that is being handled where a record was made, and lets no record pass to any handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = sys.exc_info()[1]
        # Every error of the network is an OSError; other exceptions are a plugin's inner affairs, as is a body that is
        # no JSON, which requests makes an OSError too.
        if isinstance(error, OSError) and type(error).__name__ != "JSONDecodeError":
            note(from_error(error))
        match record.args:
            case (str(), int() as code, bytes() as text):  # one of several recipients refused: smtplib raises nothing
                note(refused_recipient(code, text))
        return False


def listen_to_responses(session: type[requests.Session]) -> None:
    """Makes every session note its responses."""
    session.send = _noting(session.send)  # type: ignore[method-assign]  # the one place that every plugin passes


def _noting(send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    @functools.wraps(send)
    def noting_send(*args: Any, **kwargs: Any) -> requests.Response:
        try:
            response = send(*args, **kwargs)
        except OSError as error:
            note(from_error(error))
            raise
        note(from_response(response.status_code, response.headers, _json(response)))
        return response

    return noting_send


def _json(response: requests.Response) -> Any:
    """Where a service writes how long to wait into the body, the body; nothing else reads it."""
    if response.status_code != 429:
        return None
    try:
        return response.json()
    except ValueError:
        return None
