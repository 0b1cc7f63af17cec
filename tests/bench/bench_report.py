"""What is shown and written of a run: the table, the JSON, the exit code."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from bench_goals import Goal, Measured, Verdict

_HEADING = ("what", "figure", "ratio", "goal", "holds")
NOTE = (
    "Where no number is named: 100,000 known orders on 1,000 pages; sweeps with 10 changes. The page: 1,000,000\n"
    "orders, 50,000 events, 50 open streams; its floor is aiohttp's server with as many bytes. (d): aiohttp with 16\n"
    "requests in flight, msgspec and a dict, in the same run; ideal: pages × round trip ÷ 8, our requests in flight.\n"
    "A ratio is to the floor that the figure names, else to the goal. beyond: worse than a goal may ever be missed,\n"
    "or not measured."
)


class Result(NamedTuple):
    """A goal, what was measured for it (None: nothing, because of ``problem``), and the verdict."""

    goal: Goal
    measured: Measured | None
    problem: str = ""

    @property
    def verdict(self) -> Verdict:
        """What is not measured is taken for the worst."""
        return Verdict.BEYOND if self.measured is None else self.goal.judge(self.measured.value)

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        goal, measured = self.goal, self.measured
        figure, ratio = (measured.figure, f"{measured.ratio:.2f} ×") if measured else ("not measured", "–")
        return goal.what, figure, ratio, goal.text, self.verdict


def results(goals: Sequence[Goal], measured: Mapping[str, Measured], problems: Mapping[str, str]) -> list[Result]:
    """Each goal with what came of it."""
    return [Result(goal, measured.get(goal.key), problems.get(goal.key, "")) for goal in goals]


def table(rows: Sequence[Result]) -> str:
    """The rows as a Markdown table, aligned for a terminal."""
    cells = [_HEADING, *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def document(rows: Sequence[Result], seconds: float) -> dict[str, Any]:
    """The run as plain data."""
    return {
        "python": platform.python_version(),
        "machine": platform.platform(),
        "seconds": round(seconds, 1),
        "rows": [_plain(row) for row in rows],
    }


def _plain(row: Result) -> dict[str, Any]:
    goal, measured = row.goal, row.measured
    limits = {"limit": goal.limit, "never_beyond": goal.never_beyond, "higher_is_better": goal.higher_is_better}
    found: dict[str, Any] = {"value": None, "figure": None, "ratio": None, "details": {}, "problem": row.problem}
    if measured:
        found |= {"value": measured.value, "figure": measured.figure, "ratio": measured.ratio}
        found |= {"details": measured.details}
    return {"what": goal.what, **found, "goal": goal.text, **limits, "verdict": row.verdict.value}


def exit_code(rows: Sequence[Result]) -> int:
    """1 if a row is past what may never be passed, else 0."""
    return int(any(row.verdict is Verdict.BEYOND for row in rows))
