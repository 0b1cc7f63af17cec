"""The configuration: the only reader of the file, of secrets' files and of the environment."""

from monitor.config.load import load
from monitor.config.settings import Settings
from monitor.config.validate import Check

__all__ = ["Check", "Settings", "load"]
