"""What all tests share: the long hostile ones run only when asked for, and no connection may outlive its test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import connections
import pytest
import structlog
from hypothesis import settings

# How long an example takes says something about the machine, and nothing about us.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


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


@pytest.fixture(scope="session", autouse=True)
def _connections_are_watched() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        connections.watch(patch)
        yield


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """After all fixtures, the event loop's among them."""
    yield
    if left := connections.left_open():
        pytest.fail("open when the event loop was closed: " + "; ".join(left), pytrace=False)


@pytest.fixture
def logs_put_back() -> Iterator[None]:
    """The logs of this process are afterwards what they were before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level
