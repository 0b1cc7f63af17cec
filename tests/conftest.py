"""What all tests share: the long versions of the hostile ones run only when asked for."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="run the tests marked torture, too: `make torture` does")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselected, not skipped: nothing is wrong with a torture test that nobody asked for."""
    if config.getoption("--torture"):
        return
    tortures = [item for item in items if item.get_closest_marker("torture")]
    if tortures:
        config.hook.pytest_deselected(items=tortures)
        items[:] = [item for item in items if item not in tortures]
