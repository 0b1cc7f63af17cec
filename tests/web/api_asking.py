"""Somebody who asks the API, and holds each answer against what its description says of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import aiohttp
from jsonschema import Draft202012Validator, FormatChecker
from yarl import URL

TOKEN = "a-made-up-token-for-machines"
_FORMATS = FormatChecker(())
_ANYWHERE = (405, 408, 421, 500)
"""Errors that no operation names: they are the server's."""


@_FORMATS.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    """In UTC, as all times are."""
    return not isinstance(value, str) or (datetime.fromisoformat(value).tzinfo is not None and value.endswith("Z"))


class Said(NamedTuple):
    """An answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Description:
    """The OpenAPI document of a server, to hold answers against."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """(method, path, operation) for each."""
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def operation(self, method: str, path: str) -> dict[str, Any] | None:
        """What a request asks for."""
        method = "GET" if method == "HEAD" else method
        exact = [one for known, shape, one in self.operations() if (known, shape) == (method, path)]
        fitting = [one for known, shape, one in self.operations() if known == method and _fits(shape, path)]
        return next(iter(exact + fitting), None)

    def check(self, schema: Mapping[str, Any], value: Any) -> None:
        """ValidationError unless the value is as the schema says; its references lead into the document."""
        own = {**schema, "components": self.document["components"]}
        Draft202012Validator(own, format_checker=_FORMATS).validate(value)


def _fits(shape: str, path: str) -> bool:
    pattern = re.sub(r"\\{(\w+)\\}", lambda found: ".+" if found[1] == "order" else "[^/]+", re.escape(shape))
    return re.fullmatch(pattern, path) is not None


class Api:
    """``met`` are the operations that were asked, and with which status they answered."""

    def __init__(self, url: str, description: Description, token: str | None = TOKEN) -> None:
        self.url = url
        self.token = token
        self.met: set[tuple[str, int]] = set()
        self._description = description

    async def ask(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Said:
        """Ask for ``path`` below /api/v1. AssertionError if the answer is not as described."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        url = URL(f"{self.url}/api/v1{path}", encoded=True)
        sent: dict[str, Any] = {"data": raw} if raw is not None else {"json": body} if body is not None else {}
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, url, headers=headers, allow_redirects=False, **sent) as answer,
        ):
            text = await answer.read()
            assert answer.content_type == "application/json", (method, path, answer.status, text)
            said = Said(answer.status, json.loads(text) if text else None, dict(answer.headers))
        self._check(method, url.raw_path, said)
        return said

    async def get(self, path: str) -> Any:
        """The document that is there."""
        said = await self.ask("GET", path)
        assert said.status == 200, said
        return said.body

    def _check(self, method: str, path: str, said: Said) -> None:
        operation = self._description.operation(method, path)
        if operation is None:
            assert said.status in (401, 404, 405), (method, path, said)
            return
        self.met.add((operation["operationId"], said.status))
        answers = operation["responses"]
        answer = answers.get(str(said.status)) or (answers["default"] if said.status in _ANYWHERE else None)
        assert answer, f"{method} {path}: {said.status} is not described"
        if said.body is not None:
            self._description.check(answer["content"]["application/json"]["schema"], said.body)
