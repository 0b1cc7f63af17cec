"""Ids that were named from the shell: followed until they are taken back, and forgotten with their orders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from store_examples import HOUR, KINDS, T0, new, opened, order_event, save

from monitor.errors import ClaimLost
from monitor.store.base import Store


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A state of each kind that knows orders 7, 88 and 100 of one source, and 88 of another."""
    async with opened(request.param, tmp_path) as made:
        await made.transact(lambda tx: save(tx, map(new, ("7", "88", "100"))))
        await made.transact(lambda tx: save(tx, [new("88")], "other"))
        yield made


async def ids(store: Store, source: str = "shop") -> list[str]:
    return [known.order.id for _, known in await store.read(lambda tx: list(tx.orders(source)))]


async def test_ids_are_followed_source_by_source_shorter_ones_first(store: Store) -> None:
    for order_id in ("100", "88", "7"):
        assert await store.transact(lambda tx, i=order_id: tx.follow("shop", i, T0))  # type: ignore[misc]  # bound now
    assert await store.transact(lambda tx: tx.follow("other", "5", T0 + HOUR))
    assert list((await store.read(lambda tx: tx.followed("shop"))).items()) == [("7", T0), ("88", T0), ("100", T0)]
    assert await store.read(lambda tx: tx.followed("other")) == {"5": T0 + HOUR}
    assert await store.read(lambda tx: tx.followed("third")) == {}


async def test_following_twice_changes_nothing(store: Store) -> None:
    assert await store.transact(lambda tx: tx.follow("shop", "88", T0))
    assert not await store.transact(lambda tx: tx.follow("shop", "88", T0 + HOUR))
    assert await store.read(lambda tx: tx.followed("shop")) == {"88": T0}


async def test_unfollowing_forgets_that_order_and_keeps_its_events(store: Store) -> None:
    await store.transact(lambda tx: tx.add_event(order_event("88"), "{}"))
    await store.transact(lambda tx: tx.follow("shop", "88", T0))
    assert await store.transact(lambda tx: tx.unfollow("shop", "88"))
    assert await store.read(lambda tx: tx.followed("shop")) == {}
    assert (await ids(store), await ids(store, "other")) == (["7", "100"], ["88"])
    assert len(await store.read(lambda tx: tx.events("shop"))) == 1


async def test_what_was_not_followed_is_not_forgotten(store: Store) -> None:
    assert not await store.transact(lambda tx: tx.unfollow("shop", "88"))
    assert "88" in await ids(store)


async def test_unfollowing_ends_a_claim_and_what_the_claimant_remembers(store: Store) -> None:
    """It has read the order, and may write it again; nor does its next claim follow its last one."""
    await store.transact(lambda tx: tx.follow("shop", "88", T0))
    claim = await store.transact(lambda tx: tx.claim("shop", "one", T0, 15))
    assert claim is not None
    await store.transact(lambda tx: tx.unfollow("shop", "88"))
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: tx.check(claim))
    again = await store.transact(lambda tx: tx.claim("shop", "one", T0, 15))
    assert again is not None
    assert again.fence > claim.fence + 1


async def test_all_orders_but_some_are_forgotten(store: Store) -> None:
    assert sorted(await store.transact(lambda tx: tx.keep_orders("shop", ["88", "5"]))) == ["100", "7"]
    assert await store.transact(lambda tx: tx.keep_orders("shop", ["88", "5"])) == []
    assert (await ids(store), await ids(store, "other")) == (["88"], ["88"])
    assert await store.transact(lambda tx: tx.keep_orders("shop", [])) == ["88"]
