"""pydantic's errors in plain words. No text holds the value that was refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, get_args

from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from monitor.config.nodes import Node
from monitor.fields import did_you_mean, format_duration

_OF_PYDANTIC = frozenset(get_args(ErrorType))

_NAME = "^[a-z][a-z0-9_]*$"
_CURRENCY = "^[A-Z]{3}$"
_TIMEDELTA = re.compile(r"datetime\.timedelta\((.*)\)")

_WHOLE = "expected a whole number"
_NUMBER = "expected a number"
_TRUTH = "expected true or false"
_MAPPING = "expected keys and values, as in key: value"
_LIST = "expected a list, as in [first, second]"

_FIXED = {
    "missing": "required, but missing",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _WHOLE),
    **dict.fromkeys(("int_parsing_size", "too_big"), "this number is too large"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _TRUTH),
    **dict.fromkeys(("list_type", "tuple_type", "set_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _MAPPING),
    "greater_than_equal": "must be at least {limit}",
    "greater_than": "must be more than {limit}",
    "less_than_equal": "must be at most {limit}",
    "less_than": "must be less than {limit}",
    "too_short": "must not be empty",
    "too_long": "holds too many entries",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
    "string_unicode": "expected text",
}


def words(error: ErrorDetails, node: Node) -> str:
    """What is wrong with the value at ``node``, and what is expected."""
    kind, context = error["type"], error.get("ctx", {})
    if kind in _SPECIAL:
        return _SPECIAL[kind](context, node)
    if kind in _FIXED:
        return _FIXED[kind].format(limit=_limit(context)) + _nothing(kind, node)
    # The rooms' own errors; every other text of pydantic's is not known to be free of the input.
    return error["msg"] if _is_ours(kind) else "is not valid here"


def _nothing(kind: str, node: Node) -> str:
    return ", but there is nothing" if node.data is None and kind.endswith("_type") else ""


def _limit(context: Mapping[str, Any]) -> str:
    limit = next((context[key] for key in ("ge", "gt", "le", "lt") if key in context), "")
    found = _TIMEDELTA.fullmatch(str(limit))
    if not found:
        return str(limit)
    parts = {key: float(value) for key, value in (part.split("=") for part in found[1].split(", "))}
    return format_duration(timedelta(**parts))


def _text(_context: Mapping[str, Any], node: Node) -> str:
    if node.data is None:
        return "expected text, but there is nothing"
    written_bare = isinstance(node.data, bool | int | float)
    return "expected text: put the value in quotes" if written_bare else "expected text"


def _choice(context: Mapping[str, Any], node: Node) -> str:
    choices = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    near = did_you_mean(node.data.lower(), choices) if isinstance(node.data, str) else ""
    if len(choices) == 1:
        return f"expected {choices[0]}"
    return f"expected one of {', '.join(choices)}{near.replace(', did', '; did')}"


def _pattern(context: Mapping[str, Any], _node: Node) -> str:
    texts = {
        _NAME: "a name holds lower-case letters, digits and _, and starts with a letter",
        _CURRENCY: "expected a currency code such as USD",
    }
    return texts.get(str(context.get("pattern")), f"expected text of the form {context.get('pattern')}")


def _value_error(context: Mapping[str, Any], _node: Node) -> str:
    return str(context.get("error", "is not valid here"))


_SPECIAL: dict[str, Callable[[Mapping[str, Any], Node], str]] = {
    "string_type": _text,
    "literal_error": _choice,
    "enum": _choice,
    "string_pattern_mismatch": _pattern,
    "value_error": _value_error,
}


def _is_ours(kind: str) -> bool:
    return kind not in _OF_PYDANTIC
