"""What every store knows of stuck orders: how far rules have looked, and who was told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from store_examples import DAY, HOUR, KINDS, OPS, SECOND, T0, changed, known, new, opened, order_event, plan, save

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold, Why
from monitor.diff import Change
from monitor.errors import ClaimLost
from monitor.model import EventKind, Order, OrderEvent, Stuck
from monitor.store.base import Store, Transaction
from monitor.store.overdue import BEGINNING, Aged, Looked, StuckOrder


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty state of each kind."""
    async with opened(request.param, tmp_path) as made:
        yield made


def entered(order_id: str, since: datetime, status: str = "pending") -> Change:
    """A new order that is in its status since then."""
    return new(order_id, status, status_since=since)


def found(order_id: str, next_at: datetime | None = None, route: str = "stuck") -> StuckOrder:
    return StuckOrder(order_id, route, T0 - DAY, T0, 1, escalated=False, urls=("a0",), next_at=next_at)


async def overdue(store: Store, until: datetime, after: Aged = BEGINNING, limit: int = 10) -> list[str]:
    def ask(tx: Transaction) -> list[Aged]:
        return tx.overdue("shop", "stuck", "pending", after, until, limit)

    return [one.order_id for one in await store.transact(ask)]


async def due(store: Store, now: datetime, furthest: timedelta = DAY, limit: int = 10) -> list[str]:
    rows = await store.transact(lambda tx: tx.stuck_due("shop", "stuck", now, now + furthest, limit))
    return [row.order_id for row in rows]


async def test_orders_are_found_by_when_they_entered_their_status(store: Store) -> None:
    orders = [entered("1", T0 + HOUR), entered("2", T0), entered("3", T0, "active"), entered("4", T0 + DAY)]
    await store.transact(lambda tx: save(tx, orders))
    assert await overdue(store, T0 + HOUR) == ["2", "1"]
    assert await overdue(store, T0 + HOUR, limit=1) == ["2"]
    assert await overdue(store, T0 + HOUR, Aged(T0, "2")) == ["1"]
    assert await overdue(store, T0 - SECOND) == []


async def test_what_is_gone_and_what_was_told_is_not_found(store: Store) -> None:
    def fill(tx: Transaction) -> None:
        save(tx, [entered("1", T0), entered("2", T0), entered("3", T0)])
        save(tx, [changed("1", "pending", status_since=T0, vanished_at=T0)])
        tx.save_stuck("shop", [found("2"), found("3", route="another")])

    await store.transact(fill)
    assert await overdue(store, T0) == ["3"]


@pytest.mark.parametrize(
    ("placed", "since", "expected"),
    [
        (None, None, T0),
        (T0 - DAY, None, T0 - DAY),
        (T0 + DAY, None, T0),
        (T0 - DAY, T0 + HOUR, T0 + HOUR),
    ],
)
async def test_age_counts_from_the_observed_entry_else_from_when_it_was_placed_else_from_first_sight(
    store: Store, placed: datetime | None, since: datetime | None, expected: datetime
) -> None:
    order = msgspec.structs.replace(known().order, created_at=placed)
    one = msgspec.structs.replace(known(status_since=since), order=order)
    await store.transact(lambda tx: save(tx, [Change(one, new=True)]))
    [aged] = await store.transact(lambda tx: tx.overdue("shop", "stuck", "pending", BEGINNING, T0 + 9 * DAY, 10))
    assert aged == Aged(expected, "88")


async def test_a_change_of_status_is_a_new_age(store: Store) -> None:
    await store.transact(lambda tx: save(tx, [entered("88", T0)]))
    await store.transact(lambda tx: save(tx, [changed("88", "pending", status_since=T0 + HOUR)]))
    assert await overdue(store, T0) == []
    assert await overdue(store, T0 + HOUR) == ["88"]


async def test_statuses_are_those_of_orders_that_are_there(store: Store) -> None:
    orders = [entered("1", T0, "On-Hold"), entered("2", T0), entered("3", T0), entered("4", T0, "active")]
    await store.transact(lambda tx: save(tx, orders))
    await store.transact(lambda tx: save(tx, [changed("4", "active", vanished_at=T0)]))
    await store.transact(lambda tx: save(tx, [entered("1", T0, "fraud")], source="other"))
    assert await store.transact(lambda tx: tx.statuses("shop")) == ["on_hold", "pending"]
    assert await store.transact(lambda tx: tx.statuses("nothing")) == []


async def test_an_order_that_entered_its_status_in_the_future_counts_from_now(store: Store) -> None:
    """The clock has been set back since."""
    await store.transact(lambda tx: save(tx, [entered("1", T0 + 9 * DAY), entered("2", T0 - DAY)]))
    await store.transact(lambda tx: tx.mend_ages("shop", "pending", T0))
    assert await overdue(store, T0) == ["2", "1"]


async def test_what_is_due_is_asked_for_by_time(store: Store) -> None:
    rows = [found("1", T0), found("2", T0 + HOUR), found("3"), found("4", T0, "another"), found("5", T0 + 9 * DAY)]
    await store.transact(lambda tx: tx.save_stuck("shop", rows))
    assert await due(store, T0 - SECOND, 9 * DAY + HOUR) == []
    assert await due(store, T0, 9 * DAY) == ["1"]
    assert await due(store, T0 + HOUR) == ["1", "2", "5"], "the last one is further ahead than can be"
    assert await due(store, T0 + HOUR, limit=2) == ["1", "2"]


async def test_what_was_found_is_read_as_it_was_written(store: Store) -> None:
    row = StuckOrder("88", "stuck", T0 - DAY, T0, 3, escalated=True, urls=("a0", "b0"), next_at=T0 + DAY)
    await store.transact(lambda tx: tx.save_stuck("shop", [found("88"), row]))
    assert await store.transact(lambda tx: tx.stuck("shop", "stuck")) == [row]


async def test_an_order_that_is_to_be_looked_at_again_does_not_replace_what_was_told(store: Store) -> None:
    def again(tx: Transaction) -> list[StuckOrder]:
        tx.save_stuck("shop", [found("1", T0 + DAY)])
        tx.look_again("shop", "stuck", {"1": T0, "2": T0}, T0)
        return tx.stuck("shop", "stuck")

    assert await store.transact(again) == [found("1", T0 + DAY), StuckOrder("2", "stuck", T0, next_at=T0)]


async def test_what_ends_is_forgotten_for_every_rule(store: Store) -> None:
    def end(tx: Transaction) -> list[StuckOrder]:
        tx.save_stuck("shop", [found("1"), found("1", route="another"), found("2")])
        tx.save_stuck("other", [found("1")])
        return list(tx.end_stuck("shop", ["1"]))

    assert {row.route for row in await store.transact(end)} == {"stuck", "another"}
    assert await store.transact(lambda tx: tx.stuck("shop", "stuck")) == [found("2")]
    assert await store.transact(lambda tx: tx.stuck("other", "stuck")) == [found("1")]


async def test_a_rule_that_is_dropped_leaves_nothing(store: Store) -> None:
    looked = Looked("stuck", "pending", "abc", T0, Aged(T0, "7"))

    def fill(tx: Transaction) -> None:
        tx.save_looked("shop", looked)
        tx.save_looked("shop", msgspec.structs.replace(looked, route="another"))
        tx.save_stuck("shop", [found("1"), found("1", route="another")])

    await store.transact(fill)
    await store.transact(lambda tx: tx.drop_rule("shop", "another"))
    assert await store.transact(lambda tx: tx.looked("shop")) == [looked]
    assert await store.transact(lambda tx: tx.stuck("shop", "stuck")) == [found("1")]
    await store.transact(lambda tx: tx.drop_stuck("shop", "stuck", ["1", "2"]))
    assert await store.transact(lambda tx: tx.stuck("shop", "stuck")) == []


async def test_how_far_a_rule_has_looked_is_replaced_by_what_is_new(store: Store) -> None:
    def replace(tx: Transaction) -> list[Looked]:
        for up_to in (BEGINNING, Aged(T0, "7")):
            tx.save_looked("shop", Looked("stuck", "pending", "abc", T0, up_to))
        return tx.looked("shop")

    assert await store.transact(replace) == [Looked("stuck", "pending", "abc", T0, Aged(T0, "7"))]


async def test_a_source_that_is_forgotten_has_no_stuck_orders(store: Store) -> None:
    def fill(tx: Transaction) -> None:
        save(tx, [entered("1", T0)])
        tx.save_looked("shop", Looked("stuck", "pending", "abc", T0, BEGINNING))
        tx.save_stuck("shop", [found("1")])
        tx.forget_orders("shop")

    await store.transact(fill)
    assert await store.transact(lambda tx: (tx.looked("shop"), tx.stuck("shop", "stuck"))) == ([], [])


async def test_an_order_that_is_followed_no_more_is_not_stuck(store: Store) -> None:
    def fill(tx: Transaction) -> None:
        tx.follow("shop", "2", T0)
        save(tx, [entered("1", T0), entered("2", T0), entered("3", T0)])
        tx.save_stuck("shop", [found("1"), found("2"), found("3")])
        tx.keep_orders("shop", ["2", "3"])
        tx.unfollow("shop", "2")

    await store.transact(fill)
    assert await store.transact(lambda tx: tx.stuck("shop", "stuck")) == [found("3")]


def stuck_event(at: datetime = T0) -> OrderEvent:
    return OrderEvent("shop", EventKind.STUCK, at, Order("88", "pending"), 1, stuck=Stuck("stuck"))


async def test_one_state_can_be_stuck_several_times_but_not_twice_at_once(store: Store) -> None:
    def twice(tx: Transaction) -> None:
        tx.add_event(stuck_event(), "{}")
        tx.add_event(stuck_event(T0 + DAY), "{}")

    await store.transact(twice)
    with pytest.raises(ClaimLost):
        await store.transact(lambda tx: tx.add_event(stuck_event(), "{}"))
    events = await store.transact(lambda tx: tx.events())
    assert [stored.event for stored in events] == [stuck_event(), stuck_event(T0 + DAY)]


def joined(tx: Transaction, why: Why, event: OrderEvent) -> int:
    planned = Planned("stuck", OPS, Hold(why, T0, "shop"))
    assert planned.hold is not None
    return tx.join(planned, planned.hold, event, tx.add_event(event, "{}"), T0)


async def test_beginnings_and_ends_share_no_message_and_keep_their_order(store: Store) -> None:
    def write(tx: Transaction) -> list[int]:
        return [
            joined(tx, Why.CLOSED, order_event("1")),
            joined(tx, Why.CLOSED, order_event("2")),
            joined(tx, Why.OVERDUE, stuck_event()),
            joined(tx, Why.CLOSED, order_event("88")),
        ]

    first, second, beginning, end = await store.transact(write)
    assert (first == second, len({first, beginning, end})) == (True, 3)
    claims = [await store.transact(lambda tx: tx.claim_delivery([OPS], "one", T0)) for _ in range(2)]
    assert [claim and claim.id for claim in claims] == [first, None], "the others wait for it"


async def test_an_end_does_not_overtake_the_message_that_tells_of_the_beginning(store: Store) -> None:
    def write(tx: Transaction) -> tuple[int, int]:
        return plan(tx, stuck_event(), route="stuck"), joined(tx, Why.CLOSED, order_event("88"))

    beginning, end = await store.transact(write)
    claims = [await store.transact(lambda tx: tx.claim_delivery([OPS], "one", T0)) for _ in range(2)]
    assert [claim and claim.id for claim in claims] == [beginning, None]
    assert end != beginning


@pytest.mark.parametrize("waits", [Why.STORM, Why.DIGEST])
async def test_an_end_does_not_overtake_a_summary_that_tells_of_the_beginning(store: Store, waits: Why) -> None:
    """A storm's next one waits; or the rule had a digest when it told of the order, and has none any more."""

    def write(tx: Transaction) -> list[int]:
        hold = Hold(waits, T0 + HOUR)
        summary = tx.join(Planned("stuck", OPS, hold), hold, stuck_event(), tx.add_event(stuck_event(), "{}"), T0)
        return [summary, joined(tx, Why.CLOSED, order_event("88"))]

    beginning, end = await store.transact(write)
    assert await store.transact(lambda tx: tx.claim_delivery([OPS], "one", T0)) is None
    claim = await store.transact(lambda tx: tx.claim_delivery([OPS], "one", T0 + HOUR))
    assert claim is not None
    assert (claim.id, end != beginning) == (beginning, True)
    assert await store.transact(lambda tx: tx.claim_delivery([OPS], "one", T0 + HOUR)) is None, "the end is next"
