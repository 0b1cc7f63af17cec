"""The sources of the example configurations, as contracts take them: what is tested is what users copy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

_FOLDER = Path(__file__).parents[2] / "config"
_FROM_ENVIRONMENT = re.compile(r"\$\{[A-Z_]+\}")


def example(name: str) -> str:
    """The one source of ``config/<name>.yaml``; only its address and its credentials are to be filled in."""
    (source,) = yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))["sources"].values()
    return _FROM_ENVIRONMENT.sub("{credential}", json.dumps({**source, "url": "{url}"}))
