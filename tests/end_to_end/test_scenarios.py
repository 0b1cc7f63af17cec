"""Each scenario in scenarios/: this configuration, this timeline, these messages."""

from collections.abc import Callable
from pathlib import Path

import pytest
from acceptance import Dialect, Scenario, read_scenarios
from stage import play

_ALL = read_scenarios(Path(__file__).parent / "scenarios")
_RUNS = [
    pytest.param(scenario, dialect, id=name if len(scenario.dialects) == 1 else f"{name} ({dialect})")
    for name, scenario in _ALL.items()
    for dialect in scenario.dialects
]


@pytest.mark.parametrize(("scenario", "dialect"), _RUNS)
async def test_scenario(
    scenario: Scenario, dialect: Dialect, tmp_path: Path, redirect_slack: Callable[[str], None]
) -> None:
    await play(scenario, tmp_path, dialect, redirect_slack)
