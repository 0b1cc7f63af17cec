"""Outages that outlast a day, or a process."""

from __future__ import annotations

from outbox import DAY, FAILED, HOUR, MINUTE, SENT, Outbox, down_until

from monitor.model import Outcome


async def test_of_many_messages_to_a_url_that_is_down_for_good_none_outlives_its_day(outbox: Outbox) -> None:
    """The URL is tried some hundred times a day: with as many messages, each of them less often than once."""
    outbox.endpoints.answer = down_until(3 * DAY)
    outbox.start()
    await outbox.deliver(*map(str, range(200)))
    await outbox.pass_(DAY - 1)
    assert set((await outbox.states()).values()) == {"waiting"}
    await outbox.pass_(HOUR)
    assert set((await outbox.states()).values()) == {"dead"}


async def test_after_a_restart_the_day_is_not_over_at_the_first_failure(outbox: Outbox) -> None:
    await outbox.add("1", "2")
    outbox.clock.passed = 2 * DAY
    outbox.endpoints.answer = down_until(2 * DAY + 3 * MINUTE)
    outbox.start()
    await outbox.pass_(HOUR)
    assert await outbox.states() == {"1": "sent", "2": "sent"}


async def restarted_in_outage(outbox: Outbox, failure: Outcome) -> float:
    """A message has waited for hours when the process is exchanged; when it is due."""
    outbox.endpoints.answer = lambda copy: failure
    outbox.start()
    await outbox.deliver("1")
    while outbox.clock.passed < 5 * HOUR or outbox.endpoints.tried[-1].at < outbox.clock.passed - 1:
        await outbox.pass_(outbox.clock.next_wake - outbox.clock.passed)
    await outbox.loop.stop(1)
    outbox.loop = outbox.new_loop()
    outbox.endpoints.answer = lambda copy: SENT
    outbox.start()
    await outbox.pass_(1)
    assert outbox.endpoints.orders() == []
    await outbox.deliver("2")
    return (await outbox.deliveries())[0].due_at.timestamp() - outbox.clock.now().timestamp()


async def test_an_outage_that_a_restart_interrupted_ends_with_the_first_success(outbox: Outbox) -> None:
    await restarted_in_outage(outbox, FAILED)
    assert outbox.endpoints.orders() == ["2", "1"]


async def test_an_endless_wish_is_no_trouble_to_the_state(outbox: Outbox) -> None:
    endless = Outcome(delivered=False, status=429, retry_after=float("inf"))
    outbox.endpoints.answer = lambda copy: endless if copy.at < 1 else SENT
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(6 * HOUR)
    assert outbox.endpoints.orders() == ["1"]


async def test_what_the_endpoint_asked_to_wait_for_is_not_hastened_by_a_restart(outbox: Outbox) -> None:
    due_in = await restarted_in_outage(outbox, Outcome(delivered=False, status=429, retry_after=2 * HOUR))
    assert outbox.endpoints.orders() == ["2"]
    assert due_in > HOUR
    await outbox.pass_(due_in)
    assert outbox.endpoints.orders() == ["2", "1"]
