"""The configuration as a tree that knows of each key and value where it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Location: TypeAlias = Sequence[str | int]

_SAFE_KEY = re.compile(r"[A-Za-z0-9_<>.-]{1,60}")


class Origin(NamedTuple):
    """A file, or the environment. Relative paths in it start at ``folder``; ``number`` orders the origins."""

    name: str
    folder: Path
    number: int
    environment: bool = False


class Mark(NamedTuple):
    """Where a key or value stands: line and column count from 1; ``path`` is the dotted key, or the variable."""

    origin: Origin
    line: int
    column: int
    path: str

    @property
    def where(self) -> str:
        """``config/monitor.yaml:7:5``, or ``environment``."""
        return self.origin.name if self.origin.environment else f"{self.origin.name}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """A value: a scalar, a mapping, or a list. One that is ``broken`` has been reported already."""

    data: Scalar | dict[str, Entry] | list[Node]
    mark: Mark
    broken: bool = False

    @property
    def entries(self) -> dict[str, Entry]:
        """The keys and values of a mapping; nothing for anything else."""
        return self.data if isinstance(self.data, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The values of a list; nothing for anything else."""
        return self.data if isinstance(self.data, list) else []

    def value(self, key: str) -> Node | None:
        """The value under a key of this mapping."""
        entry = self.entries.get(key)
        return entry.value if entry else None

    def without(self, *keys: str) -> Node:
        """The same mapping without these keys."""
        return replace(self, data={key: entry for key, entry in self.entries.items() if key not in keys})


class Entry(NamedTuple):
    """A key's place and its value."""

    key: Mark
    value: Node


class Place(NamedTuple):
    """What a location leads to: the deepest node on the way, the last key passed, and what was not found."""

    node: Node
    key: Mark
    rest: tuple[str | int, ...]


def safe_key(key: str) -> str:
    """The key as errors may show it: what looks like no key may be a value, and values are never shown."""
    return key if _SAFE_KEY.fullmatch(key) else "(odd key)"


def join(path: str, part: str | int) -> str:
    """``sources.shop`` and ``url`` make ``sources.shop.url``; a number makes ``routes[0]``."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{safe_key(part)}" if path else safe_key(part)


def dotted(location: Location) -> str:
    """A location as people read it."""
    path = ""
    for part in location:
        path = join(path, part)
    return path


def plain(node: Node) -> Any:
    """The tree as plain data."""
    if isinstance(node.data, dict):
        return {key: plain(entry.value) for key, entry in node.data.items()}
    if isinstance(node.data, list):
        return [plain(item) for item in node.data]
    return node.data


def locate(root: Node, location: Location) -> Place:
    """Follow a location as far as the tree goes; what is no key on the way (a union's tag) is passed over."""
    node, key, rest = root, root.mark, []
    for part in location:
        entry = _step(node, part)
        if entry is None:
            rest.append(part)
        else:
            key, node = entry
    return Place(node, key, tuple(rest))


def _step(node: Node, part: str | int) -> Entry | None:
    if isinstance(part, str):
        return node.entries.get(part)
    if part < len(node.items):
        return Entry(node.items[part].mark, node.items[part])
    return None


def rivals(key: str) -> Iterator[str]:
    """The other spelling of a secret: ``token`` and ``token_file`` displace each other."""
    yield f"{key}_file"
    if key.endswith("_file"):
        yield key.removesuffix("_file")


def merge(low: Node, high: Node, *, at_low: bool = False) -> Node:
    """Both trees in one: ``high`` wins, mappings merge, lists replace. Mappings keep the mark of high, or of low."""
    if not (isinstance(low.data, dict) and isinstance(high.data, dict)):
        return high
    displaced = {rival for key in high.data for rival in rivals(key)}
    merged = {key: entry for key, entry in low.data.items() if key in high.data or key not in displaced}
    for key, entry in high.data.items():
        below = low.data.get(key)
        merged[key] = Entry(entry.key, merge(below.value, entry.value, at_low=at_low)) if below else entry
    return replace(low if at_low else high, data=merged)
