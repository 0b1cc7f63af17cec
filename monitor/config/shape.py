"""Which settings may stand where: the models, walked along the tree's keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from monitor.fields import Section

Shape: TypeAlias = tuple[Any, ...]
"""The types that a value may have."""


class Alternatives:
    """In an ``Annotated``: stands for these models, of which a mapping's ``type`` chooses one."""

    def __init__(self, models: tuple[type[Section], ...]) -> None:
        self.models = models


def shape_of(annotation: Any) -> Shape:
    """The alternatives of an annotation."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extras = get_args(annotation)
        return next((extra.models for extra in extras if isinstance(extra, Alternatives)), None) or shape_of(inner)
    if origin in (Union, UnionType):
        return tuple(kind for part in get_args(annotation) for kind in shape_of(part))
    return (annotation,)


def of_type(shape: Shape, kind: object) -> Shape:
    """Those of the models that this ``type`` chooses; all of them if it chooses none."""
    return tuple(model for model in sections(shape) if kind in _types(model)) or shape


def _types(model: type[Section]) -> tuple[Any, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()


def sections(shape: Shape) -> list[type[Section]]:
    """The models among the alternatives."""
    return [kind for kind in shape if isinstance(kind, type) and issubclass(kind, Section)]


@cache  # asked for each of ten thousand sources
def fields(model: type[Section]) -> Mapping[str, FieldInfo]:
    """A model's fields by the key that a file uses."""
    return {_key(name, field): field for name, field in model.model_fields.items()}


def _key(name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return alias if isinstance(alias, str) else name


def keys(shape: Shape) -> list[str]:
    """Every key that a mapping of this shape may hold."""
    return [
        key
        for model in sections(shape)
        for key in (*fields(model), *(f"{name}_file" for name in model.secret_fields()))
    ]


def child(shape: Shape, part: str | int) -> Shape:
    """What may stand under a key, or in a list."""
    return tuple(kind for parent in shape for kind in _child(parent, part))


def _child(parent: Any, part: str | int) -> Iterator[Any]:
    arguments = get_args(parent)
    if isinstance(parent, type) and issubclass(parent, Section):
        field = fields(parent).get(str(part))
        yield from shape_of(field.annotation) if field else ()
    elif get_origin(parent) is dict and isinstance(part, str):
        yield from shape_of(arguments[1])
    elif get_origin(parent) in (list, tuple) and isinstance(part, int):
        yield from shape_of(arguments[0])
