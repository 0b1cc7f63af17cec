"""Messages carry what a source says of one order alone: fetched once, never waited for long, never kept on a disk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from enriched import CountingStore, Stage

from monitor.delivery import enrichment
from monitor.delivery.detail_reader import LARGEST
from monitor.delivery.enrichment import CROWD, FAULT, GONE, HOLD_S, LATE
from monitor.model import Message
from monitor.polling import telling
from monitor.simulator.dialect import Reply
from monitor.simulator.faults import Failure, Fault, LoginPage, NoSuccess, Truncated
from monitor.sources.hostup import Hostup

CANARIES = ("Quilla", "quilla")


@pytest.fixture
async def stage(tmp_path: Path, empty_state: Path, logs_put_back: None) -> AsyncIterator[Stage]:
    shutil.copy(empty_state, tmp_path / "state.db")
    async with Stage(tmp_path) as made:
        yield made


class Padded(Fault, frozen=True, kw_only=True):
    """The answer is right, and larger than one about a single order should be."""

    def sent(self, reply: Reply) -> Reply:
        return msgspec.structs.replace(reply, body=reply.body + b" " * LARGEST)


class AnotherOrder(Fault, frozen=True, kw_only=True):
    """The answer is about another order than the one that was asked for."""

    def sent(self, reply: Reply) -> Reply:
        answer = msgspec.json.decode(reply.body)
        answer["data"]["order"]["id"] = 99
        return msgspec.structs.replace(reply, body=msgspec.json.encode(answer))


def without(message: Message) -> str | None:
    """Why the message says that it has no details."""
    said = [line for line in message.small if line.startswith("Without details: ")]
    assert len(said) <= 1
    return said[0].removeprefix("Without details: ").removesuffix(".") if said else None


def seeking() -> list[asyncio.Task[object]]:
    """What is at work to fetch details."""
    return [task for task in asyncio.all_tasks() if task.get_name().startswith("details")]


def hurry(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.2) -> None:
    """Details are sought for no longer than this."""
    monkeypatch.setattr(enrichment, "FETCH_S", seconds)


# What a message carries


async def test_a_message_carries_what_the_detail_source_says_of_the_order(stage: Stage) -> None:
    stage.world.set_status(1, "active")
    await stage.poll()
    (message,) = stage.inbox.about("ORD-0001")
    assert message.text is not None
    assert message.text.splitlines()[2:] == [
        "Invoice 50001: Unpaid",
        "Payment: Stripe",
        "VPS 2 GB (vps.example.com): Pending",
        "Age: 3 days 4 h",
    ]
    assert without(message) is None


async def test_a_list_source_that_shows_single_orders_needs_no_other(stage: Stage) -> None:
    stage.store_world.set_status(2, "completed")
    await stage.poll()
    (message,) = stage.inbox.about("store")
    assert "Payment: Stripe" in message.body.splitlines()


async def test_followed_orders_have_their_customer_too(stage: Stage) -> None:
    """The poll has read everything, and kept nothing of the customer."""
    await stage.follow("2")
    stage.world.set_status(2, "active")
    await stage.poll()
    (message,) = stage.inbox.about("hosting", "mail")
    assert message.customer[0] == "Customer: Quilla Customer, Quillaworks Ltd"


async def test_a_channel_gets_of_the_customer_what_its_privacy_allows(stage: Stage) -> None:
    stage.world.set_status(1, "active")
    await stage.poll()
    assert stage.inbox.about("ORD-0001", "mail")[0].customer[0] == "Customer: Quilla Customer, Quillaworks Ltd"
    assert stage.inbox.about("ORD-0001", "ops")[0].customer[0] == "Customer: Q··· C···, Q··· L··"


async def test_details_are_fetched_once_for_all_channels(stage: Stage) -> None:
    stage.world.set_status(1, "active")
    await stage.poll()
    assert len(stage.inbox.sent) == 2
    assert stage.hosting.request_count == 1


async def test_several_events_of_one_order_in_one_look_share_what_is_fetched(stage: Stage) -> None:
    await stage.follow("2")
    stage.world.set_status(2, "active")
    stage.world.change(2, invoice_status="Paid")
    before = stage.hosting.request_count
    await stage.poll()
    assert ["Invoice 50002: Paid" in message.body for message in stage.inbox.about("hosting")] == [True, True]
    assert stage.hosting.request_count - before == 2, "the poll's own and one more"


async def test_nothing_is_fetched_for_what_is_gone_or_goes_nowhere(stage: Stage) -> None:
    stage.world.delete(3)
    stage.world.change(2, total=5)
    for _ in range(2):
        await stage.poll()
    (message,) = stage.inbox.about("Vanished")
    assert without(message) is None
    assert stage.hosting.request_count == 0


# Going without


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Failure(code=500), "the source could not answer"),
        (Failure(code=404), "the source did not find the order"),
        (Failure(code=401), "the source refused to show them"),
        (NoSuccess(), "the source's answer was no use"),
        (LoginPage(), "the source's answer was no use"),
        (Truncated(), "the source could not be reached"),
        (Padded(), "the source's answer was too large"),
        (AnotherOrder(), "the source's answer was no use"),
    ],
)
async def test_a_source_that_fails_leaves_the_message_without(stage: Stage, fault: Fault, reason: str) -> None:
    stage.hosting.faults.set(fault)
    stage.clock.skips = True
    stage.world.set_status(1, "active")
    await stage.poll()
    (message,) = stage.inbox.about("ORD-0001")
    assert without(message) == reason
    assert stage.clock.ahead < timedelta(seconds=5), "what fails at once is not waited for"
    assert '"details_missing"' in stage.logs.getvalue()


async def test_a_source_that_is_asked_too_often_is_not_waited_for(stage: Stage) -> None:
    """A message waits 10 s at most: a Retry-After of more cannot be honoured by waiting, and what it said is told."""
    stage.hosting.faults.set(Failure(code=429, retry_after="30"))
    stage.clock.skips = True
    stage.world.set_status(1, "active")
    await stage.poll()
    (message,) = stage.inbox.about("ORD-0001")
    assert without(message) == "the source is asked too often"
    assert stage.clock.ahead < timedelta(seconds=5)


async def test_no_more_of_an_answer_is_read_than_it_may_have(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[int] = []
    monkeypatch.setattr(Hostup, "decode_details", lambda _, answer: decoded.append(len(answer.body)))
    stage.hosting.faults.set(Padded())
    stage.world.set_status(1, "active")
    await stage.poll()
    (message,) = stage.inbox.about("ORD-0001")
    assert without(message) == "the source's answer was too large"
    assert decoded == []


async def test_a_failure_that_passes_costs_nothing(stage: Stage) -> None:
    stage.hosting.faults.set(Failure(code=502, times=2))
    stage.clock.skips = True
    stage.world.set_status(1, "active")
    await stage.poll()
    (message,) = stage.inbox.about("ORD-0001")
    assert without(message) is None
    assert "Payment: Stripe" in message.body


async def test_an_answer_that_does_not_come_is_not_waited_for(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    stage.hosting.hold = asyncio.Event()
    stage.world.set_status(1, "active")
    await stage.poll()
    assert [without(message) for message in stage.inbox.about("ORD-0001")] == [LATE]
    assert await stage.app.deliveries.drain()
    assert len(stage.inbox.sent) == 2, "and what comes later sends nothing again"


async def test_a_bug_in_an_adapter_loses_no_message_and_tells_no_log(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        raise ValueError("not a number: Quilla Customer")

    monkeypatch.setattr(Hostup, "decode_details", decode)
    stage.world.set_status(1, "active")
    await stage.poll()
    assert [without(message) for message in stage.inbox.about("ORD-0001")] == [FAULT]
    assert '"fault": "ValueError"' in stage.logs.getvalue()
    assert "Quilla" not in stage.logs.getvalue()


# Nobody waits for a source


async def test_a_detail_source_that_hangs_delays_no_other_source_on_the_same_channel(stage: Stage) -> None:
    hanging = stage.hosting.hold = asyncio.Event()
    async with stage.delivering():
        stage.world.set_status(1, "active")
        polling = asyncio.create_task(stage.app.poll_all())
        await stage.hosting.wait_for_requests(1)
        stage.blog_world.set_status(3, "fraud")
        await asyncio.create_task(stage.app._poll("blog"))
        await stage.inbox.wait_for("blog")
        assert stage.inbox.about("ORD-0001") == []
        hanging.set()
        (message,) = await stage.inbox.wait_for("ORD-0001")
        await polling
    assert "Payment: Stripe" in message.body


async def test_a_message_goes_as_soon_as_its_own_details_are_there(stage: Stage) -> None:
    """One order's answer hangs, the other's does not."""
    one_hangs = asyncio.Event()

    async with stage.delivering():
        stage.world.set_status(1, "active")
        stage.world.set_status(2, "active")
        stage.hosting.before_answer = lambda call: setattr(stage.hosting, "hold_reply", hold_of(call.path))

        def hold_of(path: str) -> asyncio.Event | None:
            return one_hangs if path.endswith("/1") else None

        polling = asyncio.create_task(stage.app.poll_all())
        await stage.inbox.wait_for("ORD-0002")
        assert stage.inbox.about("ORD-0001") == []
        one_hangs.set()
        await stage.inbox.wait_for("ORD-0001")
        await polling


async def test_messages_about_one_order_keep_their_order(stage: Stage) -> None:
    """The second one's details are there first."""
    first_hangs = stage.hosting.hold_reply = asyncio.Event()
    async with stage.delivering():
        stage.world.set_status(1, "active")
        polling = asyncio.create_task(stage.app.poll_all())
        await stage.hosting.wait_for_requests(1)
        stage.hosting.hold_reply = None
        stage.world.set_status(1, "fraud")
        await stage.app._poll("shop")
        await stage.hosting.wait_for_requests(2)
        first_hangs.set()
        await stage.inbox.wait_for("ORD-0001", 2)
        await polling
    assert ["Active" in message.title for message in stage.inbox.about("ORD-0001")] == [True, False]


async def test_a_storm_asks_the_source_little_and_waits_for_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_HELD", 2)
    stage.place(5)
    await stage.poll()
    reasons = [without(message) for message in stage.inbox.about("ORD-")]
    assert reasons == [None, None, CROWD, CROWD, CROWD]
    assert stage.hosting.request_count == 2
    held = [row.due_at - row.created_at for row in await stage.deliveries()]
    assert held[4:] == [timedelta(0)] * 6


async def test_what_waits_for_details_is_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enrichment, "MOST_WAITING", 1)
    stage.place(3)
    await stage.poll()
    assert [without(message) for message in stage.inbox.about("ORD-")] == [None, CROWD, CROWD]
    assert stage.hosting.request_count == 1


async def test_polls_keep_places_at_a_server_that_is_asked_for_details(stage: Stage) -> None:
    stage.hosting.hold = asyncio.Event()
    stage.place(20)
    polling = asyncio.create_task(stage.app.poll_all())
    await stage.hosting.wait_for_requests(enrichment.IN_FLIGHT)
    for _ in range(100):
        await asyncio.sleep(0)
    assert stage.hosting.request_count == enrichment.IN_FLIGHT
    stage.hosting.hold.set()
    await polling
    assert stage.hosting.request_count == 20


# A death, a stop, a reload


async def test_after_a_death_the_message_goes_when_it_was_to_go_at_the_latest(stage: Stage) -> None:
    """The deliveries are on the disk; who was to fetch their details is no more."""
    stage.hosting.hold = asyncio.Event()
    stage.world.set_status(1, "active")
    dying = asyncio.create_task(stage.app.poll_all())
    await stage.hosting.wait_for_requests(1)
    dying.cancel()
    await stage.stop()
    assert not seeking()
    await stage.start()
    await stage.app.deliveries.drain()
    assert stage.inbox.sent == []
    stage.clock.ahead += timedelta(seconds=HOLD_S)
    await stage.app.deliveries.drain()
    await stage.app.deliveries.drain()
    assert [without(message) for message in stage.inbox.about("ORD-0001")] == [GONE]
    assert stage.hosting.request_count == 1


async def test_a_stop_waits_for_no_details(stage: Stage) -> None:
    stage.hosting.hold = asyncio.Event()
    stop = asyncio.Event()
    stage.world.set_status(1, "active")
    running = asyncio.create_task(stage.app.run(stop))
    await stage.hosting.wait_for_requests(1)
    stop.set()
    async with asyncio.timeout(5):
        await running
    assert [str(row.state) for row in await stage.deliveries()] == ["waiting", "waiting"]
    assert not seeking()


async def test_after_a_reload_another_source_is_asked(stage: Stage) -> None:
    await stage.app.reload(stage.settings(detail="other"))
    stage.world.set_status(1, "active")
    await stage.poll()
    assert (stage.hosting.request_count, stage.other.request_count) == (0, 1)
    assert "Payment: Stripe" in stage.inbox.about("ORD-0001")[0].body


# Discretion, and costs


async def test_nothing_of_a_customer_is_stored_or_logged(stage: Stage) -> None:
    stage.world.set_status(1, "active")
    stage.store_world.set_status(2, "completed")
    await stage.poll()
    assert any("Quilla" in line for sent in stage.inbox.sent for line in sent.message.customer)
    await stage.stop()
    for canary in CANARIES:
        assert canary.encode() not in stage.state()
        assert canary not in stage.logs.getvalue()


async def test_details_are_forgotten_after_hours(stage: Stage) -> None:
    stage.world.set_status(1, "active")
    await stage.app.poll_all()
    stage.clock.ahead += timedelta(hours=3)
    await stage.app.keep_house()
    await stage.app.deliveries.drain()
    assert [without(message) for message in stage.inbox.about("ORD-0001")] == [GONE]
    assert all(sent.message.customer == () for sent in stage.inbox.sent)


async def test_a_source_without_details_pays_nothing(stage: Stage) -> None:
    counted = CountingStore(stage.app)
    stage.blog_world.set_status(3, "fraud")
    await stage.app._poll("blog")
    assert counted.transactions == 2, "the claim and the commit"
    assert {row.due_at - row.created_at for row in await stage.deliveries()} == {timedelta(0)}
    await stage.app.deliveries.drain()
    (message,) = stage.inbox.about("blog")
    assert without(message) is None


async def test_details_cost_one_transaction_for_all_that_come_together(stage: Stage) -> None:
    stage.hosting.hold_reply = asyncio.Event()
    stage.place(4)
    counted = CountingStore(stage.app)
    polling = asyncio.create_task(stage.app._poll("shop"))
    await stage.hosting.wait_for_requests(4)
    await polling
    before = counted.transactions
    stage.hosting.hold_reply.set()
    await stage.app.enrichment.done()
    assert counted.transactions - before <= 3
