"""Rules about a source as a whole, poll by poll: what counts as seen, told once, quiet while it is down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar, cast

import pytest
from follow_shop import FollowShop, FollowWatch
from polling_shop import Shop
from polling_stage import Watch
from structlog.testing import capture_logs

from monitor.alerting.routes import Router
from monitor.alerting.settings import RouteSettings
from monitor.model import EventKind, SourceEvent
from monitor.polling.report import report_poll
from monitor.polling.rules import LONGEST_GAP
from monitor.simulator.faults import Failure
from monitor.store.base import Store, Transaction
from monitor.store.sqlite import SqliteStore

T = TypeVar("T")

HOUR = 3600.0
ABSENT = {"event": "absent", "for": "6h"}
SPIKE = {"event": "spike", "status": "fraud", "share": "50%", "within": "1h", "at_least": 4}
NO_ORDERS, ORDERS_AGAIN, WAVE, CALM = "no_orders", "no_orders over", "wave", "wave over"


def router(**rules: Mapping[str, object]) -> Router:
    """A route of this name for each of these conditions."""
    routes = [
        RouteSettings.model_validate({"name": name, "when": when, "channels": ["ops"]}) for name, when in rules.items()
    ]
    return Router(routes, {"ops": ["one"]}, {}, ["ops"])


class RuleWatch(Watch):
    """A shop that is watched for what these rules are about."""

    router: Router

    def restart(self, store: Store | None = None, url: str | None = None) -> None:
        super().restart(store, url)
        self.poller.reroute(self.router)

    def rule(self, **rules: Mapping[str, object]) -> None:
        self.router = router(**rules)
        self.poller.reroute(self.router)

    async def judged(self, times: int = 1, *, apart: float = HOUR) -> list[str]:
        """What the rules found in so many polls."""
        found: list[str] = []
        for _ in range(times):
            self.shop.clock.pass_(seconds=apart)
            await self.poller.poll()
            events = [stored.event for stored in await self.news()]
            found += [f"{e.rule}{' over' if e.over else ''}" for e in events if isinstance(e, SourceEvent) and e.rule]
        return found

    async def told(self, rule: str) -> list[SourceEvent]:
        """All that a rule has ever found."""
        events = await self.store.transact(lambda tx: tx.events("shop"))
        return [e.event for e in events if isinstance(e.event, SourceEvent) and e.event.rule == rule]

    def lose(self, count: int) -> None:
        """More orders are gone at once than is believed."""
        for order in range(1, count + 1):
            self.shop.world.delete(order)

    def enter(self, status: str, *orders: int) -> None:
        for order in orders:
            self.shop.world.set_status(order, status)


@pytest.fixture
async def shop() -> Shop:
    made = Shop()
    made.place(40)
    return made


@pytest.fixture
async def watch(shop: Shop, store: SqliteStore) -> RuleWatch:
    """Watched since its baseline, with no new order for six hours and a wave of fraud as its rules."""
    RuleWatch.router = router(no_orders=ABSENT, wave=SPIKE)
    made = RuleWatch(shop, store, down_after=2)
    assert await made.judged() == []
    return made


# No new order


async def test_no_new_order_for_long_is_told_once_and_the_next_order_too(watch: RuleWatch) -> None:
    assert await watch.judged(5) == []
    assert await watch.judged(1) == [NO_ORDERS]
    assert await watch.judged(20) == []
    watch.shop.place(1)
    assert await watch.judged(1) == [ORDERS_AGAIN]
    assert await watch.judged(5) == []
    assert await watch.judged(1) == [NO_ORDERS]


async def test_each_new_order_begins_the_time_anew(watch: RuleWatch) -> None:
    for _ in range(3):
        assert await watch.judged(5) == []
        watch.shop.place(1)
        assert await watch.judged(1) == []
    await watch.judged(6)
    begun, placed = await watch.told(NO_ORDERS), watch.shop.clock.now() - timedelta(hours=6)
    assert begun[0].since
    assert abs(begun[0].since - placed) < timedelta(seconds=5)


async def test_what_changes_besides_is_no_new_order(watch: RuleWatch) -> None:
    for order in range(1, 6):
        watch.enter("active", order)
        assert await watch.judged(1) == []
    assert await watch.judged(1) == [NO_ORDERS]


async def test_a_new_process_goes_on_with_the_time(watch: RuleWatch) -> None:
    assert await watch.judged(3) == []
    watch.restart()
    assert await watch.judged(2) == []
    assert await watch.judged(1) == [NO_ORDERS]
    watch.restart()
    assert await watch.judged(6) == []
    watch.shop.place(1)
    watch.restart()
    assert await watch.judged(1) == [ORDERS_AGAIN]


async def test_time_while_the_source_was_down_is_not_counted(watch: RuleWatch) -> None:
    assert await watch.judged(4) == []
    watch.shop.faults.set(Failure(times=None))
    assert await watch.judged(20) == []
    watch.shop.faults.clear()
    assert await watch.judged(2) == []
    assert await watch.judged(1) == [NO_ORDERS]


async def test_time_in_which_nobody_looked_is_not_counted(watch: RuleWatch) -> None:
    """A machine that is off over night knows of no order that did not come."""
    assert await watch.judged(4) == []
    assert await watch.judged(1, apart=LONGEST_GAP.total_seconds() + 60) == []
    assert await watch.judged(1) == []
    assert await watch.judged(1) == [NO_ORDERS]


async def test_a_poll_that_failed_in_between_takes_its_time_away(watch: RuleWatch) -> None:
    assert await watch.judged(4, apart=HOUR) == []
    watch.shop.faults.set(Failure(times=1))
    assert await watch.judged(2, apart=HOUR / 2) == []
    assert await watch.judged(1) == []
    assert await watch.judged(1) == [NO_ORDERS]


async def test_while_the_source_is_in_doubt_nothing_is_judged(watch: RuleWatch) -> None:
    assert await watch.judged(5) == []
    watch.lose(6)
    assert await watch.judged(50, apart=60) == []
    assert await watch.doubt()
    await watch.accept()
    assert await watch.judged(50, apart=60) == []
    assert await watch.judged(15, apart=60) == [NO_ORDERS]


async def test_an_order_that_came_while_the_source_was_in_doubt_ends_it_afterwards(watch: RuleWatch) -> None:
    assert await watch.judged(6) == [NO_ORDERS]
    watch.lose(6)
    assert await watch.judged(10, apart=60) == []
    watch.shop.place(1)
    assert await watch.judged(10, apart=60) == []
    await watch.accept()
    assert await watch.judged(1, apart=60) == [ORDERS_AGAIN]
    assert await watch.judged(5) == []


async def test_a_new_rule_counts_from_its_own_first_look(watch: RuleWatch) -> None:
    """A new route announces nothing old."""
    assert await watch.judged(5) == []
    watch.rule(late=ABSENT)
    assert await watch.judged(6) == []
    assert await watch.judged(1) == ["late"]
    watch.rule()
    assert await watch.judged(1) == []
    assert not (await watch.state()).rules
    watch.rule(late=ABSENT)
    assert await watch.judged(6) == []


async def test_only_the_hours_that_matter_count_however_long_the_night(watch: RuleWatch) -> None:
    """The shop's first look is at 09:00."""
    watch.rule(day={**ABSENT, "for": "5h30m", "between": "08:00-12:00"})
    assert await watch.judged(26) == []  # two hours of this day, and three of the next
    assert await watch.judged(1) == ["day"]


async def test_two_rules_can_find_something_in_one_look(watch: RuleWatch) -> None:
    watch.rule(one=ABSENT, two=ABSENT)
    await watch.judged(1)
    assert await watch.judged(6) == ["one", "two"]


async def test_a_clock_that_is_set_back_makes_no_order_old(watch: RuleWatch) -> None:
    assert await watch.judged(5) == []
    watch.shop.place(1)
    assert await watch.judged(1, apart=-30) == []
    assert await watch.judged(5) == []


async def test_a_source_whose_orders_are_followed_by_id_lacks_none(store: SqliteStore) -> None:
    shop = FollowShop()
    shop.place(3)
    watch = FollowWatch(shop, store, range(1, 4))
    watch.poller.reroute(router(no_orders=ABSENT))
    assert await watch.poll(10, apart=HOUR) == []


# Too many of one status


async def test_a_wave_is_told_once_and_again_only_after_its_end(watch: RuleWatch) -> None:
    watch.rule(wave=SPIKE)
    await watch.judged(1, apart=60)
    watch.enter("fraud", 1, 2, 3)
    assert await watch.judged(1, apart=60) == []
    watch.enter("fraud", 4)
    assert await watch.judged(1, apart=60) == [WAVE]
    watch.enter("fraud", 5, 6)
    assert await watch.judged(30, apart=60) == []
    assert await watch.judged(40, apart=60) == [CALM]
    watch.enter("fraud", 7, 8, 9, 10)
    assert await watch.judged(1, apart=60) == [WAVE]
    (first, calm, _) = await watch.told("wave")
    assert (first.kind, first.about) == (EventKind.SPIKE, "fraud")
    assert first.reason == "4 of the 4 orders that entered a status within 1h became fraud: 100%"
    assert calm.since == first.at


async def test_the_share_is_of_all_orders_that_entered_a_status(watch: RuleWatch) -> None:
    watch.shop.place(5)
    watch.enter("fraud", 1, 2, 3, 4)
    assert await watch.judged(1, apart=60) == []
    watch.enter("fraud", 41)  # one of those that appeared: it is counted once
    assert await watch.judged(1, apart=60) == [WAVE]


async def test_an_order_is_counted_once_however_often_it_moves(watch: RuleWatch) -> None:
    for status in ("fraud", "active", "fraud", "active"):
        watch.enter(status, 1)
        assert await watch.judged(1, apart=60) == []


async def test_what_is_older_than_the_rule_s_time_does_not_count(watch: RuleWatch) -> None:
    watch.enter("fraud", 1, 2, 3)
    assert await watch.judged(60, apart=60) == []
    watch.enter("fraud", 4)
    assert await watch.judged(2, apart=60) == []


async def test_what_happened_in_an_outage_is_no_wave(watch: RuleWatch) -> None:
    """It may have happened at any time in between."""
    watch.shop.faults.set(Failure(times=None))
    assert await watch.judged(3, apart=60) == []
    watch.enter("fraud", 1, 2, 3, 4, 5)
    watch.shop.faults.clear()
    assert await watch.judged(3, apart=60) == []
    watch.enter("fraud", 6, 7, 8, 9)
    assert await watch.judged(1, apart=60) == [WAVE]


async def test_a_wave_is_not_over_because_nobody_looked(watch: RuleWatch) -> None:
    watch.rule(wave=SPIKE)
    await watch.judged(1, apart=60)
    watch.enter("fraud", 1, 2, 3, 4)
    assert await watch.judged(1, apart=60) == [WAVE]
    watch.shop.faults.set(Failure(times=None))
    assert await watch.judged(3) == []
    watch.shop.faults.clear()
    watch.restart()
    assert await watch.judged(59, apart=60) == []
    assert await watch.judged(3, apart=60) == [CALM]


async def test_a_new_rule_does_not_count_what_was_before_it(watch: RuleWatch) -> None:
    watch.enter("fraud", 1, 2, 3, 4)
    assert await watch.judged(1, apart=60) == [WAVE]
    watch.rule(late=SPIKE)
    watch.enter("fraud", 5)
    assert await watch.judged(3, apart=60) == []


async def test_a_meaning_counts_as_the_status(watch: RuleWatch) -> None:
    watch.rule(wave={**SPIKE, "status": ["canc*", "refunded"]})
    await watch.judged(1, apart=60)
    watch.enter("cancelled", 1, 2, 3, 4)
    assert await watch.judged(1, apart=60) == ["wave"]


# Expressions that do not fit


async def test_a_poll_says_once_which_expressions_did_not_fit(watch: RuleWatch) -> None:
    watch.rule(odd={"where": "length(order.invoice_status) > `1`"}, fine={"where": "order.nothing"})
    watch.enter("fraud", 1, 2, 3)
    watch.shop.clock.pass_(seconds=60)
    result = await watch.poller.poll()
    assert result
    with capture_logs() as logs:
        report_poll(result)
    (warned,) = (line for line in logs if line["event"] == "where_failed")
    assert (warned["routes"], warned["source"], warned["log_level"]) == (["odd"], "shop", "warning")
    deliveries = await watch.store.transact(lambda tx: tx.deliveries())
    assert [made.route for made in deliveries] == ["odd"] * 3


class CountingStore:
    """A store that notes which operations are asked of it."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.asked: list[str] = []
        self.failures = 0

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        def noted(tx: Transaction) -> T:
            return work(cast(Transaction, _Noting(tx, self.asked)))

        return await self._inner.transact(noted)

    async def read(self, work: Callable[[Transaction], T]) -> T:
        return await self._inner.read(work)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Noting:
    def __init__(self, inner: Transaction, asked: list[str]) -> None:
        self._inner = inner
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        self._asked.append(name)
        return getattr(self._inner, name)


async def test_a_quiet_poll_asks_for_no_events(watch: RuleWatch, store: SqliteStore) -> None:
    counting = CountingStore(store)
    watch.restart(counting)
    watch.enter("fraud", 1)
    await watch.judged(1, apart=60)
    assert counting.asked.count("entered") == 1
    await watch.judged(5, apart=60)
    assert counting.asked.count("entered") == 1
