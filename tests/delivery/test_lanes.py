"""Which URL a delivery is for, whatever becomes of the configuration."""

from __future__ import annotations

import asyncio

from outbox import DAY, HOUR, MINUTE, OPS, Copy, Outbox, down_until
from structlog.testing import capture_logs

from monitor.model import Destination, EventKind, Order, OrderEvent
from monitor.store.base import Transaction

FIRST, SECOND = Destination("ops", 1, "aa"), Destination("ops", 2, "bb")
ONLY_SECOND = Destination("ops", 1, "bb")
REPLACED = Destination("ops", 1, "cc")
TWIN = Destination("alerts", 1, "aa")


async def lead(outbox: Outbox, order: str, *to: Destination) -> None:
    """One event that a route leads to each of these."""

    def write(tx: Transaction) -> None:
        event = OrderEvent("shop", EventKind.APPEARED, outbox.clock.now(), Order(order, "active"), 1)
        number = tx.add_event(event, "{}")
        for destination in to:
            tx.add_delivery("default", destination, event, number, outbox.clock.now())

    await outbox.store.inner.transact(write)


def arrived(outbox: Outbox) -> list[tuple[str, str]]:
    return [(str(copy.to), copy.order) for copy in outbox.endpoints.arrived]


async def test_a_message_for_a_url_that_is_gone_does_not_go_to_the_one_that_took_its_place_in_the_list(
    outbox: Outbox,
) -> None:
    outbox.serve(FIRST, SECOND)
    outbox.endpoints.answer = down_until(DAY, FIRST)
    await lead(outbox, "1", FIRST, SECOND)
    outbox.start()
    await outbox.pass_(MINUTE)
    outbox.serve(ONLY_SECOND)
    await outbox.pass_(HOUR)
    assert arrived(outbox) == [("ops#2", "1")], "it has its own copy already"
    waiting = (await outbox.deliveries())[0]
    assert (str(waiting.state), waiting.url_number) == ("waiting", 1)
    assert waiting.last_error == "waits: channel ops no longer has the URL that this was for"
    outbox.endpoints.answer = down_until(0)
    outbox.serve(SECOND, FIRST)
    await outbox.pass_(HOUR)
    assert arrived(outbox) == [("ops#2", "1"), ("ops", "1")]


async def test_what_waits_for_a_url_goes_to_the_new_one_that_replaces_it(outbox: Outbox) -> None:
    """A webhook was revoked and made anew: what waited for the channel is still news for it."""
    outbox.serve(FIRST, SECOND)
    outbox.endpoints.answer = down_until(DAY, FIRST)
    await lead(outbox, "1", FIRST, SECOND)
    outbox.start()
    await outbox.pass_(MINUTE)
    with capture_logs() as logs:
        outbox.serve(REPLACED, SECOND)
        await outbox.pass_(MINUTE)
    assert [copy.to for copy in outbox.endpoints.arrived] == [SECOND, REPLACED]
    assert next(line for line in logs if line["event"] == "delivery_moved")["deliveries"] == 1


async def test_a_url_that_moves_in_its_channels_list_keeps_its_messages(outbox: Outbox) -> None:
    outbox.serve(FIRST, SECOND)
    outbox.endpoints.answer = down_until(MINUTE, SECOND)
    await outbox.add("1", to=SECOND)
    outbox.start()
    await outbox.pass_(1)
    outbox.endpoints.answer = down_until(0)
    outbox.serve(ONLY_SECOND, Destination("ops", 2, "aa"))
    await outbox.pass_(MINUTE)
    assert [copy.to for copy in outbox.endpoints.arrived] == [ONLY_SECOND]


async def test_two_channels_with_one_url_are_one_lane(outbox: Outbox) -> None:
    """Order and pace are the URL's: the sender is told of one destination only, and of one message at a time."""
    outbox.serve(FIRST, TWIN)
    let_go = outbox.endpoints.hold(TWIN)
    outbox.endpoints.hold(FIRST)
    await outbox.add("1", to=FIRST)
    await outbox.add("1", to=TWIN)
    await outbox.add("2", to=TWIN)
    outbox.start()
    await outbox.pass_(0)
    assert outbox.endpoints.running == 1
    let_go.set()
    await outbox.pass_(0)
    assert [(copy.to, copy.order) for copy in outbox.endpoints.arrived] == [(TWIN, "1"), (TWIN, "1"), (TWIN, "2")]


async def test_messages_about_one_order_to_two_channels_of_one_url_keep_their_turn(outbox: Outbox) -> None:
    outbox.serve(FIRST, TWIN)
    failing = [True]
    refs: list[str] = []

    def answer(copy: Copy) -> bool:
        refs.append(copy.ref)
        return failing[0]

    outbox.endpoints.answer = lambda copy: down_until(DAY, copy.to)(copy) if answer(copy) else down_until(0)(copy)
    await outbox.add("7", to=FIRST)
    await outbox.add("7", to=TWIN)
    outbox.start()
    await outbox.pass_(MINUTE)
    assert len(set(refs)) == 1, "the second waits for the first"
    failing.clear()
    failing.append(False)
    await outbox.pass_(HOUR)
    assert [copy.ref for copy in outbox.endpoints.arrived] == [row.ref for row in await outbox.deliveries()]


async def test_what_waits_for_a_channel_that_is_gone_holds_up_no_other_channel_of_its_url(outbox: Outbox) -> None:
    """It cannot be sent: the order's next message must not wait for a day."""
    outbox.serve(FIRST)
    await outbox.add("7", to=TWIN)
    await outbox.add("7", to=FIRST)
    outbox.start()
    await outbox.pass_(0)
    assert arrived(outbox) == [("ops", "7")]
    assert [str(row.state) for row in await outbox.deliveries()] == ["waiting", "sent"]


# What is said of it


async def test_what_waits_for_a_channel_that_is_gone_is_said_once_and_again_when_it_is_buried(outbox: Outbox) -> None:
    outbox.serve()
    await outbox.add("1", "2")
    with capture_logs() as logs:
        outbox.start()
        await outbox.pass_(DAY + MINUTE)
    waits = [
        (line["log_level"], line["channel"], line["deliveries"]) for line in logs if line["event"] == "delivery_waits"
    ]
    assert waits == [("warning", "ops", 2)]
    dead = [line for line in logs if line["event"] == "delivery_dead"]
    assert [(line["ref"], line["channel"]) for line in dead] == [(r.ref, "ops") for r in await outbox.deliveries()]
    assert dead[0]["reason"] == "waits: the configuration has no channel ops"


async def test_what_waits_once_more_is_said_once_more(outbox: Outbox) -> None:
    outbox.start()
    with capture_logs() as logs:
        for _ in range(2):
            outbox.serve()
            await outbox.deliver("1")
            outbox.serve(OPS)
            await outbox.pass_(0)
    assert sum(line["event"] == "delivery_waits" for line in logs) == 2


# A hung send


async def test_a_hung_send_holds_up_its_url_until_it_has_ended(outbox: Outbox) -> None:
    outbox.endpoints.hung[OPS] = ended = asyncio.Event()
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(HOUR)
    assert outbox.endpoints.tried == []
    ended.set()
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1"]


async def test_a_hung_send_holds_up_nothing_once_a_reload_has_replaced_its_url(outbox: Outbox) -> None:
    outbox.serve(FIRST)
    outbox.endpoints.hung[FIRST] = asyncio.Event()
    outbox.start()
    await outbox.deliver("1", to=FIRST)
    outbox.serve(REPLACED)
    await outbox.pass_(1)
    assert [(copy.to, copy.order) for copy in outbox.endpoints.arrived] == [(REPLACED, "1")]


async def test_a_hung_send_holds_up_nothing_once_a_reload_has_changed_its_password(outbox: Outbox) -> None:
    """The URL stays the same lane; its line at the sender is a new one."""
    outbox.endpoints.hung[OPS] = asyncio.Event()
    outbox.start()
    await outbox.deliver("1")
    outbox.endpoints.hung.clear()
    outbox.serve(OPS)
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1"]
