"""Logging in and out."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from aiohttp import web

from monitor.store.base import Transaction
from monitor.web.context import context_of
from monitor.web.origins import path_here
from monitor.web.rendering import render

_LOGGED_OUT = "logged out"
_log = structlog.get_logger("monitor.web")


async def show(request: web.Request) -> web.StreamResponse:
    """The form; who needs none is led on."""
    after = path_here(request.query.get("next", "/"))
    if context_of(request).access.admits(request):
        return _on_to(after)
    return render(request, "login.html", failed=False, wait_s=0, next=after)


async def log_in(request: web.Request) -> web.StreamResponse:
    """Begin a session, if the password is right and was not guessed at too often."""
    access, form = context_of(request).access, await request.post()
    after, address = path_here(str(form.get("next", "/"))), request.remote or ""
    if not access.needs_login:
        return _on_to(after)
    if wait_s := access.throttle.take(address):
        return _wait(request, wait_s, after)
    if not await access.is_password(str(form.get("password", ""))):
        _log.warning("login_failed", address=address)
        return render(request, "login.html", status=403, failed=True, wait_s=0, next=after)
    access.throttle.forgive(address)
    _log.info("login", address=address)
    response = _on_to(after)
    access.log_in(response)
    return response


def _wait(request: web.Request, wait_s: int, after: str) -> web.Response:
    response = render(request, "login.html", status=429, failed=False, wait_s=wait_s, next=after)
    response.headers["Retry-After"] = str(wait_s)
    return response


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the session."""
    context, response = context_of(request), _on_to("/login")
    if ended := context.access.log_out(request, response):
        session, until = ended
        await context.store.transact(partial(_end, session=session, until=until, now=context.clock.now()))
    return response


def _end(tx: Transaction, session: str, until: datetime, now: datetime) -> None:
    tx.end_session(session, until, now)
    tx.tell_others(_LOGGED_OUT)


def _on_to(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


ROUTES = [web.get("/login", show), web.post("/login", log_in), web.post("/logout", log_out)]
