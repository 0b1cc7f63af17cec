"""Silences in the state: active until their end, kept for ever, numbered once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from store_examples import HOUR, KINDS, SECOND, T0, opened

from monitor.alerting.silences import Matcher, Silence
from monitor.store.base import Store

SHOP = Matcher(source=("shop",))
FULL = Matcher(("s*",), {"client": ("acme", "other")}, ("88",), ("a",), ("b",), ("vanished",), ("paid",), ("ops",))


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(request.param, tmp_path) as made:
        yield made


async def add(
    store: Store, matcher: Matcher = SHOP, now: datetime = T0, until: datetime = T0 + HOUR, by: str = ""
) -> Silence:
    return await store.transact(lambda tx: tx.add_silence(matcher, now, until, "migration", by))


async def active(store: Store, at: datetime) -> list[int]:
    return [silence.id for silence in await store.read(lambda tx: tx.active_silences(at))]


@pytest.mark.parametrize("matcher", [Matcher(), SHOP, FULL])
async def test_what_is_written_is_read_back(store: Store, matcher: Matcher) -> None:
    written = await add(store, matcher, by="Ada")
    assert written == Silence(1, matcher, T0, T0 + HOUR, "migration", "Ada")
    assert await store.read(lambda tx: tx.silences()) == [written]
    assert await store.read(lambda tx: tx.active_silences(T0)) == [written]


async def test_active_are_those_that_were_set_and_have_not_ended(store: Store) -> None:
    await add(store)
    await add(store, now=T0 + HOUR, until=T0 + 3 * HOUR)
    assert await active(store, T0 - SECOND) == []
    assert await active(store, T0) == [1]
    assert await active(store, T0 + HOUR - SECOND) == [1]
    assert await active(store, T0 + HOUR) == [2]
    assert await active(store, T0 + 3 * HOUR) == []
    for silence in await store.read(lambda tx: tx.silences()):
        for at in (T0, T0 + HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR):
            assert silence.is_active(at) is (silence.id in await active(store, at))


async def test_one_that_is_ended_is_kept_and_has_ended_then(store: Store) -> None:
    await add(store)
    await add(store)
    ended = await store.transact(lambda tx: tx.end_silence(1, T0 + SECOND))
    assert ended is not None
    assert ended.until == T0 + HOUR
    assert await active(store, T0 + SECOND) == [2]
    assert [silence.until for silence in await store.read(lambda tx: tx.silences())] == [T0 + SECOND, T0 + HOUR]


@pytest.mark.parametrize("number", [1, 2])
async def test_what_has_ended_or_never_was_cannot_be_ended(store: Store, number: int) -> None:
    await add(store)
    assert await store.transact(lambda tx: tx.end_silence(number, T0 + HOUR)) is None
    assert [silence.until for silence in await store.read(lambda tx: tx.silences())] == [T0 + HOUR]


async def test_one_of_a_clock_that_was_set_back_can_be_ended_though_it_does_not_mute(store: Store) -> None:
    await add(store)
    assert await active(store, T0 - HOUR) == []
    assert await store.transact(lambda tx: tx.end_silence(1, T0 - HOUR)) is not None
    assert await active(store, T0) == []
