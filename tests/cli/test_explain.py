"""`explain`: what became of an order and why, for people and for machines."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from typed import Hook, Keyboard, Typed

from monitor.diff import Change
from monitor.model import Known, Order
from monitor.simulator.server import Simulator
from monitor.simulator.world import World
from monitor.store.base import Transaction
from monitor.store.sqlite import SqliteStore

SEEN = datetime(2026, 4, 11, 8, tzinfo=UTC)
ROUTES = """
routes:
  - {{name: fraud, when: {{to: fraud}}, channels: [ops]}}
  - {{name: dear, when: {{min_total: {{USD: 1000}}}}, channels: [ops]}}
  - {{name: rest, when: {{event: [status_changed, appeared]}}, channels: [ops]}}
"""
CONFIG = """
sources: {{shop: {{type: opterius, url: "{shop}", token: simulator-token}}}}
channels: {{ops: {{url: "{ops}"}}}}
"""


@pytest.fixture
async def routed(keyboard: Keyboard, hook: Hook) -> AsyncIterator[World]:
    """A shop after its baseline, with three routes to one channel."""
    async with Simulator(World()) as simulator:
        keyboard.file.write_text((CONFIG + ROUTES).format(shop=simulator.url, ops=hook.url))
        simulator.world.place(id=88, total=4900)
        await keyboard.beside("poll")
        yield simulator.world


async def test_an_order_of_the_baseline_says_so_and_that_nothing_has_happened(
    keyboard: Keyboard, routed: World
) -> None:
    typed = await keyboard.beside("explain", "shop", "ORD-0088")
    assert (typed.code, typed.err) == (0, "")
    assert typed.out.startswith("shop ORD-0088: pending\n")
    assert re.search(r"first seen .* UTC, as it was then: its baseline", typed.out)
    assert "Nothing has happened to it since." in typed.out


async def test_each_event_names_what_was_sent_and_why_nothing_else_was(
    keyboard: Keyboard, routed: World, hook: Hook
) -> None:
    hook.status = 503
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    hook.status = 200
    routed.set_status(88, "active")
    await keyboard.beside("poll")
    first, second = _events(await keyboard.beside("explain", "shop", "88"))
    assert "status_changed: pending → fraud" in first
    assert re.search(r"fraud: to ops: will be tried again at .* UTC: 503 Service Unavailable, ref \w{4}", first)
    assert re.search(r"attempt 1 .* UTC: 503 Service Unavailable", first)
    assert "dear: not wanted: min_total: USD 1000 — it is USD 49" in first
    assert "rest: not to ops: fraud leads there already" in first
    assert "fraud: not wanted: to: fraud — it became active" in second


async def test_a_new_order_is_told_from_one_of_the_baseline(keyboard: Keyboard, routed: World) -> None:
    routed.place(id=89)
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "ORD-0089")
    assert "as a new order" in typed.out
    assert "fraud: not wanted: event: status_changed — it is appeared" in typed.out


async def test_a_vanished_order_says_since_when(keyboard: Keyboard, routed: World) -> None:
    for number in range(1, 20):
        routed.place(id=number)
    await keyboard.beside("poll")
    routed.delete(88)
    await keyboard.beside("poll")
    assert "the last look lacked it" in (await keyboard.beside("explain", "shop", "88")).out
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88")
    assert re.search(r"^  vanished .* UTC$", typed.out, re.MULTILINE)
    assert "no route leads it anywhere" not in typed.out
    assert "rest: not wanted: event: status_changed or appeared — it is vanished" in typed.out


async def test_what_was_decided_then_stands_beside_what_today_says(keyboard: Keyboard, routed: World) -> None:
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    before = keyboard.file.read_text()
    keyboard.file.write_text(before.replace("name: fraud, when: {to: fraud}", "name: alarm, when: {to: [fraud]}"))
    (said,) = _events(await keyboard.beside("explain", "shop", "88"))
    then, _, today = said.partition("the configuration of today says otherwise:")
    assert "fraud: to ops: sent" in then
    assert "alarm: to ops" in today
    (document,) = (await keyboard.beside("explain", "shop", "88", "--json")).json
    (event,) = document["events"]
    assert event["today_agrees"] is False
    assert [one["route"] for one in event["decided"]] == ["fraud", "rest"]
    assert [one["part"] for one in event["today"]] == ["tells", "refuses", "superseded"]


async def test_a_route_after_one_that_stops_was_not_asked(keyboard: Keyboard, routed: World) -> None:
    keyboard.file.write_text(keyboard.file.read_text().replace("to: fraud}", "to: fraud}, stop: true"))
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88")
    assert "rest: was not asked: fraud stops the search" in typed.out


async def test_what_waits_together_says_until_when_and_with_how_many(keyboard: Keyboard, routed: World) -> None:
    text = keyboard.file.read_text()
    keyboard.file.write_text(text.replace("to: fraud}", "to: fraud}, group: {by: [source], wait: 5m}"))
    for number in (1, 2):
        routed.place(id=number)
    await keyboard.beside("poll")
    for number in (1, 2, 88):
        routed.set_status(number, "fraud")
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88")
    assert re.search(r"fraud: to ops: waits for others to join it until .* UTC, .* with 2 other events", typed.out)


async def test_what_was_held_and_dropped_says_why(keyboard: Keyboard, routed: World) -> None:
    keyboard.file.write_text(keyboard.file.read_text().replace("to: fraud}", "to: fraud}, for: 1h"))
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88")
    assert re.search(r"fraud: to ops: waits until .* UTC to see whether the order stays as it is", typed.out)
    routed.set_status(88, "active")
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88")
    assert re.search(r"fraud: to ops: dropped .* UTC: the order became active before this was to be told", typed.out)


async def test_what_a_silence_muted_says_which_and_why(keyboard: Keyboard, routed: World, hook: Hook) -> None:
    await keyboard.beside("silence", "add", "--source", "shop", "--for", "2h", "--reason", "migration")
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    assert hook.titles == []
    typed = await keyboard.beside("explain", "shop", "88")
    assert "fraud: not to ops: muted by silence 1 (migration)" in typed.out
    assert "says otherwise" not in typed.out


async def test_an_unknown_order_is_said_with_near_ones(keyboard: Keyboard, routed: World) -> None:
    for order, near in (("0088", "ORD-0088"), ("ORD-088", "ORD-0088"), ("ord0088", "ORD-0088")):
        typed = await keyboard.beside("explain", "shop", order)
        assert (typed.code, typed.out) == (1, "")
        assert typed.err == f"shop: no order {order} was ever seen; did you mean {near}?\n"
    typed = await keyboard.beside("explain", "shop", "xyz")
    assert (typed.code, typed.err) == (1, "shop: no order xyz was ever seen\n")


async def test_an_unknown_source_is_bad_usage(keyboard: Keyboard, routed: World) -> None:
    typed = await keyboard.beside("explain", "shpo", "88")
    assert (typed.code, typed.out) == (2, "")
    assert typed.err == f"{keyboard.file}: sources.shpo: no such source, did you mean shop?\n"


async def test_several_orders_of_one_number_are_told_apart_by_their_ids(keyboard: Keyboard, routed: World) -> None:
    def save(tx: Transaction) -> None:
        orders = [Order(order_id, "pending", number="SAME") for order_id in ("5", "6")]
        tx.save_orders("shop", [Change(Known(order, 1, SEEN, SEEN), new=True) for order in orders], {})

    store = SqliteStore.open(keyboard.file.parent / "order-monitor.db")
    await store.transact(save)
    await store.aclose()
    typed = await keyboard.beside("explain", "shop", "SAME")
    assert (typed.code, typed.err) == (1, "shop: several orders are called SAME; name one by its id: 5, 6\n")
    assert (await keyboard.beside("explain", "shop", "6")).out.startswith("shop SAME: pending\n  id            6\n")


async def test_an_order_that_is_forgotten_still_has_its_story(keyboard: Keyboard, routed: World) -> None:
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    async with Simulator(World()) as other:
        was = re.search(r"http://127.0.0.1:\d+", keyboard.file.read_text())
        assert was is not None
        keyboard.file.write_text(keyboard.file.read_text().replace(was[0], other.url))
        other.world.place(id=1)
        await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88")
    assert typed.out.startswith("shop 88: not known any more\n")
    assert "pending → fraud" in typed.out


async def test_the_document_has_all_and_no_url(keyboard: Keyboard, routed: World, hook: Hook) -> None:
    routed.set_status(88, "fraud")
    await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88", "--json")
    (document,) = typed.json
    assert (document["source"], document["id"], document["number"]) == ("shop", "88", "ORD-0088")
    (event,) = document["events"]
    assert (event["kind"], event["before"]["status"], event["order"]["status"]) == (
        "status_changed",
        "pending",
        "fraud",
    )
    (message,) = event["messages"]
    assert (message["channel"], message["state"], message["other_events"]) == ("ops", "sent", 0)
    assert [attempt["delivered"] for attempt in message["attempts_said"]] == [True]
    assert message.keys().isdisjoint({"url", "fence"})
    assert "127.0.0.1" not in typed.out
    assert "simulator-token" not in typed.out


async def test_only_the_newest_events_are_text(keyboard: Keyboard, routed: World) -> None:
    for status in ("active", "fraud"):
        routed.set_status(88, status)
        await keyboard.beside("poll")
    typed = await keyboard.beside("explain", "shop", "88", "--limit", "1")
    assert "… the newest 1 of 2 events; --limit N shows more, --json all" in typed.out
    assert "pending → active" not in typed.out


async def test_what_an_order_is_called_cannot_command_the_terminal(keyboard: Keyboard, routed: World) -> None:
    routed.place(id=7, number="\x1b[2Jevil")
    await keyboard.beside("poll")
    assert "\x1b" not in (await keyboard.beside("explain", "shop", "7")).out


def _events(typed: Typed) -> list[str]:
    """The part of each event."""
    return typed.out.split("\n\n")[1:]
