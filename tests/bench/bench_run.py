"""``make bench``: measures every goal of Order Monitor's performance in one run and prints the table.

``bench_run.py [--rows TEXT] [--file bench.json]``. ``--rows``: only the scenes with a row in whose name this stands.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from bench_client import HERE, world_process
from bench_goals import GOALS, Measured
from bench_report import NOTE, document, exit_code, results, table
from bench_scenes import SCENES, Scene

_LONGEST_S = 14.5 * 60
_STARTED = time.monotonic()
_MEASURED = msgspec.json.Decoder(list[Measured])


class Failed(Exception):
    """A scene came to no end, with the reason."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 if a row is past what may never be passed, 2 if no row is asked for."""
    options = _parser().parse_args(arguments)
    scenes = asked_for(options.rows)
    if not scenes:
        sys.stderr.write(f"no row is called {options.rows!r}\n")
        return 2
    measured, problems = _measure(scenes)
    keys = {key for scene in scenes for key in scene.rows}
    rows = results([goal for goal in GOALS if goal.key in keys], measured, problems)
    sys.stdout.write(f"{table(rows)}\n\n{NOTE}\n")
    run = document(rows, time.monotonic() - _STARTED)
    Path(options.file).write_bytes(msgspec.json.format(msgspec.json.encode(run)) + b"\n")
    return exit_code(rows)


def asked_for(text: str) -> list[Scene]:
    """The scene of the row of this name, else the scenes with a row in whose name this text stands."""
    named = [goal for goal in GOALS if goal.what == text] or [g for g in GOALS if text.casefold() in g.what.casefold()]
    keys = {goal.key for goal in named}
    return [scene for scene in SCENES if keys.intersection(scene.rows) and (text or not scene.only_named)]


def _measure(scenes: Sequence[Scene]) -> tuple[dict[str, Measured], dict[str, str]]:
    """What was measured, and why the rest was not, by the goals' keys. A scene that fails ends no other."""
    measured: dict[str, Measured] = {}
    problems: dict[str, str] = {}
    with TemporaryDirectory(prefix="bench-") as folder, world_process() as port:
        prepared: set[str] = set()
        for scene in scenes:
            missing = [name for count in scene.states if (name := f"prepare-{count}") not in prepared]
            try:
                for name in [*missing, scene.name]:
                    measured |= {row.key: row for row in _played(name, port, folder)}
                    prepared.add(name)
            except Failed as error:
                sys.stderr.write(f"{scene.name}: {error}\n")
                problems |= dict.fromkeys(scene.rows, str(error))
    return measured, problems


def _played(name: str, port: int, folder: str) -> list[Measured]:
    seconds = time.monotonic() - _STARTED
    sys.stderr.write(f"{seconds:4.0f} s: {name}\n")
    command = [sys.executable, str(HERE / "bench_scenes.py"), name, str(port), folder]
    # A session of its own: a scene that is ended takes the processes with it that it has started.
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=max(1.0, _LONGEST_S - seconds))
        except subprocess.TimeoutExpired:
            raise Failed("was not done in time") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        raise Failed(f"ended with {process.returncode}; see above")
    return _MEASURED.decode(output)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures every goal of performance.")
    parser.add_argument("--rows", default="", help="only what is measured together with a row of this name")
    parser.add_argument("--file", default="bench.json", help="where the run is written as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
