"""Rows for people (a table) and for machines (a JSON document a line)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

import msgspec

from monitor.alerting.views import plain

_LONGEST_CELL = 500


def print_json(rows: Iterable[dict[str, Any]]) -> None:
    """Each row as a JSON document on a line of its own; times in ISO 8601, UTC."""
    encode = msgspec.json.Encoder().encode
    for row in rows:
        sys.stdout.write(encode(row).decode() + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str, to: TextIO | None = None) -> None:
    """A table as wide as the terminal; elsewhere as wide as it needs, so that `grep` finds whole values.

    ``to``: instead of the standard output.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    to = to or sys.stdout
    if not rows:
        print(nothing, file=to)
        return
    rows = [[_visible(cell) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not markup: an order's data could hold rich's tags.
        table.add_row(*(Text(cell) for cell in row))
    width = None if to.isatty() else max(80, sum(_widths(columns, rows)) + 2 * len(columns))
    Console(file=to, width=width, highlight=False).print(table)


def at(time: datetime | None, zone: str) -> str:
    """A time for a table, its zone printed."""
    from zoneinfo import ZoneInfo

    return "" if time is None else time.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def _visible(cell: str) -> str:
    """One line without control characters: an order's data could hold a terminal's commands."""
    return plain(cell, _LONGEST_CELL) if cell else ""


def _widths(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [max(cell_len(cell) for cell in cells) for cells in zip(columns, *rows, strict=True)]
