"""What the rooms' settings are made of: a strict section, durations, names, secrets that may stand in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def parse_duration(value: object) -> object:
    """``"90s"``, ``"1h30m"`` or ``"2d"`` as a timedelta; ValueError for anything else that is text."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip()
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise PydanticCustomError("duration", "expected a duration such as 90s, 5m, 1h or 2d")
    try:
        return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    except OverflowError:
        raise PydanticCustomError("duration", "this duration is too long") from None


def format_duration(value: timedelta) -> str:
    """The shortest spelling that ``parse_duration`` reads back: ``1h30m``."""
    milliseconds = round(value.total_seconds() * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$", "examples": ["90s", "5m", "1h", "2d"]}
    ),
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
CurrencyCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""Of ISO 4217."""

ReadSecret = Callable[[str], str]
"""Reads a secret from the file at an absolute path; config passes it as ``context={"read_secret": …}``."""


class Section(BaseModel):
    """A mapping of the configuration: unknown keys are refused; ``x_file`` may stand beside every secret ``x``."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

    @classmethod
    def secret_fields(cls) -> tuple[str, ...]:
        """The names of the fields that hold a secret."""
        return _secret_fields(cls)

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, data: Any, info: ValidationInfo) -> Any:
        if not isinstance(data, dict):
            return data
        data = dict(data)
        for name in cls.secret_fields():
            path = data.pop(f"{name}_file", None)
            if path is None:
                continue
            if name in data:
                raise PydanticCustomError("secret_twice", f"has both {name} and {name}_file: keep one")
            read: ReadSecret = (info.context or {}).get("read_secret", _no_reader)
            try:
                data[name] = read(str(path))
            except OSError as error:
                raise PydanticCustomError("secret_file", f"{name}_file cannot be read: {error.strerror}") from None
        return data

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core_schema)
        resolved = handler.resolve_ref_schema(schema)
        for name in cls.secret_fields():
            properties = resolved.get("properties", {})
            properties[f"{name}_file"] = {"type": "string", "description": f"File that holds {name}."}
            if name in resolved.get("required", ()):
                resolved["required"] = [key for key in resolved["required"] if key != name]
        return schema


@cache  # asked for each of ten thousand sources
def _secret_fields(section: type[Section]) -> tuple[str, ...]:
    return tuple(name for name, field in section.model_fields.items() if _holds_secret(field.annotation))


def _holds_secret(annotation: Any) -> bool:
    return "SecretStr" in str(annotation) and get_origin(annotation) is not dict


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """``, did you mean token?`` where a known word is close, else nothing."""
    near = get_close_matches(text, list(known), n=1)
    return f", did you mean {near[0]}?" if near else ""


def _no_reader(path: str) -> str:
    raise OSError(0, "no secret files here")


__all__ = [
    "CurrencyCode",
    "Duration",
    "Name",
    "SecretStr",
    "Section",
    "did_you_mean",
    "format_duration",
    "parse_duration",
]
