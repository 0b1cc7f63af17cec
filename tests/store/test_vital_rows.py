"""The signs of life in a state."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from store_examples import DAY, HOUR, KINDS, MAIL, OPS, SECOND, T0, certainly_claimed, opened, planned, retried, settled

from monitor.delivery.orphans import tend
from monitor.delivery.outfit import Outfit
from monitor.model import Destination, Message, Outcome
from monitor.store.base import Store
from monitor.store.sqlite import SqliteStore
from monitor.store.vitals import STUCK_AFTER, Signs

LATER = T0 + STUCK_AFTER
"""When what was written at T0 has been due for long enough."""


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as made:
        yield made


async def signs(store: Store) -> Signs:
    return await store.read(lambda tx: tx.signs(T0))


async def test_a_daemon_lives_until_it_says_that_it_leaves(store: Store) -> None:
    assert (await signs(store)).alive_at is None
    await store.transact(lambda tx: tx.live(T0, {"shop": T0 - SECOND}))
    await store.transact(lambda tx: tx.live(T0 + SECOND, {}))
    found = await signs(store)
    assert (found.alive_at, found.read_at) == (T0 + SECOND, {"shop": T0 - SECOND})
    await store.transact(lambda tx: tx.leave())
    found = await signs(store)
    assert (found.alive_at, found.read_at) == (None, {})


async def test_schedules_are_no_signs_of_life_and_outlast_it(store: Store) -> None:
    await store.transact(lambda tx: tx.see_to("drill", T0))
    await store.transact(lambda tx: tx.leave())
    assert (await signs(store)).read_at == {}
    assert await store.read(lambda tx: tx.seen_to("drill")) == T0


async def test_whoever_takes_the_state_over_knows_that_the_one_before_is_dead(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.db")
    await store.transact(lambda tx: tx.live(T0, {}))
    await store.aclose()
    store = SqliteStore.open(tmp_path / "state.db")
    assert (await signs(store)).alive_at is None
    await store.aclose()


async def stuck(store: Store, after: timedelta = STUCK_AFTER) -> bool:
    return await store.read(lambda tx: tx.stuck_since(T0 + after)) is not None


async def test_what_nobody_tries_to_send_is_stuck_after_a_while(store: Store) -> None:
    await planned(store, "1")
    assert not await stuck(store, STUCK_AFTER - SECOND)
    assert await store.read(lambda tx: tx.stuck_since(LATER)) == T0


async def test_what_waits_for_its_time_is_not_stuck(store: Store) -> None:
    await planned(store, "1", now=T0 + HOUR)
    assert not await stuck(store)


async def test_a_url_that_rests_after_a_failure_is_not_stuck_nor_is_what_waits_behind_it(store: Store) -> None:
    """While an endpoint is down only one message is tried there, again and again; the others are due all the while."""
    await planned(store, "1", "2")
    await retried(store, await certainly_claimed(store), seconds=HOUR.total_seconds())
    assert not await stuck(store, timedelta(minutes=59))
    assert await stuck(store, HOUR + STUCK_AFTER)


async def test_a_queue_that_moves_is_not_stuck_however_long_it_is(store: Store) -> None:
    await planned(store, "1", "2", "3")
    await settled(store, await certainly_claimed(store), at=LATER - SECOND)
    assert not await stuck(store)


async def test_a_url_that_is_stuck_is_seen_beside_one_that_moves(store: Store) -> None:
    await planned(store, "1", to=MAIL)
    await planned(store, "2", "3", to=OPS)
    await settled(store, await certainly_claimed(store, OPS), at=LATER - SECOND)
    assert await stuck(store)


async def test_what_waits_for_a_channel_that_is_gone_is_not_stuck(store: Store) -> None:
    """It is visible in other ways, and no restart would help."""
    await planned(store, "1", to=Destination("gone", 1, "d0"))
    assert await stuck(store)
    outfit = Outfit(frozenset({OPS}), _Nobody(), _never, _never, _never, {})
    await store.transact(lambda tx: tend(tx, outfit, T0))
    assert not await stuck(store, DAY)


async def test_what_a_wrong_clock_wrote_too_far_ahead_makes_no_url_rest(store: Store) -> None:
    await planned(store, "1", "2")
    claimed = await certainly_claimed(store)
    await retried(store, claimed, seconds=1, at=T0 + DAY)
    assert await stuck(store)


class _Nobody:
    async def send(self, destination: Destination, message: Message) -> Outcome:
        raise AssertionError

    async def idle(self, destination: Destination) -> None:
        raise AssertionError


def _never(*_: object) -> NoReturn:
    raise AssertionError
