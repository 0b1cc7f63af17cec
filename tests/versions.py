"""What the marks of another version of Order Monitor are like."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from monitor.sources import lenient


@contextmanager
def another_version(version: str = "99.0") -> Iterator[None]:
    """As a process of this version would make marks."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("monitor.__version__", version)
            importlib.reload(lenient)
            yield
    finally:
        importlib.reload(lenient)
