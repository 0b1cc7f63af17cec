"""`health`: is the daemon at work? Judged from its state alone. Imports next to nothing: it runs every half minute."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from monitor.asking.health import Fault, faults_of
from monitor.config.glance import Glance, glance
from monitor.errors import StateError
from monitor.store.glimpse import glimpse_of

_PATIENCE_S = 5.0


def health(options: argparse.Namespace) -> int:
    """Say whether all is well; exit code 1 if it is not."""
    faults = _faults(glance(Path(options.config), os.environ) or _thoroughly(options), _now(options))
    if options.json:
        print(json.dumps({"healthy": not faults, "faults": [fault._asdict() for fault in faults]}))
    else:
        print("\n".join(fault.text for fault in faults) or "healthy")
    return 1 if faults else 0


def _faults(looked: Glance, now: datetime) -> Sequence[Fault]:
    try:
        signs = glimpse_of(looked.state, now, _PATIENCE_S)
    except StateError as error:
        return [Fault("state", str(error))]
    return faults_of(looked.every, signs, now)


def _thoroughly(options: argparse.Namespace) -> Glance:
    from monitor.cli.common import read_settings

    settings = read_settings(options, thoroughly=False)
    return Glance(settings.state_url, {name: source.every for name, source in settings.sources.items()})


def _now(options: argparse.Namespace) -> datetime:
    now: datetime = options.clock.now() if options.clock else datetime.now(UTC)
    return now
