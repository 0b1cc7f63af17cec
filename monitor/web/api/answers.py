"""What the API answers with: documents, and errors that say what is wrong and what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

_encode = msgspec.json.Encoder().encode


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a parameter or a field of the body, as ``matcher.source``. ``value`` is what was given."""

    field: str
    value: str
    text: str


class Failure(msgspec.Struct, frozen=True):
    """Why there is no answer; ``problems`` are all that are wrong with what was asked, where that is why."""

    error: str
    problems: tuple[Problem, ...] = ()


class ApiError(Exception):
    """There is no answer but this status, and why."""

    def __init__(self, status: int, error: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(error)
        self.status = status
        self.failure = Failure(error, tuple(problems))


def answer(document: Any, status: int = 200) -> web.Response:
    """A document as JSON."""
    return web.Response(body=_encode(document), status=status, content_type="application/json")
