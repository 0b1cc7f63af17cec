"""YAML text to raw nodes with positions: syntax only. Nesting is bounded, aliases are shared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MAX_DEPTH = 50

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class BadYaml(ValueError):
    """Text that is no YAML that we read; ``line`` and ``column`` count from 1. The text never quotes the file."""

    def __init__(self, text: str, line: int = 1, column: int = 1) -> None:
        super().__init__(text)
        self.text, self.line, self.column = text, line, column


@dataclass(frozen=True, slots=True)
class Raw:
    """A node as written. ``plain``: an unquoted scalar."""

    data: str | list[Raw] | list[tuple[Raw, Raw]]
    tag: str | None
    line: int
    column: int
    plain: bool = False
    is_mapping: bool = False


def compose(text: str) -> Raw | None:
    """The one document in the text, None if there is none; BadYaml for anything else."""
    try:
        return _Composer(text).document()
    except yaml.MarkedYAMLError as error:
        raise _explained(error, text) from None
    except yaml.YAMLError:
        raise BadYaml("not valid YAML: a character stands here that no YAML may hold") from None


class _Composer:
    """Builds nodes from the parser's events; itself, because the library's recursion is unbounded."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, Raw] = {}

    def document(self) -> Raw | None:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _at(after, "a second document starts here: one file holds one document")
        return root

    def _node(self, event: Any, depth: int) -> Raw:
        if depth > MAX_DEPTH:
            raise _at(event, f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        raw = self._new(event, depth)
        if event.anchor is not None:  # only now: an alias inside its own anchor would never end
            self._anchors[event.anchor] = raw
        return raw

    def _alias(self, event: Any) -> Raw:
        if event.anchor not in self._anchors:
            raise _at(event, "an unquoted * starts an alias, and no finished anchor (&) of this name stands above it")
        return self._anchors[event.anchor]

    def _new(self, event: Any, depth: int) -> Raw:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.ScalarEvent):
            return Raw(event.value, event.tag, line, column, plain=event.tag is None and event.implicit[0])
        if isinstance(event, yaml.SequenceStartEvent):
            items = list(self._children(yaml.SequenceEndEvent, depth))
            return Raw(items, event.tag, line, column)
        children = list(self._children(yaml.MappingEndEvent, depth))
        pairs = list(zip(children[::2], children[1::2], strict=True))
        return Raw(pairs, event.tag, line, column, is_mapping=True)

    def _children(self, end: type[Any], depth: int) -> Iterator[Raw]:
        while not isinstance(event := next(self._events), end):
            yield self._node(event, depth + 1)


def _at(event: Any, text: str) -> BadYaml:
    return BadYaml(text, event.start_mark.line + 1, event.start_mark.column + 1)


# What libyaml and PyYAML say, by a part of it, in plain words. Their own texts may quote the file: never shown.
_WORDS = (
    (
        "mapping values are not allowed",
        "a key stands where none can: check the indentation, and quote a value that holds ': '",
    ),
    ("cannot start any token", "a value cannot start with this character: put the value in quotes"),
    ("tab", "a tab: indent with spaces"),
    ("unexpected end of stream", "this quote is never closed"),
    ("expected ',' or '}'", "expected , or } here: a { is not closed, or a value needs quotes"),
    ("expected ',' or ']'", "expected , or ] here: a [ is not closed, or a value needs quotes"),
    ("could not find expected ':'", "expected a key and a colon: key: value"),
    ("unknown escape", "a backslash in \"double quotes\" starts an escape that does not exist: use 'single quotes'"),
    ("undefined tag", "tags (!) are not supported: put a value that starts with ! in quotes"),
    ("alphabetic or numeric", "an unquoted * or & starts an alias or anchor: put the value in quotes"),
    ("'-' indicator", "expected the next - of the list: check the indentation"),
    ("<block end>", "not in line with what stands above: check the indentation, and put odd values in quotes"),
    ("expected key", "not in line with what stands above: check the indentation, and put odd values in quotes"),
    ("<document start>", "nothing may follow the end of the document (...)"),
    ("incompatible YAML", "YAML 1.1 and 1.2 only"),
)


def _explained(error: yaml.MarkedYAMLError, text: str) -> BadYaml:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    return BadYaml(f"not valid YAML: {_words(error, written, column)}", line, column)


def _words(error: yaml.MarkedYAMLError, written: str, column: int) -> str:
    if "flow" in (error.context or "") and written[max(column - 2, 0) : column] == "${":
        return 'inside { } or [ ] a ${NAME} needs quotes: "${NAME}"'
    if written[column - 1 : column] == "\t":
        return "a tab: indent with spaces"
    said = f"{error.context or ''} {error.problem or ''}"
    return next((words for part, words in _WORDS if part in said), "check the indentation and the quotes")
