"""The settings of a source: what every type has, what each has of its own (from the registry), and the choice by type.

A new type needs no line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SkipValidation,
    create_model,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from monitor.alerting.settings import LabelSettings
from monitor.config.shape import Alternatives
from monitor.fields import Name, Section
from monitor.model import Life, Meaning, Meanings, normalise_status
from monitor.polling.heartbeat import HeartbeatSettings
from monitor.polling.settings import PollSettings
from monitor.sources.registry import ADAPTERS, Entry
from monitor.sources.settings import BaseUrl, HttpSettings
from monitor.web.hook_settings import HookSettings

ANY_TYPE = "(any type)"


def _spelled(value: object) -> object:
    return normalise_status(value) if isinstance(value, str) else value


class SourceSettings(HttpSettings, PollSettings, LabelSettings):
    """What every source has, whatever its type."""

    type: str
    """Which kind of system it is."""

    url: str
    """Its address."""

    statuses: dict[str, Annotated[Meaning, BeforeValidator(_spelled)]] = Field(default_factory=dict)
    """What the system's own statuses mean, in any spelling (``on-hold: pending``), for routes that name a meaning; over
    what Order Monitor knows of its type."""

    life: dict[str, list[str]] = Field(default_factory=dict)
    """Which statuses usually follow which (``on-hold: [active, cancelled]``), for routes that ask for unusual changes;
    over what Order Monitor knows of its type. A status is the system's own, or a meaning."""

    detail: Name | None = None
    """Name of another source, which shows single orders: messages about an order carry what it says of it."""

    heartbeat: HeartbeatSettings | None = None
    """What is asked while this source is looked at; default: nothing."""

    hook: HookSettings | None = None
    """A webhook of the system, whose hints make the next poll begin at once; default: none is heard."""

    @property
    def meanings(self) -> Meanings:
        """What each status means, by normalised spelling: what is known of the type, under ``statuses``."""
        own = {normalise_status(status): meaning for status, meaning in self.statuses.items()}
        return {**ADAPTERS[self.type].meanings, **own}

    @property
    def usual_life(self) -> Life:
        """Which statuses usually follow which, normalised: what is known of the type, under ``life``."""
        own = {normalise_status(status): tuple(map(normalise_status, after)) for status, after in self.life.items()}
        return {**ADAPTERS[self.type].life, **own}

    @field_validator("statuses")
    @classmethod
    def _statuses_mean_one_thing(cls, statuses: dict[str, Meaning]) -> dict[str, Meaning]:
        seen: dict[str, str] = {}
        for status in statuses:
            first = seen.setdefault(normalise_status(status), status)
            if first != status:
                raise PydanticCustomError("status", "holds one status in two spellings: keep one")
        return statuses


def _source_model(name: str, entry: Entry) -> type[SourceSettings]:
    """The settings of a source of this type: its own keys, and those of every source."""
    bases: Any = (entry.settings, SourceSettings)
    model = create_model(f"{name.capitalize()}Source", __base__=bases, __doc__=entry.settings.__doc__)
    return cast(type[SourceSettings], model)


SOURCES: Mapping[str, type[SourceSettings]] = {name: _source_model(name, entry) for name, entry in ADAPTERS.items()}
"""By the value of ``type``."""


def own_keys(model: type[Section]) -> list[str]:
    """The fields of a type that not every source has."""
    return [key for key in model.model_fields if key not in SourceSettings.model_fields]


def _any_type() -> type[SourceSettings]:
    fields: dict[str, Any] = {
        "type": (Literal[tuple(SOURCES)], Field(description=SourceSettings.model_fields["type"].description)),
        "url": (BaseUrl, Field(description=SourceSettings.model_fields["url"].description)),
    }
    for key in dict.fromkeys(key for model in SOURCES.values() for key in own_keys(model)):
        fields[key] = _loose([model.model_fields[key] for model in SOURCES.values() if key in model.model_fields])
    about = "Keys of sources of any type: each applies to the sources whose type has it."
    return create_model("AnySource", __base__=SourceSettings, __doc__=about, **fields)


def _loose(fields: list[FieldInfo]) -> tuple[Any, Any]:
    """A key as the types together have it: known, and not looked at, for only the type tells what may stand there."""
    kinds: Any = reduce(or_, map(_annotation, fields))
    return Annotated[kinds, SkipValidation] | None, Field(None, description=fields[0].description)


def _annotation(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


SOURCE_OF_ANY_TYPE = _any_type()
"""The settings of a source whose type is not known (yet): in ``defaults``, or for lack of a right one."""


class _OfAnyType(Alternatives):
    """Makes of ``SourceSettings`` what any type allows."""

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(SOURCE_OF_ANY_TYPE)


class _ByType(Alternatives):
    """Makes of ``SourceSettings`` a choice between the types."""

    def __get_pydantic_core_schema__(self, _source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models = {**SOURCES, ANY_TYPE: SOURCE_OF_ANY_TYPE}
        choices = {name: handler.generate_schema(model) for name, model in models.items()}
        return core_schema.tagged_union_schema(choices, discriminator=_type_in)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        shown = handler(schema)
        return {"oneOf": shown["oneOf"]}


def _type_in(data: Any) -> str:
    written = data.get("type") if isinstance(data, dict) else getattr(data, "type", None)
    return written if isinstance(written, str) and written in SOURCES else ANY_TYPE


OneSource = Annotated[SourceSettings, _ByType(tuple(SOURCES.values()))]
"""A source, as the type that it says."""

AnySource = Annotated[SourceSettings, _OfAnyType((SOURCE_OF_ANY_TYPE,))]
"""What several sources, of whichever type, may have in common."""
