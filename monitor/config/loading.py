"""File and environment to settings, or to everything that is wrong with them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from monitor.config.crosscheck import cross_check
from monitor.config.environment import environment_tree
from monitor.config.faults import Faults
from monitor.config.files import read_tree
from monitor.config.nodes import Node, merge
from monitor.config.resolve import with_defaults, with_files, with_state
from monitor.config.settings import Defaults, Settings
from monitor.config.validate import Built, Check, build, check_defaults, run_checks


def load(path: Path, environ: Mapping[str, str], checks: Sequence[Check] = ()) -> Settings:
    """The settings in this file, under those in the environment; ConfigError with all problems, by position.

    ``checks`` run on what can be built, even where other parts are faulty, and are reported together with the rest.
    """
    faults = Faults()
    file = read_tree(path, environ, faults)
    variables = environment_tree(environ, path.absolute().parent, faults)
    built = _built(merge(file, variables, at_low=True), checks, faults) if file else None
    if faults or built is None:
        raise faults.error()
    return built.settings


def _built(written: Node, checks: Sequence[Check], faults: Faults) -> Built | None:
    _check_defaults(written, faults)
    tree = with_state(with_files(with_defaults(written), (Settings,), faults))
    cross_check(tree, faults)
    built = build(tree, faults)
    if built:
        run_checks(checks, built, faults)
    return built


def _check_defaults(written: Node, faults: Faults) -> None:
    defaults = written.value("defaults")
    if defaults and not defaults.broken and defaults.data is not None:
        check_defaults(with_files(defaults, (Defaults,), faults), faults)
