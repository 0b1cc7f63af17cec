"""The delivery loop against a real state: what it sends, when, and in which order."""

from __future__ import annotations

from itertools import pairwise

from outbox import (
    DAY,
    FAILED,
    HOUR,
    MAIL,
    MINUTE,
    OPS,
    REFUSED,
    SENT,
    Endpoints,
    Outbox,
    down_until,
    poison,
)

from monitor.model import DeliveryState, Destination, Message, Outcome

# What is sent, and in which order


async def test_a_message_is_sent_as_soon_as_the_loop_is_woken(outbox: Outbox) -> None:
    outbox.start()
    await outbox.deliver("1")
    assert outbox.endpoints.orders() == ["1"]
    assert await outbox.states() == {"1": "sent"}
    assert outbox.clock.passed == 0


async def test_what_waited_in_the_state_is_sent_at_the_start(outbox: Outbox) -> None:
    await outbox.add("1", "2")
    outbox.start()
    await outbox.pass_(0)
    assert outbox.endpoints.orders() == ["1", "2"]


async def test_what_another_process_made_due_is_noticed_within_a_minute(outbox: Outbox) -> None:
    """`deliveries retry` beside the daemon cannot wake it."""
    outbox.start()
    await outbox.pass_(0)
    await outbox.add("1")
    await outbox.pass_(MINUTE)
    assert outbox.endpoints.orders() == ["1"]


async def test_each_send_is_settled_before_the_next_to_that_url(outbox: Outbox) -> None:
    during: list[list[str]] = []

    class Watching(Endpoints):
        async def send(self, destination: Destination, message: Message) -> Outcome:
            during.append([str(row.state) for row in await outbox.deliveries()])
            return await super().send(destination, message)

    outbox.loop.refit(outbox.outfit(sender=Watching(outbox.clock)))
    await outbox.add(*"123")
    outbox.start()
    await outbox.pass_(0)
    assert during == [["sending", "waiting", "waiting"], ["sent", "sending", "waiting"], ["sent", "sent", "sending"]]


async def test_messages_about_one_order_never_overtake_each_other(outbox: Outbox) -> None:
    """The first of them fails for hours and others pass; the second waits until the first has come through."""
    held_back = {"7": True}
    outbox.endpoints.answer = lambda copy: FAILED if held_back.get(copy.order) else SENT
    outbox.start()
    await outbox.deliver("7")
    await outbox.deliver("7", "8")
    await outbox.pass_(HOUR)
    await outbox.deliver("7", "9")
    await outbox.pass_(HOUR)
    assert outbox.endpoints.orders() == ["8", "9"]
    held_back.clear()
    await outbox.pass_(HOUR)
    refs = [row.ref for row in await outbox.deliveries() if row.order_id == "7"]
    assert [copy.ref for copy in outbox.endpoints.arrived if copy.order == "7"] == refs


async def test_a_dead_first_message_frees_the_orders_next(outbox: Outbox) -> None:
    answers = iter([REFUSED, SENT])
    outbox.endpoints.answer = lambda copy: next(answers)
    outbox.start()
    await outbox.deliver("7", "7")
    assert [str(row.state) for row in await outbox.deliveries()] == ["dead", "sent"]


# One URL and the others


async def test_one_url_that_fails_delays_no_other(outbox: Outbox) -> None:
    outbox.endpoints.answer = down_until(DAY, MAIL)
    outbox.start()
    for order in "123":
        await outbox.add(order, to=MAIL)
        await outbox.deliver(order)
        assert outbox.endpoints.orders(OPS)[-1] == order
        await outbox.pass_(1)
    assert outbox.endpoints.orders(MAIL) == []


async def test_one_url_that_hangs_delays_no_other(outbox: Outbox) -> None:
    hung = outbox.endpoints.hold(MAIL)
    outbox.start()
    await outbox.add("1", "2", to=MAIL)
    await outbox.deliver("1", "2")
    assert outbox.endpoints.orders(OPS) == ["1", "2"]
    assert [copy.order for copy in outbox.endpoints.tried if copy.to == MAIL] == ["1"]
    hung.set()
    await outbox.pass_(0)
    assert outbox.endpoints.orders(MAIL) == ["1", "2"]


async def test_two_urls_of_one_channel_are_apart(outbox: Outbox) -> None:
    second = Destination("ops", 2, "c0")
    outbox.endpoints.destinations.add(second)
    outbox.loop.refit(outbox.outfit())
    outbox.endpoints.answer = down_until(DAY, OPS)
    outbox.start()
    await outbox.add("1", to=OPS)
    await outbox.deliver("1", to=second)
    assert outbox.endpoints.orders(second) == ["1"]


# Failures that may pass


async def test_a_passing_failure_is_retried_within_seconds_at_first(outbox: Outbox) -> None:
    outbox.endpoints.answer = down_until(3)
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(10)
    assert [copy.at for copy in outbox.endpoints.tried] == [0, 2, 6]
    assert await outbox.states() == {"1": "sent"}


async def test_a_url_that_is_down_is_tried_in_the_first_minutes_every_minute(outbox: Outbox) -> None:
    outbox.endpoints.answer = down_until(DAY)
    outbox.start()
    await outbox.deliver(*map(str, range(20)))
    await outbox.pass_(10 * MINUTE)
    times = [copy.at for copy in outbox.endpoints.tried]
    assert max(after - before for before, after in pairwise(times)) < MINUTE
    assert len(times) < 25, "and the rest between two tries is the URL's, however many messages wait"


async def test_the_endpoints_wish_holds_for_all_its_messages(outbox: Outbox) -> None:
    limited = Outcome(delivered=False, status=429, retry_after=300.0)
    outbox.endpoints.answer = lambda copy: limited if copy.at < 300 else SENT
    outbox.start()
    await outbox.deliver("1", "2")
    await outbox.pass_(100)
    await outbox.deliver("3")
    await outbox.pass_(199)
    assert len(outbox.endpoints.tried) == 1
    await outbox.pass_(1)
    assert sorted(outbox.endpoints.orders()) == ["1", "2", "3"]


async def test_recovery_sends_at_once_what_waited(outbox: Outbox) -> None:
    outbox.endpoints.answer = down_until(HOUR)
    outbox.start()
    await outbox.deliver(*map(str, range(30)))
    while not outbox.endpoints.arrived:
        await outbox.pass_(1)
    assert outbox.clock.passed - HOUR < 15 * MINUTE
    assert len(outbox.endpoints.arrived) == 30
    assert {copy.at for copy in outbox.endpoints.arrived} == {outbox.endpoints.arrived[0].at}


async def test_after_a_reload_a_new_message_shows_that_the_url_answers_and_what_waited_follows_at_once(
    outbox: Outbox,
) -> None:
    """Somebody has mended the URL and the configuration: what waits has minutes of its own back-off before it."""
    outbox.endpoints.answer = down_until(5 * HOUR)
    outbox.start()
    await outbox.deliver("1")
    while outbox.clock.passed < 5 * HOUR:
        await outbox.pass_(1)
        if outbox.endpoints.tried[-1].at > 5 * HOUR - 5 * MINUTE:
            break
    outbox.endpoints.answer = lambda copy: SENT
    outbox.loop.refit(outbox.outfit())
    await outbox.pass_(1)
    assert outbox.endpoints.orders() == []
    await outbox.deliver("2")
    assert outbox.endpoints.orders() == ["2", "1"]


async def test_a_url_that_is_down_for_good_leads_to_dead_letters_after_the_day(outbox: Outbox) -> None:
    outbox.endpoints.answer = down_until(3 * DAY)
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(DAY - 1)
    assert await outbox.states() == {"1": "waiting"}
    await outbox.pass_(HOUR)
    (row,) = await outbox.deliveries()
    assert (row.state, row.last_error) == (DeliveryState.DEAD, "503 Service Unavailable")


async def test_a_permanent_failure_is_dead_at_once_and_the_next_message_is_sent(outbox: Outbox) -> None:
    outbox.endpoints.answer = poison("1", outcome=REFUSED)
    outbox.start()
    await outbox.deliver("1", "2")
    assert await outbox.states() == {"1": "dead", "2": "sent"}
    assert outbox.clock.passed == 0


async def test_a_dead_letter_can_be_sent_again(outbox: Outbox) -> None:
    outbox.endpoints.answer = lambda copy: REFUSED if copy.at < 60 else SENT
    outbox.start()
    await outbox.deliver("1")
    await outbox.pass_(2 * MINUTE)
    now = outbox.clock.now()
    await outbox.store.inner.transact(lambda tx: tx.resurrect(None, now))
    await outbox.pass_(MINUTE)
    assert await outbox.states() == {"1": "sent"}
