"""Claims that nobody holds any more, texts that cannot be stored, and leaving in time whatever hangs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from outbox import MINUTE, OPS, Endpoints, Outbox

from monitor.errors import ChannelError, StateUnreachable
from monitor.model import Delivery, Destination, Event, Message, Outcome, Severity
from monitor.store.sqlite import SqliteStore

LONE = "Caf\ud83d"


# Claims that nobody holds


async def test_a_delivery_whose_channel_goes_while_the_state_fails_is_given_back_once_it_works(outbox: Outbox) -> None:
    class Breaking(Endpoints):
        async def send(self, destination: Destination, message: Message) -> Outcome:
            outbox.store.broken = True
            raise ChannelError("no such channel any more")

    outbox.loop.refit(outbox.outfit(sender=Breaking(outbox.clock)))
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(MINUTE)
    outbox.loop.refit(outbox.outfit())
    outbox.store.broken = False
    await outbox.pass_(10)
    assert outbox.endpoints.orders() == ["1"]


async def test_one_go_gives_back_what_it_cannot_send_however_long_the_state_fails(outbox: Outbox) -> None:
    """`poll` has no loop that would look again."""

    class Breaking(Endpoints):
        async def send(self, destination: Destination, message: Message) -> Outcome:
            outbox.store.broken = True
            raise ChannelError("no such channel any more")

    outbox.loop.refit(outbox.outfit(sender=Breaking(outbox.clock)))
    await outbox.add("1")
    draining = asyncio.create_task(outbox.loop.drain())
    await outbox.pass_(MINUTE)
    outbox.store.broken = False
    await outbox.pass_(10)
    await asyncio.gather(draining, return_exceptions=True)
    assert await outbox.states() == {"1": "waiting"}


async def test_what_this_process_claimed_and_no_lane_sends_is_given_back(outbox: Outbox) -> None:
    await outbox.add("1", "1")
    now = outbox.clock.now()
    await outbox.store.inner.transact(lambda tx: tx.claim_delivery([OPS], "tests", now))
    outbox.start()
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1", "1"]


async def test_what_another_process_claimed_is_left_to_it(outbox: Outbox) -> None:
    await outbox.add("1", "2")
    now = outbox.clock.now()
    await outbox.store.inner.transact(lambda tx: tx.claim_delivery([OPS], "another", now))
    outbox.start()
    await outbox.pass_(MINUTE)
    assert outbox.endpoints.orders() == ["2"]


async def test_what_a_lane_is_sending_is_not_given_back(outbox: Outbox) -> None:
    let_go = outbox.endpoints.hold(OPS)
    outbox.start()
    await outbox.deliver("1")
    for _ in range(3):
        outbox.loop.wake()
        await outbox.pass_(MINUTE)
    assert await outbox.states() == {"1": "sending"}
    let_go.set()
    await outbox.pass_(0)
    assert len(outbox.endpoints.tried) == 1


async def test_a_damaged_row_that_is_next_does_not_unsettle_what_was_sent(outbox: Outbox) -> None:
    """The next one is claimed in the transaction that settles the one before."""
    await outbox.add("1")
    outbox.start()
    await outbox.pass_(1)
    await outbox.add("2", "3")
    with sqlite3.connect(outbox.store.inner.path) as connection:
        connection.execute("UPDATE events SET doc = 'nonsense' WHERE order_id = '3'")
    outbox.loop.wake()
    await outbox.pass_(MINUTE)
    states = await outbox.store.inner.read(lambda tx: [delivery.state.value for delivery in tx.deliveries()])
    assert states == ["sent", "sent", "waiting"]
    assert [copy.order for copy in outbox.endpoints.tried] == ["1", "2"]


async def test_what_was_claimed_beside_a_settling_is_given_back_when_the_loop_stops(outbox: Outbox) -> None:
    outbox.start()
    await outbox.deliver("1")
    let_go = outbox.endpoints.hold(OPS)
    await outbox.deliver("2", "3")
    outbox.endpoints.hung[OPS] = asyncio.Event()
    let_go.set()
    await outbox.pass_(1)
    assert await outbox.states() == {"1": "sent", "2": "sent", "3": "sending"}
    await outbox.loop.stop(1)
    assert await outbox.states() == {"1": "sent", "2": "sent", "3": "waiting"}


# Texts that cannot be stored


async def test_half_a_character_in_a_message_is_replaced_and_the_message_sent_once(outbox: Outbox) -> None:
    def render(delivery: Delivery, event: Event, _: object) -> Message:
        return Message(LONE, LONE, Severity.INFO, delivery.ref)

    outbox.loop.refit(outbox.outfit(render))
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(MINUTE)
    assert [copy.order for copy in outbox.endpoints.tried] == ["Caf\ufffd"]
    assert [row.title for row in await outbox.deliveries()] == ["Caf\ufffd"]


async def test_half_a_character_in_an_endpoints_answer_is_replaced(outbox: Outbox) -> None:
    outbox.endpoints.answer = lambda copy: Outcome(delivered=copy.at > 1, reason=LONE)
    outbox.start()
    await outbox.deliver("1")
    assert (await outbox.deliveries())[0].last_error == "Caf\ufffd"
    await outbox.pass_(MINUTE)
    assert await outbox.states() == {"1": "sent"}


@pytest.mark.parametrize("value", [LONE, 1 << 64])
async def test_what_no_column_takes_is_an_error_of_the_state(outbox: Outbox, value: object) -> None:
    with pytest.raises(StateUnreachable):
        await outbox.store.inner.transact(lambda tx: tx._db.rows("SELECT :value", value=value))  # type: ignore[attr-defined]  # values that no operation writes


# Leaving in time


@contextmanager
def another_writer(path: Path) -> Iterator[None]:
    """A process that has begun to write and does not end."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def test_stop_does_not_wait_for_a_send_that_was_given_up_on(outbox: Outbox) -> None:
    outbox.endpoints.hung[OPS] = asyncio.Event()
    outbox.start()
    await outbox.deliver("1")
    async with asyncio.timeout(5):
        await outbox.loop.stop(60)
    assert await outbox.states() == {"1": "waiting"}


async def test_nothing_is_claimed_once_it_stops_although_the_line_is_free_now(outbox: Outbox) -> None:
    outbox.endpoints.hung[OPS] = ended = asyncio.Event()
    outbox.start()
    await outbox.deliver("1")
    ended.set()
    await outbox.loop.stop(60)
    assert outbox.endpoints.tried == []


async def test_stop_and_close_keep_the_deadline_though_another_process_holds_the_state(
    outbox: Outbox, tmp_path: Path
) -> None:
    """The loop looks, one lane wants to settle, and the state is closed: none of it may wait for that process."""
    outbox.endpoints.hold(OPS)
    outbox.start()
    running = outbox._running[0]
    await outbox.deliver("1")
    with another_writer(tmp_path / "state.db"):
        outbox.loop.wake()
        await asyncio.sleep(0.05)  # an asyncio sleep: until the look waits in its thread
        began = time.monotonic()
        await outbox.loop.stop(0.4)
        await running
        assert time.monotonic() - began < 0.6
        await outbox.store.aclose()
        assert time.monotonic() - began < 3


async def test_a_transaction_waits_for_another_process_that_writes(outbox: Outbox, tmp_path: Path) -> None:
    with another_writer(tmp_path / "state.db"):
        writing = asyncio.create_task(outbox.add("1"))
        await asyncio.wait([writing], timeout=0.6)
        assert not writing.done()
    await writing
    assert await outbox.states() == {"1": "waiting"}


async def test_a_state_that_is_read_while_it_closes_says_so(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "state.db")
    with another_writer(tmp_path / "state.db"):
        writing = asyncio.create_task(store.transact(lambda tx: tx.sources()))
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.aclose())
        with pytest.raises(StateUnreachable, match="locked"):
            await writing
        await closing
