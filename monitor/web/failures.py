"""What is answered where something cannot be: a reason in plain words, and nothing of how this program works."""

from __future__ import annotations

import asyncio
from html import escape
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from jinja2 import TemplateError

from monitor.errors import StateError, StateUnreachable
from monitor.web.context import context_of
from monitor.web.headers import BEGUN
from monitor.web.rendering import error_page

_JSON = ("/api", "/metrics", "/hooks", "/stream", "/fragments")
_TEXTS = {
    404: "There is nothing here.",
    405: "This cannot be done here.",
    413: "That is more than is read here.",
}
PATIENCE_S = 15.0
"""So long an answer may take where the state is a database on a network, which may hang."""
_PATIENT = ("/stream", "/healthz", "/readyz", "/metrics")
"""What takes as long as it wants, or waits for the state no longer than its reader does."""
_COME_AGAIN_S = 10
ADMITTED = web.RequestKey("admitted", bool)
"""Of a request: whether who asks may see pages; else even the page of an error could show too much."""
_log = structlog.get_logger("monitor.web")


@web.middleware
async def failing_well(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer, or what to say instead of it."""
    try:
        return await _in_time(request, handler)
    except web.HTTPException as error:
        if error.status < 400 or error.content_type != "text/plain":
            raise
        return _refusal(request, error)
    except (ConnectionError, web.RequestPayloadError):
        if request.get(BEGUN) or request.transport is None:
            raise
        return failure(request, 400, "The request did not arrive whole.")
    except StateError as error:
        return _without_state(request, error)
    except Exception:
        if request.get(BEGUN):
            raise
        _log.exception("page_failed", page=page_of(request))
        return failure(request, 500, "Something went wrong here. The log of Order Monitor has the details.")


async def _in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    if context_of(request).daemon.share() is None or request.path in _PATIENT:
        return await handler(request)
    patience = asyncio.timeout(PATIENCE_S)
    try:
        async with patience:
            return await handler(request)
    except TimeoutError:
        if request.get(BEGUN) or not patience.expired():
            raise
        raise StateUnreachable(f"it does not answer within {PATIENCE_S:.0f} s") from None


def page_of(request: web.Request) -> str:
    """What was asked for, without what its address may hold of an order."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else ""


def failure(request: web.Request, status: int, text: str) -> web.Response:
    """A page, or a document for programs, that says why there is nothing else."""
    if is_for_programs(request.path):
        return web.json_response({"error": text}, status=status)
    title = HTTPStatus(status).phrase
    if request.get(ADMITTED):
        try:
            return error_page(request, status, title, text)
        except TemplateError:
            _log.exception("page_failed", page="error")
    return web.Response(status=status, text=_PLAIN.format(escape(title), escape(text)), content_type="text/html")


def is_for_programs(path: str) -> bool:
    """Whether what is asked there is read by programs."""
    return any(path == beginning or path.startswith(f"{beginning}/") for beginning in _JSON)


def _refusal(request: web.Request, error: web.HTTPException) -> web.Response:
    own = error.text if error.text != f"{error.status}: {error.reason}" else None
    answer = failure(request, error.status, _TEXTS.get(error.status) or own or error.reason)
    kept = (pair for pair in error.headers.items() if pair[0].lower() not in ("content-type", "content-length"))
    answer.headers.extend(kept)
    return answer


def _without_state(request: web.Request, error: StateError) -> web.Response:
    _log.error("page_without_state", page=page_of(request), reason=str(error))
    why = f": {error}" if request.get(ADMITTED) else "."
    answer = failure(request, 503, f"The state cannot be used right now{why}")
    answer.headers["Retry-After"] = str(_COME_AGAIN_S)
    if request.method == "GET" and not is_for_programs(request.path):
        answer.headers["Refresh"] = str(_COME_AGAIN_S)  # the browser asks again by itself
    return answer


_PLAIN = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{0}</title></head>
<body><h1>{0}</h1><p>{1}</p></body>
</html>
"""
