"""JMESPath over JSON: compiled once, exact in its numbers, and what may go wrong mapped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Context, Decimal
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import EmptyExpressionError, IncompleteExpressionError, JMESPathError, LexerError, ParseError
from jmespath.functions import Functions, signature
from msgspec import Raw

from monitor.fields import did_you_mean

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"-?[0-9]{1,40}")
_EXACT = Context(prec=200)
_RAISED = (JMESPathError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
"""What evaluating an expression over foreign values can raise."""
_TOO_DEEP = "it is nested too deep"


class BadExpression(ValueError):
    """A text that is no JMESPath expression; what is wrong with it, without repeating it."""


class Written(float):
    """A JSON number with a fraction or an exponent: a float to JMESPath, and exactly the ``text`` that it was.

    Compared exactly, with any number.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Written:
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and _decimal(self) == _decimal(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: float) -> bool:
        return _decimal(self) < _decimal(other)

    def __le__(self, other: float) -> bool:
        return _decimal(self) <= _decimal(other)

    def __gt__(self, other: float) -> bool:
        return _decimal(self) > _decimal(other)

    def __ge__(self, other: float) -> bool:
        return _decimal(self) >= _decimal(other)

    __hash__ = float.__hash__


# JMESPath knows a value's type by its class's name.
Written.__name__ = "float"


def _plain(value: object) -> Raw | None:
    """What JMESPath makes besides JSON is nothing: an expression (``&a``) is no value."""
    return Raw(value.text.encode()) if isinstance(value, Written) else None


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def raw_of(value: object) -> Raw:
    """The value as JSON again, each number as it was written."""
    return Raw(_encoder.encode(value))


class Expression:
    """A compiled expression; BadExpression if the text is none.

    ``names`` are the keys that it walks down, None if it does anything else. ``words`` are all keys that it names, None
    if it may reach others too.
    """

    def __init__(self, text: str) -> None:
        self._parsed = _compiled(text)
        tree: dict[str, Any] = self._parsed.parsed
        nodes = _all_nodes(tree)
        self.names = _walked(tree)
        _check_functions(nodes)
        found = frozenset(node["value"] for node in nodes if node["type"] == "field")
        self.words = None if any(node["type"] in ("current", "value_projection") for node in nodes) else found

    def search(self, value: object) -> Any:
        """What it finds in the value, None for nothing; ValueError where it does not fit the value."""
        if self.names is not None:
            return _walk(value, self.names)
        try:
            return self._parsed.search(value, options=_OPTIONS)
        except _RAISED:
            # Its text and its context hold what was read.
            error = ValueError("the expression does not fit what it is applied to")
        raise error

    def of(self, value: object) -> Any:
        """The same; None where it does not fit the value."""
        try:
            return self.search(value)
        except ValueError:
            return None


def _walk(value: Any, names: tuple[str, ...]) -> Any:
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _compiled(text: str) -> Any:
    try:
        return jmespath.compile(text)
    except (EmptyExpressionError, IncompleteExpressionError):
        fault = "it ends too early" if text.strip() else "there is nothing"
    except LexerError as error:
        fault = f"what begins at its character {error.lexer_position + 1} is not understood"
    except ParseError as error:
        fault = f"what begins at its character {error.lex_position + 1} is not expected there"
    except (JMESPathError, ValueError):
        fault = "it is not understood"
    except RecursionError:
        fault = _TOO_DEEP
    raise BadExpression(fault)


def _all_nodes(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """What the library reads without recursion it may still nest: BadExpression where that is too deep to apply it."""
    try:
        return list(_nodes(tree))
    except RecursionError:
        fault = _TOO_DEEP
    raise BadExpression(fault)


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", ()):
        if isinstance(child, dict):
            yield from _nodes(child)


def _walked(node: dict[str, Any]) -> tuple[str, ...] | None:
    if node["type"] == "current":
        return ()
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    parts = [_walked(child) for child in node["children"]]
    return None if None in parts else tuple(name for part in parts for name in part or ())


def _check_functions(nodes: list[dict[str, Any]]) -> None:
    """The library finds a function that there is none of, or its arguments too few, only when it is called."""
    for node in nodes:
        if node["type"] != "function_expression":
            continue
        name, given = node["value"], len(node["children"])
        known = _Functions.FUNCTION_TABLE.get(name)
        if known is None:
            raise BadExpression(
                f"it calls a function that does not exist{did_you_mean(name, _Functions.FUNCTION_TABLE)}"
            )
        wanted = known["signature"]
        many = bool(wanted) and bool(wanted[-1].get("variadic"))
        if given < len(wanted) or (given > len(wanted) and not many):
            raise BadExpression(f"{name}() takes {'at least ' if many else ''}{len(wanted)}, not {given}, values")


class _Functions(Functions):
    """JMESPath's own functions, but exact in money, and ``values`` takes the ``[]`` that PHP writes for ``{}``."""

    @signature({"types": ["array-number"]})
    def _func_sum(self, numbers: list[Any]) -> Any:
        total = Decimal(0)
        for number in numbers:
            total = _EXACT.add(total, Decimal(_text(number)))
        return Written(str(total))

    @signature({"types": ["number"]})
    def _func_abs(self, number: Any) -> Any:
        return Written(number.text.removeprefix("-")) if isinstance(number, Written) else abs(number)

    @signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:
        if isinstance(value, str):
            return _number(value.strip())
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    @signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        return value if isinstance(value, str) else bytes(raw_of(value)).decode()

    @signature({"types": ["object", "array"]})
    def _func_values(self, value: Any) -> list[Any]:
        return list(value.values()) if isinstance(value, dict) else value


def _number(text: str) -> int | Written | None:
    if _WHOLE.fullmatch(text):
        return int(text)
    return Written(text) if len(text) <= 40 and _NUMBER.fullmatch(text) else None


def _text(number: Any) -> str:
    return number.text if isinstance(number, Written) else str(number)


def _decimal(number: Any) -> Decimal:
    """What was written; of a literal in an expression, which Python has read, the shortest text that means it."""
    if not isinstance(number, float):
        return Decimal(number)
    try:
        return Decimal(_text(number))
    except ArithmeticError:  # an exponent of twenty digits
        return Decimal(float(number))


_OPTIONS = jmespath.Options(custom_functions=_Functions())
