"""All that is wrong with a configuration, collected and put in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.errors import ConfigError, Problem

if TYPE_CHECKING:
    from monitor.config.nodes import Mark


class Faults:
    """Problems with their places. ``incomplete``: a part could not be read, so what is missing proves nothing."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int, int, str, str], Problem] = {}
        self.incomplete = False

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, mark: Mark, text: str, path: str | None = None) -> None:
        """Note a problem, once; ``path`` where it is not the mark's own."""
        shown = mark.path if path is None else path
        place = (mark.origin.number, mark.line, mark.column, shown, text)
        self._found.setdefault(place, Problem(mark.where, shown, text))

    def error(self) -> ConfigError:
        """Everything found, by position."""
        return ConfigError([self._found[place] for place in sorted(self._found)])
