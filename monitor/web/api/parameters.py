"""What may stand in an address of the API: read strictly, and described by the same words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from monitor.fields import did_you_mean
from monitor.web.api.answers import ApiError, Problem

MOST = 200
USUAL = 50
LARGEST = 2**53 - 1
"""The largest id that every reader of JSON can hold."""
_LONGEST = 200


class Parameter(NamedTuple):
    """``read`` makes its value, or raises ValueError with what is expected; ``many``: it may be given several times.

    ``narrows``: it says what a listing is of, and so has to stay the same from page to page.
    """

    name: str
    about: str
    read: Callable[[str], Any]
    schema: Mapping[str, Any]
    many: bool = False
    default: Any = None
    narrows: bool = True


def text(name: str, about: str) -> Parameter:
    """Any text that is not empty."""

    def read(given: str) -> str:
        if not given.strip() or len(given) > _LONGEST:
            raise ValueError(f"expected 1 to {_LONGEST} characters")
        return given

    return Parameter(name, about, read, {"type": "string", "minLength": 1, "maxLength": _LONGEST})


def whole(name: str, about: str, least: int = 0, most: int = LARGEST, default: int | None = None) -> Parameter:
    """A whole number."""

    def read(given: str) -> int:
        number = int(given) if given.isascii() and given.isdecimal() and len(given) <= 16 else -1
        if not least <= number <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return number

    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Parameter(name, about, read, schema, default=default, narrows=False)


def one_of(name: str, about: str, values: type[StrEnum], *, many: bool = True) -> Parameter:
    """One of these words, or several by repeating it."""
    known = [str(value) for value in values]

    def read(given: str) -> StrEnum:
        if given not in known:
            raise ValueError(f"expected one of {', '.join(known)}{did_you_mean(given, known)}")
        return values(given)

    return Parameter(name, about, read, {"type": "string", "enum": known}, many)


def flag(name: str, about: str) -> Parameter:
    """Yes or no."""

    def read(given: str) -> bool:
        if given not in ("true", "false"):
            raise ValueError("expected true or false")
        return given == "true"

    return Parameter(name, about, read, {"type": "boolean", "default": False}, default=False)


LIMIT = whole("limit", "How many at most.", 1, MOST, USUAL)
CURSOR = Parameter(
    "cursor",
    "Where the page begins: `next` of the page before. All that narrows the listing has to be given again.",
    str,
    {"type": "string"},
    narrows=False,
)


def read_query(given: Iterable[tuple[str, str]], parameters: Sequence[Parameter]) -> dict[str, Any]:
    """The value of each parameter; ApiError (400) with everything that is wrong with what was given."""
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, list[str]] = {}
    for name, value in given:
        values.setdefault(name, []).append(value)
    problems = [_unknown(name, values[name][0], known) for name in values if name not in known]
    read: dict[str, Any] = {}
    for name, parameter in known.items():
        try:
            read[name] = _value(parameter, values.get(name, []))
        except ValueError as error:
            problems.append(Problem(name, ", ".join(values[name])[:_LONGEST], str(error)))
    if problems:
        raise bad_question(problems)
    return read


def bad_question(problems: Sequence[Problem]) -> ApiError:
    """What to raise where parameters are wrong: all of it in one line, and one by one."""
    return ApiError(400, "; ".join(f"{problem.field}: {problem.text}" for problem in problems), problems)


def narrowed_by(operation: str, values: Mapping[str, Any], parameters: Sequence[Parameter]) -> str:
    """What a listing is of, as a cursor remembers it."""
    return repr([operation, *_given(values, parameters)])


def _given(values: Mapping[str, Any], parameters: Sequence[Parameter]) -> Iterator[tuple[str, str]]:
    for parameter in sorted(parameters, key=lambda parameter: parameter.name):
        value = values[parameter.name]
        if parameter.narrows and value:
            yield parameter.name, ",".join(sorted(map(str, value))) if parameter.many else str(value)


def _value(parameter: Parameter, given: Sequence[str]) -> Any:
    if parameter.many:
        return tuple(dict.fromkeys(map(parameter.read, given)))
    if len(given) > 1:
        raise ValueError("is given more than once")
    return parameter.read(given[0]) if given else parameter.default


def _unknown(name: str, value: str, known: Mapping[str, Parameter]) -> Problem:
    there = did_you_mean(name, known) or (f": there are {', '.join(known)}" if known else ": there is none here")
    return Problem(name[:_LONGEST], value[:_LONGEST], f"unknown parameter{there}")
