"""Fixtures of the configuration's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_folder import GOOD, Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def good() -> str:
    """A configuration that loads."""
    return GOOD
