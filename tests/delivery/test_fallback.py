"""A dead letter goes to its channel's fallback: in its death's transaction, once, along the chain and no further."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest
from outbox import DAY, FAILED, MAIL, OPS, REFUSED, SENT, Copy, Outbox

from monitor.alerting.routes import Planned
from monitor.alerting.timing import Hold, Why
from monitor.delivery.fallback import choose
from monitor.errors import StateUnreachable
from monitor.model import Delivery, DeliveryState, Destination, EventKind, Order, OrderEvent, Outcome
from monitor.store.base import Transaction

T = TypeVar("T")
PAGER = Destination("pager", 1, "c0")
TWIN = Destination("twin", 1, OPS.url)


def dead_at(*channels: Destination) -> Callable[[Copy], Outcome]:
    return lambda copy: REFUSED if copy.to in channels else SENT


@pytest.fixture
def falling(outbox: Outbox) -> Outbox:
    """An outbox where ops falls back to mail, and mail to pager."""
    outbox.fallbacks |= {"ops": "mail", "mail": "pager"}
    outbox.serve(OPS, MAIL, PAGER)
    return outbox


async def stand_ins(outbox: Outbox) -> list[tuple[str, int | None, str]]:
    """Each delivery's channel, what it stands for, and its state."""
    return [(row.channel, row.stands_for, str(row.state)) for row in await outbox.deliveries()]


async def test_a_dead_letter_goes_to_the_fallback_at_once(falling: Outbox) -> None:
    falling.endpoints.answer = dead_at(OPS)
    falling.start()
    await falling.deliver("1", "2")
    assert falling.endpoints.orders(MAIL) == ["1", "2"]
    rows = await falling.deliveries()
    assert [(row.channel, row.stands_for) for row in rows if row.state is DeliveryState.SENT] == [
        ("mail", rows[0].id),
        ("mail", rows[1].id),
    ]


async def test_what_may_still_arrive_does_not_fall_back(falling: Outbox) -> None:
    falling.endpoints.answer = lambda copy: FAILED if copy.to == OPS else SENT
    falling.start()
    await falling.deliver("1")
    await falling.pass_(23 * 3600)
    assert falling.endpoints.orders(MAIL) == []
    await falling.pass_(2 * 3600)
    assert falling.endpoints.orders(MAIL) == ["1"]


async def test_without_a_fallback_a_dead_letter_is_the_end(outbox: Outbox) -> None:
    outbox.endpoints.answer = dead_at(OPS)
    outbox.start()
    await outbox.deliver("1")
    assert await stand_ins(outbox) == [("ops", None, "dead")]


async def test_a_fallback_that_dies_goes_on_along_the_chain_to_its_end(falling: Outbox) -> None:
    falling.endpoints.answer = dead_at(OPS, MAIL, PAGER)
    falling.start()
    await falling.deliver("1")
    assert await stand_ins(falling) == [("ops", None, "dead"), ("mail", 1, "dead"), ("pager", 2, "dead")]


async def test_a_ring_that_a_reload_has_made_is_walked_once(falling: Outbox) -> None:
    falling.fallbacks["mail"] = "ops"
    falling.endpoints.answer = dead_at(OPS, MAIL)
    falling.start()
    await falling.deliver("1")
    assert await stand_ins(falling) == [("ops", None, "dead"), ("mail", 1, "dead")]


async def test_one_drain_sends_what_falls_back_during_it(falling: Outbox) -> None:
    """There may be no later one: `poll` ends after it."""
    falling.endpoints.answer = dead_at(OPS, MAIL)
    await falling.add("1")
    assert not await falling.loop.drain()
    assert falling.endpoints.orders(PAGER) == ["1"]
    assert await falling.loop.drain()
    assert [copy.to for copy in falling.endpoints.tried] == [OPS, MAIL, PAGER]


async def test_a_drain_tries_nothing_twice_because_of_a_fallback(falling: Outbox) -> None:
    """What waits in the fallback's lane has had its turn, though it is due again by then."""
    falling.endpoints.answer = lambda copy: REFUSED if copy.to == OPS else FAILED
    await falling.add("1", to=MAIL)
    await falling.add("2")
    slow = falling.endpoints.hold(OPS)
    draining = asyncio.create_task(falling.loop.drain())
    await falling.pass_(60)
    slow.set()
    await draining
    assert [(copy.to, copy.order) for copy in falling.endpoints.tried if copy.to == MAIL] == [(MAIL, "1"), (MAIL, "2")]


async def test_a_dead_letter_that_is_sent_again_goes_to_its_own_channel_and_falls_back_no_more(
    falling: Outbox,
) -> None:
    falling.endpoints.answer = dead_at(OPS)
    await falling.add("1")
    await falling.loop.drain()
    for _ in range(2):
        assert await falling.store.transact(lambda tx: tx.resurrect(None, falling.clock.now())) == 1
        await falling.loop.drain()
    assert falling.endpoints.orders(MAIL) == ["1"]
    falling.endpoints.answer = lambda copy: SENT
    await falling.store.transact(lambda tx: tx.resurrect([1], falling.clock.now()))
    assert await falling.loop.drain()
    assert falling.endpoints.orders(OPS) == ["1"]
    assert await stand_ins(falling) == [("ops", None, "sent"), ("mail", 1, "sent")]


async def test_what_is_buried_falls_back(falling: Outbox) -> None:
    """Its channel has another URL, which the event was led to besides: it cannot move there."""
    other = Destination("ops", 1, "d0")
    [first] = await falling.add("1")

    def also(tx: Transaction) -> None:
        stored = next(tx.events_of(first))
        tx.add_delivery("default", other, stored.event, stored.id, falling.clock.now())

    await falling.store.transact(also)
    falling.serve(other, MAIL, PAGER)
    await falling.loop.drain()
    assert falling.endpoints.orders(MAIL) == []
    falling.clock.move_to(DAY + 1)
    await falling.loop.drain()
    assert falling.endpoints.orders(MAIL) == ["1"]
    assert (await stand_ins(falling))[0] == ("ops", None, "dead")


async def test_a_claim_that_was_superseded_lets_nothing_fall_back(falling: Outbox) -> None:
    """Another daemon sends it now: whether it dies is not known yet."""
    falling.endpoints.answer = dead_at(OPS)
    falling.endpoints.hold(OPS)
    [delivery] = await falling.add("1")
    falling.start()
    await falling.pass_(0)

    def supersede(tx: Transaction) -> None:
        tx.give_back("tests", ())
        tx.claim_delivery([OPS], "another", falling.clock.now())

    await falling.store.transact(supersede)
    falling.endpoints.held[OPS].set()
    await falling.pass_(0)
    assert await stand_ins(falling) == [("ops", None, "sending")]
    assert delivery == 1


class _Breaking:
    """A transaction that breaks after its n-th operation, counted from ``settle``."""

    def __init__(self, inner: Transaction, number: int) -> None:
        self._inner, self._left, self._settling = inner, number, False

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._inner, name)
        self._settling = self._settling or name == "settle"

        def call(*args: Any) -> Any:
            result = operation(*args)
            self._left -= self._settling
            if self._left == 0:
                raise StateUnreachable(f"the power goes off after {name}")
            return result

        return call


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_death_and_fallback_are_one_transaction(falling: Outbox, number: int) -> None:
    """Wherever it breaks, either both are written or neither."""
    falling.endpoints.answer = dead_at(OPS)
    await falling.add("1")
    seen: list[list[tuple[str, str]]] = []
    transact = falling.store.inner.transact

    async def breaking(work: Callable[[Transaction], T]) -> T:
        if seen:
            return await transact(work)
        try:
            return await transact(lambda tx: work(cast(Transaction, _Breaking(tx, number))))
        except StateUnreachable:
            rows = await transact(lambda tx: tx.deliveries())
            seen.append([(row.channel, str(row.state)) for row in rows])
            raise

    falling.store.inner.transact = breaking  # type: ignore[method-assign]  # the power's switch
    falling.start()
    await falling.pass_(10)
    assert seen == [[("ops", "sending")]]
    assert await stand_ins(falling) == [("ops", None, "dead"), ("mail", 1, "sent")]
    assert falling.endpoints.orders(MAIL) == ["1"]


def _gathered(outbox: Outbox, tx: Transaction, order: str, to: Destination, why: Why) -> int:
    now = outbox.clock.now()
    event = OrderEvent("shop", EventKind.STATUS_CHANGED, now, Order(order, "active"), 1)
    hold = Hold(why, now, key="shop")
    return tx.join(Planned("paid", to, hold), hold, event, tx.add_event(event, "{}"), now)


async def test_nothing_joins_a_message_that_says_what_failed(falling: Outbox) -> None:
    """The route leads to the fallback as well: what comes next for it is a message of its own."""

    def die(tx: Transaction) -> Delivery:
        _gathered(falling, tx, "1", OPS, Why.GROUP)
        claimed = tx.claim_delivery([OPS], "tests", falling.clock.now())
        assert claimed is not None
        tx.settle(claimed, falling.clock.now(), REFUSED, "", "")
        assert tx.stand_in(claimed, [MAIL], falling.clock.now()) == [2]
        return tx.deliveries()[1]

    stand_in = await falling.store.transact(die)
    assert (stand_in.gathers, stand_in.stands_for) == ("group", 1)
    assert await falling.store.transact(lambda tx: _gathered(falling, tx, "2", MAIL, Why.GROUP)) == 3


async def test_what_has_waited_for_its_order_is_not_dropped_any_more(falling: Outbox) -> None:
    def die(tx: Transaction) -> int:
        _gathered(falling, tx, "1", OPS, Why.FOR)
        claimed = tx.claim_delivery([OPS], "tests", falling.clock.now())
        assert claimed is not None
        tx.settle(claimed, falling.clock.now(), REFUSED, "", "")
        tx.stand_in(claimed, [MAIL], falling.clock.now())
        later = OrderEvent("shop", EventKind.STATUS_CHANGED, falling.clock.now(), Order("1", "fraud"), 2)
        return tx.drop_held(later, [EventKind.STATUS_CHANGED], falling.clock.now(), "it moved on")

    assert await falling.store.transact(die) == 0
    assert (await stand_ins(falling))[1] == ("mail", 1, "waiting")


async def test_a_stand_in_has_a_day_of_its_own(falling: Outbox) -> None:
    falling.endpoints.answer = lambda copy: REFUSED if copy.to == OPS else FAILED
    falling.clock.passed = 3600.0
    await falling.add("1")
    await falling.loop.drain()
    row = (await falling.deliveries())[1]
    assert row.expires_at - row.created_at == timedelta(days=1)
    assert row.created_at >= falling.clock.now()


def test_the_next_of_a_chain_is_the_first_place_that_was_not_tried() -> None:
    homes, chain = {OPS, MAIL, PAGER, TWIN}, {"ops": "twin", "twin": "mail", "mail": "pager"}
    assert choose("ops", chain, homes, [OPS]) == [MAIL]
    assert choose("mail", chain, homes, [MAIL, OPS]) == [PAGER]
    assert choose("pager", chain, homes, [PAGER]) == []
    assert choose("ops", {"ops": "gone"}, homes, [OPS]) == []


def test_a_fallback_of_several_urls_is_told_at_each() -> None:
    second = Destination("mail", 2, "b1")
    assert choose("ops", {"ops": "mail"}, {second, OPS, MAIL}, [OPS]) == [MAIL, second]


def test_a_channel_is_not_tried_again_at_another_url() -> None:
    moved = Destination("ops", 1, "z9")
    assert choose("mail", {"mail": "ops"}, {moved, MAIL}, [MAIL, OPS]) == []
