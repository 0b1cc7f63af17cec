"""Three daemons as processes on one PostgreSQL: no event is lost or told twice, whatever befalls them.

SIGKILL, SIGSTOP beyond the lease, lines that are cut or swallow everything, a server that is restarted, a receiver that
says no, clocks minutes apart. ``ROUNDS`` says how many mishaps the torture takes: ``make torture``.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from statistics import median

import pytest
from chaos_checks import copies, faults_of
from chaos_story import Chaos, chaos
from private_postgres import private_postgres

ROUND = 10
"""So many mishaps are one of each kind, and a long one."""
TAKEN_OVER_WITHIN_S = 30.0
"""Twice a lease."""


async def _endure(folder: Path, seed: int, mishaps: int) -> Chaos:
    async with private_postgres() as postgres, chaos(folder, postgres, seed) as made:
        await made.befall(mishaps)
        faults = await faults_of(made)
        assert not faults, f"seed {seed}, {mishaps} mishaps:\n" + "\n".join([*faults, made.told()])
        for slot in made.slots:
            slot.signal(signal.SIGTERM)
        assert [await slot.process.end() for slot in made.slots] == [0] * len(made.slots)
        assert await made.held() == {}, f"seed {seed}: who leaves gives everything up"
        return made


async def _take_over(folder: Path, seed: int) -> list[float]:
    async with private_postgres() as postgres, chaos(folder, postgres, seed) as made:
        await asyncio.sleep(5)  # each holds its share by now
        return await made.take_over()


async def test_three_daemons_lose_and_double_nothing(tmp_path: Path) -> None:
    """Two stories, and beside them one of a death while all is well: most of their time goes by in waiting."""
    stories = [_endure(tmp_path / str(seed), seed, ROUND) for seed in (1, 2)]
    _, took = await asyncio.gather(asyncio.gather(*stories), _take_over(tmp_path / "death", 3))
    assert max(took, default=0.0) <= TAKEN_OVER_WITHIN_S


@pytest.mark.torture
@pytest.mark.timeout(0)
async def test_any_number_of_mishaps_loses_nothing(tmp_path: Path) -> None:
    """A story is sixty mishaps; SEED says with which one to begin, as after a failure."""
    left, seed = int(os.environ.get("ROUNDS", "1000")), int(os.environ.get("SEED", "1000"))
    while left > 0:
        made = await _endure(tmp_path / str(seed), seed, min(left, 60))
        print(f"seed {seed}: {copies(made)} messages came again")  # noqa: T201  # its figures are wanted
        left, seed = left - 60, seed + 1


@pytest.mark.torture
@pytest.mark.timeout(0)
async def test_what_a_dead_daemon_held_is_soon_polled_again(tmp_path: Path) -> None:
    took = [seconds for seed in range(5) for seconds in await _take_over(tmp_path / str(seed), seed)]
    print(f"taken over after {min(took):.1f} / {median(took):.1f} / {max(took):.1f} s")  # noqa: T201  # as above
    assert max(took) <= TAKEN_OVER_WITHIN_S
