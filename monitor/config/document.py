"""YAML text to a tree: YAML 1.2 scalars, ``<<`` merges, references to the environment, duplicate keys refused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from monitor.config.compose import BadYaml, Raw, compose
from monitor.config.faults import Faults
from monitor.config.interpolate import BadReference, interpolate, is_reference
from monitor.config.nodes import Entry, Mark, Node, Origin, Scalar, join, rivals

MAX_NODES = 100_000

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,99})")
_OCTAL = re.compile(r"0o[0-7]{1,99}")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]{1,99}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]{0,99})(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)

_TAG = "tag:yaml.org,2002:"
_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "str": (str,),
}


def core_scalar(text: str) -> Scalar:
    """An unquoted scalar by YAML 1.2's core schema, except that a number with a leading zero stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(
            text.replace(".inf", "inf").replace(".Inf", "inf").replace(".INF", "inf").lower().replace(".nan", "nan")
        )
    return text


def parse(text: str, origin: Origin, environ: Mapping[str, str], faults: Faults) -> Node | None:
    """The tree of one file, None if it holds nothing. BadYaml where there is no tree; lesser faults are collected."""
    raw = compose(text)
    return _Builder(origin, environ, faults).build(raw, "") if raw else None


class _Builder:
    def __init__(self, origin: Origin, environ: Mapping[str, str], faults: Faults) -> None:
        self._origin, self._environ, self._faults = origin, environ, faults
        self._nodes = 0

    def build(self, raw: Raw, path: str) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:  # aliases of aliases grow without bound
            raise BadYaml(f"more than {MAX_NODES} values once its aliases are written out", raw.line, raw.column)
        mark = self._mark(raw, path)
        if isinstance(raw.data, str):
            return self._scalar(raw, raw.data, mark)
        if raw.tag not in (None, "!", _TAG + ("map" if raw.is_mapping else "seq")):
            return self._broken(mark, "tags (!) are not supported")
        if raw.is_mapping:
            return Node(self._mapping(raw, path), mark)
        return Node([self.build(item, join(path, number)) for number, item in enumerate(_items(raw))], mark)

    def _mark(self, raw: Raw, path: str) -> Mark:
        return Mark(self._origin, raw.line, raw.column, path)

    def _broken(self, mark: Mark, text: str) -> Node:
        self._faults.add(mark, text)
        return Node(None, mark, broken=True)

    def _scalar(self, raw: Raw, text: str, mark: Mark) -> Node:
        value = core_scalar(text) if raw.plain or raw.tag not in (None, "!", _TAG + "str") else text
        if raw.tag not in (None, "!"):
            kind = str(raw.tag).removeprefix(_TAG)
            if kind not in _TYPES:
                return self._broken(mark, "tags (!) are not supported")
            if not isinstance(value, _TYPES[kind]):
                return self._broken(mark, f"the value is not what its tag !!{kind} says")
        return self._text(value, mark, plain=raw.plain) if isinstance(value, str) else Node(value, mark)

    def _text(self, text: str, mark: Mark, *, plain: bool) -> Node:
        try:
            value = interpolate(text, self._environ)
        except BadReference as error:
            return self._broken(mark, str(error))
        # An unquoted reference to nothing is what an unquoted nothing is: null.
        return Node(None if plain and not value and is_reference(text) else value, mark)

    def _mapping(self, raw: Raw, path: str) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        for key, value in _pairs(raw):
            if key.data == "<<" and key.plain:
                merged += self._merged(value, path)
            elif isinstance(key.data, str) and not (path == "" and key.data.startswith("x-")):
                self._add(entries, key, key.data, value, path)
            elif not isinstance(key.data, str):
                self._faults.add(self._mark(key, path), "a key must be plain text")
        for node in merged:
            _fill(entries, node)
        return entries

    def _add(self, entries: dict[str, Entry], key: Raw, name: str, value: Raw, path: str) -> None:
        mark = self._mark(key, join(path, name))
        if name in entries:
            self._faults.add(mark, f"duplicate key, the first stands at {entries[name].key.where}")
        elif not name:
            self._faults.add(mark, "a colon without a key before it", path)
        else:
            entries[name] = Entry(mark, self.build(value, mark.path))

    def _merged(self, value: Raw, path: str) -> list[Node]:
        sources = [value] if value.is_mapping or isinstance(value.data, str) else list(_items(value))
        nodes = [self.build(source, path) for source in sources]
        for source, node in zip(sources, nodes, strict=True):
            if not isinstance(node.data, dict):
                self._faults.add(self._mark(source, join(path, "<<")), "<< expects a mapping: <<: *name")
        return nodes


def _fill(entries: dict[str, Entry], node: Node) -> None:
    own = set(entries)
    for name, entry in node.entries.items():
        if own.isdisjoint((name, *rivals(name))):
            entries[name] = entry


def _items(raw: Raw) -> Iterator[Raw]:
    return (item for item in raw.data if isinstance(item, Raw))


def _pairs(raw: Raw) -> Iterator[tuple[Raw, Raw]]:
    return (pair for pair in raw.data if isinstance(pair, tuple))
