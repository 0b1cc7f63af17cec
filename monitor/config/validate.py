"""The tree against the models: every error at its place, and what can be built without the faulty parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.config.environment import variable
from monitor.config.faults import Faults
from monitor.config.nodes import Location, Mark, Node, Place, dotted, join, locate, plain
from monitor.config.settings import ConfigFile, Defaults, Settings
from monitor.config.shape import Shape, child, keys, of_type, sections, shape_of
from monitor.config.sources import SOURCES, OneSource, own_keys
from monitor.config.words import words
from monitor.fields import Section, did_you_mean

Check: TypeAlias = Callable[[Settings], Iterable[tuple[Location, str]]]
"""Something only the caller can check: gives where (as in ``("routes", 0, "title")``) and what is wrong."""

_BY_ENTRY = ("sources", "channels", "routes")
_SOURCE = shape_of(OneSource)


class Built(NamedTuple):
    """Settings, and the tree that they were built from."""

    settings: Settings
    tree: Node


def build(root: Node, faults: Faults) -> Built | None:
    """The settings; where there are errors, those of the entries without; None if nothing can be built."""
    while True:
        try:
            return Built(Settings.model_validate(plain(root)), root)
        except ValidationError as error:
            errors = _errors(error)
        for detail in errors:
            _report(detail, root, (ConfigFile,), faults)
        pruned = _without(root, [detail["loc"] for detail in errors])
        if pruned == root:
            return None
        root = pruned


def check_defaults(defaults: Node, faults: Faults) -> None:
    """Report what is wrong in defaults whether or not an entry shows it. What is missing may stand in the entries."""
    try:
        Defaults.model_validate(plain(defaults))
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            if detail["type"] != "missing":
                _report(detail, defaults, (Defaults,), faults)
    for detail in _wrong_for_every_type(defaults.value("source")):
        _report(detail, defaults, (Defaults,), faults)


def _wrong_for_every_type(default: Node | None) -> Iterator[ErrorDetails]:
    """What is wrong in a source's defaults with the keys that types have of their own: by the type that they name, or
    else by each that has the key."""
    if default is None or not isinstance(default.data, dict):
        return
    kind = default.value("type")
    found = {model: _of_model(model, default) for model in sections(of_type(_SOURCE, kind.data if kind else None))}
    others = {model: _of_model(model, default) for model in sections(_SOURCE) if model not in found}
    for key in default.data:
        having = _having(key, found) or _having(key, others)
        if having and all(having):
            yield from having[0]


def _having(key: str, found: Mapping[type[Section], Sequence[ErrorDetails]]) -> list[list[ErrorDetails]]:
    """What each model that has this key of its own says of it."""
    return [
        [detail for detail in details if detail["loc"][1:2] == (key,)]
        for model, details in found.items()
        if key in own_keys(model)
    ]


def _of_model(model: type[Section], default: Node) -> list[ErrorDetails]:
    try:
        model.model_validate(plain(default))
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return [{**detail, "loc": ("source", *detail["loc"])} for detail in details if detail["type"] != "missing"]
    return []


def run_checks(checks: Iterable[Check], built: Built, faults: Faults) -> None:
    """Report what the caller's checks find."""
    for check in checks:
        for location, text in check(built.settings):
            place = locate(built.tree, location)
            faults.add(place.node.mark, text)


def _errors(error: ValidationError) -> list[ErrorDetails]:
    """pydantic's errors, without the tag of the chosen type that it puts behind a source's name."""
    return [
        {**detail, "loc": _untagged(detail["loc"])} for detail in error.errors(include_url=False, include_input=False)
    ]


def _untagged(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    is_tagged = location[0] == "sources" and location[2:3] != ("[key]",)
    return location[:2] + location[3:] if is_tagged else location


def _report(error: ErrorDetails, root: Node, shape: Shape, faults: Faults) -> None:
    kind, location = error["type"], error["loc"]
    place = locate(root, location)
    if place.node.broken:
        return
    if kind == "extra_forbidden":
        faults.add(place.key, _named(location, place.key) + _unknown_key(root, location, place, shape))
    elif kind == "missing":
        _report_missing(location, place, faults)
    elif location[-1:] == ("[key]",):
        faults.add(place.key, words(error, Node(None, place.key)))
    elif not _lacks_what_is_broken(place.node):
        text = words(error, place.node)
        mark = _subject(text, place.node).mark
        faults.add(mark, _named(location, mark) + text)


def _lacks_what_is_broken(node: Node) -> bool:
    """Whether what is said of a whole mapping may be due to a value in it that has been reported already."""
    return isinstance(node.data, dict) and any(entry.value.broken for entry in node.entries.values())


def _report_missing(location: Location, place: Place, faults: Faults) -> None:
    mark = place.node.mark
    expected = f", expected one of {', '.join(SOURCES)}" if location[::2] == ("sources", "type") else ""
    if mark.origin.environment:
        faults.add(mark, f"{dotted(location)} is required, but missing{expected}")
    else:
        faults.add(mark, f"required, but missing{expected}", join(mark.path, location[-1]))


def _named(location: Location, mark: Mark) -> str:
    """The key's name, where its mark does not show it: inside a variable that holds JSON."""
    path = tuple(str(part) for part in location)
    return f"{dotted(location)}: " if mark.origin.environment and variable(path) != mark.path.upper() else ""


def _subject(text: str, node: Node) -> Node:
    """The value that a text about a whole mapping starts with, where it does: ``client_key_file needs …``."""
    return node.value(text.partition(" ")[0]) or node


def _unknown_key(root: Node, location: Location, place: Place, shape: Shape) -> str:
    node = root
    for part in location[:-1]:
        below = locate(node, (part,))
        if not below.rest:
            node, shape = below.node, child(shape, part)
            kind = node.value("type")
            shape = of_type(shape, kind.data if kind else None)
    key = str(location[-1])
    if ":" in key:
        return "unknown key: a blank must follow the colon"
    if location[0] == "sources" and location[2:] == (key,) and (having := _types_with(key)):
        return f"unknown key in a source of this type, known in one of type {' or '.join(having)}"
    near = did_you_mean(key, keys(shape))
    if near and place.key.origin.environment and place.key.path.lower().endswith(key):
        right = near.removeprefix(", did you mean ").removesuffix("?").upper()
        near = f", did you mean {place.key.path[: -len(key)]}{right}?"
    return f"unknown key{near}"


def _types_with(key: str) -> list[str]:
    """The types of sources that have this key."""
    return [name for name, model in SOURCES.items() if key in keys((model,))]


def _without(root: Node, locations: Iterable[Location]) -> Node:
    """The tree without the entries, or the whole keys, that hold these locations."""
    keys_gone = {loc[0] for loc in locations if len(loc) == 1 or loc[0] not in _BY_ENTRY}
    entries_gone = {(loc[0], loc[1]) for loc in locations if len(loc) > 1}
    entries = {}
    for key, entry in root.entries.items():
        if key not in keys_gone:
            gone = {name for section, name in entries_gone if section == key and key in _BY_ENTRY}
            entries[key] = entry._replace(value=_less(entry.value, gone))
    return replace(root, data=entries)


def _less(node: Node, gone: set[str | int]) -> Node:
    if isinstance(node.data, list):
        return replace(node, data=[item for number, item in enumerate(node.data) if number not in gone])
    if isinstance(node.data, dict):
        return node.without(*(name for name in gone if isinstance(name, str)))
    return node
