"""What the end-to-end tests share: Apprise without its pauses, a server that stands in for Slack, logs put back."""

from collections.abc import Callable

import pytest
from receivers import SLACK_ADDRESS, take_away_pauses


@pytest.fixture
def redirect_slack(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes this address stand in for hooks.slack.com."""
    return lambda address: monkeypatch.setattr(SLACK_ADDRESS, address)


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's 1.2 s and mail's 5.5 s between two messages have their own tests."""
    take_away_pauses(monkeypatch)


@pytest.fixture(autouse=True)
def _logs_put_back(logs_put_back: None) -> None:
    """A command sets up the logs of its whole process, which here lives on."""
