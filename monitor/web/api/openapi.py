"""The API's description, OpenAPI 3.1: of the same operations, parameters and structs that it runs on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from monitor import __version__
from monitor.web.api.examples import EXAMPLES, PATHS
from monitor.web.api.operations import OPERATIONS, PREFIX, Operation
from monitor.web.api.parameters import Parameter
from monitor.web.api.schemas import Schema, reference, schemas

_VARIABLE = re.compile(r"\{(\w+)[^{}]*(?:\{[^{}]*\})?\}")
_ABOUT = (
    "What Order Monitor knows: orders, events, messages, sources, silences. Times are ISO 8601, UTC. Listings come in "
    "pages: ask again with `cursor` as `next` of the page before, and all else the same, until `next` is null. Fields "
    "may be added; none is changed or dropped. A field that is missing has its default. What answers "
    "GET answers HEAD, too."
)
_REFUSALS = {
    400: "A parameter is unknown, or its value is none; the body is no JSON.",
    401: "The token is wrong, or missing: send `Authorization: Bearer …`.",
    403: "Asked by a browser without the token of a page's forms, or for another page.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not application/json.",
    422: "The body is not of the form that is wanted, or asks for what makes no sense.",
    503: "The state cannot be used right now.",
}
_DEFAULT = "Any other error: 404 for an address that is none, 405 for a method, 408, 421, 500."
_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "`web.token` of the configuration. Without a password and a token, whoever is on the machine "
        "may read without.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "order_monitor_8080_session",
        "description": "A browser that is logged in; the number is that of the port. What changes anything needs the "
        "header `X-CSRF-Token` besides, with the token of a page's forms.",
    },
}
_CSRF: Schema = {
    "name": "X-CSRF-Token",
    "in": "header",
    "required": False,
    "description": "The token of a page's forms. Not needed with a bearer token.",
    "schema": {"type": "string"},
}


@cache
def document() -> Schema:
    """The whole description."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(_path(operation), {})[operation.method.lower()] = _operation(operation)
    paths[f"{PREFIX}/openapi.json"] = {"get": _itself()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Order Monitor", "version": __version__, "description": _ABOUT, "license": {"name": "MIT"}},
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {"schemas": schemas(), "securitySchemes": _SECURITY},
    }


def _path(operation: Operation) -> str:
    return PREFIX + _VARIABLE.sub(r"{\1}", operation.path)


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.about,
        "tags": [operation.path.split("/")[1]],
        "parameters": [
            *map(_path_parameter, _VARIABLE.findall(operation.path)),
            *map(_parameter, operation.parameters),
            *([_CSRF] if operation.writes else []),
        ],
        "responses": _responses(operation),
    }
    if operation.body:
        described["requestBody"] = {
            "required": True,
            "content": _content(reference(operation.body.__name__), EXAMPLES[f"{operation.name} asked"]),
        }
    return described


def _parameter(parameter: Parameter) -> Schema:
    one = dict(parameter.schema)
    schema: Mapping[str, Any] = {"type": "array", "items": one} if parameter.many else one
    return {"name": parameter.name, "in": "query", "description": parameter.about, "schema": schema}


def _path_parameter(name: str) -> Schema:
    about, schema, example = PATHS[name]
    return {"name": name, "in": "path", "required": True, "description": about, "schema": schema, "example": example}


def _responses(operation: Operation) -> Schema:
    """What it answers, and every way in which it may refuse."""
    refusals = {**_REFUSALS, **dict(operation.refuses)}
    if not operation.writes:
        for status in (403, 413, 415, 422):
            del refusals[status]
    elif operation.body is None:
        refusals[422] = "It takes no body but an empty object."
    good = {
        "description": operation.about,
        "content": _content(reference(*operation.answers), EXAMPLES[operation.name]),
    }
    refused = {str(status): _refusal(about) for status, about in sorted(refusals.items())}
    return {str(operation.status): good, **refused, "default": _refusal(_DEFAULT)}


def _refusal(about: str) -> Schema:
    return {"description": about, "content": {"application/json": {"schema": reference("Failure")}}}


def _content(schema: Schema, example: Any) -> Schema:
    return {"application/json": {"schema": schema, "example": example}}


def _itself() -> Schema:
    return {
        "operationId": "openapi",
        "summary": "This document.",
        "tags": ["openapi.json"],
        "parameters": [],
        "responses": {
            "200": {"description": "This document.", "content": {"application/json": {"schema": {"type": "object"}}}},
            "400": _refusal(_REFUSALS[400]),
            "401": _refusal(_REFUSALS[401]),
            "default": _refusal(_DEFAULT),
        },
    }
