"""Logs: structlog, coloured on a terminal and JSON elsewhere, every line scrubbed of what is secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from monitor.redact import Redactor

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
# Their own logs hold tokens, addresses and bodies from DEBUG up; what failed is in our own log lines.
_SILENT = ("apprise", "urllib3", "requests", "smtplib")


def configure_logs(
    level: str = "info",
    form: Literal["auto", "json", "text"] = "auto",
    *,
    redactor: Redactor,
    stream: TextIO | None = None,
) -> None:
    """Set up all logs of this process. ``level``: debug, info, warning, error or critical, in any case."""
    out = stream or sys.stderr
    text = form == "text" or (form == "auto" and out.isatty())

    def scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {key: _scrubbed(value, redactor) for key, value in event.items()}

    # People read their own time, most important things first; machines read UTC.
    stamper = structlog.processors.TimeStamper(fmt="%H:%M:%S" if text else "iso", utc=not text)
    renderer: structlog.types.Processor = structlog.processors.JSONRenderer()
    if text:
        renderer = structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=14, sort_keys=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamper,
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
    # It warns at each interval that a long poll outlasts, though the poll's own line says how long it took; and what
    # fails in a job, or is cancelled at the end, is scheduler.py's to report.
    logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
    for name in _SILENT:
        logging.getLogger(name).propagate = False
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]


class _Forwarder(logging.Handler):
    """What libraries warn of becomes a line of ours."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger("library")
        log.log(record.levelno, record.getMessage(), library=record.name, exc_info=record.exc_info)


def _scrubbed(value: Any, redactor: Redactor) -> Any:
    """The value without secrets; of an object what would be printed of it, since no object can be looked into."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redactor.clean(value)
        case dict():
            return {_scrubbed(key, redactor): _scrubbed(part, redactor) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(part, redactor) for part in value]
    return redactor.clean(repr(value))
