"""The delivery loop when configuration, state or process go from under it."""

from __future__ import annotations

import asyncio

from outbox import (
    DAY,
    HOUR,
    MAIL,
    MINUTE,
    OPS,
    Endpoints,
    Outbox,
)
from structlog.testing import capture_logs

from monitor.model import DeliveryState

# Configuration that changes


async def test_a_gone_channels_deliveries_wait_visibly_and_are_sent_when_it_returns(outbox: Outbox) -> None:
    outbox.start()
    outbox.loop.refit(outbox.outfit(sender=Endpoints(outbox.clock, [MAIL])))
    await outbox.deliver("1")
    await outbox.pass_(HOUR)
    (row,) = await outbox.deliveries()
    assert (row.state, row.attempts) == (DeliveryState.WAITING, 0)
    assert row.last_error == "waits: the configuration has no channel ops"
    outbox.loop.refit(outbox.outfit())
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1"]


async def test_a_gone_channels_deliveries_are_buried_after_their_day(outbox: Outbox) -> None:
    outbox.start()
    outbox.loop.refit(outbox.outfit(sender=Endpoints(outbox.clock, [MAIL])))
    await outbox.deliver("1")
    await outbox.pass_(DAY - 1)
    assert await outbox.states() == {"1": "waiting"}
    await outbox.pass_(2 * MINUTE)
    (row,) = await outbox.deliveries()
    assert row.state is DeliveryState.DEAD
    assert row.last_error == "waits: the configuration has no channel ops"


async def test_a_send_in_flight_ends_under_the_old_outfit_and_the_next_uses_the_new_one(outbox: Outbox) -> None:
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1", "2")
    new = Endpoints(outbox.clock)
    outbox.loop.refit(outbox.outfit(sender=new))
    await outbox.pass_(0)
    let_go.set()
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1"]
    assert new.orders() == ["2"]
    assert await outbox.states() == {"1": "sent", "2": "sent"}


async def test_a_channel_that_goes_during_a_send_settles_that_send(outbox: Outbox) -> None:
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1", "2")
    outbox.loop.refit(outbox.outfit(sender=Endpoints(outbox.clock, [MAIL])))
    let_go.set()
    await outbox.pass_(MINUTE)
    assert await outbox.states() == {"1": "sent", "2": "waiting"}
    assert "no channel ops" in str((await outbox.deliveries())[1].last_error)


async def test_a_sender_that_knows_the_channel_no_more_leaves_the_delivery_as_it_was(outbox: Outbox) -> None:
    outbox.start()
    outbox.endpoints.destinations.clear()
    await outbox.deliver("1")
    (row,) = await outbox.deliveries()
    assert (row.state, row.attempts) == (DeliveryState.WAITING, 0)


# A state that cannot be used


async def test_a_state_that_fails_after_a_send_is_insisted_on_and_nothing_is_sent_twice(outbox: Outbox) -> None:
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1", "2")
    outbox.store.broken = True
    let_go.set()
    with capture_logs() as logs:
        await outbox.pass_(10 * MINUTE)
    assert [copy.order for copy in outbox.endpoints.tried] == ["1"]
    assert any(line["event"] == "state_unusable" for line in logs)
    outbox.store.broken = False
    await outbox.pass_(10)
    assert [copy.order for copy in outbox.endpoints.tried] == ["1", "2"]
    assert await outbox.states() == {"1": "sent", "2": "sent"}


async def test_a_state_that_fails_before_a_send_is_tried_again_soon_and_nothing_is_lost(outbox: Outbox) -> None:
    outbox.start()
    await outbox.pass_(0)
    outbox.store.broken = True
    await outbox.deliver("1")
    await outbox.pass_(MINUTE)
    assert outbox.endpoints.tried == []
    assert outbox.store.transactions < 20, "a broken state is no reason to spin"
    outbox.store.broken = False
    await outbox.pass_(10)
    assert outbox.endpoints.orders() == ["1"]


async def test_an_event_that_cannot_be_read_stops_nothing_else_and_does_not_spin(outbox: Outbox) -> None:
    await outbox.add("1", to=MAIL)
    await outbox.store.inner.transact(lambda tx: tx._db.run("UPDATE events SET doc = '{'"))  # type: ignore[attr-defined]  # damage that no operation does
    outbox.start()
    with capture_logs() as logs:
        await outbox.deliver("2")
        await outbox.pass_(MINUTE)
    assert outbox.endpoints.orders() == ["2"]
    assert outbox.store.transactions < 60
    assert any(line["log_level"] == "error" for line in logs)


# The end


async def test_stop_lets_a_send_in_flight_end_and_settles_it(outbox: Outbox) -> None:
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1", "2")
    stopping = asyncio.create_task(outbox.loop.stop(30))
    await outbox.pass_(0)
    assert not stopping.done()
    let_go.set()
    await stopping
    assert await outbox.states() == {"1": "sent", "2": "waiting"}
    assert [copy.order for copy in outbox.endpoints.tried] == ["1"]


async def test_stop_leaves_what_does_not_end_in_time_as_it_was(outbox: Outbox) -> None:
    outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1")
    before = (await outbox.deliveries())[0]
    await outbox.loop.stop(0.01)
    (row,) = await outbox.deliveries()
    assert (row.state, row.attempts, row.due_at) == (DeliveryState.WAITING, 0, before.due_at)


async def test_a_settling_that_has_begun_survives_the_deadline(outbox: Outbox) -> None:
    """The message has been sent: to drop the settling would send it again."""
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1")
    gate = asyncio.Event()
    blocked = asyncio.create_task(_block(outbox, gate))
    await asyncio.sleep(0)
    let_go.set()
    stopping = asyncio.create_task(outbox.loop.stop(0.05))
    await stopping
    gate.set()
    await blocked
    assert await outbox.states() == {"1": "sent"}


async def _block(outbox: Outbox, gate: asyncio.Event) -> None:
    """Keep the state's thread busy, so that the next transaction has to queue."""
    import threading

    held = threading.Event()
    gate_task = asyncio.ensure_future(gate.wait())
    gate_task.add_done_callback(lambda _: held.set())
    await outbox.store.inner.transact(lambda tx: held.wait(10))


async def test_stop_returns_although_the_state_cannot_be_written(outbox: Outbox) -> None:
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1")
    outbox.store.broken = True
    let_go.set()
    await outbox.pass_(1)
    async with asyncio.timeout(5):
        await outbox.loop.stop(0.05)


async def test_a_restart_after_a_stop_sends_what_was_left(outbox: Outbox) -> None:
    outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1", "2")
    await outbox.loop.stop(0.01)
    outbox.endpoints.held.clear()
    outbox.loop = outbox.new_loop()
    outbox.start()
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1", "2"]
