"""Messages that fail while others to the same URL succeed."""

from __future__ import annotations

from outbox import (
    MINUTE,
    Outbox,
    poison,
    title_only,
)
from structlog.testing import capture_logs

from monitor.errors import TemplateError
from monitor.model import Delivery, DeliveryState, Event, Message


async def test_a_poison_message_holds_up_the_others_for_seconds_only(outbox: Outbox) -> None:
    outbox.endpoints.answer = poison("0")
    outbox.start()
    await outbox.deliver(*map(str, range(10)))
    await outbox.pass_(3)
    assert outbox.endpoints.orders() == [str(number) for number in range(1, 10)]


async def test_a_few_poison_messages_hold_up_no_other_for_long(outbox: Outbox) -> None:
    outbox.endpoints.answer = poison("0", "1", "2")
    outbox.start()
    await outbox.deliver(*map(str, range(10)))
    await outbox.pass_(30)
    assert sorted(outbox.endpoints.orders()) == [str(number) for number in range(3, 10)]


async def test_poison_messages_hold_up_no_later_message_for_long(outbox: Outbox) -> None:
    """A new message a minute for half an hour, while ten that nobody accepts are tried again and again."""
    bad = [f"bad {number}" for number in range(10)]
    outbox.endpoints.answer = poison(*bad)
    outbox.start()
    await outbox.deliver(*bad)
    await outbox.pass_(10 * MINUTE)
    waits = []
    for number in range(30):
        sent_at = outbox.clock.passed
        await outbox.deliver(str(number))
        await outbox.pass_(MINUTE)
        waits += [copy.at - sent_at for copy in outbox.endpoints.arrived if copy.order == str(number)]
    assert len(waits) == 30, "each arrived within its minute"
    assert sorted(waits)[15] < 10


async def test_a_poison_message_keeps_its_own_back_off(outbox: Outbox) -> None:
    """The others' success is no reason to try it again at once each time."""
    outbox.endpoints.answer = poison("bad")
    outbox.start()
    await outbox.deliver("bad")
    for number in range(100):
        await outbox.deliver(str(number))
        await outbox.pass_(6)
    assert len(outbox.endpoints.orders()) == 100
    assert sum(copy.order == "bad" for copy in outbox.endpoints.tried) < 25


async def test_a_message_that_cannot_be_written_is_a_failed_attempt_and_holds_up_no_other(outbox: Outbox) -> None:
    def render(delivery: Delivery, event: Event, _: object) -> Message:
        if delivery.order_id == "1":
            raise TemplateError("nobody foresaw this order")
        return title_only(delivery, event)

    outbox.loop.refit(outbox.outfit(render))
    outbox.start()
    with capture_logs() as logs:
        await outbox.deliver("1", "2")
        await outbox.pass_(10)
    assert outbox.endpoints.orders() == ["2"]
    first = (await outbox.deliveries())[0]
    assert first.state is DeliveryState.WAITING
    assert first.attempts > 1
    assert "TemplateError" in str(first.last_error)
    assert any("nobody foresaw this order" in str(line.get("exc_info")) for line in logs)
