"""The JSON API: a route for each operation, and for the document that describes them all."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from monitor.web.api.answers import ApiError, answer
from monitor.web.api.asked import Asked, read
from monitor.web.api.openapi import document
from monitor.web.api.operations import OPERATIONS, PREFIX, Operation


def _answering(operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            asked = await read(request, operation.name, operation.parameters, operation.body)
            return await operation.handler(asked)
        except ApiError as error:
            return answer(error.failure, error.status)

    return handle


async def describe(_: Asked) -> web.Response:
    """The document that describes all of them."""
    return answer(document())


_ALL = (*OPERATIONS, Operation("openapi", "GET", "/openapi.json", "This document.", describe, ()))
ROUTES = [
    web.route(one.method, PREFIX + one.path, _answering(one))
    if one.writes
    else web.get(PREFIX + one.path, _answering(one))  # and HEAD
    for one in _ALL
]
