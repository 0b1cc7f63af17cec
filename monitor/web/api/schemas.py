"""JSON schemas (2020-12, as OpenAPI 3.1 has them) of the shapes: closed, so that all that is answered is described."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.inspect import DateTimeType, Field, StructType, UnionType, type_info

from monitor.web.api.shapes import SHAPES, Shape, Struct

Schema = dict[str, Any]
_PLACE = "#/components/schemas/"
_REFERENCE = re.compile(f"{_PLACE}(\\w+)")


def reference(*names: str) -> Schema:
    """A shape, or one of several that say by their ``type`` which they are."""
    found = [{"$ref": _PLACE + name} for name in names]
    return found[0] if len(found) == 1 else {"oneOf": found}


def schemas() -> dict[str, Schema]:
    """The schema of each shape, and of all that they are made of, by name."""
    structs = sorted({struct for shape in SHAPES for struct in shape.structs}, key=lambda struct: struct.__name__)
    _, made_of = msgspec.json.schema_components(structs, ref_template=_PLACE + "{name}")
    found: dict[str, Schema] = msgspec.json.decode(msgspec.json.encode(made_of))  # defaults are tuples
    for schema in found.values():
        if "description" in schema:
            schema["description"] = _prose(schema["description"])
    for info in _reached(map(type_info, structs)):
        _mend(found[info.cls.__name__], info)
    made = {shape.name: _schema(shape, found) for shape in SHAPES}
    return dict(sorted(_needed(made, found | made).items()))


def _schema(shape: Shape, found: dict[str, Schema]) -> Schema:
    """The fields of its structs, the lists last."""
    parts = [found[struct.__name__] for struct in shape.structs]
    fields = {name: field for part in parts for name, field in part["properties"].items() if name not in shape.without}
    fields |= {name: {"type": "array", "items": reference(*items)} for name, items in shape.lists.items()}
    required = {name for part in parts for name in part.get("required", ())} | shape.lists.keys()
    told = [part["description"] for part in parts if "description" in part]
    return {
        "title": shape.name,
        "description": " ".join(filter(None, [*told, shape.about])),
        "type": "object",
        "properties": fields,
        "required": [name for name in fields if name in required],
        "additionalProperties": False,
    }


def _needed(made: dict[str, Schema], all_: dict[str, Schema]) -> dict[str, Schema]:
    """The shapes, and all that they refer to."""
    needed, names = dict[str, Schema](), [*made]
    while names:
        name = names.pop()
        if name not in needed:
            needed[name] = all_[name]
            names += _REFERENCE.findall(str(all_[name]))
    return needed


def _reached(types: Iterator[Any]) -> Iterator[StructType]:
    """The structs among these types, and within them."""
    for one in types:
        if isinstance(one, StructType):
            yield one
            yield from _reached(field.type for field in one.fields)
        else:
            inner = (getattr(one, name, None) for name in ("item_type", "value_type"))
            yield from _reached(filter(None, (*getattr(one, "types", ()), *inner)))


def _mend(schema: Schema, struct: StructType) -> None:
    """Say what msgspec leaves out: that a text is a time, and that there are no other fields."""
    schema["additionalProperties"] = False
    for field in filter(_is_time, struct.fields):
        found = schema["properties"][field.encode_name]
        for one in found.get("anyOf", [found]):
            if one.get("type") == "string":
                one["format"] = "date-time"


def _is_time(field: Field) -> bool:
    types = field.type.types if isinstance(field.type, UnionType) else (field.type,)
    return any(isinstance(one, DateTimeType) for one in types)


def _prose(docstring: str) -> str:
    return inspect.cleandoc(docstring).replace("``", "`")


__all__ = ["Schema", "Struct", "reference", "schemas"]
