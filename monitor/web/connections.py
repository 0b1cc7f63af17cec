"""What aiohttp answers by itself, to what it cannot even read as a request, in our words."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import http_exceptions, web

from monitor.web.headers import PROTECTION

_log = structlog.get_logger("monitor.web")
_NO_LOG = logging.Logger("nothing", level=logging.CRITICAL + 1)


class Runner(web.AppRunner):
    """Takes connections for an application. No request is logged: a path may name an order."""

    @property
    def server(self) -> Any:
        """What makes the handler of a connection."""
        server = super().server
        return server and partial(_Connection, server, loop=asyncio.get_running_loop(), access_log=_NO_LOG)


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Neither what was sent, nor where we failed, is told or logged as an error of ours unless it is one."""
        if isinstance(exc, http_exceptions.HttpProcessingError):
            _log.debug("request_unreadable", reason=type(exc).__name__)
        elif not isinstance(exc, ConnectionError):
            _log.error("page_failed", exc_info=exc)
        if isinstance(exc, http_exceptions.BadHttpMethod):
            status = HTTPStatus.METHOD_NOT_ALLOWED
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun")
        headers = {**PROTECTION, "Cache-Control": "no-store"}
        response = web.Response(status=status, text=f"{HTTPStatus(status).phrase}\n", headers=headers)
        response.force_close()
        return response
