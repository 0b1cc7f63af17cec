"""Each scenario in scenarios/: this configuration, this timeline, these messages; whoever plays the monitor.

One daemon on SQLite plays all of them, and so do three that share a PostgreSQL database, where no two polls of a source
in a row are the same daemon's. One alone on PostgreSQL plays one scenario of each file, and all under ``make torture``.
"""

from collections.abc import Callable
from pathlib import Path

import postgres_server
import pytest
from acceptance import Dialect, Scenario, read_scenarios
from stage import Cast, play

_ALL = read_scenarios(Path(__file__).parent / "scenarios")
_RUNS = [
    pytest.param(scenario, dialect, id=name if len(scenario.dialects) == 1 else f"{name} ({dialect})")
    for name, scenario in _ALL.items()
    for dialect in scenario.dialects
]
_SHARED = {name: scenario for name, scenario in _ALL.items() if not scenario.alone}
_THREE = [pytest.param(scenario, scenario.dialects[0], id=name) for name, scenario in _SHARED.items()]
_FIRST_OF_FILE = {name.partition(":")[0]: name for name in reversed(_SHARED)}.values()
_ONE = [
    pytest.param(scenario, dialect, id=name, marks=[] if name in _FIRST_OF_FILE else [pytest.mark.torture])
    for name, scenario in _SHARED.items()
    for dialect in scenario.dialects[:1]
]


@pytest.mark.parametrize(("scenario", "dialect"), _RUNS)
async def test_scenario(
    scenario: Scenario, dialect: Dialect, tmp_path: Path, redirect_slack: Callable[[str], None]
) -> None:
    await play(scenario, tmp_path, dialect, redirect_slack)


@pytest.mark.parametrize(("scenario", "dialect"), _ONE)
async def test_scenario_on_postgresql(
    scenario: Scenario, dialect: Dialect, tmp_path: Path, redirect_slack: Callable[[str], None]
) -> None:
    with postgres_server.database() as state:
        await play(scenario, tmp_path, dialect, redirect_slack, Cast(state))


@pytest.mark.parametrize(("scenario", "dialect"), _THREE)
async def test_scenario_with_three_daemons(
    scenario: Scenario, dialect: Dialect, tmp_path: Path, redirect_slack: Callable[[str], None]
) -> None:
    with postgres_server.database() as state:
        await play(scenario, tmp_path, dialect, redirect_slack, Cast(state, daemons=3))
