"""Files: bounded reading, text with positions of what is no text, and ``include``."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from monitor.config.compose import BadYaml
from monitor.config.document import parse
from monitor.config.faults import Faults
from monitor.config.nodes import Entry, Mark, Node, Origin

MAX_BYTES = 4 * 1024 * 1024

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BY_NAME = ("sources", "channels")


class Unreadable(Exception):
    """A file that cannot be read. The text never holds its path: what stands in its place may be a secret."""


def read_bytes(path: Path, limit: int) -> bytes:
    """The file's content, at most ``limit`` bytes; Unreadable if there is none, or more."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise Unreadable("there is no such file") from None
    except IsADirectoryError:
        raise Unreadable("this is a directory: a file is expected") from None
    except PermissionError:
        raise Unreadable("the file may not be read: check its owner and mode") from None
    except OSError as error:
        raise Unreadable(f"the file cannot be read: {error.strerror}") from None
    except ValueError:
        raise Unreadable("this is no path of a file") from None
    if len(content) > limit:
        raise Unreadable(f"the file is larger than {limit // 1024} KiB")
    return content


def decode(content: bytes) -> str:
    """The text of a file; BadYaml at the first byte that is no UTF-8, or the first character that is not printable."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(content[: error.start].decode("utf-8", "replace"))
        raise BadYaml("not UTF-8: save the file as UTF-8", line, column) from None
    if odd := _UNPRINTABLE.search(text):
        raise BadYaml("a control character: remove it", *_position(text[: odd.start()]))
    return text


def _position(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def read_tree(path: Path, environ: Mapping[str, str], faults: Faults) -> Node | None:
    """The main file with all that it includes; None where it cannot be read at all."""
    reader = _Reader(environ, faults)
    origin = reader.origin(path)
    try:
        content = read_bytes(path, MAX_BYTES)
    except Unreadable as error:
        hint = "" if path.exists() else ": `order-monitor init` writes one, -c names another"
        faults.add(Mark(origin, 1, 1, ""), f"{error}{hint}")
        return None
    return reader.main(origin, content)


class _Reader:
    """Reads files once each, in the order in which they are included."""

    def __init__(self, environ: Mapping[str, str], faults: Faults) -> None:
        self._environ, self._faults = environ, faults
        self._seen: set[Path] = set()
        self._number = 0

    def origin(self, path: Path) -> Origin:
        self._number += 1
        self._seen.add(_real(path))
        return Origin(str(path), path.absolute().parent, self._number)

    def main(self, origin: Origin, content: bytes) -> Node | None:
        root = self._parsed(origin, content)
        if root and root.data is None and not root.broken:
            self._faults.add(Mark(origin, 1, 1, ""), "the file is empty: `order-monitor init` writes one to start from")
            return None
        return root if root and not root.broken else None

    def _parsed(self, origin: Origin, content: bytes) -> Node | None:
        """The file's tree with its includes merged in; None where there is no tree."""
        top = Mark(origin, 1, 1, "")
        try:
            root = parse(decode(content), origin, self._environ, self._faults) or Node(None, top)
        except BadYaml as error:
            self._faults.add(Mark(origin, error.line, error.column, ""), error.text)
            self._faults.incomplete = True
            return None
        if root.data is not None and not isinstance(root.data, dict):
            self._faults.add(root.mark, "expected keys such as sources: and channels:, each with a colon")
            self._faults.incomplete = True
            return None
        return self._with_includes(root)

    def _with_includes(self, root: Node) -> Node:
        entry = root.entries.get("include")
        if entry is None:
            return root
        root = root.without("include")
        for pattern in entry.value.items if isinstance(entry.value.data, list) else [entry.value]:
            for included in self._matching(pattern):
                root = _combined(root, included, self._faults)
        return root

    def _matching(self, pattern: Node) -> Iterator[Node]:
        if pattern.broken:
            self._faults.incomplete = True
        elif not isinstance(pattern.data, str) or not pattern.data or "\0" in pattern.data:
            self._wrong(pattern, "expected a file, or a pattern such as sources.d/*.yaml")
        else:
            for path in _paths(pattern.data, Path(pattern.mark.origin.name).parent):
                yield from self._included(path, pattern)

    def _wrong(self, pattern: Node, text: str) -> None:
        self._faults.add(pattern.mark, text)
        self._faults.incomplete = True

    def _included(self, path: Path, pattern: Node) -> Iterator[Node]:
        if _real(path) in self._seen:
            self._wrong(pattern, "this includes a file that is being read or was read already: include each file once")
            return
        try:
            content = read_bytes(path, MAX_BYTES)
        except Unreadable as error:
            self._wrong(pattern, str(error))
            return
        root = self._parsed(self.origin(path), content)
        if root:
            yield root


def _real(path: Path) -> Path:
    """The file behind symbolic links, however it is named."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a loop of links: reading it will say so
        return path.absolute()


def _paths(pattern: str, folder: Path) -> list[Path]:
    if not glob.has_magic(pattern):
        return [folder / pattern]
    found = sorted(glob.glob(pattern, root_dir=folder, recursive=True))  # noqa: PTH207  # Path's takes no absolute one
    return [folder / name for name in found if not (folder / name).is_dir()]


def _combined(root: Node, included: Node, faults: Faults) -> Node:
    entries = dict(root.entries)
    for key, entry in included.entries.items():
        entries[key] = _joined(key, entries[key], entry, faults) if key in entries else entry
    return replace(root, data=entries)


def _joined(key: str, first: Entry, second: Entry, faults: Faults) -> Entry:
    """What two files say under one key: sources and channels by name, routes one after the other, nothing else."""
    one, two = first.value, second.value
    if key in _BY_NAME and isinstance(one.data, dict) and isinstance(two.data, dict):
        for name in one.data.keys() & two.data.keys():
            where = one.data[name].key.where
            faults.add(two.data[name].key, f"this name is taken, the first stands at {where}")
        return Entry(first.key, replace(one, data=one.data | two.data | one.data))  # in the order of the files
    if key == "routes" and isinstance(one.data, list) and isinstance(two.data, list):
        return Entry(first.key, replace(one, data=one.data + two.data))
    faults.add(second.key, f"set twice, the first stands at {first.key.where}")
    return first
