"""Silences in a poll: what is held back is stored and counted, and how a source is by then is told at their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polling_stage import DOWN, UP, Watch, moved
from structlog.testing import capture_logs

from monitor.alerting.silences import Matcher, Silence
from monitor.model import Delivery, EventKind, SourceEvent, SourceState, Untold
from monitor.polling.health import after_telling
from monitor.polling.report import report_poll
from monitor.simulator.faults import Failure
from monitor.store.base import Transaction

T0 = datetime(2026, 4, 11, tzinfo=UTC)


async def silence(watch: Watch, matcher: Matcher, **time: float) -> Silence:
    now = watch.shop.clock.now()
    until = now + timedelta(**time)
    return await watch.store.transact(lambda tx: tx.add_silence(matcher, now, until, "migration"))


async def deliveries(watch: Watch) -> list[Delivery]:
    return await watch.store.transact(lambda tx: tx.deliveries())


def logged(watch: Watch) -> Mapping[str, Any]:
    with capture_logs() as logs:
        report_poll(watch.result)
    return logs[0]


async def test_what_is_silenced_is_stored_with_its_reason_and_counted_and_not_told(watch: Watch) -> None:
    await silence(watch, Matcher(to=("fraud",)), hours=1)
    watch.shop.world.set_status(1, "fraud")
    watch.shop.world.set_status(2, "fraud")
    watch.shop.world.set_status(3, "active")
    watch.shop.clock.pass_(seconds=60)
    assert await watch.poller.poll() is not None
    rows = {row.event.order.id: msgspec.json.decode(row.routing) for row in await watch.news()}  # type: ignore[union-attr]  # of orders
    to = {"channel": "ops", "number": 1, "url": "one"}
    assert rows["1"] == {"silenced": [{"route": "everything", "destination": to, "silence": 1, "reason": "migration"}]}
    assert "silenced" not in rows["3"]
    assert [delivery.order_id for delivery in await deliveries(watch)] == ["3"]


async def test_the_log_counts_what_was_silenced_and_only_where_something_was(watch: Watch) -> None:
    assert "silenced" not in logged(watch)
    await silence(watch, Matcher(), hours=1)
    watch.shop.world.set_status(1, "fraud")
    watch.shop.world.set_status(2, "fraud")
    assert len(await watch.poll()) == 2
    assert (logged(watch)["silenced"], logged(watch)["deliveries"]) == (2, 0)


async def test_silences_are_loaded_once_and_only_where_something_is_to_be_told(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[datetime] = []
    transact = watch.store.transact

    class Counting:
        def __init__(self, tx: Transaction) -> None:
            self._tx = tx

        def __getattr__(self, name: str) -> Any:
            if name == "active_silences":
                loaded.append(T0)
            return getattr(self._tx, name)

    async def counted(work: Any) -> Any:
        return await transact(lambda tx: work(Counting(tx)))

    monkeypatch.setattr(watch.store, "transact", counted)
    await watch.poll()
    assert loaded == []
    watch.shop.world.set_status(1, "fraud")
    watch.shop.world.set_status(2, "fraud")
    await watch.poll()
    assert len(loaded) == 1


async def test_an_order_is_told_again_once_the_silence_has_ended(watch: Watch) -> None:
    await silence(watch, Matcher(), seconds=90)
    watch.shop.world.set_status(1, "fraud")
    assert await watch.poll() == [moved(1, "pending", "fraud")]
    watch.shop.world.set_status(1, "active")
    assert await watch.poll() == [moved(1, "fraud", "active")]
    assert len(await deliveries(watch)) == 1


async def test_a_source_still_down_at_the_end_is_told_by_the_event_that_was_found_then(watch: Watch) -> None:
    """Promise 2: one observed transition is one row."""
    await silence(watch, Matcher(source=("shop",)), minutes=10)
    watch.shop.faults.set(Failure(times=None))
    assert await watch.poll(3) == [DOWN]
    watch.restart()
    assert await watch.poll(6) == []
    assert await deliveries(watch) == []
    assert await watch.poll(2) == []
    [told] = await deliveries(watch)
    [event] = await watch.store.transact(lambda tx: list(tx.events_of(told.id)))
    assert event.event.kind is EventKind.SOURCE_DOWN
    assert event.event.at < told.created_at
    assert (await watch.state()).untold is None
    assert await watch.poll(2) == []
    watch.shop.faults.clear()
    assert await watch.poll() == [UP]
    assert len(await deliveries(watch)) == 2


async def test_another_system_by_the_same_name_has_nothing_left_to_be_told(watch: Watch) -> None:
    await silence(watch, Matcher(), minutes=10)
    watch.shop.faults.set(Failure(times=None))
    await watch.poll(3)
    assert (await watch.state()).untold is not None
    watch.shop.faults.clear()
    watch.restart(url="https://other.example.com")
    await watch.poll(12)
    assert await deliveries(watch) == []


_URLS = ("a", "b", "c")
_MUTED = st.sets(st.sampled_from(_URLS))


@given(st.booleans(), st.lists(_MUTED, max_size=8))
def test_at_the_end_each_url_knows_how_it_is_and_none_is_told_what_it_knows(
    was_down: bool, news: list[set[str]]
) -> None:
    """Each of the news turns the source around, and is muted for some."""
    truth, beliefs = was_down, dict.fromkeys(_URLS, was_down)
    state = SourceState("shop")
    for number, muted in enumerate(news, 1):
        truth = not truth
        event = SourceEvent("shop", EventKind.SOURCE_DOWN if truth else EventKind.SOURCE_UP, T0)
        beliefs |= {url: truth for url in _URLS if url not in muted}
        state = after_telling(state, event, number, muted)
    wrong = {url for url, belief in beliefs.items() if belief is not truth}
    assert set(state.untold.urls if state.untold else ()) == wrong
    kind = EventKind.SOURCE_DOWN if truth else EventKind.SOURCE_UP
    assert state.untold is None or state.untold == Untold(len(news), kind, tuple(sorted(wrong)))


def test_trouble_that_turns_into_other_trouble_in_a_silence_is_told_as_what_it_is_by_then() -> None:
    state = SourceState("shop")
    for number, kind in enumerate((EventKind.SOURCE_DOUBTFUL, EventKind.SOURCE_DOWN), 1):
        state = after_telling(state, SourceEvent("shop", kind, T0), number, ["a"])
    assert state.untold == Untold(2, EventKind.SOURCE_DOWN, ("a",))
