"""A question to the API, read and checked, and what its handlers need to answer it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from aiohttp import hdrs, web

from monitor.asking import cursors
from monitor.web.api.answers import ApiError, Problem
from monitor.web.api.parameters import Parameter, bad_question, narrowed_by, read_query
from monitor.web.context import Context, context_of

T = TypeVar("T")
_JSON = "application/json"
_LONGEST_WAIT_S = 10.0


class Asked(NamedTuple):
    """``path`` are the variable parts of the address; ``query`` has a value for each parameter; ``listing`` says what
    is listed, for cursors. ``body`` is an instance of what the operation takes, None if it takes none.
    """

    context: Context
    path: Mapping[str, str]
    query: Mapping[str, Any]
    listing: str
    body: Any

    def number(self) -> int:
        """The id in the address."""
        return int(self.path["id"])

    def after(self, kind: type[T]) -> T | None:
        """What the page comes after; None: it is the first one. ApiError if that is no cursor of this listing."""
        cursor = self.query["cursor"]
        if cursor is None:
            return None
        try:
            return cursors.read(self.listing, cursor, kind)
        except ValueError:
            text = "is no cursor of this listing: give `next` of the page before, and all else as it was"
            raise bad_question([Problem("cursor", cursor[:200], text)]) from None

    def next(self, key: Sequence[int | str] | None) -> str | None:
        """The cursor of the page that comes after this."""
        return None if key is None else cursors.write(self.listing, key)


async def read(
    request: web.Request, name: str, parameters: Sequence[Parameter], body: type[msgspec.Struct] | None
) -> Asked:
    """What is asked of the operation with this name; ApiError with all that is wrong with it."""
    query = read_query(request.query.items(), parameters)
    listing = narrowed_by(name, query, parameters)
    return Asked(context_of(request), request.match_info, query, listing, await _body(request, body))


async def _body(request: web.Request, kind: type[msgspec.Struct] | None) -> Any:
    """The body as what is wanted; None where none is: then there may be nothing, or an empty object."""
    if request.method in (hdrs.METH_GET, hdrs.METH_HEAD) or not (kind or request.can_read_body):
        return None
    if request.content_type != _JSON:
        raise ApiError(415, f"expected Content-Type: {_JSON}")
    try:
        return msgspec.json.decode(await _read(request), type=kind or Nothing)
    except msgspec.ValidationError as error:
        raise _misfit(str(error)) from None
    except ValueError as error:
        raise ApiError(400, f"the body is no JSON: {error}") from None


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_LONGEST_WAIT_S):
            return await request.read()
    except TimeoutError:
        raise ApiError(408, "the body did not arrive in time") from None


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """An empty object."""


def _misfit(said: str) -> ApiError:
    """Where a body is not of the form that is wanted: ``Expected `str`, got `int` - at `$.reason```."""
    text, _, place = said.partition(" - at ")
    field = place.strip("`").removeprefix("$").removeprefix(".")
    named = text.rpartition(" field ")[2].strip("`") if " field `" in text else ""
    field = ".".join(filter(None, (field, named)))
    problem = Problem(field, "", text[:1].lower() + text[1:])
    return ApiError(422, f"{field or 'the body'}: {problem.text}", [problem])
