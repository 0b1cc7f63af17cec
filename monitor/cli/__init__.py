"""The commands: parse, call, print. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from monitor.cli.parser import make_parser

if TYPE_CHECKING:
    from monitor.clock import Clock

_OBJECTS_BETWEEN_COLLECTIONS = 20_000


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 failed, 2 bad usage or configuration.

    ``clock``: instead of the machine's, where a command asks what time it is.
    """
    # Python would look for rings among the same hundred thousand objects again and again while it imports.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        try:
            return _run(make_parser().parse_args(arguments, argparse.Namespace(clock=clock)))
        finally:
            sys.stdout.flush()  # here, where its failure can be caught, rather than when Python ends
    except BrokenPipeError:
        # The reader of our output (`| head`) has left; Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace) -> int:
    module, function = options.call.split(":")
    command = getattr(importlib.import_module(f"monitor.cli.{module}"), function)

    from monitor.errors import ConfigError, MonitorError

    try:
        return int(command(options))
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return 2
    except MonitorError as error:
        print(f"order-monitor: {error}", file=sys.stderr)
        return 1
