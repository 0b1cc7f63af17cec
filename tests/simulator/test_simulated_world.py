"""The world: what is true, how it is scripted, and the log of what happened."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec
import pytest
from talking import NOW, world_of

from monitor.simulator.seeding import HISTORY
from monitor.simulator.truth import ChangeKind, TrueItem, UnknownOrder, order_fields
from monitor.simulator.world import World


def seeded(seed: int, orders: int = 3000) -> World:
    return World.seeded(seed, orders, now=lambda: NOW)


def everything(world: World) -> list[object]:
    return [world.order(id_) for id_ in world.ids()]


def test_the_same_seed_makes_the_same_orders() -> None:
    assert everything(seeded(7)) == everything(seeded(7))
    assert everything(seeded(7)) != everything(seeded(8))


@pytest.mark.parametrize("seed", range(5))
def test_seeded_orders_are_plausible(seed: int) -> None:
    world = seeded(seed, 20_000)
    counts = Counter(
        {status: len(world.ids(status)) / 20_000 for status in ("active", "pending", "fraud", "cancelled")}
    )
    assert sum(counts.values()) == pytest.approx(1)
    assert 0.96 < counts["active"] < 0.98
    assert 0.005 <= counts["pending"] <= 0.01
    assert counts["fraud"] > 0.005
    assert counts["cancelled"] > 0.005
    orders = [world.order(id_) for id_ in world.ids()]
    assert {"USD", "EUR", "JPY", "KWD"} <= {order.currency for order in orders}
    assert all(order.total > 0 and order.items for order in orders)
    assert [order.created_at for order in orders] == sorted(order.created_at for order in orders)
    assert NOW - HISTORY <= orders[0].created_at < orders[-1].created_at <= NOW


def test_a_seed_of_no_orders_or_of_one_works() -> None:
    assert len(seeded(1, 0)) == 0
    assert len(seeded(1, 1)) == 1


def test_seeding_is_no_event() -> None:
    assert seeded(1).log == []


def test_a_placed_order_has_defaults() -> None:
    world = World(now=lambda: NOW)
    order = world.place()
    assert (order.id, order.number, order.status, order.currency) == (1, "ORD-0001", "pending", "USD")
    assert order.created_at == NOW
    assert order.total == sum(item.quantity * item.price for item in order.items) > 0


def test_the_total_follows_the_items_unless_it_is_given() -> None:
    world = World()
    items = [TrueItem("VPS", quantity=2, price=300), TrueItem("Backups", price=50)]
    assert world.place(items=items).total == 650
    assert world.place(items=items, total=600).total == 600


def test_an_order_is_found_by_id_and_by_number() -> None:
    world = world_of(2)
    own = world.place(number="SHOP/77")
    assert world.order(2) == world.order("2") == world.order("ORD-0002")
    assert world.order("SHOP/77") == world.order(own.id) == own
    for unknown in (99, "99", "ORD-0099", "ORD-2", "ORD-0003", "", "0", "9" * 5000):
        assert unknown not in world
        with pytest.raises(UnknownOrder, match="there is no order"):
            world.order(unknown)


def test_an_id_or_a_number_is_given_once() -> None:
    world = world_of(2)
    with pytest.raises(ValueError, match="taken"):
        world.place(id=2)
    with pytest.raises(ValueError, match="taken"):
        world.place(number="ORD-0002")
    assert len(world) == 2
    assert len(world.log) == 2


def test_the_log_tells_what_happened_and_when() -> None:
    world = World(now=lambda: NOW)
    placed = world.place()
    later = NOW + timedelta(seconds=5)
    fraud = world.set_status(placed.id, "fraud", at=later)
    dearer = world.change("ORD-0001", total=900)
    world.delete(1)
    assert [(change.kind, change.before, change.after) for change in world.log] == [
        (ChangeKind.PLACED, None, placed),
        (ChangeKind.STATUS_CHANGED, placed, fraud),
        (ChangeKind.CHANGED, fraud, dearer),
        (ChangeKind.DELETED, dearer, None),
    ]
    assert [change.at for change in world.log] == [NOW, later, NOW, NOW]
    assert [change.order for change in world.log] == [placed, fraud, dearer, dearer]
    assert [change.sequence for change in world.since(2)] == [3, 4]
    assert world.revision == 4


def test_what_changes_nothing_is_not_logged() -> None:
    world = world_of(1)
    world.set_status(1, "pending")
    world.change(1, total=world.order(1).total)
    assert len(world.log) == 1


def test_listeners_hear_each_change_as_it_is_logged() -> None:
    world = world_of(1)
    heard: list[object] = []
    world.listeners.append(heard.append)
    world.set_status(1, "active")
    world.set_status(1, "active")
    world.delete(1)
    assert heard == world.log[1:]


def test_the_ids_of_each_status_follow_every_change() -> None:
    world = world_of(4)
    world.set_status(3, "fraud")
    world.set_status(1, "fraud")
    world.set_status(3, "pending")
    world.delete(2)
    world.place(id=2, status="on-hold")
    assert list(world.ids()) == [1, 2, 3, 4]
    assert {s: list(world.ids(s)) for s in ("pending", "fraud", "on-hold", "active")} == {
        "pending": [3, 4],
        "fraud": [1],
        "on-hold": [2],
        "active": [],
    }


def test_a_deleted_number_can_be_given_again() -> None:
    world = World()
    world.place(number="SHOP/1")
    world.delete("SHOP/1")
    assert "SHOP/1" not in world
    world.place(id=1)
    assert "SHOP/1" not in world
    assert world.place(number="SHOP/1").number == "SHOP/1"


def test_a_copy_does_not_change_with_its_original() -> None:
    world = world_of(2)
    copy = world.copy()
    world.set_status(1, "active")
    world.place()
    assert (list(copy.ids()), list(copy.ids("pending")), copy.order(1).status) == ([1, 2], [1, 2], "pending")


def test_unknown_fields_of_an_order_are_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="no field colour; it has id, number, status"):
        order_fields({"total": 5, "colour": "red"})
    with pytest.raises(msgspec.ValidationError, match="total"):
        order_fields({"total": "five"})
    with pytest.raises(msgspec.ValidationError, match="object"):
        order_fields([1])
