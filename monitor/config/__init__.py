"""The configuration: the only reader of the file, of secrets' files and of the environment.

What it offers is imported when it is asked for: settings take half a second, and a glance needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from monitor.config.loading import load
    from monitor.config.settings import Settings
    from monitor.config.validate import Check

__all__ = ["Check", "Settings", "load"]
_HOMES = {"Check": "validate", "Settings": "settings", "load": "loading"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"monitor.config.{_HOMES[name]}"), name)
