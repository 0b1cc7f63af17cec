"""A folder with configuration files, and what loading one of them says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import SecretStr

from monitor.config import Check, Settings, load
from monitor.config.settings import SourceSettings
from monitor.errors import ConfigError
from monitor.sources.registry import ADAPTERS

GOOD = """\
sources:
  shop:
    type: opterius
    url: https://billing.example.com
    token: made-up-token
channels:
  ops:
    url: json://alerts.example.com/
"""


def secret(source: SourceSettings, key: str) -> str:
    """A secret that only the source's type has."""
    value = getattr(source, key)
    assert isinstance(value, SecretStr)
    return value.get_secret_value()


EXPECTED_TYPE = f"expected one of {', '.join(ADAPTERS)}"


class Folder:
    """Files by relative name; ``monitor.yaml`` is the main one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.main = path / "monitor.yaml"

    def write(self, text: str, name: str = "monitor.yaml") -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        return file

    def load(self, text: str, environ: Mapping[str, str] | None = None, checks: Sequence[Check] = ()) -> Settings:
        """The settings of a file with this text."""
        return load(self.write(text), environ or {}, checks)

    def problems(self, text: str, environ: Mapping[str, str] | None = None, checks: Sequence[Check] = ()) -> list[str]:
        """What is wrong with a file of this text, without the folder's name; nothing if it loads."""
        self.write(text)
        return self.reload(environ, checks)

    def reload(self, environ: Mapping[str, str] | None = None, checks: Sequence[Check] = ()) -> list[str]:
        """What is wrong with the main file as it is."""
        try:
            load(self.main, environ or {}, checks)
        except ConfigError as error:
            return [str(problem).replace(f"{self.path}/", "") for problem in error.problems]
        return []
