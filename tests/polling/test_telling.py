"""From events to the outbox: groups, digests, `for` and storms, over restarts and failures; nothing falls between."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telling_stage import HOMES, Copy, Tale, sizes, tale

from monitor.alerting.routes import Routing
from monitor.alerting.silences import Matcher
from monitor.model import DeliveryState, OrderEvent

STORM = "[{name: fraud, storm: {over: 100, within: 5m}}]"
URGENT = "[{name: all, digest: {daily: '08:00'}}, {name: fraud, when: {to: fraud}, urgent: true, storm: {over: 3}}]"


# Storms


async def test_a_hundred_events_are_told_one_by_one() -> None:
    async with tale(STORM) as told:
        found = await told.changes(100)
        assert len(found.deliveries) == 100
        assert sizes(await told.drain()) == [1] * 100


async def test_a_storm_in_one_look_is_one_summary_of_all_of_it() -> None:
    async with tale(STORM) as told:
        found = await told.changes(101)
        assert len(found.deliveries) == 1
        await told.restart()
        assert sizes(await told.drain()) == [101]
        assert len(await told.deliveries()) == 1


async def test_what_an_earlier_look_of_the_poll_wrote_and_nobody_has_begun_to_send_is_in_the_summary() -> None:
    async with tale(STORM) as told:
        await told.changes(60)
        claimed = await told.claim(HOMES[0])
        assert claimed
        told.pass_(seconds=1)
        await told.changes(60, start=100)
        await told.settle(*claimed)
        assert sizes(await told.drain()) == [119]


async def test_what_waits_for_longer_than_a_storm_looks_back_stays_alone() -> None:
    async with tale("[{name: fraud, storm: {over: 5, within: 1m}}, {name: other}]") as told:
        await told.changes(3)
        told.pass_(minutes=2)
        await told.changes(10, start=100)
        assert sizes(await told.drain()) == [1, 1, 1, 10]


async def test_each_url_gets_one_summary() -> None:
    async with tale("[{name: fraud, channels: [ops, mail], storm: {over: 5}}]") as told:
        await told.changes(20)
        assert sizes(await told.drain()) == [20, 20]


async def test_over_several_looks_the_first_hundred_are_told_and_then_summaries() -> None:
    async with tale(STORM) as told:
        messages = []
        for look in range(20):
            await told.changes(30, start=100 * look)
            messages += await told.drain()
            if look % 7 == 3:
                await told.restart()
            told.pass_(seconds=30)
        singles, summaries = [m for m in messages if len(m) == 1], [m for m in messages if len(m) > 1]
        assert len(singles) == 90
        assert sizes(messages)[90] == 30
        assert len(summaries) <= 3
        waiting = await told.deliveries(DeliveryState.WAITING)
        assert sum(sizes(messages)) + sum([len(await told.orders(one.id)) for one in waiting]) == 600


async def test_a_storm_ends() -> None:
    async with tale(STORM) as told:
        await told.changes(500)
        await told.drain()
        told.pass_(minutes=5, seconds=1)
        await told.changes(2, "active", start=1000)
        assert sizes(await told.drain()) == [1, 1]


async def test_a_storm_ends_although_the_clock_was_set_back() -> None:
    async with tale(STORM) as told:
        await told.changes(500)
        await told.drain()
        told.pass_(hours=-3)
        await told.changes(2, start=1000)
        assert sizes(await told.drain()) == [1, 1]


async def test_a_storm_is_a_route_s_own() -> None:
    async with tale("[{name: one, when: {to: fraud}, storm: {over: 5}}, {name: two}]") as told:
        await told.look(*(told.event(str(n), "fraud" if n < 10 else "active") for n in range(20)))
        assert sorted(sizes(await told.drain())) == [1] * 10 + [10]


async def test_a_storm_of_an_urgent_route_is_a_summary_too() -> None:
    async with tale(URGENT) as told:
        await told.changes(3)
        assert sizes(await told.drain()) == [1, 1, 1]
        await told.changes(5, start=10)
        assert sizes(await told.drain()) == [5]


async def test_small_groups_become_one_summary_in_a_storm() -> None:
    async with tale("[{name: fraud, group: {by: [order]}, storm: {over: 10}}]") as told:
        await told.changes(40)
        assert sizes(await told.drain()) == [40]
        told.pass_(hours=1)
        assert await told.drain() == []


async def test_no_storm_breaks_quiet_hours_or_a_digest() -> None:
    night = "quiet: {from: '07:00', to: '09:00'}"
    for keys in (night, "digest: {daily: '09:00'}", f"group: {{by: [order]}}, {night}"):
        async with tale(f"[{{name: fraud, storm: {{over: 5}}, {keys}}}]") as told:
            await told.changes(20)
            assert await told.drain() == []
            told.pass_(hours=1)
            assert sizes(await told.drain()) == [20]


async def test_a_storm_waits_for_no_details() -> None:
    async with tale(
        "[{name: fraud, channels: [ops, mail], storm: {over: 5}}, {name: two, when: {to: active}}]"
    ) as told:
        events = [told.event(str(n)) for n in range(8)]
        found = await told.look(*events, told.event("50", "x"), hold_s=10)
        assert not found.held
        assert not found.unheld
        assert sizes(await told.drain()) == [9, 9]


# For


HELD = "[{name: held, for: 2m}, {name: other, channels: [mail]}]"


async def test_an_order_that_stays_is_told_when_its_time_is_over() -> None:
    async with tale(HELD) as told:
        await told.look(told.event("1"))
        assert sizes(await told.drain()) == [1]  # the other route's
        await told.restart()
        told.pass_(seconds=119)
        assert await told.drain() == []
        told.pass_(seconds=1)
        assert await told.drain() == [["1"]]


async def test_an_order_that_moved_on_at_the_very_end_is_dropped_with_the_reason() -> None:
    async with tale("[{name: held, when: {to: fraud}, for: 2m}]") as told:
        await told.look(told.event("1"), told.event("2"), told.event("3"))
        told.pass_(minutes=2)
        await told.look(told.event("1", "active"), told.event("2", "fraud", "vanished"))
        assert await told.drain() == [["3"]]
        dropped = await told.deliveries(DeliveryState.DROPPED)
        assert [(one.order_id, one.last_error) for one in dropped] == [
            ("1", "the order became active before this was to be told"),
            ("2", "the order was gone before this was to be told"),
        ]


async def test_two_changes_of_one_look_do_not_drop_each_other() -> None:
    async with tale("[{name: held, when: {event: [appeared, invoice_changed, status_changed]}, for: 2m}]") as told:
        invoice, status = told.event("1", kind="invoice_changed"), told.event("1")
        told.revisions["shop/1"] = invoice.revision
        await told.look(invoice, msgspec.structs.replace(status, revision=invoice.revision))
        appeared = told.event("2", "pending", "appeared")
        await told.look(appeared, msgspec.structs.replace(told.event("2"), revision=appeared.revision))
        told.pass_(minutes=2)
        assert await told.drain() == [["1"], ["1"], ["2"], ["2"]]


async def test_a_paid_invoice_is_told_although_its_order_became_active() -> None:
    async with tale("[{name: held, when: {event: invoice_changed}, for: 2m}]") as told:
        await told.look(told.event("1", kind="invoice_changed"))
        await told.look(told.event("1", "active"))
        await told.look(told.event("2", kind="invoice_changed"))
        await told.look(told.event("2", kind="invoice_changed"))
        told.pass_(minutes=2)
        assert await told.drain() == [["1"], ["2"]]
        assert len(await told.deliveries(DeliveryState.DROPPED)) == 1


async def test_an_order_that_is_back_is_not_told_to_be_gone() -> None:
    async with tale("[{name: held, when: {event: vanished}, for: 2m}]") as told:
        await told.look(told.event("1", kind="vanished"))
        await told.look(told.event("1", kind="reappeared"))
        told.pass_(minutes=2)
        assert await told.drain() == []


async def test_in_a_storm_what_waits_for_orders_waits_together_and_each_is_dropped_alone() -> None:
    async with tale("[{name: held, when: {to: fraud}, for: 2m, storm: {over: 10}}]") as told:
        await told.changes(50)
        assert await told.drain() == []
        told.pass_(minutes=1)
        await told.look(told.event("7", "active"))
        await told.restart()
        told.pass_(minutes=1)
        [message] = await told.drain()
        assert message == [str(n) for n in range(1, 51) if n != 7]


# Nothing falls between

ROUTES = """
- {name: grouped, when: {source: shop, to: active}, group: {by: [source], wait: 30s, every: 2m}, storm: {over: 4}}
- {name: by_order, when: {to: active}, channels: [mail], group: {by: [order, status]}, storm: {over: 4, within: 1m}}
- {name: held, when: {to: cancelled}, channels: [mail], for: 2m, storm: {over: 3}}
- {name: quiet, when: {event: vanished}, channels: [mail], quiet: {from: '08:30', to: '10:00'}}
- {name: digest, digest: {daily: '09:00'}, channels: [ops, mail]}
- {name: fraud, when: {to: fraud}, urgent: true, storm: {over: 3, within: 2m}}
- {name: single, when: {event: vanished}, channels: [ops, mail]}
"""
FIRST = {  # by what an event shows: which route leads it to which URL, by the rules as a person reads them
    "active": {"a0": "grouped", "b0": "by_order"},
    "fraud": {"a0": "fraud", "b0": "digest"},
    "cancelled": {"a0": "digest", "b0": "held"},
    "pending": {"a0": "digest", "b0": "digest"},
    "vanished": {"a0": "single", "b0": "quiet"},
}

orders = st.integers(1, 6).map(str)
statuses = st.sampled_from(["active", "fraud", "cancelled", "pending", "vanished"])
steps = st.one_of(
    st.tuples(
        st.just("look"), st.dictionaries(orders, statuses, min_size=1, max_size=6), st.sampled_from(["shop", "blog"])
    ),
    st.tuples(st.just("look"), st.dictionaries(orders, statuses, min_size=1, max_size=6), st.just("shop")),
    st.tuples(st.just("pass_"), st.sampled_from([1, 29, 30, 61, 121, 400, 3600, -7200])),
    st.tuples(st.just("drain"), st.integers(0, 3)),
    st.tuples(st.just("fails"), st.sampled_from(HOMES)),
    st.tuples(st.just("dies"), st.sampled_from(HOMES), st.booleans()),
    st.tuples(st.just("restart")),
    st.tuples(st.just("silence"), orders, st.sampled_from([20, 300, 4000])),
)


def _change(told: Tale, order: str, what: str, source: str) -> OrderEvent:
    if what == "vanished":
        return told.event(order, "pending", "vanished", source)
    return told.event(order, what, source=source)


class Story:
    """What happens to a Tale, and what a naive person would write down of it."""

    def __init__(self, told: Tale) -> None:
        self.told = told
        self.expected: dict[int, dict[str, str]] = {}
        self.silenced: dict[int, set[str]] = {}
        self.silences: list[tuple[str, datetime, datetime]] = []

    async def step(self, step: tuple[Any, ...]) -> None:
        name, *rest = step
        await getattr(self, name)(*rest)

    async def look(self, found: dict[str, str], source: str) -> None:
        told = self.told
        events = [_change(told, order, what, source) for order, what in found.items()]
        await told.look(*events)
        for event in events:
            what = "vanished" if event.kind == "vanished" else event.order.status
            leads = dict(FIRST[what])
            if event.source == "blog" and what == "active":
                leads["a0"] = "digest"
            number = len(self.expected) + 1
            mute = any(order == event.order.id and since <= told.now < until for order, since, until in self.silences)
            self.expected[number], self.silenced[number] = ({}, set(leads)) if mute else (leads, set())

    async def silence(self, order: str, seconds: int) -> None:
        now, until = self.told.now, self.told.now + timedelta(seconds=seconds)
        self.silences.append((order, now, until))
        await self.told.store.transact(lambda tx: tx.add_silence(Matcher(order=(order,)), now, until, "a test"))

    async def pass_(self, seconds: int) -> None:
        self.told.pass_(seconds=seconds)

    async def drain(self, most: int) -> None:
        for home in HOMES:
            for _ in range(most):
                if claimed := await self.told.claim(home):
                    await self.told.settle(*claimed)

    async def fails(self, home: Any) -> None:
        if claimed := await self.told.claim(home):
            await self.told.fail(claimed[0])

    async def dies(self, home: Any, arrived: bool) -> None:  # drawn
        """Between claim and settling: whether it has arrived, nobody knows."""
        claimed = await self.told.claim(home)
        if claimed and arrived:
            delivery, events = claimed
            self.told.copies.append(Copy(delivery.ref, delivery.url, events))
        await self.told.restart()

    async def restart(self) -> None:
        await self.told.restart()

    async def check(self) -> None:
        """Each event is, for each URL that it is led to, in exactly one delivery, of the route that leads it there.

        Or a silence has kept it back, and its routing says so.
        """
        rows = await self.told.store.transact(
            lambda tx: [(d, [e.id for e in tx.events_of(d.id)]) for d in tx.deliveries()]
        )
        found = Counter((event, row.url, row.route) for row, events in rows for event in events)
        assert found == Counter(
            (event, url, route) for event, leads in self.expected.items() for url, route in leads.items()
        )
        assert all(events for _, events in rows)
        stored = await self.told.store.transact(lambda tx: tx.events())
        muted = {row.id: set(msgspec.json.decode(row.routing, type=Routing).muted) for row in stored}
        assert muted == self.silenced
        assert {row.route for row, _ in rows if row.state is DeliveryState.DROPPED} <= {"held"}
        self.check_copies()

    def check_copies(self) -> None:
        """A second copy tells just what the first one told; nothing else is told twice."""
        by_ref = {copy.ref: copy for copy in self.told.copies}
        assert set(self.told.copies) == set(by_ref.values())
        assert (
            max(Counter((event, copy.url) for copy in by_ref.values() for event in copy.events).values(), default=1)
            == 1
        )

    async def end(self) -> None:
        """Days later everything has been told, but for what was dropped because its order had moved on."""
        for _ in range(4):
            self.told.pass_(days=1)
            await self.told.drain()
        states = {row.state for row in await self.told.deliveries()}
        assert states <= {DeliveryState.SENT, DeliveryState.DROPPED}
        told = {(event, copy.url) for copy in self.told.copies for event in copy.events}
        untold = {(event, url) for event, leads in self.expected.items() for url in leads} - told
        events = {row.id: row.event for row in await self.told.store.transact(lambda tx: tx.events())}
        for number, url in untold:
            event = events[number]
            assert isinstance(event, OrderEvent)
            assert self.expected[number][url] == "held"
            later = [e for n, e in events.items() if n > number and isinstance(e, OrderEvent)]
            assert any((e.source, e.order.id) == (event.source, event.order.id) for e in later)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=25))
async def test_every_event_is_in_exactly_one_place_for_each_url(story: list[tuple[Any, ...]]) -> None:
    async with tale(ROUTES) as told:
        happened = Story(told)
        for step in story:
            await happened.step(step)
            await happened.check()
        await happened.end()
        await happened.check()
