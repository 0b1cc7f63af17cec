"""Logs: structlog, coloured on a terminal and JSON elsewhere, every line scrubbed of what is secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from monitor.redact import Redactor

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
# Their own logs hold tokens, addresses and bodies from DEBUG up; what failed is in our own log lines.
_SILENT = ("apprise", "urllib3", "requests", "smtplib")


def configure_logs(
    level: str = "info",
    form: Literal["auto", "json", "text"] = "auto",
    *,
    redactor: Redactor,
    stream: TextIO | None = None,
) -> None:
    """Set up all logs of this process. ``level``: debug, info, warning or error, in any case."""
    out = stream or sys.stderr
    text = form == "text" or (form == "auto" and out.isatty())

    def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: _scrubbed(value, redactor) for key, value in event.items()}

    renderer = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=18)
        if text
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            scrub,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level.lower()]),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Forwarder(level=logging.WARNING)]
    root.setLevel(logging.WARNING)
    for name in _SILENT:
        logging.getLogger(name).propagate = False
        logging.getLogger(name).addHandler(logging.NullHandler())


class _Forwarder(logging.Handler):
    """What libraries warn of becomes a line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("library")
        log.log(record.levelno, record.getMessage(), library=record.name, exc_info=record.exc_info)


def _scrubbed(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, str):
        return redactor.clean(value)
    if isinstance(value, dict):
        return {key: _scrubbed(part, redactor) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(part, redactor) for part in value]
    return value
