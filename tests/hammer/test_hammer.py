"""Whatever a shop does between two requests: no event is false, none is late, and in the end the state is the truth."""

from __future__ import annotations

import os

import pytest
from hammer_manners import Manners
from hammering import hammer

SEEDS_A_TEST = 25
TORTURE = 100
"""So many tests share the rounds of a torture."""


@pytest.mark.parametrize("first", range(0, 200, SEEDS_A_TEST))
async def test_a_hostile_shop_is_told_truly(first: int) -> None:
    rounds = [await hammer(seed) for seed in range(first, first + SEEDS_A_TEST)]
    assert sum(rounds) > 10 * SEEDS_A_TEST


async def _hammer_all(manners: Manners, polls: int) -> None:
    for seed in range(SEEDS_A_TEST):
        await hammer(seed, polls, manners)


async def test_changes_that_move_no_total_are_settled_in_time() -> None:
    await _hammer_all(Manners(orders=60, cap=3, share=0.4, sly=True, amid=0.0), polls=20)


async def test_a_cache_that_shows_a_status_again_is_not_believed() -> None:
    await _hammer_all(Manners(orders=60, cached=0.5, kept_s=300.0, sly=True, amid=0.0, between=3.0), polls=12)


async def test_a_list_that_is_blank_for_minutes_proves_nothing() -> None:
    await _hammer_all(Manners(orders=4, failing=0.5, amid=0.0, between=0.3, deletions=False), polls=20)


@pytest.mark.torture
@pytest.mark.parametrize("part", range(TORTURE))
async def test_any_hostile_shop_is_told_truly(part: int) -> None:
    """Each example of ``make torture`` is one shop: other ones than above, and watched for longer."""
    for seed in range(part, int(os.environ.get("ROUNDS", "1000")), TORTURE):
        await hammer(1_000_000 + seed, polls=40)
