"""Stored events through other routes: the messages are those that the daemon would have made."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
import yaml

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.model import DeliveryState, Destination, EventKind, Order, OrderEvent, Outcome, Stuck
from monitor.polling.replay import ONE_LOOK, looks_of, replay
from monitor.polling.telling import Teller
from monitor.store.base import StoredEvent, Transaction
from monitor.store.sqlite import SqliteStore, scratch

NOON = datetime(2026, 4, 11, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
CHANNELS = {"ops": ["url-1"], "mail": ["url-2"]}
HOMES = (Destination("ops", 1, "url-1"), Destination("mail", 1, "url-2"))
Message = tuple[str, str, tuple[int, ...]]


def router(text: str) -> Router:
    routes = [RouteSettings.model_validate({"channels": ["ops"]} | entry) for entry in yaml.safe_load(text)]
    return Router(routes, CHANNELS)


def event(order_id: str, at: datetime, status: str = "fraud", revision: int = 2) -> OrderEvent:
    was, now = Order(order_id, "pending"), Order(order_id, status)
    return OrderEvent("shop", EventKind.STATUS_CHANGED, at, now, revision, before=was)


def stored(events: Iterable[OrderEvent], first: int = 1) -> list[StoredEvent]:
    return [StoredEvent(number, one, "{}") for number, one in enumerate(events, first)]


def replayed(text: str, events: Sequence[StoredEvent]) -> list[Message]:
    """The messages that would be, with the stored numbers of their events."""
    with scratch() as tx:
        numbers = replay(events, router(text), HOMES, tx)
        return messages(tx, numbers)


def messages(tx: Transaction, numbers: Sequence[int] | None = None) -> list[Message]:
    made: dict[int, list[int]] = {}
    of = {}
    for number, delivery in tx.told_between(NOON - timedelta(days=99)):
        if delivery.state is not DeliveryState.DROPPED:
            made.setdefault(delivery.id, []).append(numbers[number - 1] if numbers else number)
            of[delivery.id] = delivery
            assert delivery.state is DeliveryState.SENT
    return sorted((of[one].route, of[one].channel, tuple(events)) for one, events in made.items())


def test_events_keep_the_numbers_that_they_have_in_the_history() -> None:
    events = stored([event("1", NOON), event("2", NOON + MINUTE)], first=41)
    assert replayed("[{name: all}]", events) == [("all", "ops", (41,)), ("all", "ops", (42,))]


@pytest.mark.parametrize(
    ("timing", "groups"),
    [
        ("group: {by: [], wait: 30s, every: 5m}", [(1, 2), (3, 4)]),
        ("group: {by: [order], wait: 30s, every: 1s}", [(1,), (2,), (3,), (4,)]),
        ("digest: {daily: '12:01'}", [(1, 2), (3, 4)]),
        ("quiet: {from: '11:00', to: '12:05'}", [(1, 2, 3), (4,)]),
        ("storm: {over: 1, within: 1h}", [(1,), (2,), (3, 4)]),
    ],
)
def test_time_passes_as_it_did(timing: str, groups: list[tuple[int, ...]]) -> None:
    seconds = (0, 20, 120, 310)
    events = stored(event(str(n), NOON + s * SECOND) for n, s in enumerate(seconds, 1))
    assert [events for _, _, events in replayed(f"[{{name: all, {timing}}}]", events)] == groups


def test_what_moves_on_in_time_is_dropped() -> None:
    held = "[{name: all, when: {to: fraud}, for: 2m}]"
    soon = stored([event("1", NOON), event("1", NOON + MINUTE, "active", 3)])
    late = stored([event("1", NOON), event("1", NOON + 3 * MINUTE, "active", 3)])
    assert replayed(held, soon) == []
    assert replayed(held, late) == [("all", "ops", (1,))]


def test_the_end_of_being_stuck_is_told_to_whom_the_draft_told_it() -> None:
    text = "[{name: old, channels: [mail], when: {event: stuck, status: pending, after: 1d}}, {name: all}]"
    stuck = msgspec.structs.replace(event("1", NOON, "pending", 1), kind=EventKind.STUCK, stuck=Stuck("old"))
    events = stored([stuck, event("1", NOON + MINUTE, "active")])
    assert replayed(text, events) == [("all", "ops", (2,)), ("old", "mail", (1,)), ("old", "mail", (2,))]
    assert replayed("[{name: all}]", events) == [("all", "ops", (2,))]


def test_the_end_of_what_was_stuck_before_is_told_as_it_was() -> None:
    text = "[{name: old, channels: [mail], when: {event: stuck, status: pending, after: 1d}}]"
    moved = event("1", NOON, "active")
    routing = router(text).route(moved, NOON, (), {"old": ["url-2"]})
    stored_ = StoredEvent(7, moved, msgspec.json.encode(routing).decode())
    assert replayed(text, [stored_]) == [("old", "mail", (7,))]


def test_events_of_one_source_close_to_each_other_are_of_one_look() -> None:
    times = (0.0, 1.0, 1.0 + ONE_LOOK.total_seconds(), 7.0, 6.5)
    events = stored(event(str(n), NOON + t * SECOND) for n, t in enumerate(times))
    other = StoredEvent(9, msgspec.structs.replace(events[-1].event, source="other"), "{}")
    assert [[one.id for one in look] for look in looks_of([*events, other])] == [[1, 2], [3, 4, 5], [9]]


def test_nothing_makes_nothing() -> None:
    assert replayed("[{name: all}]", []) == []


TIMINGS = (
    "group: {by: [status], wait: 30s, every: 5m}",
    "digest: {daily: '12:30'}",
    "quiet: {from: '12:10', to: '12:40'}",
    "storm: {over: 3, within: 2m}",
    "for: 90s",
    "urgent: true",
)


@pytest.mark.parametrize("seed", range(6))
async def test_a_replay_of_the_routes_that_were_makes_the_messages_that_were(seed: int, tmp_path: Path) -> None:
    """The same events, told by the daemon's steps to a real state as time passes: each look a transaction."""
    chance = random.Random(seed)
    text = _routes(chance)
    looks = _history(chance)
    store = SqliteStore.open(tmp_path / "state.db")
    for look in looks:
        await store.transact(partial(_live, routes=router(text), look=look))
    await store.transact(lambda tx: _send(tx, NOON + timedelta(days=3)))
    happened = await store.read(lambda tx: list(tx.events_between(NOON - MINUTE)))
    were = await store.read(messages)
    await store.aclose()
    assert len(happened) > 50
    assert replayed(text, happened) == were


def _routes(chance: random.Random) -> str:
    """A route for each status, and one for both, each with something that it waits for."""
    each = (
        f"{{name: r{n}, channels: [{chance.choice(['ops', 'mail'])}], when: {{to: {to}}}, {chance.choice(TIMINGS)}}}"
        for n, to in enumerate(("fraud", "active", "'*'"))
    )
    return f"[{', '.join(each)}]"


def _history(chance: random.Random) -> list[list[OrderEvent]]:
    looks, now = [], NOON
    for revision in range(2, 40):
        now += chance.choice((10 * SECOND, MINUTE, 4 * MINUTE))
        ids = chance.sample(range(20), chance.randint(1, 6))
        looks.append([event(str(one), now, chance.choice(("fraud", "active")), revision) for one in ids])
    return looks


def _live(tx: Transaction, routes: Router, look: Sequence[OrderEvent]) -> None:
    now = look[0].at
    _send(tx, now)
    teller = Teller(tx, routes, now)
    for one in look:
        teller.tell(one)
    teller.close()


def _send(tx: Transaction, now: datetime) -> None:
    """As the delivery loop does, each in its time."""
    while due := [at for at in tx.lanes(now, HOMES).values() if at <= now]:
        at = min(due)
        for home in HOMES:
            while delivery := tx.claim_delivery([home], "loop", at):
                tx.settle(delivery, at, Outcome(delivered=True), "", "")
