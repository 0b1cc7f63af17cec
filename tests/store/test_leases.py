"""Several daemons divide work by leases, on any store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_examples import KINDS, opened

from monitor.clock import SystemClock
from monitor.roster import Roster
from monitor.store.base import Store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as made:
        yield made


NAMES = [f"source s{n}" for n in range(5)]


async def take(store: Store, owner: str, most: int = 9, lease_s: float = 60.0) -> list[str]:
    return await store.transact(lambda tx: tx.take_leases(NAMES, owner, lease_s, most))


async def test_what_is_held_is_nobody_elses(store: Store) -> None:
    assert await take(store, "one", 2) == NAMES[:2]
    assert await take(store, "two") == NAMES[2:]
    assert await store.read(lambda tx: tx.leased("source ")) == {
        name: "one" if name in NAMES[:2] else "two" for name in NAMES
    }


async def test_a_lease_that_has_run_out_is_taken_by_whoever_comes_first(store: Store) -> None:
    await take(store, "one", lease_s=-1.0)
    assert await take(store, "two") == NAMES
    assert await store.transact(lambda tx: tx.held_by("one")) == []


def roster(store: Store, owner: str, sources: int = 6) -> Roster:
    made = Roster(store, SystemClock(), owner)
    made.serve({f"s{n}": f"s{n}" for n in range(sources)})
    return made


def held(one: Roster) -> set[str]:
    return {f"s{n}" for n in range(6) if one.holds(f"s{n}")}


async def test_one_daemon_holds_everything_and_shares_with_another_that_comes(store: Store) -> None:
    one, two = roster(store, "one"), roster(store, "two")
    await one.beat()
    assert len(held(one)) == 6
    assert one.has_duty()
    await two.beat()
    before = held(one)
    await one.beat()
    await two.beat()
    assert len(held(one)) == len(held(two)) == 3
    assert held(one) | held(two) == before
    assert held(one) < before, "what it keeps, it had"
    assert not two.has_duty()


async def test_who_leaves_is_succeeded_at_once(store: Store) -> None:
    one, two = roster(store, "one"), roster(store, "two")
    for turn in (one, two, one, two):
        await turn.beat()
    await one.leave()
    await two.beat()
    assert len(held(two)) == 6
    assert two.has_duty()
    assert held(one) == set()
