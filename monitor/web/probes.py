"""Health, for load balancers and supervisors: without log-in, and without a word of any order.

`/healthz` says whether the daemon lives; `/readyz` whether it does its work, and if not, why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from monitor.asking.health import Fault, faults_of
from monitor.errors import StateError
from monitor.web.context import Context, context_of

READ_WITHIN_S = 4.0
"""A probe waits for 5 seconds or more: the reason should reach it first."""


async def healthz(request: web.Request) -> web.StreamResponse:
    """Whether the daemon lives: this loop, which answers, its scheduler and its delivery loop."""
    return _answer(request, [Fault("daemon", what) for what in context_of(request).daemon.stopped()])


async def readyz(request: web.Request) -> web.StreamResponse:
    """Whether the daemon does its work."""
    context = context_of(request)
    stopped = [Fault("daemon", what) for what in context.daemon.stopped()]
    return _answer(request, stopped or await _faults(context))


async def _faults(context: Context) -> Sequence[Fault]:
    now, every = context.clock.now(), {name: source.every for name, source in context.site.sources.items()}
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            signs = await context.reader.read(lambda tx: tx.signs(now))
    except TimeoutError:
        return [Fault("state", f"the state does not answer within {READ_WITHIN_S:.0f} s")]
    except StateError as error:  # whose text names where the state is: nobody has logged in
        return [Fault("state", f"the state cannot be read: {_why(context, error)}")]
    return faults_of(every, signs, now)


def _why(context: Context, error: StateError) -> str:
    if context.daemon.share() is None:
        return str(error.__cause__ or type(error).__name__)
    code = getattr(error.__cause__, "sqlstate", None)
    return f"the database refuses it (SQLSTATE {code})" if code else "the database does not answer"


def _answer(request: web.Request, faults: Sequence[Fault]) -> web.Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK
    headers = {"Cache-Control": "no-store"}
    if "application/json" in request.headers.get("Accept", ""):
        body = msgspec.json.encode({"ok": not faults, "faults": [fault._asdict() for fault in faults]})
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)
    text = "".join(f"{fault.text}\n" for fault in faults) or "ok\n"
    return web.Response(status=status, text=text, headers=headers)


ROUTES: list[web.RouteDef] = [web.get("/healthz", healthz), web.get("/readyz", readyz)]
