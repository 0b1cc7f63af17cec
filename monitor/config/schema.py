"""The JSON schema of the file, for editors."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from monitor.config.settings import ConfigFile
from monitor.config.sources import SOURCES
from monitor.fields import format_duration

_REFERENCE = {"type": "string", "pattern": r"\$\{", "description": "${NAME} or ${NAME:-default}, from the environment."}
_ISO_DURATION = re.compile(r"P(T?)\d")
_ONE_OR_LIST = ("ConditionSettings", "WhenSettings")  # whose lists may be written as one value


def json_schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12): unknown keys refused, ``*_file`` beside secrets, references where they may stand.

    No key is required, for it may stand in ``defaults``, in an included file or in the environment; ``type`` alone
    tells a source's alternatives apart.
    """
    whole = ConfigFile.model_json_schema()
    definitions = whole.get("$defs", {})
    for name in _ONE_OR_LIST:
        _allow_one(definitions[name])
    _loosen(whole)
    _choose_by_type(whole)
    return whole | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Order Monitor",
        "description": "Configuration of Order Monitor.",
        "patternProperties": {"^x-": {"description": "Ignored: a place for anchors."}},
    }


def _choose_by_type(whole: dict[str, Any]) -> None:
    """A source that says its type is what this type allows; one whose type stands elsewhere may have any key."""
    for name, model in SOURCES.items():
        definition = whole["$defs"][model.__name__]
        definition["properties"]["type"] = {
            "const": name,
            "description": definition["properties"]["type"]["description"],
        }
        definition["required"] = ["type"]
    says_its_type = {"properties": {"type": {"enum": list(SOURCES)}}, "required": ["type"]}
    (source,) = whole["properties"]["sources"]["patternProperties"].values()
    source["oneOf"][-1]["not"] = says_its_type


def _allow_one(node: Any) -> None:
    """Where a list may stand, allow one of its items as well."""
    for child in _children(node):
        _allow_one(child)
    if isinstance(node, dict) and node.get("type") == "array":
        items = dict(node)
        node.clear()
        node["anyOf"] = [items, deepcopy(items["items"])]


def _loosen(node: Any) -> None:
    """Nothing is required; defaults are spelled as in the file; a value that is not free text may be a reference."""
    for child in _children(node):
        _loosen(child)
    if not isinstance(node, dict):
        return
    if "patternProperties" in node:
        node.setdefault("additionalProperties", False)
    if isinstance(node.get("description"), str):
        node["description"] = node["description"].replace("``", "`")
    if isinstance(node.get("required"), list):
        del node["required"]
    if _ISO_DURATION.match(str(node.get("default", ""))):
        node["default"] = format_duration(TypeAdapter(timedelta).validate_python(node["default"]))
    if _is_strict_scalar(node):
        strict = {key: node.pop(key) for key in list(node) if key not in ("title", "description", "default")}
        node["anyOf"] = [strict, _REFERENCE]


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [child for key, child in node.items() if key not in ("default", "examples")]
    return list(node) if isinstance(node, list) else []


def _is_strict_scalar(node: dict[str, Any]) -> bool:
    if node is _REFERENCE:
        return False
    return node.get("type") in ("integer", "number", "boolean") or (
        node.get("type") == "string" and not {"pattern", "enum", "const"}.isdisjoint(node)
    )
