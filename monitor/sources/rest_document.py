"""A JSON document of which only that is decoded that an expression asks for."""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from monitor.expressions import Expression, raw_of
from monitor.sources import lenient
from monitor.sources.lenient import ABSENT
from monitor.sources.php import entries
from monitor.sources.rest_expressions import value_of

_NULL = b"null"


class Document:
    """A JSON value, unread. A key that no expression names is never decoded."""

    def __init__(self, raw: Raw, fields: dict[str, Raw] | None = None) -> None:
        """``fields``: those of the object that it is, where they are known; then ``raw`` is not looked at."""
        self._raw = raw
        self._levels: dict[tuple[str, ...], dict[str, Raw]] = {} if fields is None else {(): fields}

    def raw_at(self, names: tuple[str, ...]) -> Raw:
        """What stands where these keys lead, unread; empty if nothing does."""
        if not names:
            return self._raw
        return self._level(names[:-1]).get(names[-1], ABSENT)

    def search(self, expression: Expression) -> Any:
        """What the expression finds, None for nothing; ValueError where it does not fit the document."""
        if expression.names:
            return value_of(self.raw_at(expression.names))
        if expression.words is None or not self._level(()):
            return expression.search(self._whole())
        return expression.search({name: value_of(self.raw_at((name,))) for name in sorted(expression.words)})

    def raw(self, expression: Expression | None) -> Raw:
        """The same as JSON; all of it without an expression, and nothing where it does not fit."""
        if expression is None or expression.names is not None:
            return self.raw_at((expression and expression.names) or ())
        return raw_of(self.of(expression))

    def of(self, expression: Expression | None) -> Any:
        """The same; None without an expression, and where it does not fit."""
        try:
            return None if expression is None else self.search(expression)
        except ValueError:
            return None

    def rows(self, expression: Expression | None) -> list[Raw] | None:
        """The members of the list that the expression leads to, unread; None if there is none."""
        if expression is None or expression.names is not None:
            raw = self.raw(expression)
            return [] if bytes(raw) == _NULL else entries(raw)
        found = members(self.of(expression))
        return None if found is None else [raw_of(member) for member in found]

    def _whole(self) -> Any:
        fields = self._level(())
        return {name: value_of(raw) for name, raw in fields.items()} if fields else value_of(self._raw)

    def _level(self, names: tuple[str, ...]) -> dict[str, Raw]:
        if names not in self._levels:
            self._levels[names] = lenient.fields(self.raw_at(names)) or {}
        return self._levels[names]


def members(value: Any) -> list[Any] | None:
    """The members of a list, also of one that PHP writes as an object or as nothing; None if it is none."""
    if isinstance(value, dict) and all(key.isdecimal() for key in value):
        return list(value.values())
    if value is False or value == "":
        return []
    return value if isinstance(value, list) else None
